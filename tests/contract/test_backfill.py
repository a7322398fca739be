"""A past that is read in: judged by when it happened, told in one notice, and never half."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from monitor.app import App
from monitor.backfill import backfill
from monitor.domain.event import Delivery
from monitor.domain.notice import NoticeKind
from monitor.domain.verdict import FindingKind, FindingState
from monitor.landscape import demo
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.sources.base import Progress, SourceState
from monitor.storage.sql import SqlStore
from monitor.storage.views import FindingFilter, FindingRow
from monitor.sweep import Sweeper
from tests.support.shop import NOON, offline, shop, start, stored, told

FEEDS = {"order": (demo.RABBIT, demo.KAFKA)}
BEGAN = NOON + timedelta(days=30)
"""When the monitor begins; the orders are of a month before."""

ORDERS = 60


def the_past() -> list[Delivery]:
    """Of three orders one is paid in time, one too late, and one never."""
    found: list[Delivery] = []
    for number in range(ORDERS):
        order, payment = f"o-{number:02}", f"p-{number}"
        found += [
            told("OrderPlaced", number, order),
            told("PaymentRequested", number + 1, order, payment=payment),
        ]
        if number % 3 < 2:
            paid = number + (20 if number % 3 == 0 else 100)
            found.append(told("PaymentReceived", paid, None, payment=payment))
    return sorted(found, key=lambda one: one.received)


def sweeper(store: SqlStore, pipeline: Pipeline, clock: list[datetime]) -> Sweeper:
    return Sweeper(store, pipeline.flows, FEEDS, Metrics(), now=lambda: clock[0])


async def read(store: SqlStore, now: datetime, mark: datetime | None) -> None:
    state = SourceState.READING if mark is None else SourceState.CAUGHT_UP
    for name in FEEDS["order"]:
        await store.record_progress(name, "kafka", "w", [Progress("0", state, mark)], now)


async def breaches(store: SqlStore, state: FindingState | None = None) -> Sequence[FindingRow]:
    return (
        await store.views.findings(FindingFilter(kind=FindingKind.SLA_BREACH, state=state), None, 500)
    ).rows


async def begun(store: SqlStore) -> Pipeline:
    pipeline = await start(store, shop(), BEGAN)
    await pipeline.flows.watch(FEEDS, BEGAN)
    return pipeline


async def test_a_source_that_starts_in_the_past_raises_one_notice(store: SqlStore) -> None:
    pipeline, past, clock = await begun(store), the_past(), [BEGAN]
    sweeping = sweeper(store, pipeline, clock)
    for number in range(0, len(past), 10):
        await read(store, clock[0], None)
        await pipeline.process(past[number : number + 10])
        await sweeping.clocks()
        assert not any(row.state is FindingState.RETRACTED for row in await breaches(store))
    clock[0] += timedelta(minutes=1)
    await read(store, clock[0], clock[0])
    for what in (sweeping.clocks, sweeping.confirm, sweeping.history):
        await what()
    assert await stored(store) == offline(shop(), past, clock[0])
    found = await breaches(store)
    assert all(one.historic for one in found)
    assert len([one for one in found if one.name == "Payment in time"]) == ORDERS * 2 // 3
    assert await breaches(store, FindingState.RETRACTED) == []
    (notice,) = await store.notices()
    assert (notice.kind, notice.subject, notice.severity) == (NoticeKind.HISTORY, "order", "info")
    assert f"{len(found)} breaches" in notice.message

    for _ in range(3):  # nothing more of it comes
        clock[0] += timedelta(minutes=1)
        await read(store, clock[0], clock[0])
        await sweeping.history()
    assert await store.notices() == []
    assert len((await store.views.notices(NoticeKind.HISTORY)).rows) == 1


async def test_what_happens_from_now_on_is_no_history(store: SqlStore) -> None:
    """Nor is an outage: the monitor starts anew, and the flow is watched since it was first."""
    await begun(store)
    later = BEGAN + timedelta(days=1)
    again = await start(store, shop(), later)
    await again.flows.watch(FEEDS, later)
    assert again.flows.watched == {"order": BEGAN}
    minute = (BEGAN - NOON) / timedelta(minutes=1)
    await again.process([told("OrderPlaced", minute + 1), told("PaymentRequested", minute + 2, payment="p")])
    await read(store, later, later)
    sweeping = sweeper(store, again, [later])
    await sweeping.clocks()
    await sweeping.history()
    found = await breaches(store)
    assert found
    assert not any(one.historic for one in found)
    assert await store.notices() == []


async def test_a_source_that_is_added_moves_the_line(store: SqlStore) -> None:
    pipeline = await begun(store)
    later = BEGAN + timedelta(days=1)
    await pipeline.flows.watch({"order": (*FEEDS["order"], "new")}, later)
    assert pipeline.flows.watched == {"order": later}


def written(path: Path, deliveries: Sequence[Delivery]) -> Path:
    path.write_bytes(b"\n".join(delivery.body for delivery in deliveries))
    assert all(orjson.loads(line) for line in path.read_bytes().splitlines())
    return path


async def test_a_log_goes_into_the_store_trace_by_trace(store: SqlStore, tmp_path: Path) -> None:
    """While the service runs and sweeps: no trace is judged by half of its events."""
    settings, past = shop(), the_past()
    pipeline = await begun(store)
    now = BEGAN + timedelta(hours=1)
    app = App(settings, store, pipeline.flows, {}, now=lambda: now)
    log = written(tmp_path / "past.jsonl", past)
    await read(store, now, now)
    sweeping = sweeper(store, pipeline, [now])
    heard: list[tuple[int, int]] = []
    done = await backfill(app, [log], "replay", None, lambda *said: heard.append(said))
    await sweeping.clocks()
    assert (done.stored, done.duplicates, done.unplaced) == (len(past), 0, 0)
    assert heard[-1] == (len(past), len(past))
    assert await stored(store) == offline(settings, past, now)
    assert await breaches(store, FindingState.RETRACTED) == []
    assert all(one.historic for one in await breaches(store))

    app = App(settings, store, pipeline.flows, {}, now=lambda: now)
    again = await backfill(app, [log], "replay", None)
    assert (again.stored, again.duplicates) == (0, len(past))


async def test_now_judges_at_once(store: SqlStore, tmp_path: Path) -> None:
    settings, past = shop(), the_past()
    pipeline = await begun(store)
    app = App(settings, store, pipeline.flows, {}, now=lambda: BEGAN)
    until = NOON + timedelta(days=2)
    await backfill(app, [written(tmp_path / "past.jsonl", past)], "replay", until)
    assert await stored(store) == offline(settings, past, until)
    assert {one.state for one in await breaches(store)} == {FindingState.CONFIRMED}

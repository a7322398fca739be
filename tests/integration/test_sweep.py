"""What time alone brings about, over each database: breaches, blindness, several sweepers, confirmation."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.verdict import Clock, FindingState
from monitor.landscape import demo
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.settings import ObjectiveSettings, Settings
from monitor.sight import Blindness
from monitor.sources.base import Progress, SourceState
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.views import FindingRow, TraceDetail, TraceFilter
from monitor.sweep import Sweeper
from tests.support.shop import NOON, offline, shop, start, stored, told

SHOP = shop()
BOTH = {"order": (demo.RABBIT, demo.KAFKA)}
PLACED, REQUESTED = told("OrderPlaced", 0), told("PaymentRequested", 10, payment="p-1")
PAID_IN_TIME = told("PaymentReceived", 20, None, payment="p-1")


def minute(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


class Clockwork:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest) -> object:
    opened = await open_store(request.getfixturevalue(f"migrated_{request.param}_url"))
    yield opened
    await opened.close()


@pytest.fixture
async def pipeline(store: SqlStore) -> Pipeline:
    return await start(store, SHOP)


@pytest.fixture
def clock() -> Clockwork:
    return Clockwork()


def sweeper(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork, feeds: Mapping[str, Sequence[str]] = BOTH
) -> Sweeper:
    return Sweeper(store, pipeline.flows, feeds, Metrics(), now=clock)


async def read(store: SqlStore, clock: Clockwork, at: float, **marks: float | None) -> None:
    """It is minute ``at``, and the sources say up to which minute they are read."""
    clock.now = minute(at)
    for name, mark in marks.items():
        state = SourceState.CAUGHT_UP if mark == at else SourceState.CONNECTING
        watermark = None if mark is None else minute(mark)
        shard = Progress("0", state, watermark)
        await store.record_progress(f"shop-{name}", name, "w", [shard], clock.now)


async def trace(store: SqlStore) -> TraceDetail:
    (row,) = (await store.views.traces(TraceFilter())).rows
    found = await store.views.trace(row.id)
    assert found is not None
    return found


async def payment(store: SqlStore) -> Clock:
    """The clock of “Payment in time”: from minute 10 (when it is asked for), due an hour later."""
    return next(one for one in (await trace(store)).clocks if one.sla == "Payment in time")


async def found(store: SqlStore, name: str = "Payment in time") -> list[FindingRow]:
    return [one for one in (await trace(store)).findings if one.name == name]


async def test_a_clock_is_at_risk_and_breaches_with_no_further_event(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    await pipeline.process([PLACED, REQUESTED])
    sweeping = sweeper(store, pipeline, clock)
    assert (await payment(store)).due == minute(70)
    states = []
    for at in (45.9, 46, 69.9, 70):
        await read(store, clock, at, rabbit=at, kafka=at)
        await sweeping.clocks()
        states.append((await payment(store)).state.value)
    assert states == ["running", "at_risk", "at_risk", "breached"]
    findings = {one.kind.value: one for one in await found(store)}
    assert findings["sla_at_risk"].state is FindingState.RETRACTED
    assert findings["sla_at_risk"].reason == "It was not met by the time it was due."
    assert findings["sla_breach"].state is FindingState.PROVISIONAL
    assert findings["sla_breach"].time == minute(70)
    assert await sweeping.clocks() == 0


async def test_a_clock_that_was_never_looked_at_between_goes_straight_to_breached(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    await pipeline.process([PLACED, REQUESTED])
    await read(store, clock, 75, rabbit=75, kafka=75)
    await sweeper(store, pipeline, clock).clocks()
    assert [one.kind.value for one in await found(store)] == ["sla_breach"]


@pytest.mark.parametrize("away", [30, None], ids=["disconnected", "never connected"])
async def test_nothing_breaches_while_a_source_is_away(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork, away: float | None
) -> None:
    """Hours later by the clock; what was in time but read late was never late."""
    await pipeline.process([PLACED, REQUESTED])
    sweeping = sweeper(store, pipeline, clock)
    for at in (60, 120, 600):
        await read(store, clock, at, kafka=at, rabbit=away)
        await sweeping.clocks()
        await sweeping.confirm()
        assert (await payment(store)).state == "running"
        assert (await trace(store)).findings == ()

    await pipeline.process([PAID_IN_TIME])  # the backlog
    await read(store, clock, 601, kafka=601, rabbit=601)
    await sweeping.clocks()
    paid = await payment(store)
    assert (paid.state, paid.ended) == ("met", minute(20))
    assert await found(store) == []
    other = [one.kind.value for one in await found(store, "Shipped in time")]
    assert other == ["sla_breach"]  # nothing was shipped, and now that is known
    everything = [PLACED, REQUESTED, PAID_IN_TIME]
    assert await stored(store) == offline(SHOP, everything, minute(601))


async def test_a_flow_is_judged_by_the_sources_that_feed_it(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    await pipeline.process([PLACED, REQUESTED])
    await read(store, clock, 100, rabbit=100, kafka=20)
    only_rabbit = sweeper(store, pipeline, clock, {"order": (demo.RABBIT,)})
    assert await only_rabbit.watermarks() == {"order": minute(100)}
    assert await sweeper(store, pipeline, clock).watermarks() == {"order": minute(20)}
    missing = sweeper(store, pipeline, clock, {"order": (demo.RABBIT, "never-seen")})
    assert await missing.watermarks() == {}
    assert await missing.clocks() == 0
    assert await missing.confirm() == 0
    assert (await payment(store)).state == "running"


async def test_a_watermark_that_was_told_is_never_taken_back(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    await read(store, clock, 50, rabbit=50, kafka=50)
    await read(store, clock, 51, rabbit=40, kafka=51)
    assert await sweeper(store, pipeline, clock).watermarks() == {"order": minute(50)}


async def test_sweepers_at_the_same_time_never_say_anything_twice(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    orders = 300
    await pipeline.process([told("OrderPlaced", 0, f"o-{number}") for number in range(orders)])
    await read(store, clock, 500, rabbit=500, kafka=500)
    url = store._writes.url.render_as_string(hide_password=False)
    others = [await open_store(url.replace("+psycopg", "").replace("+aiosqlite", "")) for _ in range(2)]
    sweepers = [sweeper(one, pipeline, clock) for one in (store, *others)]
    try:
        moved = 0
        while any(counts := await asyncio.gather(*(one.clocks() for one in sweepers))):
            moved += sum(counts)
        confirmed = 0
        while any(counts := await asyncio.gather(*(one.confirm() for one in sweepers))):
            confirmed += sum(counts)
    finally:
        for one in others:
            await one.close()

    findings: Counter[str] = Counter()
    rows = (await store.views.traces(TraceFilter(), None, orders + 1)).rows
    for row in rows:
        detail = await store.views.trace(row.id)
        assert detail is not None
        findings.update(one.kind.value for one in detail.findings)
        assert all(one.state is FindingState.CONFIRMED for one in detail.findings)
    assert moved == sum(len(detail.clocks) * orders for detail in [detail] if detail)
    assert findings == {"sla_breach": moved}
    assert confirmed == moved
    assert (await store.views.totals()).breached == orders


async def test_a_finding_is_confirmed_once_it_cannot_be_disproved_in_time(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    """Not before the watermark has passed its time and the lateness allowed."""
    lateness = pipeline.flows.active["order"].flow.ordering.lateness
    assert lateness > timedelta(0)
    await pipeline.process([told("ItemsPicked", 30, "o-1"), PLACED])
    deviations = [one for one in (await trace(store)).findings if one.kind.is_deviation]
    assert {one.state for one in deviations} == {FindingState.PROVISIONAL}
    last = max(one.time for one in deviations)
    sweeping = sweeper(store, pipeline, clock)
    just_before = (last + lateness - NOON) / timedelta(minutes=1) - 0.001
    for at, state in (
        (just_before, FindingState.PROVISIONAL),
        (just_before + 0.001, FindingState.CONFIRMED),
    ):
        await read(store, clock, at, rabbit=at, kafka=at)
        await sweeping.confirm()
        now = {one.state for one in (await trace(store)).findings if one.time == last}
        assert now == {state}, at
    confirmed = [one for one in (await trace(store)).findings if one.time == last]
    assert all(one.confirmed is not None for one in confirmed)
    assert await sweeping.confirm() == 0


async def spells(store: SqlStore) -> list[tuple[str, datetime, datetime | None]]:
    found = (await store.views.notices(NoticeKind.BLIND)).rows
    return [(one.subject, one.since, one.ended) for one in found]


async def test_one_spell_of_blindness_is_one_notice(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    sweeping = sweeper(store, pipeline, clock)
    await read(store, clock, 10, rabbit=10, kafka=10)
    assert await sweeping.blind() == 0
    for at in (10.9, 11.1, 15, 30):
        await read(store, clock, at, kafka=at, rabbit=10)
        assert await sweeping.blind() == (at > 11)
    again = sweeper(store, pipeline, clock)  # another sweeper, or a new start, is no new spell
    await again.blind()
    assert await spells(store) == [(demo.RABBIT, minute(10), None)]
    (notice,) = await store.notices()
    assert notice.noticed == minute(11.1)
    assert "is read up to 2026-03-01 12:10:00 UTC only (it is not connected)" in notice.message

    await read(store, clock, 31, kafka=31, rabbit=31)
    await again.blind()
    assert await spells(store) == [(demo.RABBIT, minute(10), minute(31))]


async def test_a_source_that_never_reports_is_blind_a_minute_on(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    sweeping = sweeper(store, pipeline, clock, {"order": ("never-seen",)})
    assert await sweeping.blind() == 0
    clock.now = minute(2)
    assert await sweeping.blind() == 1
    (notice,) = await store.notices()
    assert (notice.subject, notice.since) == ("never-seen", NOON)
    assert "no worker has reported yet" in notice.message


async def test_what_has_ended_is_not_blind_and_holds_nothing_back(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    clock.now = minute(5)
    shard = Progress("log", SourceState.ENDED, minute(1))
    await store.record_progress("log", "file", "w", [shard], clock.now)
    sweeping = sweeper(store, pipeline, clock, {"order": ("log",)})
    assert await sweeping.blind() == 0
    assert await sweeping.watermarks() == {"order": minute(5)}


def patient(store: SqlStore, pipeline: Pipeline, clock: Clockwork) -> Sweeper:
    blindness = Blindness(timedelta(minutes=1), at_most=timedelta(hours=1))
    return Sweeper(store, pipeline.flows, BOTH, Metrics(), now=clock, blindness=blindness)


async def looks(sweeping: Sweeper) -> None:
    for what in (sweeping.blind, sweeping.clocks, sweeping.confirm):
        await what()


async def breached_unverified(store: SqlStore, pipeline: Pipeline, clock: Clockwork) -> Sweeper:
    """Blind since minute 30, noticed at 40; the payment is due at 70, and so much is told at 130."""
    await pipeline.process([PLACED, REQUESTED])
    await read(store, clock, 30, kafka=30, rabbit=30)
    sweeping = patient(store, pipeline, clock)
    for at in (40, 75, 99, 129):
        await read(store, clock, at, kafka=at, rabbit=30)
        await looks(sweeping)
        assert (await payment(store)).state == ("at_risk" if at >= 106 else "running"), at
    await read(store, clock, 130, kafka=130, rabbit=30)
    await looks(sweeping)
    paid = await payment(store)
    assert (paid.state, paid.unverified) == ("breached", True)
    breach = next(one for one in await found(store) if one.kind.value == "sla_breach")
    assert breach.message.endswith("Not verified: the sources are not read so far.")
    await read(store, clock, 500, kafka=500, rabbit=30)
    await looks(sweeping)
    breach = next(one for one in await found(store) if one.kind.value == "sla_breach")
    assert breach.state is FindingState.PROVISIONAL
    return sweeping


async def test_after_the_longest_blindness_absence_is_told_unverified_and_verified_later(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    sweeping = await breached_unverified(store, pipeline, clock)
    await read(store, clock, 501, kafka=501, rabbit=501)
    await looks(sweeping)
    paid = await payment(store)
    assert (paid.state, paid.unverified) == ("breached", False)
    breach = next(one for one in await found(store) if one.kind.value == "sla_breach")
    assert "Not verified" not in breach.message
    assert breach.state is FindingState.CONFIRMED
    assert await stored(store) == offline(SHOP, [PLACED, REQUESTED], minute(501))


async def test_what_was_told_unverified_is_taken_back_by_the_backlog(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    sweeping = await breached_unverified(store, pipeline, clock)
    await pipeline.process([PAID_IN_TIME])
    await read(store, clock, 501, kafka=501, rabbit=501)
    await looks(sweeping)
    paid = await payment(store)
    assert (paid.state, paid.unverified) == ("met", False)
    assert {one.state for one in await found(store)} == {FindingState.RETRACTED}
    assert await stored(store) == offline(SHOP, [PLACED, REQUESTED, PAID_IN_TIME], minute(501))


async def test_an_event_between_leaves_a_breach_unverified(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    await breached_unverified(store, pipeline, clock)
    await pipeline.process([told("PaymentRequested", 11, payment="p-1", id="again")])
    assert (await payment(store)).unverified


async def test_the_monitors_own_absence_does_not_count_as_patience(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    """A new process has waited for nothing yet, whatever notice lasts."""
    await pipeline.process([PLACED, REQUESTED])
    await read(store, clock, 30, kafka=30, rabbit=30)
    clock.now = minute(40)
    await looks(patient(store, pipeline, clock))
    assert {notice.noticed for notice in await store.notices()} == {minute(40)}
    clock.now = minute(900)
    restarted = patient(store, pipeline, clock)
    await looks(restarted)
    assert (await payment(store)).state == "running"
    clock.now = minute(959)
    await looks(restarted)
    assert (await payment(store)).state == "running"
    clock.now = minute(960)
    await looks(restarted)
    assert (await payment(store)).unverified


async def test_a_budget_that_burns_is_told_once_and_when_it_no_longer_does(
    store: SqlStore, clock: Clockwork
) -> None:
    """Thirty orders an hour of which none is paid, then none at all."""
    settings = with_objective(SHOP)
    pipeline = await start(store, settings)
    sweeping = sweeper(store, pipeline, clock)
    for number in range(30):
        await pipeline.process([told("PaymentRequested", number, f"o-{number}", payment=f"p-{number}")])
    await read(store, clock, 80, rabbit=80, kafka=80)
    await sweeping.clocks()
    assert await sweeping.objectives() == 1  # more than twenty were due by now
    assert await sweeping.objectives() == 1
    (notice,) = await store.notices(NoticeKind.BURN_RATE)
    assert (notice.subject, notice.severity) == ("order/Payment in time", "critical")
    assert "fails too often: the error budget of 90 % in 30 d burns" in notice.message
    assert sweeping.metrics.registry.get_sample_value(
        "choreoscope_objective_total", {"flow": "order", "sla": "Payment in time"}
    ) == sum(60 + number <= 80 for number in range(30))

    await read(store, clock, 1000, rabbit=1000, kafka=1000)
    await sweeping.clocks()
    await sweeping.objectives()
    assert (await store.notices(NoticeKind.BURN_RATE)) == []
    (told_of,) = (await store.views.notices(NoticeKind.BURN_RATE)).rows
    assert told_of.ended == minute(1000)


def with_objective(settings: Settings) -> Settings:
    (model,) = settings.models
    slas = tuple(
        sla.model_copy(update={"objective": ObjectiveSettings(target="90%", window="P30D")})  # type: ignore[arg-type]
        if sla.name == "Payment in time"
        else sla
        for sla in model.slas
    )
    return settings.model_copy(update={"models": (model.model_copy(update={"slas": slas}),)})


async def test_the_notice_of_an_unreadable_clock_ends_unless_it_is_told_anew(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    notice = Notice(NoticeKind.UNREADABLE_CLOCK, "order/Paid", "It cannot be read.", NOON, NOON, flow="order")
    await store.begin_notice(notice)
    sweeping = sweeper(store, pipeline, clock)
    for hours, lasts in ((1, True), (2.1, False)):
        clock.now = NOON + timedelta(hours=hours)
        await sweeping.history()
        assert bool(await store.notices()) is lasts


async def test_a_tick_that_is_broken_off_lets_go_before_the_sweep_has_stopped(
    store: SqlStore, pipeline: Pipeline, clock: Clockwork
) -> None:
    """Whoever writes next does not have to wait for it."""
    sweeping, holding = sweeper(store, pipeline, clock), asyncio.Event()

    async def task() -> int:
        async with store.counting():
            holding.set()
            await asyncio.sleep(60)
        return 0

    tick = asyncio.create_task(sweeping._tick("statistics", task))
    await holding.wait()
    await sweeping.stop()
    assert tick.done()
    async with asyncio.timeout(5), store.counting() as counting:
        assert counting is not None
    assert not sweeping.failed.done()

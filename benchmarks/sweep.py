"""The sweep of SLA clocks on PostgreSQL, with a thousand and with a million armed.

Said: what a tick costs by how many clocks are due, beside a bare UPDATE of as many rows; how long after its
due time a breach and its alert are committed, with the service's own ticks and watermarks; what a second
sweeper is worth.
``CHOREOSCOPE_BENCH_ARMED`` sets another number than a million.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any, cast

import psycopg
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.assembly import models_of
from monitor.flows import Flows
from monitor.metrics import Metrics
from monitor.resources import models
from monitor.settings import Settings
from monitor.sources.base import Progress, SourceState
from monitor.storage.base import DueClock, Store
from monitor.storage.migrate import upgrade
from monitor.storage.sql import SqlStore, open_store
from monitor.sweep import Sweeper
from tests.services import private

FEW, MANY = 1_000, int(os.environ.get("CHOREOSCOPE_BENCH_ARMED", "1000000"))
ROUNDS = 7
PER_SECOND, SECONDS = 500, 20
SETTINGS = {
    "models": [{"file": str(models() / "order-fulfilment.bpmn"), "key": "order"}],
    "ordering": {"lateness": "PT0S"},  # what is waited for beside that is not the sweep's delay
}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

_FILL = """
TRUNCATE traces, clocks, findings, alerts;
INSERT INTO traces (id, chain_id, ordinal, flow, flow_id, key, events, first, last, conforms, complete,
    undecided, exact, cost, deviations, open_clocks, sla, expected, standing, revision, updated)
  SELECT n, n, 0, 'order', 1, 'o-' || n, 2, %(base)s, %(base)s, true, false, false, true, 0, 0, true,
    'running', '[]', '[]', 1, %(base)s FROM generate_series(1, %(armed)s) n;
INSERT INTO clocks (trace_id, sla, occurrence, flow, state, started, due, severity, next_at)
  SELECT n, 'paid in time', 0, 'order', 'running', %(base)s, due, 'warning', due
  FROM generate_series(1, %(armed)s) n, LATERAL (SELECT %(base)s + n * %(apart)s AS due) d;
"""


def fill(url: str, armed: int, base: datetime, apart: timedelta) -> None:
    """Clock n is due n times ``apart`` after ``base``."""
    with psycopg.connect(url, autocommit=True) as database:
        values = {"base": base, "armed": armed, "apart": apart}
        for statement in _FILL.split(";")[:-1]:
            database.execute(cast("Any", statement), values if "%(" in statement else None)
        database.execute("VACUUM ANALYZE traces, clocks, findings")


async def ticks(store: SqlStore, armed: int) -> dict[int, float]:
    """Seconds of a tick, by how many clocks are due."""
    found: dict[int, list[float]] = {}
    reached = 0
    for _ in range(ROUNDS):
        for due in (0, 1, 100):
            reached += due
            mark = LONG_AGO + reached * timedelta(seconds=1)
            begin = perf_counter()
            swept = await store.sweep_clocks({"order": mark}, mark, 1000)
            found.setdefault(due, []).append(perf_counter() - begin)
            assert len(swept) == due, (armed, due, len(swept))
    return {due: median(took) for due, took in found.items()}


async def thousand(store: SqlStore, first: int) -> float:
    """Seconds for a thousand due clocks, from number ``first`` on."""
    took = []
    for _ in range(ROUNDS):
        first += 1000
        mark = LONG_AGO + first * timedelta(seconds=1)
        begin = perf_counter()
        swept = await store.sweep_clocks({"order": mark}, mark, 1000)
        took.append(perf_counter() - begin)
        assert len(swept) == 1000
    return median(took)


def bare(url: str) -> float:
    """Seconds of one UPDATE of the thousand clocks that are due next, committed."""
    took = []
    with psycopg.connect(url, autocommit=True) as database:
        for _ in range(ROUNDS):
            row = database.execute(
                "SELECT max(next_at) FROM (SELECT next_at FROM clocks WHERE flow = 'order'"
                " AND next_at IS NOT NULL ORDER BY next_at LIMIT 1000) AS next"
            ).fetchone()
            begin = perf_counter()
            database.execute(
                "UPDATE clocks SET state = 'breached', next_at = NULL WHERE flow = 'order' AND next_at <= %s",
                row,
            )
            took.append(perf_counter() - begin)
    return median(took)


async def sweepers(url: str, number: int, until: datetime) -> float:
    """Clocks a second that so many sweepers move at once."""
    stores = [await open_store(url) for _ in range(number)]

    async def sweep(store: SqlStore) -> int:
        moved = 0
        while swept := await store.sweep_clocks({"order": until}, until, 1000):
            moved += len(swept)
        return moved

    begin = perf_counter()
    moved = sum(await asyncio.gather(*map(sweep, stores)))
    took = perf_counter() - begin
    for store in stores:
        await store.close()
    return moved / took


class Watched:
    """A store that notes when what a sweep found was committed."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.breached: list[float] = []
        self.alerted: list[float] = []
        self._unconfirmed: list[datetime] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def sweep_clocks(self, *asked: Any) -> list[DueClock]:
        found = await self._store.sweep_clocks(*asked)
        done = datetime.now(UTC)
        self.breached += [(done - one.clock.due).total_seconds() for one in found]
        self._unconfirmed += [one.clock.due for one in found]
        return found

    async def confirm_findings(self, *asked: Any) -> int:
        """Those that were due first are confirmed first, each with its alert in the same transaction."""
        confirmed = await self._store.confirm_findings(*asked)
        done = datetime.now(UTC)
        self._unconfirmed.sort()
        self.alerted += [(done - due).total_seconds() for due in self._unconfirmed[:confirmed]]
        del self._unconfirmed[:confirmed]
        return confirmed


async def late(url: str, store: SqlStore, armed: int) -> tuple[list[float], list[float]]:
    """Seconds from due to committed, of breaches and of alerts, while clocks fall due one after another:
    the service's ticks, and the watermark of a source that is asked every second."""
    begin = datetime.now(UTC) + timedelta(seconds=15)
    await asyncio.to_thread(fill, url, armed, begin, timedelta(seconds=1) / PER_SECOND)
    flows = Flows(store)
    await flows.deploy(models_of(Settings.model_validate(SETTINGS)), LONG_AGO)
    watched = Watched(store)
    feeds: Mapping[str, tuple[str, ...]] = {"order": ("shop",)}
    now = lambda: datetime.now(UTC)  # noqa: E731
    sweeper = Sweeper(cast("Store", watched), flows, feeds, Metrics(), now=now)
    scheduler = AsyncIOScheduler(timezone=UTC)
    sweeper.schedule(scheduler)
    scheduler.start()
    end = max(begin, now()) + timedelta(seconds=SECONDS)
    while now() < end:
        shard = Progress("0", SourceState.CAUGHT_UP, now())
        await store.record_progress("shop", "kafka", "w", [shard], now())
        await asyncio.sleep(1.0)
    scheduler.shutdown(wait=False)
    await sweeper.stop()
    return sorted(watched.breached), sorted(watched.alerted)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:8.1f} ms"


def main() -> None:
    with private("postgres") as service:
        upgrade(service.address)
        asyncio.run(measured(service.address))


async def measured(url: str) -> None:
    store = await open_store(url)
    second = timedelta(seconds=1)
    fill(url, FEW, LONG_AGO, second)
    few = await ticks(store, FEW)
    fill(url, MANY, LONG_AGO, second)
    many = await ticks(store, MANY)
    for due in few:
        print(
            f"tick, {due:4} due: {milliseconds(few[due])} of {FEW:,} armed, {milliseconds(many[due])} of"
            f" {MANY:,} ({many[due] / few[due]:.2f}x)"
        )
    whole = await thousand(store, ROUNDS * 101)
    plain = bare(url)
    print(f"tick, 1000 due: {milliseconds(whole)} of {MANY:,} armed, with their findings and counts")
    print(f"bare UPDATE of 1000 such clocks: {milliseconds(plain)}; the tick takes {whole / plain:.1f}x")

    fill(url, MANY, LONG_AGO, second)
    one = await sweepers(url, 1, LONG_AGO + 10_000 * second)
    two = await sweepers(url, 2, LONG_AGO + 20_000 * second)
    print(f"overdue backlog: {one:,.0f} clocks/s by one sweeper, {two:,.0f} by two ({two / one:.2f}x)")

    breached, alerted = await late(url, store, MANY)
    await store.close()
    with psycopg.connect(url) as database:
        ((alerts,),) = database.execute("SELECT count(*) FROM alerts WHERE name = 'SlaBreached'").fetchall()
    assert alerts == len(alerted), (alerts, len(alerted))
    for what, found in (("breach", breached), ("alert", alerted)):
        at = {share: found[min(len(found) - 1, int(share * len(found)))] for share in (0.5, 0.99)}
        print(
            f"due to committed {what}, {MANY:,} armed, {PER_SECOND} due a second, {len(found):,} in all:"
            f" p50 {at[0.5]:.2f} s, p99 {at[0.99]:.2f} s, at most {found[-1]:.2f} s"
        )


if __name__ == "__main__":
    main()

"""Thirty days of a landscape on a clock set by hand: outages of the monitor, of a broker and of the database,
messages that come late, producers whose clocks are wrong. What is found must be what is true, no more, no
less and not twice; and it must be what the whole log in one batch comes to.

The truth is worked out here from the events of an order, in plain arithmetic (:func:`breaches_of`).
``CHOREOSCOPE_ORDERS_A_DAY`` makes it more orders.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

import orjson
import pytest

from monitor.assembly import feeds_of
from monitor.domain.event import Delivery, Position
from monitor.domain.notice import Notice
from monitor.domain.objective import Count
from monitor.domain.verdict import Clock, ClockState, FindingKind, FindingState
from monitor.errors import StorageUnavailable
from monitor.pipeline import Pipeline
from monitor.settings import Settings
from monitor.sla.outcomes import outcome_of
from monitor.sources.base import Batch
from monitor.sources.memory import Memory
from monitor.storage.base import DueClock, Store
from monitor.storage.ingest import SqlIngest
from monitor.storage.migrate import upgrade
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.views import FindingFilter, FindingRow, TraceFilter
from monitor.sweep import Sweeper
from tests.support.flows import bpmn, tasks
from tests.support.shop import offline, start, stored

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday; four weeks on, Berlin's clocks change."""

DAYS = 30
TICK = timedelta(hours=3)
ORDERS_A_DAY = int(os.environ.get("CHOREOSCOPE_ORDERS_A_DAY", "4"))

MODEL = f"""
<startEvent id="s"/> {tasks("Placed", "Paid", "Packed", "Shipped", "Cancelled")}
<exclusiveGateway id="x"/> <exclusiveGateway id="m"/> <endEvent id="e"/>
s -> Placed -> Paid -> x -> Packed -> Shipped -> m -> e
x -> Cancelled -> m
"""

PAY, PACK, SHIP, ALL, QUIET = "paid in 4 h", "packed in 8 h", "shipped in a day", "all in 3 days", "quiet"
SLAS = [
    {"name": PAY, "from": "Placed", "to": "Paid", "within": "PT4H"},
    {"name": PACK, "on": "Packed", "within": "PT8H", "calendar": "berlin"},
    {"name": SHIP, "on": "Shipped", "within": "P1D"},
    {"name": ALL, "from": "start", "to": "end", "within": "P3D"},
    {"name": QUIET, "idle": True, "within": "PT36H", "at_risk": "PT6H"},
]

SOURCE = {"Placed": "orders", "Paid": "payments", "Packed": "orders", "Shipped": "orders"}
"""Cancelled comes from the payments, too."""


def settings(folder: Path) -> Settings:
    file = folder / "order.bpmn"
    file.write_bytes(bpmn(MODEL))
    return Settings.model_validate(
        {
            "sources": [{"name": name, "kind": "memory"} for name in ("orders", "payments")],
            "events": [{"match": {"type": "*"}, "keys": {"order": "data.order"}}],
            "calendars": {"berlin": {"hours": {"mon-fri": "09:00-17:00"}, "timezone": "Europe/Berlin"}},
            "models": [{"file": str(file), "key": "order", "slas": SLAS}],
        }
    )


# what happens -------------------------------------------------------------------------------------------


class Happening(NamedTuple):
    """An event: when it was, by its producer's clock, and when its broker had it."""

    order: str
    label: str
    time: datetime
    arrives: datetime
    source: str


class Outage(NamedTuple):
    """``what`` is away: a source's broker, the ``monitor``, or the ``database``."""

    what: str
    since: datetime
    until: datetime

    def at(self, now: datetime) -> bool:
        return self.since <= now < self.until


def outages(random: Random) -> list[Outage]:
    """One each day or so, from minutes to most of a day."""
    found = []
    for day in range(1, DAYS - 1):
        what = random.choice(("orders", "payments", "monitor", "database"))
        since = BEGIN + timedelta(days=day, minutes=random.randrange(6 * 60))
        found.append(Outage(what, since, since + timedelta(minutes=random.choice((10, 45, 200, 900)))))
    return found


def happenings(random: Random, away: Sequence[Outage]) -> list[Happening]:
    """Orders that go well, that dawdle, and that get stuck at any step."""
    found: list[Happening] = []
    for number in range(DAYS * ORDERS_A_DAY):
        order = f"o-{number:04}"
        time = BEGIN + timedelta(minutes=number * 24 * 60 / ORDERS_A_DAY)
        path = [
            "Placed",
            "Paid",
            *random.choice((["Packed", "Shipped"], ["Packed", "Shipped"], ["Cancelled"])),
        ]
        stuck = random.choice((None, None, None, 1, 2, 3))
        for label in path[:stuck]:
            skew = timedelta(seconds=random.randrange(-120, 120))
            late = timedelta(seconds=random.randrange(5))
            if random.random() < 0.05:
                late = timedelta(minutes=random.randrange(8 * 60))
            source = SOURCE.get(label, "payments")
            arrives = time + late
            for outage in away:  # its producer keeps it, and sends when the broker is back
                if outage.what == source and outage.at(arrives):
                    arrives = outage.until + timedelta(seconds=random.randrange(600))
            found.append(Happening(order, label, time + skew, arrives, source))
            time += timedelta(minutes=random.choice((10, 100, 200, 241, 600, 1500, 2200)))
    end = BEGIN + timedelta(days=DAYS)
    return sorted((one for one in found if one.arrives < end), key=lambda one: (one.arrives, one.order))


def delivered(number: int, one: Happening) -> Delivery:
    return Delivery(
        one.source,
        _body(one),
        Position(one.source, 0, number),
        one.arrives,
        content_type="application/cloudevents+json",
    )


def _body(one: Happening) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{one.order}/{one.label}",
            "source": "/shop",
            "type": one.label,
            "time": one.time.isoformat(),
            "data": {"order": one.order},
        }
    )


# the truth ----------------------------------------------------------------------------------------------


class Breach(NamedTuple):
    order: str
    sla: str
    due: datetime


def breaches_of(order: str, events: Mapping[str, datetime], until: datetime) -> set[Breach]:
    """All that is broken ``until`` then, of an order with these events (a beginning of a path)."""
    found: set[Breach] = set()
    placed, paid, packed = (events.get(label) for label in ("Placed", "Paid", "Packed"))
    end = events.get("Shipped", events.get("Cancelled"))

    def limit(sla: str, due: datetime, ended: datetime | None) -> None:
        if due < ended if ended else due <= until:
            found.add(Breach(order, sla, due))

    if placed is None:
        return found
    limit(PAY, placed + timedelta(hours=4), paid)
    limit(ALL, placed + timedelta(days=3), end)
    if paid and packed:  # before that the order may just as well be cancelled
        limit(PACK, eight_hours_of_work_after(paid), packed)
    if packed:
        limit(SHIP, packed + timedelta(days=1), events.get("Shipped"))
    times = sorted(events.values())
    for before, after in pairwise(times):
        limit(QUIET, before + timedelta(hours=36), after)
    if end is None:
        limit(QUIET, times[-1] + timedelta(hours=36), None)
    return found


BERLIN = ZoneInfo("Europe/Berlin")


@cache
def eight_hours_of_work_after(instant: datetime) -> datetime:
    """Second by second would be slow: minute by minute, then the rest of the first one."""
    left, at = 8 * 60, instant.replace(second=0)
    seconds = timedelta(seconds=instant.second) if _works(at) else timedelta(0)
    while left:
        left -= _works(at)
        at += timedelta(minutes=1)
    last = at + seconds  # where the day ends first, the rest is the next day's
    if seconds and not _works(at):
        while not _works(at):
            at += timedelta(minutes=1)
        last = at + seconds
    return last


def _works(instant: datetime) -> bool:
    there = instant.astimezone(BERLIN)
    return there.weekday() < 5 and 9 <= there.hour < 17


# the monitor --------------------------------------------------------------------------------------------


@dataclass
class Shaky:
    """A store whose database can be taken away, between transactions or in the middle of one."""

    store: SqlStore
    away: bool = False
    breaking: bool = False
    swept: list[DueClock] = field(default_factory=list)
    noticed: list[Notice] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise StorageUnavailable("The database is away.")
        return getattr(self.store, name)

    @asynccontextmanager
    async def ingest(self) -> AsyncIterator[SqlIngest]:
        if self.away:
            raise StorageUnavailable("The database is away.")
        async with self.store.ingest() as batch:
            yield batch
            if self.breaking:
                self.breaking = False
                raise StorageUnavailable("The database went away before the commit.")

    async def sweep_clocks(self, *asked: Any) -> list[DueClock]:
        if self.away:
            raise StorageUnavailable("The database is away.")
        due = await self.store.sweep_clocks(*asked)
        self.swept += due
        return due

    async def begin_notice(self, notice: Notice) -> bool:
        begun = await self.store.begin_notice(notice)
        self.noticed += [notice] * begun
        return begun


class Landscape:
    """Brokers, a monitor, its database, and the time."""

    def __init__(self, store: SqlStore, settings: Settings, random: Random) -> None:
        self.now = BEGIN
        self.database = Shaky(store)
        self.settings = settings
        self.random = random
        self.sources = {
            name: Memory(source, worker="w", now=lambda: self.now, capacity=1_000_000)
            for name, source in ((one.name, one) for one in settings.sources)
            if source.kind == "memory"
        }
        self.connected: set[str] = set()
        self.held: dict[str, Batch] = {}
        self.pipeline: Pipeline | None = None
        self.sweeper: Sweeper | None = None

    async def put(self, number: int, one: Happening) -> None:
        self.now = max(self.now, one.arrives)
        await self.sources[one.source].put(
            _body(one),
            content_type="application/cloudevents+json",
            position=Position(one.source, 0, number),
        )

    async def tick(self, away: set[str]) -> None:
        """What the service does all the time, at this time. ``away``: what is not there."""
        if "monitor" in away:
            if self.pipeline is not None:
                await self._dies()
            return
        self.database.away = "database" in away
        if self.pipeline is None:
            if self.database.away:
                return
            await self._begins()
        for name, source in self.sources.items():
            await self._connect(name, source, there=name not in away)
        await self._sweep()  # before anything is read: what is swept must not depend on who is first
        for name in self.sources:
            await self._record(name)
        await self._sweep()
        for name in self.random.sample(sorted(self.connected), len(self.connected)):
            await self._read(name)
        await self._sweep()
        if not self.database.away:
            assert self.sweeper is not None
            await self.sweeper.blind()

    async def _begins(self) -> None:
        store = cast("SqlStore", self.database)
        self.pipeline = await start(store, self.settings, self.now)
        self.sweeper = Sweeper(
            cast("Store", self.database),
            self.pipeline.flows,
            feeds_of(self.settings),
            self.pipeline.metrics,
            now=lambda: self.now,
        )

    async def _dies(self) -> None:
        """Between a commit and its acknowledgement, where there is one to die in."""
        assert self.pipeline is not None
        for name in self.connected:
            batch = await self.sources[name].batch(5, 0)
            if batch.deliveries and not self.database.away:  # type: ignore[union-attr]
                await self.pipeline.process(batch.deliveries)  # type: ignore[union-attr]
        for name, source in self.sources.items():
            await self._connect(name, source, there=False)
        self.pipeline = self.sweeper = None

    async def _connect(self, name: str, source: Memory, *, there: bool) -> None:
        if there and name not in self.connected:
            await source.__aenter__()
            self.connected.add(name)
        elif not there and name in self.connected:
            await source.__aexit__(None, None, None)
            self.connected.remove(name)
            self.held.pop(name, None)

    async def _read(self, name: str) -> None:
        """All there is, a few at a time, with sweeps in between."""
        source = self.sources[name]
        assert self.pipeline is not None
        while True:
            batch = self.held.pop(name, None) or await source.batch(self.random.choice((3, 20, 100)), 0)
            assert batch is not None
            if not batch.deliveries:
                break
            self.database.breaking = self.random.random() < 0.05
            try:
                await self.pipeline.process(batch.deliveries)
            except StorageUnavailable:
                self.held[name] = batch
                if self.database.away:
                    return
                continue
            await source.acknowledge(batch)
            if self.random.random() < 0.1:
                await self._record(name)
                await self._sweep()
        await self._record(name)

    async def _record(self, name: str) -> None:
        source = self.sources[name]
        await source.refresh()
        if not self.database.away:
            await self.database.record_progress(name, source.kind, "w", source.progress(), self.now)

    async def _sweep(self) -> None:
        assert self.sweeper is not None
        for what in (self.sweeper.clocks, self.sweeper.confirm):
            try:
                await what()
            except StorageUnavailable:
                assert self.database.away


async def _all_findings(store: SqlStore) -> list[FindingRow]:
    found: list[FindingRow] = []
    for state in FindingState:
        cursor: str | None = None
        while True:
            page = await store.views.findings(
                FindingFilter(kind=FindingKind.SLA_BREACH, state=state), cursor, 200
            )
            found += page.rows
            if page.next is None:
                break
            cursor = page.next
    return found


def _known(events: Iterable[Happening], by: datetime) -> dict[str, datetime]:
    return {one.label: one.time for one in events if one.arrives <= by}


def _is_beginning(labels: Iterable[str]) -> bool:
    there = set(labels)
    paths = (["Placed", "Paid", "Packed", "Shipped"], ["Placed", "Paid", "Cancelled"])
    return any(there == set(path[: len(there)]) for path in paths)


@pytest.mark.parametrize("seed", [1])
async def test_what_is_found_is_what_is_true(store_url: str, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    configured = settings(tmp_path)
    away = outages(random)
    events = happenings(random, away)
    landscape: Landscape | None = None
    store = await open_store(store_url, now=lambda: landscape.now if landscape else BEGIN)
    landscape = Landscape(store, configured, random)
    seen_until: dict[datetime, datetime] = {}  # by tick: up to when the monitor could see
    coming = list(enumerate(events))[::-1]
    sight = dict.fromkeys(landscape.sources, BEGIN)
    spells: Counter[str] = Counter()
    blind: set[str] = set()
    try:
        for step in range(DAYS * (timedelta(days=1) // TICK) + 1):
            now = BEGIN + step * TICK
            while coming and coming[-1][1].arrives <= now:
                await landscape.put(*coming.pop())
            landscape.now = now
            gone = {outage.what for outage in away if outage.at(now)}
            await landscape.tick(gone)
            if not gone & {"monitor", "database"}:
                sight.update(dict.fromkeys(sight.keys() - gone, now))
                spells.update((sight.keys() & gone) - blind)
                blind = sight.keys() & gone
            seen_until[now] = min(sight.values())
        assert not coming

        # nothing false, nothing missed
        by_order: dict[str, list[Happening]] = {}
        for one in events:
            by_order.setdefault(one.order, []).append(one)
        true = {
            breach
            for order, several in by_order.items()
            for breach in breaches_of(order, {one.label: one.time for one in several}, landscape.now)
        }
        findings = await _all_findings(store)
        active = [one for one in findings if one.state is not FindingState.RETRACTED]
        assert {_breach(one) for one in active} == true
        assert len(active) == len(true)
        assert len({one.sla for one in true}) == len(SLAS)
        assert len(true) > DAYS * ORDERS_A_DAY / 2

        # nothing said that could have been known better, and nothing said late
        for finding in findings:
            if finding.confirmed is None and finding.retracted == finding.found:
                continue  # two backlogs were read one after the other: provisional, and gone with the second
            breach, several = _breach(finding), by_order[finding.trace_key]
            known = _known(several, finding.found)
            if _is_beginning(known):
                assert breach in breaches_of(finding.trace_key, known, finding.found), finding
            else:
                assert len(known) < len(several), finding
            if all(time <= breach.due for time in known.values()):  # else an event told it
                assert breach.due <= seen_until[finding.found], finding
            if all(one.arrives - one.time < timedelta(minutes=5) for one in several):
                sure = (
                    max(one.arrives for one in several if one.label == "Packed")
                    if breach.sla == PACK
                    else BEGIN
                )
                first = next(tick for tick, until in seen_until.items() if until >= max(breach.due, sure))
                assert finding.found <= first, finding
                if finding.state is FindingState.RETRACTED:  # what disproved it was on its way
                    assert any(finding.found < one.arrives for one in several), finding

        # nothing twice
        told = Counter(
            (one.trace, one.clock.sla, one.clock.occurrence)
            for one in landscape.database.swept
            if one.clock.state is ClockState.BREACHED
        )
        again = {order for order, several in by_order.items() if any(_came_late(one) for one in several)}
        keys = {row.id: row.key for row in await _traces(store)}
        assert {keys[trace] for (trace, _, _), count in told.items() if count > 1} <= again

        # one notice for each time that a broker was away
        assert Counter(notice.subject for notice in landscape.database.noticed) == spells
        assert sum(spells.values()) > 2
        assert await store.notices() == []

        # the counts of objectives, whatever was taken back meanwhile
        clocks = [clock for row in await _traces(store) for clock in await _clocks(store, row.id)]
        for sla in (PAY, PACK, SHIP, ALL, QUIET):
            outcomes = [outcome_of(clock) for clock in clocks if clock.sla == sla]
            counts = [one.counts for one in outcomes if one is not None]
            (summed,) = await store.outcomes("order", sla, [BEGIN], landscape.now)
            assert summed == Count(sum(one.met for one in counts), sum(one.failed for one in counts))
            assert summed.failed == sum(breach.sla == sla for breach in true)

        # the whole log in one batch
        everything = [delivered(*one) for one in enumerate(events)]
        upgrade(at_once := f"sqlite:///{tmp_path}/at-once.db")
        other = await open_store(at_once, now=lambda: landscape.now)
        try:
            pipeline = await start(other, configured, landscape.now)
            await pipeline.process(everything)
            while await other.sweep_clocks({"order": landscape.now}, landscape.now, 1000):
                pass
            once = await stored(other)
        finally:
            await other.close()
        assert await stored(store) == once
        assert once == offline(configured, everything, landscape.now)
    finally:
        await store.close()


def _came_late(one: Happening) -> bool:
    return one.arrives - one.time > timedelta(minutes=5)


def _breach(finding: FindingRow) -> Breach:
    return Breach(finding.trace_key, finding.name, finding.time)


async def _clocks(store: SqlStore, trace: int) -> Sequence[Clock]:
    detail = await store.views.trace(trace)
    assert detail is not None
    return detail.clocks


async def _traces(store: SqlStore) -> list[Any]:
    rows: list[Any] = []
    cursor: str | None = None
    while True:
        page = await store.views.traces(TraceFilter(), cursor, 200)
        rows += page.rows
        if page.next is None:
            return rows
        cursor = page.next

"""Trace and finding lists against a filter done by hand over all rows: random stores, random filters."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
import pytest
from sqlalchemy import select

from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.storage.attributes import attributes
from monitor.storage.base import KeyGroup, Placement
from monitor.storage.sql import SqlStore
from monitor.storage.tables import (
    findings,
    observations,
    trace_attributes,
    trace_keys,
    trace_statistics,
    traces,
)
from monitor.storage.terms import terms
from monitor.storage.views import FindingFilter, FindingRow, TraceFilter, TraceRow
from tests.contract.store_harness import (
    Said,
    a_clock,
    a_finding,
    an_event,
    an_update,
    asked,
    at,
    put,
    seen_as,
)

KEPT = (
    {"data.amount": 12.5, "data.country": "New Zealand"},
    {"data.amount": 12, "data.customer": {"name": 'O\'Neil "Pip"', "vip": True}},
    {"data.country": "NL", "data.items": [{"sku": "a=1"}, {"sku": "%_\\"}]},
    {"amount": "12.50", "data.country": None},
)
ELEMENTS = ("Task_1", "task_1", "Event é", "%")
VARIANTS = ("v1", "v2")
STATES = tuple(state for state in ClockState if state is not ClockState.BLIND)
FINDINGS = (FindingKind.MISSING, FindingKind.DUPLICATE)


async def fill(store: SqlStore, dice: random.Random, count: int) -> None:
    """Traces of all kinds, several at the same time; some merged, some chains of several traces."""
    ids: dict[str, list[int]] = {}
    for flow, version in (("order", 1), ("returns", 1), ("order", 2)):
        stored = await store.deploy(flow, flow, "x.bpmn", b"<xml/>", "{}", f"{flow}{version}", at(0))
        ids.setdefault(flow, []).append(stored.id)
    async with store.ingest() as batch:
        observed = []
        for number in range(count):
            flow = dice.choice(("order", "order", "returns"))
            keys = (("order", f"o-{number:03}"), ("customer", f"c-{number % 7}-{number}"))
            for event in range(dice.randrange(1, 4)):
                one = an_event(f"e{number}-{event}", time=at(dice.randrange(20)))
                observed.append((one, seen_as(one, *keys, flow=flow)))
        await batch.fresh([asked(event) for event, _ in observed])
        kept = [dice.choice((None, *(orjson.dumps(one).decode() for one in KEPT))) for _ in observed]
        await batch.events([event for event, _ in observed], kept)
        chains = await batch.chains([KeyGroup(one.flow, one.keys) for _, one in observed], {})
        updates: dict[int, Any] = {}
        placements = []
        for chain, (_, seen) in zip(chains, observed, strict=True):
            if not chain.traces or dice.random() < 0.1:
                await batch.new_trace(chain, seen.keys[0].value, dice.choice(ids[seen.flow]))
            trace = chain.traces[-1]
            trace.events += 1
            trace.first = min(trace.first or seen.time, seen.time)
            trace.last = max(trace.last or seen.time, seen.time)
            placements.append(Placement(trace.id, seen, fresh=True))
            updates[trace.id] = trace
        await batch.save([an_update(trace, _said(dice)) for trace in updates.values()], placements)
    for number in range(0, count, 9):  # two chains turn out to be one
        link = an_event(f"m{number}", time=at(dice.randrange(20)))
        seen = seen_as(link, ("order", f"o-{number:03}"), ("order", f"o-{number + 1:03}"))
        await put(store, (link, seen), said=Said([]))
    await store.confirm_findings({"order": at(9), "returns": at(30)}, at(99), 10_000)
    await _count(store, dice)


def _said(dice: random.Random) -> Said:
    complete = dice.random() < 0.5
    kinds = dice.sample(FINDINGS, dice.randrange(3))
    state = dice.choice((None, *STATES))
    return Said(
        [a_finding("Paid", dice.randrange(20), kind=kind, element=dice.choice(ELEMENTS)) for kind in kinds],
        None if state is None else [a_clock(state, ended=None if state.is_open else at(20))],
        conforms=not kinds,
        complete=complete,
        standing=() if complete else tuple(dice.sample(ELEMENTS, dice.randrange(3))),
    )


COUNTED = 4 * 60_000_000
"""Microseconds: durations are counted in steps of four minutes, whatever is true."""


async def _count(store: SqlStore, dice: random.Random) -> None:
    """Statistics of some of the complete traces, and of one that goes on since."""
    of = traces.c
    async with store._write() as transaction:
        rows = await transaction.rows(select(traces).where(of.merged_into.is_(None), of.last.is_not(None)))
        told = [
            (row.id, row.flow, row.flow_id, dice.choice(VARIANTS), dice.randrange(5) * COUNTED, b"")
            for row in rows
            if (row.complete and dice.random() < 0.8) or dice.random() < 0.05
        ]
        await transaction.upsert(trace_statistics, list(trace_statistics.c), told)
        await transaction.update(
            findings,
            [findings.c.trace_id],
            [findings.c.acknowledged],
            [(row.id, at(50)) for row in rows if dice.random() < 0.3],
        )


class Stored(NamedTuple):
    """All there is, as the tables have it."""

    rows: list[Any]
    versions: dict[int, int]
    keys: dict[int, set[tuple[str, str]]]
    attributes: dict[int, set[tuple[str, str]]]
    events: dict[int, set[str]]
    findings: dict[int, list[Any]]
    counted: dict[int, Any]


async def everything(store: SqlStore) -> Stored:
    async with store._read() as transaction:
        every = await transaction.rows(select(traces))
        chain = {row.id: row.chain_id for row in every}
        linked: dict[int, set[tuple[str, str]]] = {}
        for row in await transaction.rows(select(trace_keys)):
            linked.setdefault(chain[row.trace_id], set()).add((row.name, row.value))
        found: dict[int, set[tuple[str, str]]] = {}
        for row in await transaction.rows(select(trace_attributes)):
            found.setdefault(chain[row.trace_id], set()).add((row.name, row.value))
        events: dict[int, set[str]] = {}
        for row in await transaction.rows(select(observations)):
            events.setdefault(row.trace_id, set()).add(row.event_id)
        told: dict[int, list[Any]] = {}
        for row in await transaction.rows(select(findings)):
            told.setdefault(row.trace_id, []).append(row)
        counted = {row.trace_id: row for row in await transaction.rows(select(trace_statistics))}
    versions: dict[int, int] = {}
    for flow in ("order", "returns"):
        versions |= {row.id: row.version for row in await store.views.versions(flow)}
    for id_ in {row.flow_id for row in every} - versions.keys():
        deployed = await store.flow(id_)
        versions[id_] = deployed.version if deployed else 0
    listed = [row for row in every if row.merged_into is None and row.last is not None]
    return Stored(listed, versions, linked, found, events, told, counted)


def holds(term: str, row: Any, there: Stored) -> bool:
    """One term of a search, asked of one trace. The terms here are written in one way only."""
    (parsed,) = terms(term)
    keys = there.keys.get(row.chain_id, set())
    own = there.attributes.get(row.chain_id, set())
    if parsed.bare is not None and (
        any(value == parsed.bare or (value.startswith(parsed.bare) and not parsed.exact) for _, value in keys)
        or any(equal(value, parsed.bare) for _, value in own)
        or parsed.bare in there.events.get(row.id, set())
    ):
        return True
    return parsed.name is not None and (
        (parsed.name, parsed.value) in keys
        or any(
            (name == parsed.name or name.endswith(f".{parsed.name}")) and equal(value, parsed.value)
            for name, value in own
        )
    )


def equal(stored: str, written: str) -> bool:
    return stored == written or (
        written in ("12.50", "12.0") and stored == {"12.50": "12.5", "12.0": "12"}[written]
    )


def meets(row: Any, filter: TraceFilter, there: Stored) -> bool:
    time = row.first if filter.sort == "first" else row.last
    counted = there.counted.get(row.id)
    span = row.last - row.first
    if filter.sort == "duration" and counted is not None:
        span = timedelta(microseconds=counted.duration)
    verdict = "deviating" if row.confirmed else "conforming" if row.conforms else "checking"
    active = {one.kind for one in there.findings.get(row.id, ()) if one.state != "retracted"}
    words = [] if not filter.search else filter.search.split(";")
    return (
        all(holds(term, row, there) for term in words)
        and filter.flow in (None, row.flow)
        and filter.version in (None, there.versions[row.flow_id])
        and (filter.state is None or row.complete == (filter.state == "complete"))
        and filter.verdict in (None, verdict)
        and (filter.finding is None or filter.finding.value in active)
        and (filter.element is None or (not row.complete and filter.element in orjson.loads(row.standing)))
        and filter.sla in (None, row.sla)
        and (filter.shortest is None or span >= filter.shortest)
        and (filter.longest is None or span <= filter.longest)
        and (filter.variant is None or (counted is not None and counted.variant == filter.variant))
        and (filter.since is None or time >= filter.since)
        and (filter.until is None or time < filter.until)
        and (filter.sort != "duration" or (row.complete and counted is not None))
    )


TERMS = (
    *(
        '"o-01"',
        '"o-010"',
        "o-00",
        "o-010",
        "order=o-010",
        "customer=c-1-1",
        "c-1",
        "e3-0",
        "m9",
        "nothing",
        "=",
        "a=1",
    ),
    *("amount=12.50", "data.amount=12.5", "12.0", "vip=true", '"New Zealand"', 'country="New Zealand"'),
    *("country=NL", "sku=%_\\", "sku=a=1", 'data.customer.name="O\'Neil \\"Pip\\""', "customer.name=x"),
)


def a_filter(dice: random.Random) -> TraceFilter:
    def maybe(choices: Sequence[Any], share: float = 0.25) -> Any:
        return dice.choice(choices) if dice.random() < share else None

    flow = maybe(("order", "returns", "none"), 0.4)
    since, until = maybe([at(n) for n in range(20)]), maybe([at(n) for n in range(20)])
    return TraceFilter(
        search=";".join(dice.sample(TERMS, dice.choice((1, 1, 2)))) if dice.random() < 0.35 else None,
        flow=flow,
        version=maybe((1, 2, 3), 0.5) if flow else None,
        state=maybe(("open", "complete")),
        verdict=maybe(("conforming", "deviating", "checking")),
        finding=maybe(FINDINGS),
        element=maybe((*ELEMENTS, "none"), 0.2),
        sla=maybe([state.value for state in STATES], 0.2),
        shortest=maybe([timedelta(minutes=n) for n in (0, 3, 10)], 0.15),
        longest=maybe([timedelta(minutes=n) for n in (0, 5, 15)], 0.15),
        variant=maybe((*VARIANTS, "v3"), 0.15),
        since=since,
        until=until,
        sort=dice.choice(("last", "last", "first", "events", "duration")),
        ascending=dice.random() < 0.4,
    )


async def every(store: SqlStore, filter: TraceFilter, limit: int) -> list[TraceRow]:
    rows: list[TraceRow] = []
    cursor = None
    while True:
        page = await store.views.traces(filter, cursor, limit)
        assert len(page.rows) == limit or page.partial or page.next is None
        rows += page.rows
        cursor = page.next
        if cursor is None:
            return rows


STRATEGIES = pytest.mark.parametrize(
    ("few", "window", "least"), [(5000, 10_000, 500), (3, 12, 3), (40, 9, 2)]
)


@pytest.fixture
def strategy(few: int, window: int, least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Naming the traces found, or testing each on the way, the latter with breaks."""
    monkeypatch.setattr("monitor.storage.trace_search.FEW", few)
    monkeypatch.setattr("monitor.storage.trace_conditions._SCANNED", 4 * few)
    monkeypatch.setattr("monitor.storage.walk.WINDOW", window)
    monkeypatch.setattr("monitor.storage.walk.LEAST_OF_A_PART", least)


@STRATEGIES
@pytest.mark.usefixtures("strategy")
async def test_all_pages_are_what_a_filter_by_hand_finds(store: SqlStore, few: int, window: int) -> None:
    dice = random.Random(few + window)
    await fill(store, dice, 50)
    there = await everything(store)
    found = 0
    for _ in range(80):
        filter = a_filter(dice)
        wanted = [row for row in there.rows if meets(row, filter, there)]

        def place(row: Any, sort: str = filter.sort) -> tuple[Any, int]:
            return (there.counted[row.id].duration if sort == "duration" else getattr(row, sort), row.id)

        wanted.sort(key=place, reverse=not filter.ascending)
        asked_for = TraceFilter(
            **{name: getattr(filter, name) for name in TraceFilter.__dataclass_fields__ if name != "search"},
            search=filter.search and filter.search.replace(";", "  "),
        )
        rows = await every(store, asked_for, dice.choice((4, 30, 200)))
        assert [row.id for row in rows] == [row.id for row in wanted], filter
        assert all(row.version == there.versions[row.flow_id] for row in rows)
        found += bool(rows)
    assert found > 12


@STRATEGIES
@pytest.mark.usefixtures("strategy")
async def test_all_findings_are_what_a_filter_by_hand_finds(store: SqlStore, few: int, window: int) -> None:
    dice = random.Random(few + window)
    await fill(store, dice, 50)
    there = await everything(store)
    of_trace = {row.id: row for row in there.rows}
    found = 0
    for _ in range(40):
        filter = FindingFilter(
            search=dice.choice((None, None, *TERMS)),
            flow=dice.choice((None, None, "order")),
            kind=dice.choice((None, None, *FINDINGS)),
            state=dice.choice((None, None, *FindingState)),
            element=dice.choice((None, None, None, *ELEMENTS)),
            severity=dice.choice((None, "warning", "critical")),
            acknowledged=dice.choice((None, None, True, False)),
        )
        wanted = [
            one
            for trace, told in there.findings.items()
            for one in told
            if (filter.search is None or (trace in of_trace and holds(filter.search, of_trace[trace], there)))
            and filter.flow in (None, one.flow)
            and filter.kind in (None, one.kind)
            and filter.state in (None, one.state)
            and filter.element in (None, one.element)
            and filter.severity in (None, one.severity)
            and filter.acknowledged in (None, one.acknowledged is not None)
        ]
        wanted.sort(key=lambda one: (one.found, one.trace_id, one.key), reverse=True)
        rows: list[FindingRow] = []
        cursor = None
        while True:
            page = await store.views.findings(filter, cursor, dice.choice((5, 100)))
            rows += page.rows
            if (cursor := page.next) is None:
                break
        assert [(row.trace, row.key) for row in rows] == [(one.trace_id, one.key.hex()) for one in wanted], (
            filter
        )
        found += bool(rows)
    assert found > 8


def test_the_names_of_kept_data_are_paths() -> None:
    kept = orjson.dumps({"data.a": {"b": [1, {"c": True}], "d": None}, "e": "x"}).decode()
    assert attributes(kept) == {("data.a.b", "1"), ("data.a.b.c", "true"), ("e", "x")}

"""The trace list: filters, sorts, and what keeps each within an index (DESIGN 5).

Every sort has an index that begins with the flow or its version, so a list over all is put together from
parts (:mod:`monitor.storage.walk`). Conditions few traces meet are answered the other way round: find those
traces first, unless there are too many to be few.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, func, select, true

from monitor.errors import InvalidInput
from monitor.storage import keyset, trace_conditions
from monitor.storage.tables import LISTED, TIMED, flows, tallies, trace_statistics, traces
from monitor.storage.tally import TRACES
from monitor.storage.terms import terms
from monitor.storage.trace_conditions import Way, micros
from monitor.storage.trace_search import Answer, found_by, some_ids
from monitor.storage.transaction import Transaction
from monitor.storage.types import strings
from monitor.storage.views import Page, TraceFilter, TraceRow
from monitor.storage.walk import Holds, Order, Part, walk

_of = traces.c
_SHOWN = [
    _of.id,
    _of.chain_id,
    _of.flow,
    _of.flow_id,
    _of.key,
    _of.first,
    _of.last,
    _of.events,
    _of.conforms,
    _of.complete,
    _of.undecided,
    _of.cost,
    _of.deviations,
    _of.confirmed,
    _of.sla,
    _of.standing,
    _of.expected,
]
_SORTS: dict[str, tuple[ColumnElement[Any], ColumnElement[Any]]] = {
    "last": (_of.last, _of.id),
    "first": (_of.first, _of.id),
    "events": (_of.events, _of.id),
    "duration": (trace_statistics.c.duration, trace_statistics.c.trace_id),
}


class _Version(NamedTuple):
    """A version of a flow that has traces. ``flow`` is None where no such version is deployed."""

    id: int
    flow: str | None
    version: int


class _Place(NamedTuple):
    """Where traces are looked for: flows by name, for indexes that begin so, and versions."""

    flows: Sequence[str]
    versions: Sequence[_Version]


async def list_traces(
    transaction: Transaction, filter: TraceFilter, cursor: str | None, limit: int
) -> Page[TraceRow]:
    _check(filter, cursor)
    searched = terms(filter.search) if filter.search else []
    versions = await _versions(transaction)
    place = _chosen(filter, await _named(transaction, versions), versions)
    if not place.flows or not place.versions or trace_conditions.is_contradictory(filter):
        return Page([])
    answers = [await found_by(transaction, term, place.flows) for term in searched]
    if filter.variant:
        ids = [one.id for one in place.versions]
        answers.append(await trace_conditions.of_variant(transaction, filter.variant, ids))
    if filter.finding is not None:
        answers.append(await trace_conditions.with_finding(transaction, filter.finding))
    parts, holds, window = await _planned(transaction, filter, place, answers)
    order = Order(("span" if filter.sort == "duration" else filter.sort, "id"), filter.ascending)
    found = await walk(transaction, parts, order, holds, cursor, limit, window)
    known = {one.id: one.version for one in versions}
    rows = [trace_row(row, known.get(row.flow_id, 0)) for row in found.rows]
    return Page(rows, found.next, found.partial)


def with_version(part: Any) -> Select[Any]:
    """Rows of ``part``, which has a trace's columns, with the version of the flow it is pinned to."""
    return select(part, func.coalesce(flows.c.version, 0).label("version")).select_from(
        part.outerjoin(flows, flows.c.id == part.c.flow_id)
    )


def trace_row(row: Row[Any], version: int) -> TraceRow:
    return TraceRow(
        id=row.id,
        flow=row.flow,
        version=version,
        key=row.key,
        first=row.first,
        last=row.last,
        events=row.events,
        conforms=row.conforms,
        complete=row.complete,
        undecided=row.undecided,
        cost=row.cost,
        deviations=row.deviations,
        confirmed=row.confirmed,
        sla=row.sla,
        standing=strings(row.standing),
        expected=strings(row.expected),
        flow_id=row.flow_id,
    )


def _check(filter: TraceFilter, cursor: str | None) -> None:
    if filter.sort not in _SORTS:
        raise InvalidInput(f"No sort “{filter.sort}”.", mend=f"One of: {', '.join(_SORTS)}")
    keyset.after(_SORTS[filter.sort], cursor)
    if filter.version is not None and not filter.flow:
        raise InvalidInput("A version is one of a flow.", mend="Name the flow, too.")
    trace_conditions.check(filter)


async def _named(transaction: Transaction, versions: Sequence[_Version]) -> Sequence[str]:
    """The flows of these versions, without a question where every version is known."""
    flows_of = dict.fromkeys(one.flow for one in versions if one.flow is not None)
    known = all(one.flow is not None for one in versions)
    return list(flows_of) if known else await flows_with_traces(transaction)


async def flows_with_traces(transaction: Transaction) -> Sequence[str]:
    """The flows that have traces."""
    of = tallies.c
    return [flow for (flow,) in await transaction.rows(select(of.of).where(of.what == TRACES).distinct())]


async def _versions(transaction: Transaction) -> list[_Version]:
    """Those that have traces: one look into the index for each, however many traces there are."""
    first = select(func.min(_of.flow_id).label("id")).where(LISTED).cte("versions", recursive=True)
    following = select(func.min(_of.flow_id)).where(LISTED, _of.flow_id > first.c.id).scalar_subquery()
    every = first.union_all(select(following).where(first.c.id.is_not(None)))
    asked = (
        select(every.c.id, flows.c.key, flows.c.version)
        .select_from(every.outerjoin(flows, flows.c.id == every.c.id))
        .where(every.c.id.is_not(None))
    )
    return [_Version(row.id, row.key, row.version or 0) for row in await transaction.rows(asked)]


def _chosen(filter: TraceFilter, named: Sequence[str], versions: Sequence[_Version]) -> _Place:
    if not filter.flow:
        return _Place(named, versions)
    of_flow = [one for one in versions if one.flow in (None, filter.flow)]
    if filter.version is not None:
        of_flow = [one for one in of_flow if one.version == filter.version]
    return _Place([flow for flow in named if flow == filter.flow], of_flow)


async def _planned(
    transaction: Transaction, filter: TraceFilter, place: _Place, answers: Sequence[Answer]
) -> tuple[list[Part], list[Holds], int]:
    """By which index the list is read, what is asked of each row, and how many rows to try at least."""
    ways = [*trace_conditions.ways(filter), *_ways_by_version(filter, place)]
    keys, by_last = _SORTS[filter.sort], filter.sort == "last"
    holds = [*(one.holds for one in answers), *trace_conditions.others(transaction, filter)]
    named = [one.ids for one in answers if one.ids is not None]
    if not named and (len(ways) > 1 or (ways and not by_last)):
        for way in ways:
            ids = await some_ids(transaction, _along(way, select(_of.id), filter, place))
            if ids is not None:
                named.append(frozenset(ids))
                break
    if named:
        ids_ = frozenset.intersection(*named)
        rows = _within(_shown(filter), filter).where(LISTED, transaction.among(_of.id, ids_))
        return [Part(rows, keys)], [*holds, *(way.holds for way in ways)], len(ids_) + 1
    if by_last:
        base, *rest = ways or [_EVERY]
        parts = [Part(rows, keys) for rows in _along(base, _shown(filter), filter, place)]
        return parts, [*holds, *(way.holds for way in rest)], 0
    flow = trace_statistics.c.flow if filter.sort == "duration" else _of.flow
    rows = _within(_shown(filter), filter).where(LISTED)
    parts = [Part(rows.where(flow == name), keys) for name in place.flows]
    return parts, [*holds, *(way.holds for way in ways)], 0


_EVERY = Way([LISTED], lambda _: true(), by_version=True)


def _ways_by_version(filter: TraceFilter, place: _Place) -> list[Way]:
    found: list[Way] = []
    if filter.version is not None:
        ids = [one.id for one in place.versions]
        found.append(Way([LISTED], lambda rows: rows.c.flow_id.in_(ids), by_version=True))
    if (filter.since or filter.until) and filter.sort not in ("last", "first"):
        found.append(Way([LISTED], lambda rows: _between(rows.c.last, filter), by_version=True))
    return found


def _along(way: Way, rows: Select[Any], filter: TraceFilter, place: _Place) -> list[Select[Any]]:
    """The rows an index has for a condition, in parts that each go on by ``last``."""
    within = rows.where(_of.last.is_not(None))
    if filter.sort != "first":
        within = within.where(_between(_of.last, filter))
    if way.by_version:
        own = _of.flow == filter.flow if filter.flow else true()
        return [
            within.where(_of.flow_id == one.id, own, alternative)
            for one in place.versions
            for alternative in way.alternatives
        ]
    return [
        within.where(_of.flow == flow, alternative)
        for flow in place.flows
        for alternative in way.alternatives
    ]


def _shown(filter: TraceFilter) -> Select[Any]:
    if filter.sort != "duration":
        return select(*_SHOWN)
    own = trace_statistics.c
    return (
        select(*_SHOWN, own.duration.label("span"))
        .join_from(trace_statistics, traces, own.trace_id == _of.id)
        .where(TIMED)
    )


def _within(rows: Select[Any], filter: TraceFilter) -> Select[Any]:
    """Those of the flow, and of the time asked for where that is what the list is sorted by: any other
    condition would let the index be read without an end."""
    rows = rows.where(_of.last.is_not(None), _of.first.is_not(None))
    if filter.flow:
        rows = rows.where(_of.flow == filter.flow)
    span = trace_statistics.c.duration
    match filter.sort:
        case "last":
            rows = rows.where(_between(_of.last, filter))
        case "first":
            rows = rows.where(_between(_of.first, filter))
        case "duration":
            rows = rows.where(*([span >= micros(filter.shortest)] if filter.shortest is not None else []))
            rows = rows.where(*([span <= micros(filter.longest)] if filter.longest is not None else []))
    return rows


def _between(time: ColumnElement[datetime], filter: TraceFilter) -> ColumnElement[bool]:
    bounds = [time >= filter.since] if filter.since else []
    return and_(true(), *bounds, *([time < filter.until] if filter.until else []))

"""The trace list: filters, search, and what keeps each within an index (DESIGN 5).

Every sort has an index that begins with the flow, so a list over all flows is put together from one short
list of each. Conditions few traces meet (a search, a kind of finding) are answered the other way round: find
those traces first, unless there are too many to be few.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, union_all

from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.errors import InvalidInput
from monitor.storage import keyset
from monitor.storage.linking import link_value
from monitor.storage.tables import (
    ASTRAY,
    CHECKING,
    DEVIATING,
    LATER_IN_CHAIN,
    LISTED,
    OPEN,
    findings,
    flows,
    observations,
    tallies,
    trace_keys,
    traces,
)
from monitor.storage.tally import TRACES
from monitor.storage.transaction import Transaction
from monitor.storage.types import strings
from monitor.storage.views import Page, TraceFilter, TraceRow

FEW = 5000
"""Up to so many traces are named one by one; of more, a page's worth is soon met on the way."""

_of = traces.c
_SHOWN = [
    _of.id,
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
_SORTS: dict[str, ColumnElement[Any]] = {"last": _of.last, "first": _of.first, "events": _of.events}
_STATES: dict[str, ColumnElement[bool]] = {"open": OPEN, "complete": _of.complete.is_(True)}
_VERDICTS: dict[str, ColumnElement[bool]] = {
    "deviating": DEVIATING,
    "checking": CHECKING,
    "conforming": _of.conforms.is_(True),
}


async def list_traces(
    transaction: Transaction, filter: TraceFilter, cursor: str | None, limit: int
) -> Page[TraceRow]:
    sort = _chosen(_SORTS, filter.sort, "sort")
    keys = (sort, _of.id)
    conditions = await _conditions(transaction, filter)
    if conditions is None:
        return Page([])
    beyond = keyset.after(keys, cursor)
    if beyond is not None:
        conditions.append(beyond)
    chosen = [filter.flow] if filter.flow else await _flows(transaction)
    if not chosen:
        return Page([])
    wanted = select(*_SHOWN).where(LISTED, _of.last.is_not(None), sort.is_not(None), *conditions)
    parts = [
        wanted.where(_of.flow == flow).order_by(sort.desc(), _of.id.desc()).limit(limit + 1).subquery()
        for flow in chosen
    ]
    every = union_all(*(select(part) for part in parts)).subquery("every")
    shown = with_version(every).order_by(every.c[sort.key].desc(), every.c.id.desc()).limit(limit + 1)  # type: ignore[index]
    rows = await transaction.rows(shown)
    return keyset.page(rows, limit, trace_row, lambda row: (getattr(row, str(sort.key)), row.id))


def with_version(part: Any) -> Select[Any]:
    """Rows of ``part``, which has a trace's columns, with the version of the flow it is pinned to."""
    return select(part, func.coalesce(flows.c.version, 0).label("version")).select_from(
        part.outerjoin(flows, flows.c.id == part.c.flow_id)
    )


def trace_row(row: Row[Any]) -> TraceRow:
    return TraceRow(
        id=row.id,
        flow=row.flow,
        version=row.version,
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
    )


def _chosen(known: dict[str, ColumnElement[Any]], name: str, what: str) -> ColumnElement[Any]:
    if name not in known:
        raise InvalidInput(f"No {what} “{name}”.", mend=f"One of: {', '.join(known)}")
    return known[name]


async def _flows(transaction: Transaction) -> Sequence[str]:
    of = tallies.c
    return [flow for (flow,) in await transaction.rows(select(of.of).where(of.what == TRACES).distinct())]


async def _conditions(transaction: Transaction, filter: TraceFilter) -> list[ColumnElement[bool]] | None:
    """What the filter asks of a trace; None where nothing can meet it."""
    conditions: list[ColumnElement[bool]] = []
    if filter.state:
        conditions.append(_chosen(_STATES, filter.state, "state"))
    if filter.verdict:
        conditions.append(_chosen(_VERDICTS, filter.verdict, "verdict"))
    if filter.sla:
        conditions.append(_of.sla == filter.sla)
    time = _of.first if filter.sort == "first" else _of.last
    conditions += _between(time, filter.since, filter.until)
    for wanted in (
        await _with_finding(transaction, filter) if filter.finding else None,
        await _searched(transaction, filter.search) if filter.search else None,
    ):
        if wanted is not None:
            conditions.append(wanted)
    return conditions


def _between(
    time: ColumnElement[Any], since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    return ([time >= since] if since else []) + ([time < until] if until else [])


_LATE = (ClockState.BREACHED.value, ClockState.MISSED.value)
_IMPLIED = {kind: ASTRAY for kind in FindingKind if kind.is_deviation} | {
    FindingKind.SLA_BREACH: _of.sla.in_(_LATE),
    FindingKind.SLA_AT_RISK: _of.sla.in_((ClockState.AT_RISK.value, *_LATE)),
}
"""What is true of every trace of which such a finding holds: it has an index."""


async def _with_finding(transaction: Transaction, filter: TraceFilter) -> ColumnElement[bool]:
    assert filter.finding is not None
    of = findings.c
    active = and_(of.kind == filter.finding, of.state != FindingState.RETRACTED.value)
    if filter.flow:
        active = and_(active, of.flow == filter.flow)
    found = await transaction.rows(select(of.trace_id).where(active).limit(FEW + 1))
    if len(found) <= FEW:
        return transaction.among(_of.id, {trace_id for (trace_id,) in found})
    return and_(
        _IMPLIED[filter.finding], _met_on_the_way(select(of.trace_id).where(of.trace_id == _of.id, active))
    )


async def _searched(transaction: Transaction, search: str) -> ColumnElement[bool]:
    """Traces one of whose keys is, or begins with, what is searched; or that hold the event of this id."""
    of = trace_keys.c
    meant = [_starting(of.value, search)]
    name, equals, value = search.partition("=")
    if equals and name.strip():
        meant.append(and_(of.name == name.strip(), of.value == link_value(value.strip())))
    found = [
        await transaction.rows(select(of.trace_id).where(condition).limit(FEW + 1)) for condition in meant
    ]
    event = select(observations.c.trace_id).where(observations.c.event_id == search).limit(FEW)
    by_event = [trace_id for (trace_id,) in await transaction.rows(event)]
    linked = {trace_id for rows in found for (trace_id,) in rows}
    if all(len(rows) <= FEW for rows in found):
        roots = select(_of.chain_id).where(transaction.among(_of.id, linked))
        chains = {chain_id for (chain_id,) in await transaction.rows(roots)}
        return or_(
            transaction.among(_of.id, chains | set(by_event)),
            and_(LATER_IN_CHAIN, transaction.among(_of.chain_id, chains)),
        )
    first = traces.alias("linked")
    through_merged = (
        select(of.trace_id)
        .join_from(trace_keys, first, first.c.id == of.trace_id)
        .where(first.c.chain_id == _of.chain_id, first.c.id != first.c.chain_id, or_(*meant))
    )
    return or_(
        _met_on_the_way(select(of.trace_id).where(of.trace_id == _of.chain_id, or_(*meant))),
        _met_on_the_way(through_merged),
        transaction.among(_of.id, by_event),
    )


def _met_on_the_way(asked: Select[Any]) -> ColumnElement[bool]:
    """Whether there is such a row, asked of one trace after the other: EXISTS would let the planner look
    for all of them first."""
    return asked.limit(1).correlate(traces).scalar_subquery().is_not(None)


def _starting(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Texts that begin with ``prefix``, as a range of an index (texts are ordered by code point)."""
    prefix = link_value(prefix) if len(prefix) > 500 else prefix
    last = prefix.rstrip("\U0010ffff")
    if not last:
        return column >= prefix
    following = ord(last[-1]) + 1
    end = last[:-1] + chr(0xE000 if following == 0xD800 else following)
    return and_(column >= prefix, column < end)

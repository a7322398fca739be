"""The filters of the trace list as conditions, each with the index it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, select

from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.errors import InvalidInput
from monitor.storage.tables import (
    ASTRAY,
    CHECKING,
    DEVIATING,
    OF_VARIANT,
    OPEN,
    findings,
    trace_statistics,
    traces,
)
from monitor.storage.trace_search import FEW, Answer, few, met, some_ids
from monitor.storage.transaction import Transaction
from monitor.storage.types import exact_json
from monitor.storage.views import TraceFilter
from monitor.storage.walk import Holds

_of = traces.c
_LATE = (ClockState.BREACHED.value, ClockState.MISSED.value)
_SCANNED = 4 * FEW
"""Findings of a kind, retracted ones and those of other flows included, that are looked at to name traces."""

STATES: dict[str, Holds] = {
    "open": lambda rows: rows.c.complete.is_(False),
    "complete": lambda rows: rows.c.complete.is_(True),
}
VERDICTS: dict[str, Holds] = {
    "deviating": lambda rows: rows.c.confirmed > 0,
    "checking": lambda rows: and_(rows.c.conforms.is_(False), rows.c.confirmed == 0),
    "conforming": lambda rows: rows.c.conforms.is_(True),
}


class Way(NamedTuple):
    """A condition with indexes of its own, which go on by ``last``. ``alternatives`` exclude one another and
    say together the same as ``holds``, each to the letter of its index. ``by_version``: the index begins with
    the version of the flow, not with the flow."""

    alternatives: Sequence[ColumnElement[bool]]
    holds: Holds
    by_version: bool = False


def _with_sla(*states: str) -> Way:
    return Way([_of.sla == state for state in states], lambda rows: rows.c.sla.in_(states))


_WAYS_OF_VERDICTS = {
    "deviating": Way([DEVIATING], VERDICTS["deviating"]),
    "checking": Way([CHECKING], VERDICTS["checking"]),
}
_OPEN = Way([OPEN], STATES["open"])
_ASTRAY = Way([ASTRAY], lambda rows: rows.c.conforms.is_(False))
_IMPLIED = {kind: _ASTRAY for kind in FindingKind if kind.is_deviation} | {
    FindingKind.SLA_BREACH: _with_sla(*_LATE),
    FindingKind.SLA_AT_RISK: _with_sla(ClockState.AT_RISK.value, *_LATE),
}
"""What is true of every trace of which such a finding holds."""


def ways(filter: TraceFilter) -> list[Way]:
    """What of the filter has an index, the most telling first."""
    found: list[Way] = []
    if filter.verdict in _WAYS_OF_VERDICTS:
        found.append(_WAYS_OF_VERDICTS[filter.verdict])
    if filter.sla:
        found.append(_with_sla(filter.sla))
    if filter.finding is not None:
        found.append(_IMPLIED[filter.finding])
    if filter.state == "open" or filter.element:
        found.append(_OPEN)
    return found


def others(transaction: Transaction, filter: TraceFilter) -> list[Holds]:
    """What of the filter has no index."""
    found: list[Holds] = []
    if filter.state == "complete" or filter.sort == "duration":
        found.append(STATES["complete"])
    if filter.verdict == "conforming":
        found.append(VERDICTS["conforming"])
    if filter.element:
        found.append(_standing_at(filter.element))
    if filter.sort == "duration":  # by the index of the sort
        return found
    if filter.shortest is not None:
        found.append(_lasted(transaction, filter.shortest, lambda span, limit: span >= limit))
    if filter.longest is not None:
        found.append(_lasted(transaction, filter.longest, lambda span, limit: span <= limit))
    return found


def check(filter: TraceFilter) -> None:
    """Raises :class:`~monitor.errors.InvalidInput` for words that are none."""
    for what, given, known in (("state", filter.state, STATES), ("verdict", filter.verdict, VERDICTS)):
        if given and given not in known:
            raise InvalidInput(f"No {what} “{given}”.", mend=f"One of: {', '.join(known)}")


def is_contradictory(filter: TraceFilter) -> bool:
    """Whether no trace can meet it: only open traces stand somewhere, only complete ones have a variant."""
    asks_complete = filter.state == "complete" or filter.sort == "duration"
    return asks_complete and (filter.state == "open" or bool(filter.element))


async def with_finding(transaction: Transaction, kind: FindingKind) -> Answer:
    of = findings.c
    active = and_(of.kind == kind.value, of.state != FindingState.RETRACTED.value)
    some = select(of.trace_id).where(of.kind == kind.value).limit(_SCANNED + 1).subquery()
    ((scanned,),) = await transaction.rows(select(func.count()).select_from(some))
    if scanned <= _SCANNED:
        ids = await some_ids(transaction, [select(of.trace_id).where(active).distinct()])
        if ids is not None:
            return few(transaction, ids)

    def holds(rows: FromClause) -> ColumnElement[bool]:
        return met(select(of.trace_id).where(of.trace_id == rows.c.id, active), rows)

    return Answer(None, holds)


async def of_variant(transaction: Transaction, variant: str, versions: Sequence[int]) -> Answer:
    of = trace_statistics.c
    asked: list[Select[Any]] = [
        select(of.trace_id).where(OF_VARIANT, of.flow_id == version, of.variant == variant)
        for version in versions
    ]
    ids = await some_ids(transaction, asked)
    if ids is not None:
        return few(transaction, ids)

    def holds(rows: FromClause) -> ColumnElement[bool]:
        return met(select(of.trace_id).where(of.trace_id == rows.c.id, of.variant == variant), rows)

    return Answer(None, holds)


def _standing_at(element: str) -> Holds:
    """Whether the element is in the JSON list: told by taking it out, for LIKE ignores case on SQLite."""
    needle = exact_json(element)
    return lambda rows: func.replace(rows.c.standing, needle, "") != rows.c.standing


def _lasted(
    transaction: Transaction,
    limit: timedelta,
    compare: Callable[[ColumnElement[int], int], ColumnElement[bool]],
) -> Holds:
    return lambda rows: compare(transaction.lasted(rows.c.first, rows.c.last), micros(limit))


def micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)

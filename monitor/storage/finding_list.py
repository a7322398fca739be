"""The list of findings, newest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, select, true

from monitor.domain.verdict import FindingKind, FindingState
from monitor.storage.tables import LISTED, PROVISIONAL, RETRACTED, findings, traces
from monitor.storage.terms import terms
from monitor.storage.trace_list import flows_with_traces
from monitor.storage.trace_search import Answer, found_by, met, some_ids
from monitor.storage.transaction import Transaction
from monitor.storage.types import strings
from monitor.storage.views import FindingFilter, FindingRow, Page
from monitor.storage.walk import Holds, Order, Part, walk

_of = findings.c
_KEYS = (_of.found, _of.trace_id, _of.key)
_ORDER = Order(("found", "trace_id", "key"))


async def list_findings(
    transaction: Transaction, filter: FindingFilter, cursor: str | None, limit: int
) -> Page[FindingRow]:
    """Read by the index of one condition; the others are asked of each row (:mod:`monitor.storage.walk`)."""
    answers = await _searched(transaction, filter)
    named = [one.ids for one in answers if one.ids is not None]
    holds = [_of_trace(one) for one in answers if one.ids is None]
    if named:
        part = _fenced(transaction.among(_of.trace_id, frozenset.intersection(*named)))
    elif filter.state is FindingState.PROVISIONAL and await _are_few(transaction):
        part = _fenced(PROVISIONAL)
    else:
        part = Part(select(findings).where(_base(filter)), _KEYS)
    found = await walk(transaction, [part], _ORDER, [*holds, *_conditions(filter)], cursor, limit)
    return Page([finding_row(row) for row in found.rows], found.next, found.partial)


async def _searched(transaction: Transaction, filter: FindingFilter) -> list[Answer]:
    if not filter.search:
        return []
    flows = [filter.flow] if filter.flow else await flows_with_traces(transaction)
    return [await found_by(transaction, term, flows) for term in terms(filter.search)]


async def _are_few(transaction: Transaction) -> bool:
    return await some_ids(transaction, [select(_of.trace_id).where(PROVISIONAL)]) is not None


def _fenced(where: ColumnElement[bool]) -> Part:
    """Few rows, found before they are sorted: the planner might walk all findings to have them in order."""
    rows = select(findings).where(where).offset(0).subquery()
    return Part(select(rows), [rows.c[key.name] for key in _KEYS])


def _base(filter: FindingFilter) -> ColumnElement[bool]:
    """The one condition whose index is read, to its letter."""
    if filter.state is FindingState.RETRACTED:
        return RETRACTED
    if filter.kind is not None:
        return _of.kind == filter.kind.value
    return _of.flow == filter.flow if filter.flow else true()


def _conditions(filter: FindingFilter) -> list[Holds]:
    """All of it, but for a single condition that the index has."""
    found: list[Holds] = []
    if filter.flow and (filter.search or filter.state or filter.kind):
        found.append(lambda rows: rows.c.flow == filter.flow)
    if filter.kind is not None and (filter.search or filter.state):
        found.append(lambda rows: rows.c.kind == filter.kind)
    if filter.state is not None and (filter.search or filter.state is not FindingState.RETRACTED):
        found.append(lambda rows: rows.c.state == filter.state)
    if filter.element:
        found.append(lambda rows: rows.c.element == filter.element)
    if filter.severity:
        found.append(lambda rows: rows.c.severity == filter.severity)
    if filter.acknowledged is not None:
        is_so = filter.acknowledged
        found.append(
            lambda rows: rows.c.acknowledged.is_not(None) if is_so else rows.c.acknowledged.is_(None)
        )
    return found


def _of_trace(answer: Answer) -> Holds:
    """What is asked of a trace, asked of its findings."""
    return lambda rows: met(
        select(traces.c.id).where(traces.c.id == rows.c.trace_id, LISTED, answer.holds(traces)), rows
    )


def finding_row(row: Row[Any]) -> FindingRow:
    return FindingRow(
        trace=row.trace_id,
        trace_key=row.trace_key,
        flow=row.flow,
        key=row.key.hex(),
        kind=FindingKind(row.kind),
        state=FindingState(row.state),
        severity=row.severity,
        element=row.element,
        name=row.name,
        message=row.message,
        expected=strings(row.expected),
        event=row.event,
        identity=row.identity,
        time=row.time,
        found=row.found,
        confirmed=row.confirmed,
        retracted=row.retracted,
        reason=row.reason,
        historic=row.historic,
        acknowledged=row.acknowledged,
        acknowledged_by=row.acknowledged_by,
        acknowledged_note=row.acknowledged_note,
    )

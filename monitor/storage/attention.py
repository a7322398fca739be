"""What needs attention, each from an index and cut off at a number: overdue clocks and recent deviations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, union_all

from monitor.domain.verdict import FindingKind, FindingState
from monitor.storage import tally
from monitor.storage.tables import LISTED, OVERDUE, clocks, findings, traces
from monitor.storage.transaction import Transaction
from monitor.storage.types import strings
from monitor.storage.views import ClockCounts, DeviationRow, OverdueRow

_DEVIATIONS = tuple(kind for kind in FindingKind if kind.is_deviation)


async def clock_counts(transaction: Transaction) -> dict[tuple[str, str], ClockCounts]:
    """See :meth:`monitor.storage.views.Views.clock_counts`."""
    amounts = await tally.amounts(transaction, tally.CLOCKS.values())
    subjects = {subject for of in amounts.values() for subject in of}
    counts = {
        tally.sla_of(subject): ClockCounts(
            *(amounts.get(what, {}).get(subject, 0) for what in tally.CLOCKS.values())
        )
        for subject in sorted(subjects)
    }
    return {sla: count for sla, count in counts.items() if any(count)}


async def overdue(transaction: Transaction, slas: Sequence[tuple[str, str]], limit: int) -> list[OverdueRow]:
    """See :meth:`monitor.storage.views.Views.overdue`."""
    if not slas:
        return []
    of = clocks.c
    oldest = [
        select(of.trace_id, of.flow, of.sla, of.severity, of.started, of.due, of.element)
        .where(of.flow == flow, of.sla == sla, OVERDUE)
        .order_by(of.due)
        .limit(limit)
        .subquery()
        for flow, sla in slas
    ]
    every = union_all(*(select(part) for part in oldest)).subquery("overdue")
    asked = (
        select(every, traces.c.key, traces.c.standing, traces.c.expected)
        .join_from(every, traces, traces.c.id == every.c.trace_id)
        .order_by(every.c.due)
    )
    return [
        OverdueRow(
            flow=row.flow,
            sla=row.sla,
            severity=row.severity,
            trace=row.trace_id,
            trace_key=row.key,
            started=row.started,
            due=row.due,
            element=row.element,
            standing=strings(row.standing),
            expected=strings(row.expected),
        )
        for row in await transaction.rows(asked)
    ]


async def deviations(transaction: Transaction, since: datetime, limit: int) -> list[DeviationRow]:
    """See :meth:`monitor.storage.views.Views.deviations`."""
    of = findings.c
    newest = [
        select(
            of.trace_id,
            of.trace_key,
            of.flow,
            of.kind,
            of.element,
            of.name,
            of.severity,
            of.message,
            of.found,
        )
        .where(
            of.kind == kind.value,
            of.found >= since,
            of.state == FindingState.CONFIRMED.value,
            of.historic.is_(False),
            of.acknowledged.is_(None),
        )
        .order_by(of.found.desc())
        .limit(limit)
        .subquery()
        for kind in _DEVIATIONS
    ]
    every = union_all(*(select(part) for part in newest)).subquery("recent")
    asked = (
        select(every, traces.c.complete)
        .join_from(every, traces, traces.c.id == every.c.trace_id)
        .where(LISTED)
        .order_by(every.c.found.desc())
    )
    return [
        DeviationRow(
            flow=row.flow,
            kind=FindingKind(row.kind),
            element=row.element,
            name=row.name,
            severity=row.severity,
            message=row.message,
            trace=row.trace_id,
            trace_key=row.trace_key,
            found=row.found,
            open=not row.complete,
        )
        for row in await transaction.rows(asked)
    ]

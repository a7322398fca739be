"""Outcomes of clocks, counted by tick: what objectives are evaluated from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Integer, case, func, literal, select, union_all

from monitor.domain.objective import Count, tick_of
from monitor.storage.tables import outcomes
from monitor.storage.transaction import Transaction
from monitor.storage.types import from_micros
from monitor.storage.views import OutcomeStep


async def counts(
    transaction: Transaction, flow: str, sla: str, begins: Sequence[datetime], until: datetime
) -> list[Count]:
    """The sums from each of ``begins`` to ``until``, in one pass."""
    of = outcomes.c
    ticks = [tick_of(begin) for begin in begins]
    sums = [
        func.coalesce(func.sum(case((of.tick >= tick, column), else_=0)), 0)
        for tick in ticks
        for column in (of.met, of.failed)
    ]
    asked = select(*sums).where(of.flow == flow, of.sla == sla, of.tick >= min(ticks), of.tick <= until)
    (row,) = await transaction.rows(asked)
    return [Count(int(row[at]), int(row[at + 1])) for at in range(0, len(sums), 2)]


async def met(
    transaction: Transaction, slas: Sequence[tuple[str, str]], since: datetime, until: datetime
) -> dict[tuple[str, str], Count]:
    """See :meth:`monitor.storage.views.Views.met`: a range of the primary key for each."""
    if not slas:
        return {}
    of = outcomes.c
    each = [
        select(
            literal(number, Integer).label("number"),
            func.coalesce(func.sum(of.met), 0).label("met"),
            func.coalesce(func.sum(of.failed), 0).label("failed"),
        ).where(of.flow == flow, of.sla == sla, of.tick >= tick_of(since), of.tick <= until)
        for number, (flow, sla) in enumerate(slas)
    ]
    rows = await transaction.rows(union_all(*each))
    return {slas[row.number]: Count(int(row.met), int(row.failed)) for row in rows}


async def by_step(
    transaction: Transaction, flow: str, sla: str, since: datetime, until: datetime, step: timedelta
) -> list[OutcomeStep]:
    """See :meth:`monitor.storage.views.Views.outcomes_by`."""
    of = outcomes.c
    number = transaction.steps(of.tick, step).label("number")
    asked = select(number, func.sum(of.met).label("met"), func.sum(of.failed).label("failed")).where(
        of.flow == flow, of.sla == sla, of.tick >= tick_of(since), of.tick <= until
    )
    micros = step // timedelta(microseconds=1)
    rows = await transaction.rows(asked.group_by(number).order_by(number))
    counts = [(row.number, Count(int(row.met), int(row.failed))) for row in rows]
    return [OutcomeStep(from_micros(at * micros), count) for at, count in counts if count.total]

"""Outcomes of clocks, counted by tick: what objectives are evaluated from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, func, select

from monitor.domain.objective import Count, tick_of
from monitor.storage.tables import outcomes
from monitor.storage.transaction import Transaction


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

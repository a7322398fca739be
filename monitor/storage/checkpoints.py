"""The cuts of long traces as rows (docs/adr/0006-long-traces.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import and_, delete, select

from monitor.domain.checkpoint import Checkpoint, Sum
from monitor.storage.base import TraceUpdate
from monitor.storage.tables import checkpoints
from monitor.storage.transaction import Transaction

_of = checkpoints.c


async def load(transaction: Transaction, trace_id: int) -> list[Checkpoint]:
    """All of one trace's, in order of time."""
    asked = select(checkpoints).where(_of.trace_id == trace_id).order_by(_of.time)
    return [
        Checkpoint(row.time, row.text, Sum(row.events, row.cost, row.beyond, row.deviations, row.exact))
        for row in await transaction.rows(asked)
    ]


async def write(transaction: Transaction, updates: Sequence[TraceUpdate]) -> None:
    """Put what was judged now in the place of what stood there; traces that were never cut cost nothing."""
    added = []
    for update in updates:
        trace = update.trace
        for span in update.spans:
            if trace.cut and update.findings is not None:
                ends = [_of.trace_id == trace.id]
                if span.since is not None:
                    ends.append(_of.time > span.since)
                if span.until is not None:
                    ends.append(_of.time <= span.until)
                await transaction.execute(delete(checkpoints).where(and_(*ends)))
            added += [(trace.id, at.time, at.text, *at.segment) for at in span.checkpoints]
        if any(span.checkpoints for span in update.spans):
            trace.cut = True
        elif update.is_whole:
            trace.cut = False
    await transaction.append(checkpoints, list(_of), added)


async def forget(transaction: Transaction, trace_ids: Iterable[int]) -> None:
    await transaction.execute(delete(checkpoints).where(transaction.among(_of.trace_id, trace_ids)))

"""Versions of expected flows."""

from __future__ import annotations

from sqlalchemy import func, select, update

from monitor.storage.base import StoredFlow
from monitor.storage.tables import OPEN, flows, traces
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction

_COLUMNS = [
    flows.c.id,
    flows.c.key,
    flows.c.version,
    flows.c.hash,
    flows.c.name,
    flows.c.file,
    flows.c.source,
    flows.c.options,
    flows.c.created,
    flows.c.active,
]


async def deploy(transaction: Transaction, flow: StoredFlow, tally: Tally) -> StoredFlow:
    """Make ``flow`` (its id and version are not known yet) the active version of its key. Two processes that
    deploy the same at once conflict."""
    of = flows.c
    this = select(*_COLUMNS).where(of.key == flow.key, of.hash == flow.hash)
    row = next(iter(await transaction.rows(this)), None)
    if row is not None and row.active and row.name == flow.name and row.file == flow.file:
        return StoredFlow(*row)
    tally.changed()
    await transaction.execute(
        update(flows).where(of.key == flow.key, of.active.is_(True)).values(active=False)
    )
    if row is None:
        newest = await transaction.execute(select(func.max(of.version)).where(of.key == flow.key))
        version = (newest.scalar() or 0) + 1
        await transaction.append(
            flows,
            _COLUMNS[1:],
            [
                (
                    flow.key,
                    version,
                    flow.hash,
                    flow.name,
                    flow.file,
                    flow.source,
                    flow.options,
                    flow.created,
                    True,
                )
            ],
        )
    else:
        await transaction.execute(
            update(flows).where(of.id == row.id).values(active=True, name=flow.name, file=flow.file)
        )
    (stored,) = await transaction.rows(this)
    return StoredFlow(*stored)


async def flow_by_id(transaction: Transaction, flow_id: int) -> StoredFlow | None:
    rows = await transaction.rows(select(*_COLUMNS).where(flows.c.id == flow_id))
    return StoredFlow(*rows[0]) if rows else None


async def versions_in_use(transaction: Transaction) -> list[int]:
    rows = await transaction.rows(select(traces.c.flow_id).where(OPEN).distinct())
    return sorted(row.flow_id for row in rows)

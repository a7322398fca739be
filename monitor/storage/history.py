"""Stored traces with all they are made of, to be judged anew: read chain by chain, never all at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from sqlalchemy import select

from monitor.storage.base import StoredTrace
from monitor.storage.observed import OBSERVED, observation_of
from monitor.storage.tables import observations, traces
from monitor.storage.transaction import Transaction


async def load(
    transaction: Transaction, flow: str, after: int, limit: int, key: str | None
) -> Sequence[StoredTrace]:
    """The traces of the ``limit`` chains after chain ``after`` (0: from the first), in order; of one ``key``
    where there is one."""
    live = (traces.c.flow == flow) & traces.c.merged_into.is_(None) & (traces.c.events > 0)
    wanted = select(traces.c.chain_id).where(live, traces.c.chain_id > after).distinct()
    if key is not None:
        wanted = wanted.where(traces.c.key == key)
    chains = [row.chain_id for row in await transaction.rows(wanted.order_by("chain_id").limit(limit))]
    if not chains:
        return []
    asked = (
        select(*OBSERVED, traces.c.chain_id, traces.c.key, traces.c.flow_id, observations.c.trace_id)
        .join_from(traces, observations, observations.c.trace_id == traces.c.id)
        .where(live, transaction.among(traces.c.chain_id, chains))
        .order_by(traces.c.chain_id, traces.c.ordinal, traces.c.id)
    )
    rows = await transaction.rows(asked)
    return [
        StoredTrace(first.chain_id, first.key, first.flow_id, tuple(map(observation_of, (first, *rest))))
        for _, (first, *rest) in groupby(rows, attrgetter("trace_id"))
    ]

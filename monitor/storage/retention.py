"""Letting go of what has been kept long enough (settings ``retention``).

Everything is deleted in batches, each a transaction that waits for no batch of events: chains and messages
another transaction holds are left for the next time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, or_, select, update

from monitor.domain.verdict import ClockState
from monitor.storage import alerts
from monitor.storage.counting import SqlCounting
from monitor.storage.tables import (
    ARMED,
    COMPLETE,
    FORGOTTEN,
    LATER_IN_CHAIN,
    OPEN,
    OVERDUE,
    SHARED,
    checkpoints,
    clocks,
    events,
    findings,
    inbox,
    late_clocks,
    observations,
    seen,
    trace_attributes,
    trace_keys,
    trace_statistics,
    traces,
)
from monitor.storage.tally import CLOCKS, EVENTS, Counted, Tally
from monitor.storage.transaction import Transaction


async def purge_traces(
    transaction: Transaction, keep: timedelta, now: datetime, limit: int, tally: Tally
) -> int:
    """See :meth:`monitor.storage.base.Store.purge_traces`."""
    chains, old = await _locked(transaction, and_(COMPLETE, traces.c.last < now - keep), limit)
    return await _delete(transaction, chains, old, keep, now, tally)


async def purge_open(
    transaction: Transaction,
    keep: timedelta,
    read: Mapping[str, datetime],
    now: datetime,
    limit: int,
    tally: Tally,
) -> int:
    """See :meth:`monitor.storage.base.Store.purge_open`. Statistics say where open traces stand, so no other
    transaction may be counting."""
    purged = 0
    for flow, mark in sorted(read.items()):
        if purged >= limit:
            break
        before = min(mark, now) - keep
        of = clocks.c
        awaited = (of.trace_id == traces.c.id) & or_(ARMED, OVERDUE & (of.due >= before))
        due = and_(OPEN, traces.c.flow == flow, traces.c.last < before, ~exists().where(awaited))
        chains, old = await _locked(transaction, due, limit - purged)
        if not old:
            continue
        await SqlCounting(transaction, tally).no_longer_standing(old)
        purged += await _delete(transaction, chains, old, keep, now, tally)
    return purged


async def _locked(
    transaction: Transaction, due: ColumnElement[bool], limit: int
) -> tuple[dict[int, list[Row[Any]]], set[int]]:
    """Chains that hold a trace that is ``due``, with all their rows, and those traces. That they are is asked
    twice: a batch may have changed them before they were locked."""
    roots = await _lock_chains(transaction, due, limit)
    if not roots:
        return {}, set()
    among = transaction.among
    named = or_(among(traces.c.id, roots), LATER_IN_CHAIN & among(traces.c.chain_id, roots))
    old = {trace_id for (trace_id,) in await transaction.rows(select(traces.c.id).where(named, due))}
    return await _members(transaction, roots, named), old


async def _delete(
    transaction: Transaction,
    chains: Mapping[int, Sequence[Row[Any]]],
    due: Collection[int],
    keep: timedelta,
    now: datetime,
    tally: Tally,
) -> int:
    """Delete the traces that are ``due`` from chains that are locked. Returns how many."""
    whole: list[int] = []  # rows of chains of which nothing is left
    old: list[int] = []
    emptied: list[int] = []
    for root, rows in chains.items():
        listed = [row for row in rows if row.merged_into is None]
        gone = [row for row in listed if row.id in due]
        for row in gone:
            tally.move(Counted(row.flow, row.complete, row.confirmed, row.sla), None)
        old += [row.id for row in gone]
        if len(gone) == len(listed):
            whole += [row.id for row in rows]
        else:
            emptied += [row.id for row in gone if row.id == root]
    if not old:
        return 0
    await _delete_contents(transaction, {*old, *whole}, keep, now, tally)
    for table in (trace_keys, trace_attributes):
        await transaction.execute(delete(table).where(transaction.among(table.c.trace_id, whole)))
    rest = {*old, *whole}.difference(emptied)
    await transaction.execute(delete(traces).where(transaction.among(traces.c.id, rest)))
    await _empty(transaction, emptied, now)
    return len(old)


async def _lock_chains(transaction: Transaction, due: ColumnElement[bool], limit: int) -> set[int]:
    """Chains that hold a trace that is ``due``, the oldest first; their first traces are locked."""
    first = traces.alias("first")
    asked = (
        select(first.c.id)
        .join_from(traces, first, first.c.id == traces.c.chain_id)
        .where(due)
        .order_by(traces.c.last, traces.c.id)
        .limit(limit)
        .with_for_update(of=first, skip_locked=True)
    )
    return {root for (root,) in await transaction.rows(asked)}


async def _members(
    transaction: Transaction, roots: Collection[int], named: ColumnElement[bool]
) -> dict[int, list[Row[Any]]]:
    """All rows of these chains, read under their locks; of one absorbed meanwhile nothing."""
    of = traces.c
    asked = select(of.id, of.chain_id, of.flow, of.complete, of.confirmed, of.sla, of.merged_into).where(
        named
    )
    found: dict[int, list[Row[Any]]] = {}
    for row in await transaction.rows(asked):
        if row.chain_id in roots:
            found.setdefault(row.chain_id, []).append(row)
    return found


async def _delete_contents(
    transaction: Transaction, ids: Collection[int], keep: timedelta, now: datetime, tally: Tally
) -> None:
    """All that belongs to these traces, and the events no other trace holds."""
    among = transaction.among
    await _uncount_clocks(transaction, ids, tally)
    held = select(observations.c.event, observations.c.shared).where(among(observations.c.trace_id, ids))
    own: set[int] = set()
    shared: set[int] = set()
    for event, with_others in await transaction.rows(held):
        (shared if with_others else own).add(event)
    for table in (observations, findings, clocks, checkpoints, trace_statistics, late_clocks):
        await transaction.execute(delete(table).where(among(table.c.trace_id, ids)))
    await alerts.forget(transaction, ids, now)
    if shared:
        own |= await _left_alone(transaction, shared)
    await _delete_events(transaction, own, keep, now, tally)


async def _uncount_clocks(transaction: Transaction, ids: Collection[int], tally: Tally) -> None:
    """Clocks may run still that nothing judges any more: nothing had to come, they pause, or too late is
    never."""
    of = clocks.c
    running = select(of.flow, of.sla, of.state, func.count().label("amount")).where(
        transaction.among(of.trace_id, ids), of.state.in_([state.value for state in CLOCKS])
    )
    for row in await transaction.rows(running.group_by(of.flow, of.sla, of.state)):
        tally.clocks_deleted(row.flow, row.sla, ClockState(row.state), row.amount)


async def _left_alone(transaction: Transaction, shared: Collection[int]) -> set[int]:
    """Those of these events that no trace holds any more. They are locked first: of two that each delete
    one of an event's two traces, the second must see what the first did."""
    among = transaction.among
    ours = select(events.c.id).where(among(events.c.id, shared)).order_by(events.c.id).with_for_update()
    locked = {event for (event,) in await transaction.rows(ours)}
    held = select(observations.c.event).where(SHARED, among(observations.c.event, locked)).distinct()
    return locked - {event for (event,) in await transaction.rows(held)}


async def _delete_events(
    transaction: Transaction, ids: Collection[int], keep: timedelta, now: datetime, tally: Tally
) -> None:
    """Delete events. That they were seen is remembered until ``keep`` after they were received."""
    if not ids:
        return
    named = transaction.among(events.c.id, ids)
    rows = await transaction.rows(select(events.c.identity, events.c.source).where(named))
    await transaction.execute(delete(events).where(named))
    for source, count in Counter(row.source for row in rows).items():
        tally.add(EVENTS, source, -count)
    of = seen.c
    known = await transaction.look_up(
        seen, [of.digest], sorted((row.identity,) for row in rows), [of.digest, of.received]
    )
    due: list[tuple[bytes]] = []
    later: list[tuple[bytes, datetime]] = []
    for digest, received in sorted(known):
        if received + keep <= now:
            due.append((digest,))
        else:
            later.append((digest, received + keep))
    await transaction.delete(seen, [of.digest], due)
    await transaction.update(seen, [of.digest], [of.forget], later)


async def _empty(transaction: Transaction, roots: Sequence[int], now: datetime) -> None:
    """Chains go on by their first trace's row, which stays, marked as merged into itself."""
    if not roots:
        return
    nothing = {
        **dict.fromkeys(("state", "first", "last", "sla", "visited")),
        **dict.fromkeys(("events", "deviations", "confirmed", "cost"), 0),
        **dict.fromkeys(("standing", "expected"), "[]"),
        "open_clocks": False,
        "cut": False,
        "merged_into": traces.c.id,
        "updated": now,
    }
    await transaction.execute(update(traces).where(transaction.among(traces.c.id, roots)).values(nothing))


async def forget_seen(transaction: Transaction, now: datetime, limit: int) -> int:
    """See :meth:`monitor.storage.base.Store.forget_seen`."""
    of = seen.c
    asked = select(of.digest).where(FORGOTTEN, of.forget <= now).order_by(of.forget).limit(limit)
    rows = await transaction.rows(asked.with_for_update(skip_locked=True))
    await transaction.delete(seen, [of.digest], sorted((row.digest,) for row in rows))
    return len(rows)


async def purge_inbox(transaction: Transaction, before: datetime, limit: int, tally: Tally) -> int:
    """See :meth:`monitor.storage.base.Store.purge_inbox`."""
    of = inbox.c
    asked = (
        select(of.id, of.reason, of.type, of.source)
        .where(of.received < before)
        .order_by(of.received, of.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = await transaction.rows(asked)
    if rows:
        await transaction.execute(delete(inbox).where(transaction.among(of.id, [row.id for row in rows])))
        for row in rows:
            tally.left_inbox(row.reason, row.type, row.source)
    return len(rows)

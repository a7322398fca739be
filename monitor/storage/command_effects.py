"""Whether what a command was to bring about has happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select

from monitor.commands.base import Command, Found, Status
from monitor.domain.notice import Notice, NoticeKind
from monitor.storage import notices
from monitor.storage.command_rows import change, command_of
from monitor.storage.tables import LATER_IN_CHAIN, commands, observations, traces
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction

_of = commands.c
_AWAITED = (Status.PUBLISHED.value, Status.INEFFECTIVE.value)


async def awaited(transaction: Transaction, now: datetime, limit: int) -> list[Command]:
    """See :meth:`monitor.commands.base.CommandStore.awaited`."""
    asked = select(commands).where(_of.status.in_(_AWAITED), _of.next_at <= now)
    rows = await transaction.rows(asked.order_by(_of.next_at, _of.id).limit(limit))
    return [command_of(row) for row in rows]


async def followed(transaction: Transaction, command: Command) -> Found | None:
    """See :meth:`monitor.commands.base.CommandStore.followed`. The trace may be part of another by now."""
    of, seen = traces.c, observations.c
    chain, trace = command.trace, command.trace
    for _ in range(8):  # merges of merges
        rows = await transaction.rows(select(of.chain_id, of.merged_into).where(of.id == trace))
        if not rows:
            break
        chain = rows[0].chain_id
        if rows[0].merged_into in (None, trace):
            break
        trace = rows[0].merged_into
    members = select(of.id).where(or_(of.id == chain, and_(LATER_IN_CHAIN, of.chain_id == chain)))
    ids = [id_ for (id_,) in await transaction.rows(members.limit(1000))]
    asked = (
        select(seen.time, seen.event_id)
        .where(transaction.among(seen.trace_id, ids), seen.label == command.expect)
        .order_by(seen.time, seen.identity)
        .limit(1)
    )
    if command.since is not None:
        asked = asked.where(seen.time >= command.since)
    found = await transaction.rows(asked)
    return Found(found[0].time, found[0].event_id) if found else None


async def watched(
    transaction: Transaction,
    command: Command,
    status: Status,
    found: Found | None,
    told: str,
    again: datetime | None,
    now: datetime,
    tally: Tally,
) -> bool:
    """See :meth:`monitor.commands.base.CommandStore.watched`. The notice of a command without effect begins,
    and ends, with the change."""
    asked = select(commands).where(_of.id == command.id, _of.status == command.status.value)
    if not await transaction.rows(asked.with_for_update()):
        return False
    values: dict[str, Any] = {"status": status.value, "next_at": again}
    if told:
        values["told"] = told
    if found is not None:
        values |= {"effect": found.time, "effect_event": found.event}
    if status is not command.status:
        values["settled"] = now
        tally.changed()
    await change(transaction, command.id, values)
    if status is Status.INEFFECTIVE and command.status is not Status.INEFFECTIVE:
        await notices.begin(transaction, _notice(command, told, now), tally)
    elif command.status is Status.INEFFECTIVE and again is None:
        kind = NoticeKind.COMMAND_INEFFECTIVE
        await notices.end(transaction, kind, str(command.id), now, tally)
    return True


def _notice(command: Command, told: str, now: datetime) -> Notice:
    return Notice(
        kind=NoticeKind.COMMAND_INEFFECTIVE,
        subject=str(command.id),
        message=f"“{command.title}” for {command.trace_key}: {told}",
        since=command.due or now,
        noticed=now,
        flow=command.flow,
    )

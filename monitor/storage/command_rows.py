"""Commands as rows, and what changes of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from monitor.commands.base import Attempt, Broker, Command, Message, NotPossible, Outcome, Request, Status
from monitor.commands.declared import Mode
from monitor.storage.tables import command_brokers, command_switch, commands
from monitor.storage.transaction import Transaction
from monitor.storage.types import exact_json, from_json

_MICROSECOND = timedelta(microseconds=1)
SWITCH = 1
"""Id of the one row of the kill switch."""


def command_of(row: Row[Any]) -> Command:
    message = Message(
        id=row.message_id,
        type=row.type,
        kind=row.kind,
        broker=row.broker,
        place=row.place,
        key=row.key,
        headers=from_json(row.headers),
        content_type=row.content_type,
        body=bytes(row.body),
    )
    return Command(
        id=row.id,
        name=row.name,
        title=row.title,
        flow=row.flow,
        trace=row.trace_id,
        trace_key=row.trace_key,
        finding=row.finding,
        reason=row.reason,
        mode=Mode(row.mode),
        dry_run=row.dry_run,
        status=Status(row.status),
        message=message,
        requested=row.requested,
        requested_by=row.requested_by,
        note=row.note,
        approved=row.approved,
        approved_by=row.approved_by,
        expires=row.expires,
        attempts=row.attempts,
        next_at=row.next_at,
        published=row.published,
        told=row.told,
        expect=row.expect,
        within=None if row.within is None else row.within * _MICROSECOND,
        since=row.since,
        due=row.due,
        effect=row.effect,
        effect_event=row.effect_event,
        settled=row.settled,
    )


def attempt_of(row: Row[Any]) -> Attempt:
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return Attempt(row.number, row.worker, row.began, row.ended, outcome, row.detail)


def broker_of(row: Row[Any]) -> Broker:
    return Broker(row.broker, row.failures, row.until, row.trying, row.told)


async def insert_command(
    transaction: Transaction, request: Request, status: Status, now: datetime, **rest: Any
) -> int:
    """Returns its id."""
    item, message, expect = request.item, request.message, request.item.expect
    values = {
        "message_id": message.id,
        "once": request.once,
        "name": item.name,
        "title": item.title,
        "flow": item.flow,
        "trace_id": request.trace,
        "trace_key": request.trace_key,
        "finding": request.finding,
        "reason": request.reason,
        "mode": item.mode.value,
        "dry_run": item.dry_run,
        "status": status.value,
        "type": message.type,
        "kind": message.kind,
        "broker": message.broker,
        "place": message.place,
        "key": message.key,
        "headers": exact_json(dict(message.headers)),
        "content_type": message.content_type,
        "body": message.body,
        "requested": now,
        "requested_by": request.who,
        "note": request.note,
        "attempts": 0,
        "expect": None if expect is None else expect.event,
        "within": None if expect is None else expect.within // _MICROSECOND,
        "tolerance": None if expect is None else expect.tolerance // _MICROSECOND,
        **rest,
    }
    done = await transaction.execute(insert(commands).values(values).returning(commands.c.id))
    return int(done.scalar_one())


async def locked(transaction: Transaction, id: int) -> Command:
    """Raises NotPossible where there is none."""
    rows = await transaction.rows(select(commands).where(commands.c.id == id).with_for_update())
    if not rows:
        raise NotPossible(f"There is no command {id}.")
    return command_of(rows[0])


async def change(transaction: Transaction, id: int, values: Mapping[str, Any]) -> Command:
    """Of a command that is locked."""
    await transaction.execute(update(commands).where(commands.c.id == id).values(dict(values)))
    (row,) = await transaction.rows(select(commands).where(commands.c.id == id))
    return command_of(row)


async def locked_switch(transaction: Transaction, now: datetime) -> Row[Any]:
    """The kill switch's row. Whoever holds it is the only one who asks for commands, takes them to send them,
    or throws the switch."""
    of = command_switch.c
    await transaction.claim(command_switch, list(of), [(SWITCH, False, "", now, "")])
    rows = await transaction.rows(select(command_switch).where(of.id == SWITCH).with_for_update())
    row: Row[Any] = rows[0]
    return row


async def locked_brokers(transaction: Transaction, names: Sequence[str]) -> dict[str, Broker]:
    """In one order, so that two cannot wait for each other."""
    wanted = sorted(set(names))
    of = command_brokers.c
    columns = [of.broker, of.failures]
    await transaction.claim(command_brokers, columns, [(name, 0) for name in wanted])
    asked = select(command_brokers).where(of.broker.in_(wanted)).order_by(of.broker).with_for_update()
    return {row.broker: broker_of(row) for row in await transaction.rows(asked)}


async def write_brokers(transaction: Transaction, brokers: Sequence[Broker]) -> None:
    of = command_brokers.c
    rows = [(one.broker, one.failures, one.until, one.trying, one.told) for one in brokers]
    await transaction.update(
        command_brokers, [of.broker], [of.failures, of.until, of.trying, of.told], sorted(rows)
    )

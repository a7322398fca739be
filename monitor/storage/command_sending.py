"""Commands are taken to be sent, and what came of it is kept.

An attempt is written before it is made and its outcome afterwards, each in a transaction of its own. Whoever
dies in between leaves an attempt without an outcome; when the lease is over the command is taken again, with
the same message and the same id.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from monitor.commands import breaker
from monitor.commands.base import Command, Outcome, Patience, Status
from monitor.storage.command_rows import (
    change,
    command_of,
    locked_brokers,
    locked_switch,
    write_brokers,
)
from monitor.storage.tables import command_attempts, commands
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction

_of = commands.c
_SENDABLE = (Status.QUEUED.value, Status.PUBLISHING.value)
_MICROSECOND = timedelta(microseconds=1)


async def claim(
    transaction: Transaction, worker: str, patience: Patience, now: datetime, limit: int, tally: Tally
) -> list[Command]:
    """See :meth:`monitor.commands.base.CommandStore.claim`."""
    due = select(_of.id).where(_of.status.in_(_SENDABLE), _of.next_at <= now)
    if not await transaction.rows(due.limit(1)):
        return []  # the usual case takes no lock
    if (await locked_switch(transaction, now)).stopped:
        return []
    asked = select(commands).where(_of.status.in_(_SENDABLE), _of.next_at <= now)
    asked = asked.order_by(_of.next_at, _of.id).limit(limit).with_for_update(skip_locked=True)
    rows = await transaction.rows(asked)
    brokers = await locked_brokers(transaction, [row.broker for row in rows])
    claimed: list[Command] = []
    for row in rows:
        broker = brokers[row.broker]
        waits = breaker.waits_until(broker, now)
        if now >= (row.expires or row.requested + patience.give_up):
            await _give_up(transaction, row, now)
        elif waits is not None:
            told = f"Nothing is sent to {row.broker} for now: {broker.failures} attempts in a row failed."
            await change(
                transaction,
                row.id,
                {
                    "status": Status.QUEUED.value,
                    "next_at": waits,
                    "told": f"{told} {broker.told or ''}".strip(),
                },
            )
        else:
            brokers[row.broker] = breaker.begun(broker, patience, now)
            claimed.append(await _begin(transaction, row, worker, patience, now))
    await write_brokers(transaction, list(brokers.values()))
    if rows:
        tally.changed()
    return claimed


async def _begin(
    transaction: Transaction, row: Row[Any], worker: str, patience: Patience, now: datetime
) -> Command:
    number = row.attempts + 1
    before = await outcomes(transaction, row.id)
    values = {"command_id": row.id, "number": number, "worker": worker, "began": now}
    await transaction.execute(insert(command_attempts).values(values))
    changed: dict[str, Any] = {
        "status": Status.PUBLISHING.value,
        "attempts": number,
        "next_at": now + patience.lease,
    }
    if row.tolerance is not None and not breaker.may_have_arrived(before):
        changed["since"] = now - row.tolerance * _MICROSECOND
    return await change(transaction, row.id, changed)


async def _give_up(transaction: Transaction, row: Row[Any], now: datetime) -> None:
    status = breaker.given_up(await outcomes(transaction, row.id))
    why = {
        Status.EXPIRED: "Its time was over before it could be sent.",
        Status.UNCONFIRMED: "Given up without a confirmation. It may have arrived all the same.",
    }.get(status, "Given up.")
    values = {
        "status": status.value,
        "next_at": None,
        "settled": now,
        "told": f"{why} {row.told or ''}".strip(),
    }
    await change(transaction, row.id, values)


async def outcomes(transaction: Transaction, id: int) -> set[Outcome | None]:
    """Of all attempts to send it; None is one without."""
    of = command_attempts.c
    rows = await transaction.rows(select(of.outcome).where(of.command_id == id).distinct())
    return {None if text is None else Outcome(text) for (text,) in rows}


async def record(
    transaction: Transaction,
    command: Command,
    outcome: Outcome,
    told: str,
    patience: Patience,
    now: datetime,
    tally: Tally,
) -> Command | None:
    """See :meth:`monitor.commands.base.CommandStore.record`. What a sender says whose lease was over is kept
    with its attempt; of the command it can only say that it was published after all."""
    of = command_attempts.c
    await transaction.execute(
        update(command_attempts)
        .where(of.command_id == command.id, of.number == command.attempts)
        .values(ended=now, outcome=outcome.value, detail=told)
    )
    rows = await transaction.rows(select(commands).where(_of.id == command.id).with_for_update())
    brokers = await locked_brokers(transaction, [command.message.broker])
    ended = [breaker.ended(one, outcome, told, patience, now) for one in brokers.values()]
    await write_brokers(transaction, ended)
    tally.changed()
    if not rows:
        return None
    row = rows[0]
    stands = command_of(row)
    if outcome is Outcome.PUBLISHED:
        if stands.published is not None:
            return stands
        return await change(transaction, row.id, _published(row, told, now))
    if stands.status is not Status.PUBLISHING or stands.attempts != command.attempts:
        return stands
    if outcome.is_final:
        to = Status.UNROUTABLE if outcome is Outcome.UNROUTABLE else Status.REFUSED
        values = {"status": to.value, "next_at": None, "settled": now, "told": told}
        return await change(transaction, row.id, values)
    again = now + breaker.pause(stands.attempts, patience)
    values = {"status": Status.QUEUED.value, "next_at": again, "told": told}
    return await change(transaction, row.id, values)


def _published(row: Row[Any], told: str, now: datetime) -> dict[str, Any]:
    awaits = row.expect is not None
    return {
        "status": Status.PUBLISHED.value,
        "published": now,
        "told": told,
        "due": now + row.within * _MICROSECOND if awaits else None,
        "next_at": now if awaits else None,
        "settled": None if awaits else now,
    }

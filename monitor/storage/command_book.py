"""What people do with corrective commands, in the database: :class:`~monitor.commands.base.CommandBook`.

Who asks for a command, takes one to send it or throws the kill switch holds the switch's row: so limits are
exact, and after the switch was thrown nobody takes another command. Locks are taken in this order: the
switch, commands by id, brokers by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select, update

from monitor.commands.base import (
    EVERY_COMMAND,
    Attempt,
    Broker,
    Command,
    CommandFilter,
    NotPossible,
    Patience,
    Request,
    Status,
    Stop,
)
from monitor.commands.breaker import may_have_arrived
from monitor.commands.declared import Item, Mode
from monitor.commands.limits import reached
from monitor.domain import audit as actions
from monitor.domain.audit import Entry
from monitor.storage import audit, command_sending, keyset
from monitor.storage.command_rows import (
    SWITCH,
    attempt_of,
    broker_of,
    change,
    command_of,
    insert_command,
    locked,
    locked_switch,
)
from monitor.storage.tables import (
    LATER_IN_CHAIN,
    command_attempts,
    command_brokers,
    command_switch,
    commands,
    traces,
)
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction
from monitor.storage.views import Page

LONGEST_NOTE = 2000
RESUME = "They have to be resumed first."
DRY = "A dry run: everything was done but the sending."
_HOUR = timedelta(hours=1)
_of = commands.c
_COUNTED = [status.value for status in Status if status.counts]

Counted = Callable[[], AbstractAsyncContextManager[tuple[Transaction, Tally]]]
Read = Callable[[], AbstractAsyncContextManager[Transaction]]


class SqlCommandBook:
    """``counted`` opens a transaction that changes something, ``read`` one in which nothing changes."""

    def __init__(self, counted: Counted, read: Read) -> None:
        self._counted = counted
        self._read = read

    # asking -------------------------------------------------------------------------------------------------

    async def request(self, request: Request, now: datetime) -> Command:
        async with self._counted() as (transaction, tally):
            switch = await locked_switch(transaction, now)
            known = await _by_message(transaction, request.message.id)
            if known is not None:
                if (known.name, known.trace) != (request.item.name, request.trace):
                    raise NotPossible("This id is another command's.", mend="Preview the command again.")
                return known
            if switch.stopped:
                raise NotPossible(f"Commands are stopped by {switch.by}.", mend=RESUME)
            if request.once is not None and await known_of(transaction, [request.once]):
                raise NotPossible("It was asked for already.")
            unmet = await _unmet(transaction, request.item, request.trace, now)
            if unmet is not None:
                raise NotPossible(unmet)
            status = request.status
            waits = status is Status.WAITING
            id_ = await insert_command(
                transaction,
                request,
                status,
                now,
                expires=now + request.item.expires if waits else None,
                next_at=now if status is Status.QUEUED else None,
                settled=now if status is Status.DRY_RUN else None,
                told=DRY if status is Status.DRY_RUN else None,
            )
            made = await _command(transaction, id_)
            assert made is not None
            await audit.write(transaction, [_entry(request.who, actions.COMMAND_REQUEST, made)], now)
            tally.changed()
            return made

    async def unmet(self, item: Item, trace: int, now: datetime) -> str | None:
        async with self._read() as transaction:
            return await _unmet(transaction, item, trace, now)

    async def approve(self, id: int, who: str, note: str, patience: Patience, now: datetime) -> Command:
        async with self._counted() as (transaction, tally):
            switch = await locked_switch(transaction, now)
            command = await locked(transaction, id)
            if command.status is not Status.WAITING:
                raise NotPossible("It does not wait for an approval, or no longer.")
            if command.requested_by == who:
                raise NotPossible(
                    "Whoever asked for it cannot approve it: that takes a second person.",
                    mend="Let somebody else log in and approve it.",
                )
            if command.expires is not None and now >= command.expires:
                raise NotPossible("It waited too long for an approval.", mend="Ask for it again.")
            if switch.stopped and not command.dry_run:
                raise NotPossible(f"Commands are stopped by {switch.by}.", mend=RESUME)
            to = Status.DRY_RUN if command.dry_run else Status.QUEUED
            changed = await change(
                transaction,
                id,
                {
                    "status": to.value,
                    "approved": now,
                    "approved_by": who,
                    "expires": now + patience.give_up,
                    "next_at": None if command.dry_run else now,
                    "settled": now if command.dry_run else None,
                    "told": DRY if command.dry_run else None,
                },
            )
            entry = _entry(who, actions.COMMAND_APPROVE, changed, note=note[:LONGEST_NOTE])
            await audit.write(transaction, [entry], now)
            tally.changed()
            return changed

    async def cancel(self, id: int, who: str, note: str, now: datetime) -> Command:
        async with self._counted() as (transaction, tally):
            await locked_switch(transaction, now)
            command = await locked(transaction, id)
            if not command.status.may_be_cancelled:
                raise NotPossible("It cannot be cancelled any more.")
            perhaps = may_have_arrived(await command_sending.outcomes(transaction, id))
            told = "An attempt to send it may have succeeded before." if perhaps else None
            values = {"status": Status.CANCELLED.value, "next_at": None, "settled": now, "told": told}
            changed = await change(transaction, id, values)
            entry = _entry(who, actions.COMMAND_CANCEL, changed, note=note[:LONGEST_NOTE])
            await audit.write(transaction, [entry], now)
            tally.changed()
            return changed

    async def again(self, id: int, who: str, patience: Patience, now: datetime) -> Command:
        async with self._counted() as (transaction, tally):
            switch = await locked_switch(transaction, now)
            command = await locked(transaction, id)
            if not command.may_go_again:
                raise NotPossible("It is not one to be sent again.")
            if switch.stopped:
                raise NotPossible(f"Commands are stopped by {switch.by}.", mend=RESUME)
            values = {
                "status": Status.QUEUED.value,
                "next_at": now,
                "expires": now + patience.give_up,
                "settled": None,
            }
            changed = await change(transaction, id, values)
            await audit.write(transaction, [_entry(who, actions.COMMAND_AGAIN, changed)], now)
            tally.changed()
            return changed

    # the kill switch ----------------------------------------------------------------------------------------

    async def stop(self, who: str, note: str, now: datetime) -> bool:
        return await self._switch(who, note, now, stopped=True)

    async def resume(self, who: str, note: str, now: datetime) -> bool:
        return await self._switch(who, note, now, stopped=False)

    async def _switch(self, who: str, note: str, now: datetime, *, stopped: bool) -> bool:
        async with self._counted() as (transaction, tally):
            if (await locked_switch(transaction, now)).stopped == stopped:
                return False
            values = {"stopped": stopped, "by": who, "since": now, "note": note[:LONGEST_NOTE]}
            changing = update(command_switch).where(command_switch.c.id == SWITCH).values(values)
            await transaction.execute(changing)
            action = actions.COMMAND_STOP if stopped else actions.COMMAND_RESUME
            detail = {"note": note[:LONGEST_NOTE]} if note else {}
            await audit.write(transaction, [Entry(who, action, "all commands", detail)], now)
            tally.changed()
            return True

    async def stopped(self) -> Stop | None:
        async with self._read() as transaction:
            rows = await transaction.rows(select(command_switch).where(command_switch.c.id == SWITCH))
        return Stop(rows[0].by, rows[0].since, rows[0].note) if rows and rows[0].stopped else None

    # looking ------------------------------------------------------------------------------------------------

    async def command(self, id: int) -> Command | None:
        async with self._read() as transaction:
            return await _command(transaction, id)

    async def by_message(self, message_id: str) -> Command | None:
        async with self._read() as transaction:
            return await _by_message(transaction, message_id)

    async def attempts(self, id: int, limit: int = 100) -> Sequence[Attempt]:
        of = command_attempts.c
        asked = select(command_attempts).where(of.command_id == id).order_by(of.number.desc()).limit(limit)
        async with self._read() as transaction:
            return [attempt_of(row) for row in await transaction.rows(asked)]

    async def commands(
        self, filter: CommandFilter = EVERY_COMMAND, cursor: str | None = None, limit: int = 50
    ) -> Page[Command]:
        asked = select(commands)
        if filter.status is not None:
            asked = asked.where(_of.status == filter.status.value)
        if filter.name is not None:
            asked = asked.where(_of.name == filter.name)
        beyond = keyset.after([_of.id], cursor)
        if beyond is not None:
            asked = asked.where(beyond)
        async with self._read() as transaction:
            rows = await transaction.rows(asked.order_by(_of.id.desc()).limit(limit + 1))
        return keyset.page(rows, limit, command_of, lambda row: (row.id,))

    async def of_trace(self, trace: int, limit: int = 100) -> Sequence[Command]:
        async with self._read() as transaction:
            ids = await _one_trace(transaction, trace)
            asked = select(commands).where(transaction.among(_of.trace_id, ids))
            rows = await transaction.rows(asked.order_by(_of.id.desc()).limit(limit))
        return [command_of(row) for row in rows]

    async def brokers(self) -> Sequence[Broker]:
        asked = select(command_brokers).order_by(command_brokers.c.broker).limit(200)
        async with self._read() as transaction:
            return [broker_of(row) for row in await transaction.rows(asked)]


async def _command(transaction: Transaction, id: int) -> Command | None:
    rows = await transaction.rows(select(commands).where(_of.id == id))
    return command_of(rows[0]) if rows else None


async def _by_message(transaction: Transaction, message_id: str) -> Command | None:
    rows = await transaction.rows(select(commands).where(_of.message_id == message_id))
    return command_of(rows[0]) if rows else None


async def known_of(transaction: Transaction, once: Sequence[str]) -> set[str]:
    found: set[str] = set()
    if once:
        rows = await transaction.rows(select(_of.once).where(_of.once.in_(list(once))))
        found = {text for (text,) in rows}
    return found


async def _unmet(transaction: Transaction, item: Item, trace: int, now: datetime) -> str | None:
    """Dry runs count against limits of dry runs only, and the others against the others'. What failed without
    an attempt had no message and does not count."""
    sendable = or_(_of.status != Status.FAILED.value, _of.attempts > 0)
    counted = and_(_of.name == item.name, _of.dry_run.is_(item.dry_run), _of.status.in_(_COUNTED), sendable)
    of_hour = select(func.count()).select_from(commands).where(counted, _of.requested > now - _HOUR)
    ids = await _one_trace(transaction, trace)
    of_trace = select(func.count()).select_from(commands)
    of_trace = of_trace.where(transaction.among(_of.trace_id, ids), counted)
    ((hour,),) = await transaction.rows(of_hour)
    ((same,),) = await transaction.rows(of_trace)
    return reached(item.limits, same, hour)


async def _one_trace(transaction: Transaction, trace: int) -> list[int]:
    """The trace, and those that turned out to be part of it."""
    of = traces.c
    rows = await transaction.rows(select(of.chain_id).where(of.id == trace))
    if not rows:
        return [trace]
    chain = rows[0].chain_id
    asked = select(of.id).where(
        or_(of.id == chain, and_(LATER_IN_CHAIN, of.chain_id == chain)), of.merged_into == trace
    )
    return [trace, *(id_ for (id_,) in await transaction.rows(asked))]


def _entry(who: str, action: str, command: Command, **more: str) -> Entry:
    detail = {
        "command": command.id,
        "message": command.message.id,
        "trace": command.trace,
        "finding": command.finding,
        "target": f"{command.message.broker} {command.message.place}",
        "dry_run": command.dry_run,
        **{name: text for name, text in more.items() if text},
    }
    if command.note and action == actions.COMMAND_REQUEST:
        detail["note"] = command.note
    automatic = " automatically" if command.mode is Mode.AUTOMATIC else ""
    return Entry(who, action, f"{command.title} for {command.flow} {command.trace_key}{automatic}", detail)

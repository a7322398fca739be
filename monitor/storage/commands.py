"""Corrective commands in the database: :class:`~monitor.commands.base.CommandStore`.

The order of locks is told in :mod:`~monitor.storage.command_book`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, select, update

from monitor.commands.base import Command, Found, Outcome, Patience, Request, Status
from monitor.domain.verdict import FindingState
from monitor.storage import command_effects, command_sending, keyset
from monitor.storage.command_book import SqlCommandBook, known_of
from monitor.storage.command_rows import SWITCH, insert_command, locked_switch
from monitor.storage.finding_list import finding_row
from monitor.storage.tables import command_switch, commands, findings
from monitor.storage.views import FindingRow

_of = commands.c


class SqlCommands(SqlCommandBook):
    """What commands do by themselves: automatic ones, sending, effects."""

    # automatic ones -----------------------------------------------------------------------------------------

    async def confirmed(
        self, flow: str, since: datetime, until: datetime, limit: int, after: FindingRow | None = None
    ) -> Sequence[FindingRow]:
        of = findings.c
        keys = [of.confirmed, of.trace_id, of.key]
        asked = (
            select(findings)
            .where(of.flow == flow, of.confirmed > since, of.confirmed <= until)
            .where(of.state == FindingState.CONFIRMED.value, of.historic.is_(False))
            .where(of.acknowledged.is_(None))
            .order_by(*keys)
            .limit(limit)
        )
        if after is not None:
            asked = asked.where(
                keyset.beyond(keys, [after.confirmed, after.trace, bytes.fromhex(after.key)], ascending=True)
            )
        async with self._read() as transaction:
            return [finding_row(row) for row in await transaction.rows(asked)]

    async def known(self, once: Sequence[str]) -> set[str]:
        async with self._read() as transaction:
            return await known_of(transaction, once)

    async def held_back(self, request: Request, why: str, now: datetime) -> bool:
        async with self._counted() as (transaction, tally):
            await locked_switch(transaction, now)
            if request.once is not None and await known_of(transaction, [request.once]):
                return False
            await insert_command(transaction, request, request.status, now, settled=now, told=why)
            tally.changed()
            return True

    async def in_vain(self, name: str) -> int:
        judged = [Status.EFFECTIVE.value, Status.INEFFECTIVE.value]
        since = select(command_switch.c.since).where(command_switch.c.id == SWITCH)
        asked = select(_of.status).where(_of.name == name, _of.status.in_(judged))
        asked = asked.where(_of.requested >= since.scalar_subquery()).order_by(
            _of.requested.desc(), _of.id.desc()
        )
        async with self._read() as transaction:
            latest = [status for (status,) in await transaction.rows(asked.limit(100))]
        return next((at for at, status in enumerate(latest) if status == judged[0]), len(latest))

    async def resumed(self) -> datetime | None:
        async with self._read() as transaction:
            rows = await transaction.rows(select(command_switch).where(command_switch.c.id == SWITCH))
        return rows[0].since if rows and not rows[0].stopped else None

    # sending ------------------------------------------------------------------------------------------------

    async def claim(self, worker: str, patience: Patience, now: datetime, limit: int) -> list[Command]:
        async with self._counted() as (transaction, tally):
            return await command_sending.claim(transaction, worker, patience, now, limit, tally)

    async def record(
        self, command: Command, outcome: Outcome, told: str, patience: Patience, now: datetime
    ) -> Command | None:
        async with self._counted() as (transaction, tally):
            return await command_sending.record(transaction, command, outcome, told, patience, now, tally)

    async def expire(self, now: datetime, limit: int) -> int:
        async with self._counted() as (transaction, tally):
            waits = and_(_of.status == Status.WAITING.value, _of.expires <= now)
            some = select(_of.id).where(waits).order_by(_of.id).limit(limit).with_for_update(skip_locked=True)
            ids = [id_ for (id_,) in await transaction.rows(some)]
            if ids:
                values = {
                    "status": Status.EXPIRED.value,
                    "settled": now,
                    "told": "Nobody approved it in time.",
                }
                await transaction.execute(
                    update(commands).where(transaction.among(_of.id, ids)).values(values)
                )
                tally.changed()
            return len(ids)

    # effects ------------------------------------------------------------------------------------------------

    async def awaited(self, now: datetime, limit: int) -> list[Command]:
        async with self._read() as transaction:
            return await command_effects.awaited(transaction, now, limit)

    async def followed(self, command: Command) -> Found | None:
        async with self._read() as transaction:
            return await command_effects.followed(transaction, command)

    async def watched(
        self,
        command: Command,
        status: Status,
        found: Found | None,
        told: str,
        again: datetime | None,
        now: datetime,
    ) -> bool:
        async with self._counted() as (transaction, tally):
            return await command_effects.watched(transaction, command, status, found, told, again, now, tally)

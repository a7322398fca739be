"""Commands to test pages with: kept in memory, as :class:`monitor.commands.base.CommandStore` keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from monitor.commands.base import (
    EVERY_COMMAND,
    Attempt,
    Broker,
    Command,
    CommandFilter,
    Message,
    NotPossible,
    Patience,
    Request,
    Status,
    Stop,
)
from monitor.commands.declared import Expect, Item, Limits, Mode, Target, Template, When
from monitor.commands.offering import Names
from monitor.commands.service import Commander
from monitor.storage.views import Page


def an_item(**changed: Any) -> Item:
    given: dict[str, Any] = {
        "name": "release",
        "title": "Release the order",
        "description": "Asks the warehouse to look again.",
        "flow": "order",
        "when": When(),
        "mode": Mode.MANUAL,
        "target": Target("rabbitmq", "rabbitmq shop:5672/", "shop", Template("orders")),
        "type": "com.shop.ReleaseOrder",
        "source": "/choreoscope",
        "subject": None,
        "headers": {},
        "body": {"orderId": Template("{{ trace.key }}")},
        "expect": Expect("GoodsShipped", timedelta(minutes=10)),
        "limits": Limits(3, 20),
        "dry_run": False,
    }
    return Item(**{**given, **changed})


def a_command(now: datetime, **changed: Any) -> Command:
    given: dict[str, Any] = {
        **dict.fromkeys(Command.__dataclass_fields__),
        "id": 5,
        "name": "release",
        "title": "Release the order",
        "flow": "order",
        "trace": 17,
        "trace_key": "order=o-17",
        "reason": "",
        "mode": Mode.MANUAL,
        "dry_run": False,
        "status": Status.QUEUED,
        "message": Message(
            "11111111-2222-4333-8444-555555555555",
            "com.shop.ReleaseOrder",
            "rabbitmq",
            "rabbitmq shop:5672/",
            "shop",
            "orders",
            {"cloudEvents_id": "11111111-2222-4333-8444-555555555555"},
            "application/json",
            b'{"orderId":"o-17"}',
        ),
        "requested": now,
        "requested_by": "ann",
        "note": "",
        "attempts": 0,
    }
    return Command(**{**given, **changed})


@dataclass
class Shelf:
    """``asked``: what was asked of it by whom."""

    rows: list[Command] = field(default_factory=list)
    tries: list[Attempt] = field(default_factory=list)
    stop_row: Stop | None = None
    broker_rows: list[Broker] = field(default_factory=list)
    full: str | None = None
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    async def request(self, request: Request, now: datetime) -> Command:
        if self.full:
            raise NotPossible(self.full)
        row = a_command(
            now,
            id=len(self.rows) + 5,
            status=request.status,
            message=request.message,
            requested_by=request.who,
            note=request.note,
            name=request.item.name,
            title=request.item.title,
            trace=request.trace,
        )
        self.rows.append(row)
        self.asked.append(("request", request.who, request.note))
        return row

    async def unmet(self, item: Item, trace: int, now: datetime) -> str | None:
        return self.full

    async def approve(self, id: int, who: str, note: str, patience: Patience, now: datetime) -> Command:
        self.asked.append(("approve", who, note))
        return await self._changed(id, status=Status.QUEUED, approved=now, approved_by=who)

    async def cancel(self, id: int, who: str, note: str, now: datetime) -> Command:
        self.asked.append(("cancel", who, note))
        return await self._changed(id, status=Status.CANCELLED, settled=now)

    async def again(self, id: int, who: str, patience: Patience, now: datetime) -> Command:
        self.asked.append(("again", who, ""))
        return await self._changed(id, status=Status.QUEUED)

    async def _changed(self, id: int, **changed: Any) -> Command:
        row = await self.command(id)
        assert row is not None
        made = replace(row, **changed)
        self.rows[self.rows.index(row)] = made
        return made

    async def stop(self, who: str, note: str, now: datetime) -> bool:
        self.stop_row = Stop(who, now, note)
        return True

    async def resume(self, who: str, note: str, now: datetime) -> bool:
        self.stop_row = None
        self.asked.append(("resume", who, note))
        return True

    async def stopped(self) -> Stop | None:
        return self.stop_row

    async def resumed(self) -> datetime | None:
        return None

    async def command(self, id: int) -> Command | None:
        return next((row for row in self.rows if row.id == id), None)

    async def by_message(self, message_id: str) -> Command | None:
        return next((row for row in self.rows if row.message.id == message_id), None)

    async def attempts(self, id: int, limit: int = 100) -> Sequence[Attempt]:
        return self.tries[:limit]

    async def commands(
        self,
        filter: CommandFilter = EVERY_COMMAND,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Command]:
        rows = [row for row in self.rows if filter.status in (None, row.status)]
        return Page(rows[:limit], None)

    async def of_trace(self, trace: int, limit: int = 100) -> Sequence[Command]:
        return [row for row in self.rows if row.trace == trace][:limit]

    async def brokers(self) -> Sequence[Broker]:
        return self.broker_rows


def commander(shelf: Shelf, now: datetime, *items: Item, dry_run: bool = False) -> Commander:
    async def names(_: int) -> Names:
        return {}

    return Commander(
        items or (an_item(),), shelf, names, now=lambda: now, dry_run=dry_run, patience=Patience()
    )

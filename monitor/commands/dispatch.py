"""What the sweep does for commands: sends them, watches for what they bring about, and asks for automatic
ones.

Any number of sweepers may do so on one database: each command is sent by one at a time, who has claimed it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from monitor.commands.base import (
    MONITOR,
    Command,
    CommandStore,
    Found,
    Message,
    NotPossible,
    Offer,
    Outcome,
    Preview,
    Publisher,
    Status,
    Unpublished,
)
from monitor.commands.declared import Item, Mode
from monitor.commands.service import Commander, request_of
from monitor.domain.verdict import FindingState
from monitor.metrics import Metrics
from monitor.sla.findings import duration_text, instant_text
from monitor.storage.views import FindingRow, TraceDetail, Views

log = logging.getLogger("choreoscope.commands")

SENDERS = 10
"""Commands one sweeper sends at the same time."""

BATCH = 200
FRESH = timedelta(minutes=10)
"""An automatic command is about a finding confirmed no longer ago than that."""

OVERLAP = timedelta(seconds=10)
"""Confirmations this much before those seen last are looked at again: another sweeper's may be committed
later."""

IN_VAIN = (
    "The last {} had no effect: none goes out by itself before one had, or commands are stopped and resumed."
)

WATCHED = timedelta(days=1)
"""So long after it was due a late effect is still looked for."""

Publishers = Mapping[tuple[str, str], Publisher]
"""By the command's name and the broker's address."""


class Dispatcher:
    """``judged``: up to when each flow is read, for telling that something did not happen."""

    def __init__(
        self,
        commander: Commander,
        store: CommandStore,
        views: Views,
        publishers: Publishers,
        metrics: Metrics,
        *,
        worker: str,
        now: Callable[[], datetime],
        judged: Callable[[], Awaitable[Mapping[str, datetime]]],
    ) -> None:
        self._commander = commander
        self._store = store
        self._views = views
        self._publishers = publishers
        self._metrics = metrics
        self._worker = worker
        self._now = now
        self._judged = judged
        self._seen: dict[str, datetime] = {}
        self._automatic: dict[str, list[Item]] = {}
        for item in commander.items:
            if item.mode is Mode.AUTOMATIC:
                self._automatic.setdefault(item.flow, []).append(item)

    def ticks(self) -> list[tuple[str, Callable[[], Awaitable[int]], float]]:
        """What the sweep is to do, and every how many seconds."""
        return [
            ("commands", self.send, 0.5),
            ("command effects", self.watch, 0.5),
            ("automatic commands", self.ask, 1.0),
            ("approvals", self.expire, 5.0),
        ]

    # sending ----------------------------------------------------------------------------------------------

    async def send(self) -> int:
        """Send what is to be sent now. Returns how many attempts were made."""
        patience = self._commander.patience
        claimed = await self._store.claim(self._worker, patience, self._now(), SENDERS)
        ended = await asyncio.gather(*(self._send(one) for one in claimed), return_exceptions=True)
        for error in ended:  # one that could not be recorded keeps none of the others from being so
            if error is not None:
                raise error
        return len(claimed)

    async def _send(self, command: Command) -> None:
        """One attempt. Whoever stops us in the middle leaves it without an outcome: it is made again, with
        the same id, once the lease is over."""
        if command.next_at is not None and self._now() >= command.next_at:
            log.warning("command %d: the lease was over before it was sent", command.id)
            return
        outcome, told = await self._published(command)
        self._metrics.command_attempts.labels(command.name, outcome.value).inc()
        level = logging.INFO if outcome is Outcome.PUBLISHED else logging.WARNING
        log.log(level, "command %d (%s), attempt %d: %s", command.id, command.name, command.attempts, told)
        await self._store.record(command, outcome, told, self._commander.patience, self._now())

    async def _published(self, command: Command) -> tuple[Outcome, str]:
        publisher = self._publishers.get((command.name, command.message.broker))
        if publisher is None:
            said = f"The configuration has no command {command.name!r} for {command.message.broker} any more."
            return Outcome.REFUSED, said
        try:
            return Outcome.PUBLISHED, await publisher.publish(command.message)
        except Unpublished as error:
            return error.outcome, str(error).replace("\n  ", " ")
        except Exception as error:  # what nobody foresaw: the message may have arrived
            log.exception("command %d: sending it failed", command.id)
            return Outcome.UNCLEAR, f"Sending it failed in a way nobody foresaw: {type(error).__name__}."

    # effects ----------------------------------------------------------------------------------------------

    async def watch(self) -> int:
        """Look whether what commands were to bring about has followed. Returns how many came to an end."""
        now = self._now()
        awaited = await self._store.awaited(now, BATCH)
        judged = await self._judged() if awaited else {}
        settled = 0
        for command in awaited:
            found = await self._store.followed(command)
            status, told, again = standing(command, found, judged.get(command.flow), now)
            changed = await self._store.watched(command, status, found, told, again, self._now())
            if changed and status is not command.status:
                settled += 1
                self._metrics.command_effects.labels(command.name, status.value).inc()
                level = logging.WARNING if status is Status.INEFFECTIVE else logging.INFO
                log.log(level, "command %d (%s): %s", command.id, command.name, told)
        return settled

    async def expire(self) -> int:
        """End what nobody approved in time, and show whether the kill switch is thrown."""
        self._metrics.commands_stopped.set(await self._store.stopped() is not None)
        return await self._store.expire(self._now(), BATCH)

    # automatic ones ---------------------------------------------------------------------------------------

    async def ask(self) -> int:
        """Ask for automatic commands, once for each finding that was just confirmed. Returns how many were
        asked for. What is confirmed while commands are stopped is nobody's business later."""
        now = self._now()
        if not self._automatic:
            return 0
        if await self._store.stopped() is not None:
            self._seen = dict.fromkeys(self._automatic, now)
            return 0
        resumed = await self._store.resumed()
        asked = 0
        for flow, items in self._automatic.items():
            since = max(self._seen.get(flow, now - FRESH), now - FRESH) - OVERLAP
            if resumed is not None:
                since = max(since, resumed)
            last: FindingRow | None = None
            while rows := await self._store.confirmed(flow, since, now, BATCH, last):
                known = await self._store.known([_once(item, row) for item in items for row in rows])
                for row in rows:
                    asked += await self._ask(row, [item for item in items if _once(item, row) not in known])
                if len(rows) < BATCH:
                    break
                last = rows[-1]
            self._seen[flow] = now
        return asked

    async def _ask(self, row: FindingRow, items: Sequence[Item]) -> int:
        wanted = [item for item in items if not item.when.findings or row.kind in item.when.findings]
        detail = await self._views.trace(row.trace) if wanted else None
        if detail is None:
            return 0
        offers = await self._commander.offered(wanted, detail, detail.clocks)
        asked = 0
        for offer in offers:
            finding = offer.finding
            if finding is not None and finding.key == row.key and finding.state is FindingState.CONFIRMED:
                asked += await self._ask_for(offer, detail, _once(offer.item, row))
        return asked

    async def _ask_for(self, offer: Offer, detail: TraceDetail, once: str) -> bool:
        now = self._now()
        status = Status.DRY_RUN if offer.item.dry_run else Status.QUEUED
        try:
            preview = self._commander.previewed(offer, detail)
        except NotPossible as error:
            blank = Preview(offer, _blank(offer.item), now, "")
            request = request_of(blank, detail, MONITOR, "", Status.FAILED, once)
            if await self._store.held_back(request, str(error), now):
                log.warning("command %s for %s: %s", offer.item.name, detail.row.key, error.message)
            return False
        in_vain = await self._store.in_vain(offer.item.name)
        why = IN_VAIN.format(in_vain) if in_vain >= self._commander.patience.failures else None
        if why is None:
            try:
                await self._store.request(request_of(preview, detail, MONITOR, "", status, once), now)
            except NotPossible as error:
                why = error.message
        if why is not None:
            if await self._store.stopped() is None:
                held = request_of(preview, detail, MONITOR, "", Status.LIMITED, once)
                await self._store.held_back(held, why, now)
            return False
        return True


def standing(
    command: Command, found: Found | None, judged: datetime | None, now: datetime
) -> tuple[Status, str, datetime | None]:
    """How a command that was sent stands, in words, and when to look again (None: no more). ``judged``: up to
    when the flow is read: nothing is told absent before that."""
    assert command.due is not None
    assert command.published is not None
    if found is not None:
        took = found.time - command.published
        after = f"{duration_text(took)} after it was sent" if took > timedelta(0) else "as it was sent"
        late = ", later than expected" if found.time > command.due else ""
        return Status.EFFECTIVE, f"{command.expect} followed {after}{late}.", None
    if command.status is Status.INEFFECTIVE:
        if now >= command.due + WATCHED:
            return Status.INEFFECTIVE, "", None
        return Status.INEFFECTIVE, "", now + timedelta(seconds=30)
    if judged is not None and judged >= command.due:
        told = f"{command.expect} did not follow by {instant_text(command.due)}."
        return Status.INEFFECTIVE, told, now + timedelta(seconds=30)
    waited = now - command.published
    again = min(max(waited / 10, timedelta(seconds=0.5)), timedelta(seconds=15))
    return Status.PUBLISHED, "", now + again


def _once(item: Item, row: FindingRow) -> str:
    return f"{item.name}/{row.trace}/{row.key}"


def _blank(item: Item) -> Message:
    target = item.target
    return Message(str(uuid4()), item.type, target.kind, target.broker, target.place, "", {}, "", b"")

"""What people ask of commands: what is offered, what exactly would go out, and to have it sent.

Nothing here speaks to a broker: what is asked for is a row, and the sweep sends it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from monitor.commands.base import Command, CommandBook, NotPossible, Offer, Patience, Preview, Request, Status
from monitor.commands.declared import Item, Mode
from monitor.commands.offering import Names, offered
from monitor.commands.rendering import digest, rendered, values_of
from monitor.domain.access import TOKEN_USER
from monitor.domain.audit import LOCAL
from monitor.domain.verdict import Clock
from monitor.storage.views import TraceDetail

STALE = timedelta(minutes=30)
"""A preview that is older is made anew."""

NEEDS_LOGINS = "It takes a second person to approve it, and without logins nobody can be told from another."
LONGEST_NOTE = 2000

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Commander:
    """``names``: of a flow version's elements. ``dry_run``: nothing at all is sent."""

    def __init__(
        self,
        items: Sequence[Item],
        store: CommandBook,
        names: Callable[[int], Awaitable[Names]],
        *,
        now: Callable[[], datetime],
        dry_run: bool,
        patience: Patience,
        external_url: str | None = None,
    ) -> None:
        self.items = items
        self.store = store
        self.dry_run = dry_run
        self.patience = patience
        self._names = names
        self._now = now
        self._external_url = external_url

    async def offers(self, detail: TraceDetail, clocks: Sequence[Clock], who: str) -> list[Offer]:
        found = await self.offered(self.items, detail, clocks)
        if not found:
            return []
        stop = await self.store.stopped()
        told: list[Offer] = []
        unmet: dict[str, str | None] = {}
        for offer in found:
            item = offer.item
            if item.name not in unmet:
                unmet[item.name] = await self.store.unmet(item, detail.row.id, self._now())
            why = unmet[item.name]
            if item.mode is Mode.APPROVE and who == LOCAL:
                why = NEEDS_LOGINS
            elif stop is not None:
                why = f"Commands are stopped by {stop.by}."
            told.append(replace(offer, unmet=why))
        return told

    async def offered(
        self, items: Sequence[Item], detail: TraceDetail, clocks: Sequence[Clock]
    ) -> list[Offer]:
        if not any(item.flow == detail.row.flow for item in items):
            return []
        return offered(items, detail, clocks, await self._names(detail.flow_id))

    async def preview(
        self,
        detail: TraceDetail,
        clocks: Sequence[Clock],
        name: str,
        finding: str | None,
        who: str,
        made: tuple[str, datetime] | None = None,
    ) -> Preview:
        for offer in await self.offers(detail, clocks, who):
            about = None if offer.finding is None else offer.finding.key
            if offer.item.name == name and finding in (None, about):
                return self.previewed(offer, detail, made)
        raise NotPossible(
            f"The command {name!r} is not offered for this trace as it stands.",
            mend="Load the trace's page again: it says what is.",
        )

    def previewed(
        self, offer: Offer, detail: TraceDetail, made: tuple[str, datetime] | None = None
    ) -> Preview:
        """Raises NotPossible where its message cannot be made."""
        now = self._now()
        id_, at = made or (str(uuid4()), now)
        if not _ID.fullmatch(id_):
            raise NotPossible("This is no id of ours.", mend="Preview the command again.")
        if not now - STALE <= at <= now + timedelta(seconds=5):
            raise NotPossible("This preview is too old.", mend="Preview the command again.")
        message = rendered(offer.item, values_of(detail, offer.finding, self._external_url), id_, at)
        return Preview(offer, message, at, digest(message))

    async def request(self, preview: Preview, detail: TraceDetail, who: str, note: str) -> Command:
        item = preview.offer.item
        if len(note) > LONGEST_NOTE:
            raise NotPossible(f"The note is longer than {LONGEST_NOTE} characters.", mend="Shorten it.")
        if item.mode is Mode.APPROVE:
            if who == LOCAL:
                raise NotPossible(NEEDS_LOGINS, mend="Set up logins (auth), or choose mode: manual.")
            status = Status.WAITING
        else:
            status = Status.DRY_RUN if item.dry_run else Status.QUEUED
        return await self.store.request(request_of(preview, detail, who, note, status), self._now())

    async def approve(self, id: int, who: str, note: str) -> Command:
        if who == LOCAL:
            raise NotPossible(NEEDS_LOGINS, mend="Set up logins (auth).")
        if who.startswith(TOKEN_USER):
            raise NotPossible("A program cannot approve it: that takes a second person, logged in.")
        return await self.store.approve(id, who, note, self.patience, self._now())

    async def cancel(self, id: int, who: str, note: str) -> Command:
        return await self.store.cancel(id, who, note, self._now())

    async def again(self, id: int, who: str) -> Command:
        return await self.store.again(id, who, self.patience, self._now())

    async def stop(self, who: str, note: str) -> bool:
        return await self.store.stop(who, note, self._now())

    async def resume(self, who: str, note: str) -> bool:
        return await self.store.resume(who, note, self._now())


def request_of(
    preview: Preview, detail: TraceDetail, who: str, note: str, status: Status, once: str | None = None
) -> Request:
    finding = preview.offer.finding
    return Request(
        item=preview.offer.item,
        message=preview.message,
        trace=detail.row.id,
        trace_key=detail.row.key,
        finding=None if finding is None else finding.key,
        reason="" if finding is None else finding.message,
        who=who,
        note=note,
        status=status,
        once=once,
    )

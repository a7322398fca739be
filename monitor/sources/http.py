"""Events posted to the dashboard's address."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self
from uuid import uuid4

from monitor.domain.event import Delivery, Position
from monitor.domain.redaction import is_credential
from monitor.errors import SourceUnavailable
from monitor.settings import HttpSource
from monitor.sources.base import Batch, Busy, Now, Progress, SourceState, utc_now
from monitor.sources.local import LocalQueue

_RETRY_AFTER = 1.0


class Http:
    """A queue filled by requests, each of which waits until its events are stored: a caller that is told
    2xx never needs to send again, and one that is told anything else must."""

    kind = "http"

    def __init__(self, settings: HttpSource, *, worker: str, now: Now = utc_now) -> None:
        self.name = settings.name
        self._limit = settings.max_pending
        self._now = now
        self._queue = LocalQueue("http", now)
        self._receipt = f"{worker}-{uuid4().hex[:12]}"
        self._callers: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._open = False

    async def accept(
        self, body: bytes, headers: Mapping[str, str], *, content_type: str | None = None, path: str = ""
    ) -> None:
        """See :meth:`monitor.sources.base.Intake.accept`. Headers that carry credentials are not kept. A
        caller that goes away meanwhile leaves its events in the queue."""
        if not self._open:
            raise SourceUnavailable(f"source {self.name} is not running")
        if self._queue.pending >= self._limit:
            raise Busy(f"{self._limit} requests wait to be stored", retry_after=_RETRY_AFTER)
        kept = {name: value for name, value in headers.items() if not is_credential(name)}
        by_name = {name.lower(): value for name, value in kept.items()}
        number = self._queue.add(
            Delivery(
                self.name,
                body,
                Position(path or "http", receipt=f"{self._receipt}-{self._queue.added + 1}"),
                self._now(),
                kept,
                content_type=content_type or by_name.get("content-type"),
                content_encoding=by_name.get("content-encoding"),
            )
        )
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._callers.append((number, stored))
        await stored

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Callers still waiting are told that their events were not stored; they bring them again."""
        self._open = False
        self._queue.drop()
        self._queue.wake()
        while self._callers:
            _, stored = self._callers.popleft()
            if not stored.done():
                stored.set_exception(SourceUnavailable(f"source {self.name} stopped; send the event again"))

    async def batch(self, limit: int, wait: float) -> Batch | None:
        return await self._queue.batch(limit, wait)

    async def acknowledge(self, batch: Batch) -> None:
        if not self._queue.acknowledge(batch):
            return
        while self._callers and self._callers[0][0] <= self._queue.stored:
            _, stored = self._callers.popleft()
            if not stored.done():
                stored.set_result(None)

    async def refresh(self) -> None:
        if self._open:
            self._queue.refresh()

    def progress(self) -> Sequence[Progress]:
        return (self._queue.progress(None if self._open else SourceState.CONNECTING),)

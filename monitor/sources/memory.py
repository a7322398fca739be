"""Events handed over inside the process: the demo's broker, tests, embedding programs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self
from uuid import uuid4

from monitor.domain.event import NO_HEADERS, Delivery, HeaderValue, Position
from monitor.settings import MemorySource
from monitor.sources.base import Batch, Now, Progress, SourceState, utc_now
from monitor.sources.local import LocalQueue


class Memory:
    """A bounded queue in memory. It lives as long as this object: closing and entering again delivers what
    was not acknowledged once more; only the process's end loses it."""

    kind = "memory"

    def __init__(
        self, settings: MemorySource, *, worker: str, now: Now = utc_now, capacity: int = 10_000
    ) -> None:
        self.name = settings.name
        self._now = now
        self._capacity = capacity
        self._queue = LocalQueue("memory", now)
        self._receipt = f"{worker}-{uuid4().hex[:12]}"
        self._room = asyncio.Condition()
        self._open = False

    async def put(
        self,
        body: bytes,
        *,
        headers: Mapping[str, HeaderValue] = NO_HEADERS,
        properties: Mapping[str, str] | None = None,
        key: bytes | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        timestamp: datetime | None = None,
        position: Position | None = None,
    ) -> None:
        """Hand over one message; waits while the queue is full. ``position`` is for those who play a broker
        that numbers its messages; else the message gets a receipt of its own."""
        async with self._room:
            await self._room.wait_for(lambda: self._queue.pending < self._capacity)
            self._queue.add(
                Delivery(
                    self.name,
                    body,
                    position or Position("memory", receipt=f"{self._receipt}-{self._queue.added + 1}"),
                    self._now(),
                    headers,
                    properties or {},
                    key,
                    content_type,
                    content_encoding,
                    timestamp,
                )
            )

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._queue.put_back()
        self._queue.wake()

    async def batch(self, limit: int, wait: float) -> Batch | None:
        return await self._queue.batch(limit, wait)

    async def acknowledge(self, batch: Batch) -> None:
        if self._queue.acknowledge(batch):
            async with self._room:
                self._room.notify_all()

    async def refresh(self) -> None:
        if self._open:
            self._queue.refresh()

    def progress(self) -> Sequence[Progress]:
        return (self._queue.progress(None if self._open else SourceState.CONNECTING),)

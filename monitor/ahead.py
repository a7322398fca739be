"""What is fetched and read ahead, while what came before it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.event import Delivery
from monitor.pipeline import Read
from monitor.sources.base import Batch

MOST_BYTES = 64 * 1024 * 1024
"""Of bodies held: few messages may be large ones."""


@dataclass(frozen=True, slots=True)
class Received:
    """Batches of one source, in the order it handed them over, to be stored together. ``asked``: when the
    first of them was asked for. ``read``: what they say, or the error where something cannot be read."""

    batches: Sequence[Batch]
    asked: datetime
    read: Read | Exception

    @property
    def deliveries(self) -> Sequence[Delivery]:
        return [delivery for batch in self.batches for delivery in batch.deliveries]


class Ahead:
    """One puts and one takes. Holds at most ``limit`` deliveries, if whoever puts asks for room before; once
    they come to :data:`MOST_BYTES` there is no room for more."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[Received] = []
        self._count = self._bytes = 0
        self._ended = False
        self._changed = asyncio.Event()

    async def room(self) -> int:
        """For how many more deliveries there is room; waits until there is some."""
        while self._count >= self._limit or self._bytes >= MOST_BYTES:
            await self._change()
        return self._limit - self._count

    def put(self, batch: Batch, asked: datetime, read: Read | Exception) -> None:
        self._waiting.append(Received((batch,), asked, read))
        self._count += len(batch.deliveries)
        self._bytes += sum(len(one.body) for one in batch.deliveries)
        self._changed.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._changed.set()

    async def take(self) -> Received | None:
        """All there is, as one; waits for something. None when nothing more will come."""
        while not self._waiting:
            if self._ended:
                return None
            await self._change()
        taken, self._waiting = self._waiting, []
        self._count = self._bytes = 0
        self._changed.set()
        if len(taken) == 1:
            return taken[0]
        batches = [batch for one in taken for batch in one.batches]
        return Received(batches, taken[0].asked, _joined([one.read for one in taken]))

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _joined(several: Sequence[Read | Exception]) -> Read | Exception:
    reads = []
    for one in several:
        if isinstance(one, Exception):
            return one
        reads.append(one)
    return Read(
        [delivery for read in reads for delivery in read.deliveries],
        [seen for read in reads for seen in read.observed],
        [misfit for read in reads for misfit in read.misfits],
        sum(read.ignored for read in reads),
    )

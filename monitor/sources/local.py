"""Deliveries handed over inside this process: what the http and memory sources are made of."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import NamedTuple

from monitor.domain.event import Delivery
from monitor.sources.base import Batch, Now, Progress, SourceState
from monitor.sources.buffer import Buffer
from monitor.sources.frontier import Frontier


class _Handed(NamedTuple):
    """Token of a batch: it ends with the ``end``-th delivery ever added."""

    generation: int
    end: int


class LocalQueue:
    """A queue in memory that keeps what it handed out until that is acknowledged. Deliveries are counted
    from 1; the count is what batches and the watermark go by."""

    def __init__(self, shard: str, now: Now) -> None:
        self._shard = shard
        self._now = now
        self._waiting: Buffer[Delivery] = Buffer()
        self._out: deque[Delivery] = deque()
        self._frontier = Frontier(reached=0)
        self._generation = 0
        self._taken = 0
        self._last_message: datetime | None = None
        self.added = 0
        self.stored = 0

    @property
    def pending(self) -> int:
        """How many are not acknowledged yet."""
        return self.added - self.stored

    def add(self, delivery: Delivery) -> int:
        self.added += 1
        self._last_message = delivery.received
        self._waiting.push(delivery)
        return self.added

    async def batch(self, limit: int, wait: float) -> Batch:
        taken = await self._waiting.take(limit, wait)
        self._taken += len(taken)
        self._out.extend(taken)
        return Batch(taken, _Handed(self._generation, self._taken))

    def acknowledge(self, batch: Batch) -> bool:
        """Whether this changed anything: not for an empty batch, one acknowledged before, or one that was
        put back."""
        handed = batch.token
        assert isinstance(handed, _Handed)
        if not batch.deliveries or handed.generation != self._generation or handed.end <= self.stored:
            return False
        for _ in range(handed.end - self.stored):
            self._out.popleft()
        self.stored = handed.end
        self._frontier.reach(handed.end)
        return True

    def put_back(self) -> None:
        """What was handed out and not acknowledged comes again, before the rest."""
        self._generation += 1
        self._waiting.items[:0] = [delivery._replace(redelivered=True) for delivery in self._out]
        self._out.clear()
        self._taken = self.stored

    def drop(self) -> None:
        """Forget everything that is not acknowledged: whoever handed it over keeps it."""
        self._generation += 1
        self._waiting.items.clear()
        self._out.clear()
        self._taken = self.stored = self.added
        self._frontier.restart(self.stored)

    def wake(self) -> None:
        self._waiting.wake()

    def refresh(self) -> None:
        self._frontier.probe(self._now(), self.added)

    def progress(self, state: SourceState | None = None) -> Progress:
        """``state`` where it is not for the queue to say."""
        return Progress(
            shard=self._shard,
            state=state or (SourceState.READING if self.pending else SourceState.CAUGHT_UP),
            watermark=self._frontier.watermark,
            lag=self.pending,
            position=str(self.stored),
            last_message=self._last_message,
            shared=True,
        )

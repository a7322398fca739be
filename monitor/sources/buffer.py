"""What came from a source and waits to be asked for."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Buffer(Generic[Item]):
    """A list that one reader takes from in batches and waits on. Bounding it is the writer's business."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self.items)

    def push(self, item: Item) -> None:
        self.items.append(item)
        if self._waiter is not None:
            self.wake()

    def wake(self) -> None:
        """Let the reader return at once, with what there is."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self, limit: int, wait: float) -> list[Item]:
        """At most ``limit`` items, oldest first; none after ``wait`` seconds without any."""
        if not self.items and wait > 0:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait((self._waiter,), timeout=wait)
            finally:
                self._waiter = None
        taken, self.items = self.items[:limit], self.items[limit:]
        return taken

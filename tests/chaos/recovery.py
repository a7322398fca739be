"""How soon after each fault all was stored again that the brokers had confirmed by then."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import psycopg

from tests.chaos.schedule import Fault

_LOOKS = 0.5


@dataclass(frozen=True)
class Inflicted:
    """A fault that happened. ``began``, ``ended``: by the monotonic clock; ``confirmed``: events that the
    brokers had confirmed by the end of it; ``failed``: why it could not be done, where it could not."""

    fault: Fault
    began: float
    ended: float
    confirmed: int
    failed: str | None


@dataclass
class Stored:
    """How many events are stored, looked at again and again. ``samples``: (instant, count)."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    async def watch(self, address: str) -> None:
        """Until cancelled. While the database is away there is nothing to see."""
        while True:
            try:
                async with asyncio.timeout(5):
                    await self._look(address)
            except (psycopg.Error, TimeoutError):
                pass
            await asyncio.sleep(_LOOKS)

    async def _look(self, address: str) -> None:
        async with await psycopg.AsyncConnection.connect(address, application_name="chaos") as database:
            row = await (await database.execute("SELECT count(*) FROM events")).fetchone()
        assert row is not None
        self.samples.append((time.monotonic(), row[0]))

    def recovered(self, one: Inflicted) -> float | None:
        """Seconds from the end of the fault; None: not before the watch ended."""
        return next(
            (at - one.ended for at, count in self.samples if at >= one.ended and count >= one.confirmed), None
        )

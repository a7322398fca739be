"""A webhook receiver that can be told to fail, and remembers what it took."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos.judged import Told
from tests.support.http_receiver import OK, HttpReceiver, Received, answer


@dataclass
class Hook:
    """``fails``: answers 503; ``hangs``: takes the message and never says so. ``taken``: those it said it
    has; ``seen``: all of them."""

    fails: bool = False
    hangs: bool = False
    taken: list[Received] = field(default_factory=list)
    seen: list[Received] = field(default_factory=list)

    def receiver(self) -> HttpReceiver:
        return HttpReceiver(answers=[self._answer])

    async def _answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        self.seen.append(received)
        if self.hangs:
            await asyncio.sleep(30)
            return
        if not self.fails:
            self.taken.append(received)
        writer.write(answer(503, "Unavailable") if self.fails else OK)
        await writer.drain()

    def told(self) -> Iterator[Told]:
        for received in self.taken:
            said = json.loads(received.body)["data"]
            for alert in said["alerts"]:
                yield Told("hook", received.headers["webhook-id"], alert["id"], alert["status"])

    def bodies(self) -> dict[tuple[str, str], int]:
        """How many different bodies came under each id."""
        found: dict[tuple[str, str], set[bytes]] = defaultdict(set)
        for received in self.seen:
            found["hook", received.headers["webhook-id"]].add(received.body)
        return {message: len(bodies) for message, bodies in found.items()}

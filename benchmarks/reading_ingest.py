"""A worker that reads so many events a second through the real pipeline: the shop's orders as they happen.

``python -m benchmarks.reading_ingest URL RATE SECONDS``, until it is told to stop. What is to be read is
made up before, for that takes as long as reading it: once that is done, it says ``begins``.
"""

from __future__ import annotations

import asyncio
import heapq
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, takewhile

from benchmarks.dataset.configuration import settings
from benchmarks.dataset.story import orders
from monitor import process
from monitor.app import assembled
from monitor.domain.event import Delivery
from monitor.settings import MemorySource
from monitor.sources.memory import Memory

STEP = timedelta(seconds=10)
EVENTS_OF_AN_ORDER = 20
"""With those of its parcel."""

FOR_EACH = 0.0008
"""Seconds there are for making up a message."""


def in_order(begun: Iterator[list[Delivery]]) -> Iterator[Delivery]:
    """By when they come, of orders that begin one after the other."""
    waiting: list[tuple[datetime, int, Delivery]] = []
    numbers = count()
    for order in begun:
        for one in order:
            heapq.heappush(waiting, (one.received, next(numbers), one))
        while waiting[0][0] < order[0].received:
            yield heapq.heappop(waiting)[2]


def made_up(rate: float, seconds: float) -> list[Delivery]:
    """Messages whose times lie a little ahead."""
    begin = datetime.now(UTC) + timedelta(seconds=5 + rate * seconds * FOR_EACH)
    every = timedelta(seconds=EVENTS_OF_AN_ORDER / rate)
    told = orders(int(begin.timestamp()), begin, every, f"L{begin:%d%H%M%S}-", STEP)
    end = begin + timedelta(seconds=seconds)
    return list(takewhile(lambda one: one.received < end, in_order(told)))


async def feed(sources: Mapping[str, Memory], messages: Sequence[Delivery]) -> None:
    for one in messages:
        ahead = (one.received - datetime.now(UTC)).total_seconds()
        if ahead > 0:
            await asyncio.sleep(ahead)
        await sources[one.source].put(
            one.body,
            headers=one.headers,
            properties=one.properties,
            key=one.key,
            content_type=one.content_type,
            timestamp=one.timestamp,
            position=one.position,
        )


async def main(url: str, rate: float, seconds: float) -> None:
    messages = made_up(rate, seconds)
    begins = (messages[0].received - datetime.now(UTC)).total_seconds()
    if begins < 0:
        raise SystemExit(f"Making the messages up took {-begins:.0f} s longer than there was time.")
    await asyncio.sleep(begins)
    print("begins", flush=True)
    chosen = settings(url)
    sources = {
        one.name: Memory(one, worker="benchmark") for one in chosen.sources if isinstance(one, MemorySource)
    }
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with assembled(chosen, roles=frozenset({"ingest"}), sources=sources) as app:
        tasks = [asyncio.create_task(app.ingest()), asyncio.create_task(feed(sources, messages))]
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, stopping):
            task.cancel()
        for task in done - {stopping}:
            task.result()


if __name__ == "__main__":
    process.run(main(sys.argv[1], *map(float, sys.argv[2:])))

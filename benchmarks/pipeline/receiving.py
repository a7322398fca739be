"""A source alone: its messages are taken and acknowledged, and nothing else is done with them."""

from __future__ import annotations

from time import thread_time

from monitor.sources.base import Source

BATCH = 1000


async def received(source: Source, messages: int) -> float:
    """Microseconds of processor time for each message, from the first batch on."""
    async with source:
        done, first, begun = 0, 0, 0.0
        while done < messages:
            batch = await source.batch(BATCH, 0.5)
            assert batch is not None
            await source.acknowledge(batch)
            done += len(batch.deliveries)
            if done and not first:
                first, begun = done, thread_time()
        return (thread_time() - begun) / (done - first) * 1e6

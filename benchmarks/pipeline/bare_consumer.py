"""A bare consumer as aio-pika's users write it: it counts, and acknowledges in batches.

``python -m benchmarks.pipeline.bare_consumer URL QUEUE MESSAGES BATCH PREFETCH`` prints seconds on the clock
and of the processor, from the first message on.
"""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter, process_time

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from monitor import process


async def consume(url: str, queue: str, messages: int, batch: int, prefetch: int) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=prefetch)
        waiting = await channel.get_queue(queue)
        done = asyncio.Event()
        count = 0
        begun = began = 0.0

        async def receive(message: AbstractIncomingMessage) -> None:
            nonlocal count, begun, began
            if not count:
                begun, began = perf_counter(), process_time()
            count += 1
            if count % batch == 0 or count == messages:
                await message.ack(multiple=True)
            if count == messages:
                done.set()

        await waiting.consume(receive)
        await done.wait()
        print(perf_counter() - begun, process_time() - began)


if __name__ == "__main__":
    process.run(consume(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))

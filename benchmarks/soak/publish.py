"""The landscape as a process of its own, on real brokers:
``python -m benchmarks.soak.publish RABBITMQ KAFKA DATABASE RATE BACKLOG PREFIX``.

It first sends what has happened in BACKLOG seconds before, as fast as the brokers take it, then RATE messages
a second by this machine's clock, until it is told to stop. Every few seconds a message of each broker is
watched for in the database. It tells how it goes in lines of JSON.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import aio_pika
import orjson
import psycopg
from aiokafka import AIOKafkaProducer

from benchmarks.soak.landscape import Message, endless, patterns
from monitor import process
from monitor.landscape.wire import EXCHANGE

SEED = 1
TOLD_SECONDS = 5.0
WATCHED_SECONDS = 2.0
LOOK_SECONDS = 0.02
GIVEN_UP_SECONDS = 60.0
SLICE_SECONDS = 0.05
"""Messages go in bundles of so long; sending is behind from twice that on."""

TURN = 50
"""Messages handed over before the event loop has its turn."""

Send = Callable[[Message], Awaitable[None]]


@asynccontextmanager
async def brokers(rabbitmq: str, kafka: str) -> AsyncIterator[Send]:
    """Hands messages over without waiting for each; on leaving waits until all have arrived."""
    connection = await aio_pika.connect(rabbitmq)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, linger_ms=10, acks=1, max_batch_size=1 << 18)
    await producer.start()
    async with connection:
        channel = await connection.channel(publisher_confirms=False)
        exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)

        async def send(message: Message) -> None:
            if message.rabbit:
                await exchange.publish(
                    aio_pika.Message(
                        message.body,
                        content_type=message.content_type,
                        headers=dict(message.headers),
                        message_id=message.id or None,
                        timestamp=message.time,
                    ),
                    routing_key=message.routing_key,
                    mandatory=False,
                )
                return
            headers = [(name, text.encode()) for name, text in message.headers]
            if message.content_type is not None:
                headers.append(("content-type", message.content_type.encode()))
            await producer.send(message.place, message.body, key=message.key, headers=headers)

        try:
            yield send
        finally:
            await producer.stop()  # which sends what waits


class Landscape:
    def __init__(self, send: Send, database: str) -> None:
        self.send = send
        self.database = database
        self.sent = 0
        self.behind = 0.0
        self.took: dict[str, list[float]] = {"rabbitmq": [], "kafka": []}
        self.lost = 0
        self._watched = dict.fromkeys(self.took, 0.0)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, messages: Iterator[tuple[float, Message]], stop: asyncio.Event) -> None:
        """In time, ever after."""
        told = time.time()
        for count, (due, message) in enumerate(messages):
            now = time.time()
            if due > now:
                await asyncio.sleep(SLICE_SECONDS)
            elif count % TURN == 0:
                await asyncio.sleep(0)
            if stop.is_set():
                return
            await self.send(message)
            self.sent += 1
            self.behind = max(0.0, time.time() - due)
            self._watch(message)
            if now - told >= TOLD_SECONDS:
                told = now
                self.tell()

    def tell(self) -> None:
        said = {"at": time.time(), "sent": self.sent, "behind": self.behind, "lost": self.lost, **self.took}
        print(orjson.dumps(said).decode(), flush=True)
        self.took = {name: [] for name in self.took}

    def _watch(self, message: Message) -> None:
        """Not while sending is behind: such messages are late before they are sent."""
        broker, now = "rabbitmq" if message.rabbit else "kafka", time.time()
        if message.id and self.behind < 2 * SLICE_SECONDS and now - self._watched[broker] >= WATCHED_SECONDS:
            self._watched[broker] = now
            task = asyncio.create_task(self._stored(broker, message.id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _stored(self, broker: str, event: str) -> None:
        """How long until it can be seen in the database."""
        begin = time.perf_counter()
        async with await psycopg.AsyncConnection.connect(self.database, autocommit=True) as database:
            while time.perf_counter() < begin + GIVEN_UP_SECONDS:
                found = await database.execute(
                    "SELECT 1 FROM observations WHERE event_id = %s", [event], prepare=True
                )
                if await found.fetchone():
                    self.took[broker].append(time.perf_counter() - begin)
                    return
                await asyncio.sleep(LOOK_SECONDS)
        self.lost += 1

    async def settled(self) -> None:
        await asyncio.gather(*self._tasks)


async def main(rabbitmq: str, kafka: str, database: str, rate: float, backlog: float, prefix: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with brokers(rabbitmq, kafka) as send:
        landscape = Landscape(send, database)
        await landscape.run(endless(patterns(SEED), time.time() - backlog, rate, prefix), stop)
        await landscape.settled()
    landscape.tell()


if __name__ == "__main__":
    at_rabbitmq, at_kafka, at_database, rate_, backlog_, prefix_ = sys.argv[1:]
    process.run(main(at_rabbitmq, at_kafka, at_database, float(rate_), float(backlog_), prefix_))

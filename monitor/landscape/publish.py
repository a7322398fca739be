"""Sending a landscape's messages: to real brokers, or to whatever takes them.

The landscape *is* the shop, so it declares its own exchange and lets the broker make its own topics; the
monitor never does either.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import aio_pika
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from monitor.errors import SourceUnavailable
from monitor.landscape.wire import EXCHANGE, Emission
from monitor.rabbitmq import LOST, connected, leave

Send = Callable[[Emission], Awaitable[None]]
"""Hands one message over; returns once it is certain to be kept."""

CONNECT_SECONDS = 15


@asynccontextmanager
async def rabbitmq(url: str) -> AsyncIterator[Send]:
    """A publisher to the topic exchange, with confirms. Raises SourceUnavailable."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await connected(url, name="choreoscope landscape")
    except LOST as error:
        raise SourceUnavailable(
            f"RabbitMQ cannot be reached: {error}", mend="Check the address, the user and the virtual host."
        ) from error
    try:
        channel = await connection.channel(publisher_confirms=True)
        exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)

        async def send(message: Emission) -> None:
            await exchange.publish(
                aio_pika.Message(
                    message.body,
                    content_type=message.content_type,
                    headers=dict(message.headers),
                    message_id=message.id,
                    timestamp=message.time,
                    app_id=message.service,
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                ),
                routing_key=message.routing_key,
                mandatory=False,
            )

        yield send
    finally:
        await leave(connection)


@asynccontextmanager
async def kafka(bootstrap: str) -> AsyncIterator[Send]:
    """An idempotent producer. Raises SourceUnavailable."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, linger_ms=5, client_id="choreoscope-landscape"
    )
    try:
        await asyncio.wait_for(producer.start(), CONNECT_SECONDS)
    except (KafkaError, OSError, TimeoutError) as error:
        await producer.stop()
        raise SourceUnavailable(
            f"Kafka cannot be reached at {bootstrap}: {error}",
            mend="Check the address, as in localhost:9092.",
        ) from error
    try:
        yield to_kafka(producer)
    finally:
        await producer.stop()


def to_kafka(producer: AIOKafkaProducer) -> Send:
    """Sends by a producer that was started; done once the broker has confirmed it."""

    async def send(message: Emission) -> None:
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        headers.append(("content-type", message.content_type.encode()))
        await producer.send_and_wait(
            message.destination,
            message.body,
            key=message.key,
            headers=headers,
            timestamp_ms=int(message.time.timestamp() * 1000),
        )

    return send


@asynccontextmanager
async def brokers(rabbitmq_url: str | None, kafka_bootstrap: str | None) -> AsyncIterator[Send]:
    """A publisher that gives each message to its own broker; messages of a broker that is not named are
    given to nobody."""
    async with AsyncExitStack() as stack:
        by_rabbit = await stack.enter_async_context(rabbitmq(rabbitmq_url)) if rabbitmq_url else None
        by_kafka = await stack.enter_async_context(kafka(kafka_bootstrap)) if kafka_bootstrap else None

        async def send(message: Emission) -> None:
            chosen = by_rabbit if message.channel == "rabbit" else by_kafka
            if chosen is not None:
                await chosen(message)

        yield send


async def emit(
    messages: Iterable[Emission],
    send: Send,
    *,
    speed: float | None = None,
    sent: Callable[[Emission], None] | None = None,
    window: int = 200,
) -> int:
    """Send messages in their order; how many. ``speed``: plan seconds per second (None: as fast as they are
    taken), counted from the first message. ``window`` messages at most wait for their confirmation;
    ``sent`` is told of each that has it. Messages of one order keep their order."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    first: datetime | None = None
    count = 0
    waiting: dict[str, asyncio.Task[None]] = {}

    async def one(message: Emission, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        await send(message)
        if sent is not None:
            sent(message)

    try:
        for message in messages:
            first = first or message.at
            if speed is not None:
                due = begun + (message.at - first).total_seconds() / speed
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
            while len(waiting) >= window:
                await asyncio.wait(waiting.values(), return_when=asyncio.FIRST_COMPLETED)
                waiting = _unfinished(waiting)
            waiting[message.order] = asyncio.create_task(one(message, waiting.get(message.order)))
            count += 1
        await asyncio.gather(*waiting.values())
    finally:
        for task in waiting.values():
            task.cancel()
    return count


async def live(messages: Iterable[Emission], send: Send) -> None:
    """Send messages when their time comes by this machine's clock; those of the past at once."""
    for message in messages:
        ahead = (message.at - datetime.now(UTC)).total_seconds()
        if ahead > 0:
            await asyncio.sleep(ahead)
        await send(message)


def _unfinished(tasks: dict[str, asyncio.Task[None]]) -> dict[str, asyncio.Task[None]]:
    """Raises what a finished task raised."""
    for task in tasks.values():
        if task.done():
            task.result()
    return {order: task for order, task in tasks.items() if not task.done()}

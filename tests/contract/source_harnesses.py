"""A producer for each kind of source, so that one suite can run against all of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from monitor.domain.event import Delivery
from monitor.errors import SourceUnavailable
from monitor.settings import (
    Binding,
    FileSource,
    HttpSource,
    KafkaSource,
    MemorySource,
    RabbitmqSource,
)
from monitor.sources.base import Batch, Busy, Progress, Source, SourceState
from monitor.sources.file import File
from monitor.sources.http import Http
from monitor.sources.kafka import Kafka
from monitor.sources.memory import Memory
from monitor.sources.rabbitmq import Rabbitmq

PATIENCE = 30.0


@dataclass(frozen=True)
class Message:
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    key: bytes | None = None
    timestamp: datetime | None = None
    content_type: str | None = None


class Clock:
    """Our clock, moved by the test: a watermark can be told from every other instant."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def tick(self) -> datetime:
        self.time = self.time.replace(second=(self.time.second + 1) % 60, minute=self.time.minute + 1)
        return self.time


async def until(condition: Callable[[], Awaitable[bool]] | Callable[[], bool], what: str) -> None:
    """Wait, with an end, until the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.02)
    raise AssertionError(what)


class Harness(ABC):
    """What the suite needs to know of a kind of source. ``durable``: acknowledgements outlive the object;
    ``carries``: parts of a message that reach the delivery; ``any_body``: a body may be empty."""

    kind: str
    durable = True
    carries: frozenset[str] = frozenset()
    any_body = True

    def __init__(self) -> None:
        self.name = f"s-{uuid.uuid4().hex[:10]}"
        self.clock = Clock()

    async def prepare(self) -> None:  # noqa: B027 - not all kinds need it
        """Make the exchange, topic or file."""

    async def finish(self) -> None:  # noqa: B027
        """Disconnect producers."""

    @abstractmethod
    def source(self) -> Source:
        """The source, not entered. Called again it stands for the process that comes after."""

    @abstractmethod
    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns when the messages can be read."""

    async def ready(self, source: Source) -> None:  # noqa: B027
        """Wait until what is published from now on will be delivered."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Source]:
        async with self.source() as source:
            await self.ready(source)
            yield source


class MemoryHarness(Harness):
    kind = "memory"
    carries = frozenset(("headers", "key", "timestamp", "content_type"))

    def __init__(self) -> None:
        super().__init__()
        self._source = Memory(MemorySource(name=self.name), worker="w", now=self.clock)

    def source(self) -> Source:
        return self._source

    async def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await self._source.put(
                message.body,
                headers=message.headers,
                key=message.key,
                timestamp=message.timestamp,
                content_type=message.content_type,
            )


class HttpHarness(Harness):
    """Its producers are callers that send again until they are told that the event is stored."""

    kind = "http"
    carries = frozenset(("headers", "content_type"))

    def __init__(self) -> None:
        super().__init__()
        self._source = Http(HttpSource(name=self.name), worker="w", now=self.clock)
        self._callers: list[asyncio.Task[None]] = []

    def source(self) -> Source:
        return self._source

    async def publish(self, messages: Sequence[Message]) -> None:
        self._callers += [asyncio.create_task(self._call(message)) for message in messages]
        await asyncio.sleep(0)

    async def _call(self, message: Message) -> None:
        while True:
            try:
                await self._source.accept(message.body, message.headers, content_type=message.content_type)
            except (Busy, SourceUnavailable):
                await asyncio.sleep(0.01)
            else:
                return

    async def finish(self) -> None:
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)


class FileHarness(Harness):
    kind = "file"
    durable = False
    any_body = False

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._path = directory / f"{self.name}.jsonl"
        self._path.touch()

    def source(self) -> Source:
        settings = FileSource.model_validate(
            {"name": self.name, "path": str(self._path), "follow": True, "poll": "PT0.02S"}
        )
        return File(settings, worker="w", now=self.clock)

    async def publish(self, messages: Sequence[Message]) -> None:
        with self._path.open("ab") as file:
            for message in messages:
                file.write(message.body + b"\n")


class RabbitmqHarness(Harness):
    kind = "rabbitmq"
    carries = frozenset(("headers", "timestamp", "content_type"))

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._connection: aio_pika.abc.AbstractConnection | None = None

    def settings(self, **more: Any) -> RabbitmqSource:
        given = {"bindings": (Binding(exchange=self.name, routing_key="#"),)} | more
        return RabbitmqSource.model_validate({"name": self.name, "url": self._url} | given)

    async def prepare(self) -> None:
        self._connection = await aio_pika.connect(self._url)
        channel = await self._connection.channel()
        self._exchange = await channel.declare_exchange(self.name, "topic", durable=True)

    async def finish(self) -> None:
        assert self._connection is not None
        channel = await self._connection.channel()
        await channel.queue_delete(f"choreoscope.{self.name}")
        await channel.exchange_delete(self.name)
        await self._connection.close()

    def source(self) -> Source:
        return Rabbitmq(self.settings(), worker="w", now=self.clock)

    async def ready(self, source: Source) -> None:
        await until(lambda: source.progress()[0].state is not SourceState.CONNECTING, "not connected")

    async def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            headers: dict[str, Any] = dict(message.headers)
            await self._exchange.publish(
                aio_pika.Message(
                    message.body,
                    headers=headers,
                    content_type=message.content_type,
                    timestamp=message.timestamp,
                ),
                routing_key="some.key",
            )


class KafkaHarness(Harness):
    kind = "kafka"
    carries = frozenset(("headers", "key", "timestamp"))

    def __init__(self, bootstrap: str) -> None:
        super().__init__()
        self._bootstrap = bootstrap

    def settings(self, **more: Any) -> KafkaSource:
        given = {"topics": self.name, "group": self.name, "session_timeout": "PT6S"} | more
        return KafkaSource.model_validate({"name": self.name, "bootstrap_servers": self._bootstrap} | given)

    async def prepare(self) -> None:
        await make_topic(self._bootstrap, self.name, 1)
        self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, linger_ms=1)
        await self._producer.start()

    async def finish(self) -> None:
        await self._producer.stop()

    def source(self) -> Source:
        return Kafka(self.settings(), worker="w", now=self.clock)

    async def ready(self, source: Source) -> None:
        await until(lambda: bool(source.progress()), "no partition assigned")

    async def publish(self, messages: Sequence[Message]) -> None:
        sent = [
            await self._producer.send(
                self.name,
                message.body,
                key=message.key,
                headers=[(name, value.encode()) for name, value in message.headers.items()],
                timestamp_ms=int(message.timestamp.timestamp() * 1000) if message.timestamp else None,
            )
            for message in messages
        ]
        await asyncio.gather(*sent)


async def make_topic(bootstrap: str, name: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()


async def read(source: Source, count: int, *, limit: int = 100, acknowledge: bool = True) -> list[Delivery]:
    """Fetch ``count`` deliveries, in as many batches as it takes."""
    deliveries, _ = await fetch(source, count, limit=limit, acknowledge=acknowledge)
    return deliveries


async def fetch(
    source: Source, count: int, *, limit: int = 100, acknowledge: bool = False
) -> tuple[list[Delivery], list[Batch]]:
    deliveries: list[Delivery] = []
    batches: list[Batch] = []
    async with asyncio.timeout(PATIENCE):
        while len(deliveries) < count:
            batch = await source.batch(limit, 1.0)
            assert batch is not None, "the source ended"
            if batch.deliveries:
                assert len(batch.deliveries) <= limit
                deliveries += batch.deliveries
                batches.append(batch)
                if acknowledge:
                    await source.acknowledge(batch)
    return deliveries, batches


def shard(source: Source) -> Progress:
    """The progress of the only shard."""
    (only,) = source.progress()
    return only


def numbered(count: int, start: int = 0) -> list[Message]:
    return [Message(json.dumps({"n": number}).encode()) for number in range(start, start + count)]


def numbers(deliveries: Sequence[Delivery]) -> list[int]:
    return [json.loads(delivery.body)["n"] for delivery in deliveries]


@contextlib.asynccontextmanager
async def prepared(harness: Harness) -> AsyncIterator[Harness]:
    await harness.prepare()
    try:
        yield harness
    finally:
        await harness.finish()

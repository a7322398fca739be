"""Fuzzed messages through both brokers into the whole pipeline on PostgreSQL: none stops it, none is lost.

``make poison`` sends 20,000; the ordinary suite a thousand. ``CHOREOSCOPE_POISON_SEED`` gives others.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import aio_pika
import psycopg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from monitor.app import App, assembled
from monitor.resources import models
from monitor.settings import Settings
from tests.contract.source_harnesses import until
from tests.support.poison import BATCH, MEGABYTE, ONLY_AMQP, Poison, poison
from tests.support.shop import shop, told

COUNT = int(os.environ.get("CHOREOSCOPE_POISON", "1000"))
SEED = int(os.environ.get("CHOREOSCOPE_POISON_SEED", "7"))
BIG = 450
PATIENCE = 20 + COUNT / 20


class Both:
    """A producer at each broker. ``sent``: how often each body went out, by its digest."""

    def __init__(
        self, name: str, exchange: aio_pika.abc.AbstractExchange, producer: AIOKafkaProducer
    ) -> None:
        self.name = name
        self.sent: Counter[bytes] = Counter()
        self._exchange = exchange
        self._producer = producer
        self._dice = random.Random(SEED)

    async def rabbit(self, one: Poison, headers: dict[str, Any] | None = None) -> None:
        said = one.headers or self._dice.choice(({}, *ONLY_AMQP))
        message = aio_pika.Message(
            one.body,
            headers=said if headers is None else headers,
            content_type=_short(one.content_type),
            content_encoding=one.content_encoding,
        )
        await self._exchange.publish(message, "k")

    async def kafka(self, one: Poison) -> None:
        pairs = [(name, str(value).encode()) for name, value in one.headers.items()]
        pairs += [("raw", b"\xff\x00"), ("raw", b"")]
        for name, value in (("content-type", one.content_type), ("content-encoding", one.content_encoding)):
            pairs += [(name, value.encode("utf-8", "replace"))] if value is not None else []
        await self._producer.send(self.name, one.body, key=one.key, headers=pairs)

    async def send(self, several: Sequence[Poison]) -> None:
        self.sent.update(sha256(one.body).digest() for one in several)
        await asyncio.gather(
            *(self.rabbit(one) if number % 2 else self.kafka(one) for number, one in enumerate(several))
        )

    async def good(self, number: int) -> None:
        """One event at each broker."""
        for way, send in (("r", self.rabbit), ("k", self.kafka)):
            event = told("OrderPlaced", number, f"good-{way}-{number}")
            await send(Poison(event.body, event.content_type))


def _short(text: str | None) -> str | None:
    """A field of AMQP holds 255 bytes."""
    return text and text[:80]


@asynccontextmanager
async def both(rabbitmq: str, kafka: str, name: str) -> AsyncIterator[Both]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    room = {"max.message.bytes": str(16 * MEGABYTE)}
    await admin.create_topics([NewTopic(name, 2, 1, topic_configs=room)])
    await admin.close()
    async with (
        await aio_pika.connect(rabbitmq) as connection,
        AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=16 * MEGABYTE) as producer,
    ):
        channel = await connection.channel()
        exchange = await channel.declare_exchange(name, "topic", auto_delete=True)
        yield Both(name, exchange, producer)
        await channel.queue_delete(f"choreoscope.{name}-r")


def configured(database: str, rabbitmq: str, kafka: str, name: str) -> Settings:
    told = shop().model_dump(by_alias=True, exclude={"sources", "database", "alerts", "commands"})
    sources = [
        {
            "name": f"{name}-r",
            "kind": "rabbitmq",
            "url": rabbitmq,
            "bindings": [{"exchange": name, "routing_key": "#"}],
            "prefetch": 200,
        },
        {"name": f"{name}-k", "kind": "kafka", "bootstrap_servers": kafka, "topics": name, "group": name},
    ]
    model = {"file": models() / "order-fulfilment.bpmn", "key": "order"}
    return Settings.model_validate(
        {"database": database, "sources": sources, "models": [model], "events": told["events"]}
    )


async def reading(app: App) -> None:
    def all_read() -> bool:
        shards = [source.progress() for source in app.sources.values()]
        return all(rows and all(row.state in ("reading", "caught_up") for row in rows) for rows in shards)

    await until(all_read, "not connected")


async def test_poison_neither_stops_nor_is_lost(
    rabbitmq_url: str, kafka_bootstrap: str, migrated_postgres_url: str
) -> None:
    name = f"poison-{uuid.uuid4().hex[:8]}"
    settings = configured(migrated_postgres_url, rabbitmq_url, kafka_bootstrap, name)
    expected: set[str] = set()
    async with both(rabbitmq_url, kafka_bootstrap, name) as landscape, assembled(settings) as app:
        ingest = asyncio.create_task(app.ingest())
        try:
            await reading(app)
            handful: list[Poison] = []
            for number, one in enumerate(poison(SEED, COUNT, big=BIG), 1):
                handful.append(one)
                if number % 100 == 0:
                    await landscape.send(handful)
                    handful.clear()
                    await landscape.good(number)
                    expected |= {f"good-r-{number}", f"good-k-{number}"}
            expecting = time.monotonic() + PATIENCE
            while True:
                assert not ingest.done(), "reading has stopped"
                missing = expected - await good_ones(migrated_postgres_url)
                kept, failed = await inbox(migrated_postgres_url)
                # what is not in the inbox is an event
                placed = (landscape.sent - kept).total()
                stored = await events(migrated_postgres_url)
                if (not missing and placed == stored) or time.monotonic() > expecting:
                    break
                await asyncio.sleep(0.5)
        finally:
            ingest.cancel()
            await asyncio.gather(ingest, return_exceptions=True)
    assert not missing
    assert placed == stored, "messages are neither in the inbox nor events"
    assert not failed, "what makes us fail is a mistake of ours"
    assert not kept - landscape.sent, "bodies nobody sent, or one kept twice"
    print(f"{COUNT} messages of seed {SEED}: {kept.total()} in the inbox, {placed} events")
    assert kept.total() > COUNT / 2


async def good_ones(database: str) -> set[str]:
    async with await psycopg.AsyncConnection.connect(database) as connection:
        found = await connection.execute("SELECT key FROM traces WHERE key LIKE 'good-%'")
        return {key for (key,) in await found.fetchall()}


async def events(database: str) -> int:
    """How many are stored, good ones and those aside whose message is in the inbox for others in it."""
    asked = "SELECT count(*) FROM events WHERE event_id IS NULL OR event_id !~ %s"
    async with await psycopg.AsyncConnection.connect(database) as connection:
        found = await connection.execute(asked, (f"{BATCH}|^OrderPlaced/good-",))
        return sum([count async for (count,) in found])


async def inbox(database: str) -> tuple[Counter[bytes], list[str]]:
    """Digests of all bodies, and what our own mistakes said."""
    bodies: Counter[bytes] = Counter()
    failed = []
    async with (
        await psycopg.AsyncConnection.connect(database) as connection,
        connection.cursor("bodies") as cursor,
    ):
        await cursor.execute("SELECT body, reason, detail FROM inbox")
        async for body, reason, detail in cursor:
            bodies[sha256(body).digest()] += 1
            if reason == "failed":
                failed.append(detail)
    return bodies, failed

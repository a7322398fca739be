"""Kafka to PostgreSQL, one worker, beside a bare COPY of the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.pipeline import configuration
from benchmarks.pipeline.copying import copied
from benchmarks.pipeline.messages import KAFKA, Message
from benchmarks.pipeline.receiving import received
from benchmarks.pipeline.worker import Taken, drained
from benchmarks.usage import postmaster
from monitor.settings import KafkaSource
from monitor.sources.kafka import Kafka
from monitor.storage.migrate import upgrade
from tests.services import private
from tests.services.databases import fresh_database

TOPIC = "shop"
WORKERS = (1, 2, 4)


async def preload(bootstrap: str, topic: str, sent: Sequence[Message], partitions: int = 1) -> None:
    """A new topic with these messages in it; those of an order in one partition, as a shop's producers do."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1)])
    finally:
        await admin.close()
    await publish(bootstrap, topic, sent)


async def publish(bootstrap: str, topic: str, sent: Sequence[Message]) -> None:
    """These messages into a topic that is there."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=50, max_batch_size=1 << 18)
    await producer.start()
    try:
        for one in sent:
            headers = [(name, value.encode()) for name, value in one.headers(KAFKA).items()]
            headers.append(("content-type", one.content_type.encode()))
            await producer.send(topic, one.body.encode(), key=one.order.encode(), headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


def drain(
    bootstrap: str, topic: str, messages: int, url: str, server: int, folder: Path, workers: int = 1
) -> Taken:
    """By so many workers of a group of their own, into the database at ``url``."""
    group = f"bench-{uuid4().hex[:8]}"
    source = configuration.kafka(bootstrap, topic, group)
    config = configuration.write(folder / f"{group}.yaml", configuration.configuration(url, source))
    return drained([config] * workers, folder, messages, server)


def beside_copy(sent: Sequence[Message], rounds: int, postgres: str, folder: Path) -> None:
    """Print how fast a worker is beside a COPY, turn by turn."""
    server = postmaster(postgres)
    rates, ratios, by_row = [], [], []
    with private("kafka") as kafka:
        asyncio.run(preload(kafka.address, TOPIC, sent))
        for _ in range(rounds):
            with fresh_database(postgres) as url:
                upgrade(url)
                taken = drain(kafka.address, TOPIC, len(sent), url, server, folder)
                copy = copied(url, server)
            each = 1 / taken.rate
            rates.append(taken.rate)
            ratios.append(copy.blocks / len(sent) / each)
            by_row.append(copy.by_row / len(sent) / each)
            print(
                f"  {taken.rate:,.0f} messages/s ({taken.each('worker'):.0f} µs of the worker's processor"
                f" time each, {taken.each('database'):.0f} µs of the database's); COPY of {copy.rows:,} rows,"
                f" {copy.bytes / 1e6:.0f} MB: {len(sent) / copy.blocks:,.0f}/s"
                f" ({copy.database / len(sent) * 1e6:.0f} µs of the database's), {ratios[-1]:.0%} of it;"
                f" row by row {len(sent) / copy.by_row:,.0f}/s, {by_row[-1]:.0%} of it",
                flush=True,
            )
        source = KafkaSource.model_validate(configuration.kafka(kafka.address, TOPIC, "alone"))
        alone = asyncio.run(received(Kafka(source, worker="alone"), len(sent)))
    print(
        f"Kafka to PostgreSQL: {median(rates):,.0f} messages/s, {median(ratios):.0%} of a bare COPY,"
        f" {median(by_row):.0%} of one row by row; receiving and acknowledging alone {alone:.1f} µs each",
        flush=True,
    )


def by_workers(sent: Sequence[Message], postgres: str, folder: Path) -> None:
    """Print what more workers are worth, with a partition for each."""
    server, first = postmaster(postgres), 0.0
    with private("kafka") as kafka:
        asyncio.run(preload(kafka.address, TOPIC, sent, max(WORKERS)))
        for number in WORKERS:
            with fresh_database(postgres) as url:
                upgrade(url)
                taken = drain(kafka.address, TOPIC, len(sent), url, server, folder, number)
            first = first or taken.rate
            print(
                f"  {number} workers: {taken.rate:,.0f} messages/s, {taken.rate / first:.2f}x"
                f" ({taken.each('worker'):.0f} µs of the workers' processor time each,"
                f" {taken.each('database'):.0f} µs of the database's)",
                flush=True,
            )

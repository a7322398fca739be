"""The landscape on real brokers: everything it says it sent is there."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import aio_pika
import pytest
from aiokafka import AIOKafkaConsumer

from monitor.cli import invoke
from monitor.landscape.plan import Pace, plan
from monitor.landscape.wire import EXCHANGE, TOPICS

pytestmark = pytest.mark.usefixtures("landscape_alone")

START = datetime(2026, 1, 1, tzinfo=UTC)


async def test_what_is_logged_is_on_the_brokers(
    rabbitmq_url: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    log, truth = tmp_path / "log.jsonl", tmp_path / "truth.jsonl"
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "#")

        told = plan(11, 30, START, Pace())
        arguments = ["--orders", "30", "--seed", "11", "--prefix", "A-", "--start", START.isoformat()]
        arguments += ["--truth", str(truth), "--log", str(log)]
        brokers = ["--rabbitmq", rabbitmq_url, "--kafka", kafka_bootstrap]
        assert await asyncio.to_thread(invoke, ["landscape", *brokers, *arguments]) == 0

        orders = {json.loads(line)["order"] for line in truth.read_text().splitlines()}
        assert orders == {one.order for one in told.truths}
        assert sorted(log.read_bytes().splitlines()) == sorted(message.line() for message in told.emissions)

        rabbit = [message for message in told.emissions if message.channel == "rabbit"]
        received = [await queue.get(timeout=10, no_ack=True) for _ in rabbit]
        assert sorted(message.message_id or "" for message in received) == sorted(m.id for m in rabbit)
        assert {message.routing_key for message in received} == {m.routing_key for m in rabbit}

    consumer = AIOKafkaConsumer(*TOPICS, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        wanted = sorted((m.destination, m.order) for m in told.emissions if m.channel == "kafka")
        found: list[tuple[str, str]] = []
        async with asyncio.timeout(30):
            while len(found) < len(wanted):
                record = await consumer.getone()
                if record.key.decode() in orders and "content-type" in dict(record.headers):
                    found.append((record.topic, record.key.decode()))
        assert sorted(found) == wanted
    finally:
        await consumer.stop()

"""RabbitMQ to PostgreSQL, one worker, beside a bare consumer of the same messages."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import aio_pika

from benchmarks.pipeline import configuration
from benchmarks.pipeline.messages import RABBITMQ, Message
from benchmarks.pipeline.receiving import received
from benchmarks.pipeline.worker import PATIENCE, ROOT, drained
from benchmarks.usage import postmaster
from monitor.settings import RabbitmqSource
from monitor.sources.amqp import Session
from monitor.sources.rabbitmq import Rabbitmq
from monitor.storage.migrate import upgrade
from tests.services import private
from tests.services.databases import fresh_database

ALONE = "alone"
ACKNOWLEDGED = 1000
"""By the bare consumer at once, of twice as many it may hold: as many as a worker stores in a transaction."""


async def preload(url: str, queues: Sequence[str], sent: Sequence[Message]) -> None:
    """All messages into each of the queues, which are as a worker declares them."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        exchange = await channel.declare_exchange(
            configuration.EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True
        )
        for queue in queues:
            source = RabbitmqSource.model_validate(configuration.rabbitmq(url, queue))
            await (await Session.open(source)).close()
        for one in sent:
            said = aio_pika.Message(
                one.body.encode(),
                content_type=one.content_type,
                headers=dict(one.headers(RABBITMQ)),
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await exchange.publish(said, routing_key="orders", mandatory=False)
        while True:
            waiting = [await channel.declare_queue(queue, passive=True) for queue in queues]
            if all(one.declaration_result.message_count == len(sent) for one in waiting):
                return
            await asyncio.sleep(0.2)


def consumed(url: str, queue: str, messages: int) -> tuple[float, float]:
    """Seconds that a bare consumer takes, on the clock and of the processor."""
    numbers = map(str, (messages, ACKNOWLEDGED, 2 * ACKNOWLEDGED))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pipeline.bare_consumer", url, queue, *numbers],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    took, processor = map(float, done.stdout.split())
    return took, processor


def beside_consumer(sent: Sequence[Message], rounds: int, postgres: str, folder: Path) -> None:
    """Print how fast a worker is beside a bare consumer, turn by turn."""
    server = postmaster(postgres)
    ratios, rates = [], []
    with private("rabbitmq") as rabbitmq:
        ours = [f"ours-{number}" for number in range(rounds)]
        bares = [f"bare-{number}" for number in range(rounds)]
        asyncio.run(preload(rabbitmq.address, [*ours, *bares, ALONE], sent))
        for queue, other in zip(ours, bares, strict=True):
            with fresh_database(postgres) as url:
                upgrade(url)
                source = configuration.rabbitmq(rabbitmq.address, queue)
                file = folder / f"{queue}.yaml"
                config = configuration.write(file, configuration.configuration(url, source))
                taken = drained([config], folder, len(sent), server)
            took, processor = consumed(rabbitmq.address, other, len(sent))
            bare = len(sent) / took
            ratios.append(taken.rate / bare)
            rates.append(taken.rate)
            print(
                f"  {taken.rate:8,.0f} messages/s ({taken.each('worker'):.0f} µs of the worker's processor"
                f" time each, {taken.each('database'):.0f} µs of the database's);"
                f" bare consumer {bare:8,.0f}/s ({processor / len(sent) * 1e6:.0f} µs each):"
                f" {ratios[-1]:.0%} of it",
                flush=True,
            )
        chosen = RabbitmqSource.model_validate(configuration.rabbitmq(rabbitmq.address, ALONE))
        alone = asyncio.run(received(Rabbitmq(chosen, worker="alone"), len(sent)))
    print(
        f"RabbitMQ to PostgreSQL: {median(rates):,.0f} messages/s, {median(ratios):.0%} of a bare consumer;"
        f" receiving and acknowledging alone {alone:.1f} µs each",
        flush=True,
    )

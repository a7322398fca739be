"""A RabbitMQ stream is read on where it was left, not from its beginning."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import aio_pika
import orjson

from monitor.app import assembled
from monitor.resources import models
from monitor.settings import Settings

ORDERS = 20


async def publish(url: str, stream: str, numbers: range) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(stream, durable=True, arguments={"x-queue-type": "stream"})
        for number in numbers:
            body = orjson.dumps({"type": "OrderPlaced", "case": f"o-{number}"})
            await channel.default_exchange.publish(
                aio_pika.Message(body, content_type="application/json"), routing_key=stream
            )


async def read_until(settings: Settings, events: int) -> int | None:
    """Read until so many events are stored; the offset the source began at."""
    async with assembled(settings) as app:
        began = app.sources["stream"]._next_offset  # type: ignore[attr-defined]
        reading = asyncio.create_task(app.ingest())
        try:
            async with asyncio.timeout(30):
                while True:
                    totals = await app.store.views.totals()
                    rows = await app.store.views.sources(app.now())
                    kept = {shard.position for row in rows for shard in row.shards}
                    if totals.events == events and kept == {str(events)}:
                        return began  # type: ignore[no-any-return]
                    await asyncio.sleep(0.1)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_a_restart_goes_on_where_it_was(tmp_path: Path, rabbitmq_url: str) -> None:
    stream = f"stream-{uuid4().hex}"
    settings = Settings.model_validate(
        {
            "database": f"sqlite:///{tmp_path / 'x.db'}",
            "sources": [{"name": "stream", "kind": "rabbitmq", "url": rabbitmq_url, "stream": stream}],
            "models": [{"file": models() / "order-fulfilment.bpmn", "key": "order"}],
        }
    )
    await publish(rabbitmq_url, stream, range(ORDERS))
    assert await read_until(settings, ORDERS) is None
    await publish(rabbitmq_url, stream, range(ORDERS, 2 * ORDERS))
    assert await read_until(settings, 2 * ORDERS) == ORDERS

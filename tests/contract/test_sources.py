"""What every source promises (monitor.sources.base), asked of all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.sources.base import Source, SourceState
from tests.contract.source_harnesses import (
    FileHarness,
    Harness,
    HttpHarness,
    KafkaHarness,
    MemoryHarness,
    Message,
    RabbitmqHarness,
    fetch,
    numbered,
    numbers,
    prepared,
    read,
    shard,
    until,
)


@pytest.fixture(params=["memory", "http", "file", "rabbitmq", "kafka"])
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    match request.param:
        case "memory":
            made: Harness = MemoryHarness()
        case "http":
            made = HttpHarness()
        case "file":
            made = FileHarness(tmp_path)
        case "rabbitmq":
            made = RabbitmqHarness(request.getfixturevalue("rabbitmq_url"))
        case _:
            made = KafkaHarness(request.getfixturevalue("kafka_bootstrap"))
    async with prepared(made):
        yield made


async def test_says_who_it_is(harness: Harness) -> None:
    source = harness.source()
    assert (source.name, source.kind) == (harness.name, harness.kind)


async def test_delivers_all_in_order(harness: Harness) -> None:
    async with harness.opened() as source:
        await harness.publish(numbered(250))
        deliveries = await read(source, 250, limit=40)
    assert numbers(deliveries) == list(range(250))
    assert {delivery.source for delivery in deliveries} == {harness.name}
    assert len({delivery.position for delivery in deliveries}) == 250


async def test_limit_is_respected(harness: Harness) -> None:
    async with harness.opened() as source:
        await harness.publish(numbered(20))
        _, batches = await fetch(source, 20, limit=7)
    assert max(len(batch.deliveries) for batch in batches) <= 7


async def test_wait_is_honoured(harness: Harness) -> None:
    async with harness.opened() as source:
        began = time.monotonic()
        batch = await source.batch(10, 0.3)
        took = time.monotonic() - began
        assert batch is not None
        assert not batch.deliveries
        assert 0.2 <= took < 2.0
        began = time.monotonic()
        await source.batch(10, 0.0)
        assert time.monotonic() - began < 0.5
        await source.acknowledge(batch)


async def test_a_delivery_ends_the_wait(harness: Harness) -> None:
    async with harness.opened() as source:
        asked = asyncio.create_task(source.batch(10, 20.0))
        await harness.publish(numbered(1))
        async with asyncio.timeout(10):
            batch = await asked
        assert batch is not None
        assert numbers(batch.deliveries) == [0]


async def test_unacknowledged_comes_again(harness: Harness) -> None:
    async with harness.opened() as source:
        await harness.publish(numbered(10))
        _, batches = await fetch(source, 10, limit=5)
        await source.acknowledge(batches[0])
        first = numbers(batches[0].deliveries)
    async with harness.opened() as source:
        again = numbers(await read(source, 10 - len(first) if harness.durable else 10))
        assert set(again) == (set(range(10)) - set(first) if harness.durable else set(range(10)))


async def test_acknowledged_does_not_come_again(harness: Harness) -> None:
    async with harness.opened() as source:
        await harness.publish(numbered(10))
        await read(source, 10)
    async with harness.opened() as source:
        await harness.publish(numbered(1, start=10))
        # a file does not know its readers; there the positions say what was stored before
        again = [] if harness.durable else list(range(10))
        assert numbers(await read(source, len(again) + 1)) == [*again, 10]


async def test_stored_before_is_recognised_where_positions_last(harness: Harness) -> None:
    async with harness.opened() as source:
        await harness.publish(numbered(3))
        first = await read(source, 3, acknowledge=False)
    async with harness.opened() as source:
        second = await read(source, 3)
    if first[0].position.offset is not None:
        assert [d.position for d in first] == [d.position for d in second]
    else:
        assert all(d.position.receipt for d in first + second)


async def test_acknowledging_twice_is_harmless(harness: Harness) -> None:
    async with harness.opened() as source:
        await harness.publish(numbered(4))
        _, (batch, *rest) = await fetch(source, 4)
        await source.acknowledge(batch)
        await source.acknowledge(batch)
        for other in rest:
            await source.acknowledge(other)
        await harness.publish(numbered(2, start=4))
        assert numbers(await read(source, 2)) == [4, 5]


async def test_acknowledging_after_coming_back_is_harmless(harness: Harness) -> None:
    async with harness.opened() as source:
        await harness.publish(numbered(4))
        _, batches = await fetch(source, 4)
    async with harness.opened() as source:
        for batch in batches:
            await source.acknowledge(batch)
        assert sorted(numbers(await read(source, 4))) == [0, 1, 2, 3]


async def test_several_batches_may_be_out(harness: Harness) -> None:
    async with harness.opened() as source:
        await harness.publish(numbered(9))
        _, batches = await fetch(source, 9, limit=3)
        for batch in batches:
            await source.acknowledge(batch)
        await until(lambda: caught_up(harness, source), "everything is acknowledged")
        assert shard(source).lag == 0


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff\xfe not text", b"x" * 900_000], ids=["empty", "binary", "big"]
)
async def test_any_body(harness: Harness, body: bytes) -> None:
    async with harness.opened() as source:
        await harness.publish([Message(body), Message(b"next")])
        # a file holds lines, and an empty one is none
        first, *rest = await read(source, 2 if body or harness.any_body else 1)
    assert [first.body, *(delivery.body for delivery in rest)] == (
        [body, b"next"] if body or harness.any_body else [b"next"]
    )


async def test_what_a_message_carries_reaches_the_delivery(harness: Harness) -> None:
    when = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    sent = Message(
        b'{"n": 0}',
        {"ce_type": "order.placed", "traceparent": "ü"},
        key=b"o-1",
        timestamp=when,
        content_type="application/json",
    )
    async with harness.opened() as source:
        await harness.publish([sent])
        (delivery,) = await read(source, 1)
    assert delivery.received == harness.clock.time
    if "headers" in harness.carries:
        assert {name: delivery.headers[name] for name in sent.headers} == sent.headers
    if "key" in harness.carries:
        assert delivery.key == b"o-1"
    if "timestamp" in harness.carries:
        assert delivery.timestamp == when
    if "content_type" in harness.carries:
        assert delivery.content_type == "application/json"
    assert delivery.position.channel


async def test_idle_source_moves_its_watermark_by_refreshing(harness: Harness) -> None:
    async with harness.opened() as source:
        await until(lambda: caught_up(harness, source), "the idle source never caught up")
        for _ in range(2):
            time = harness.clock.tick()
            await source.batch(10, 0.05)
            await source.refresh()
            assert shard(source).watermark == time
        assert shard(source).state is SourceState.CAUGHT_UP


async def caught_up(harness: Harness, source: Source) -> bool:
    await source.batch(1, 0.0)
    await source.refresh()
    return shard(source).watermark == harness.clock.time


async def test_watermark_waits_for_what_is_not_acknowledged(harness: Harness) -> None:
    async with harness.opened() as source:
        await until(lambda: caught_up(harness, source), "the idle source never caught up")
        before = shard(source).watermark
        harness.clock.tick()
        await harness.publish(numbered(3))
        _, batches = await fetch(source, 3)
        behind = harness.clock.tick()
        await source.refresh()
        assert shard(source).watermark == before
        assert shard(source).state is SourceState.READING
        for batch in batches:
            await source.acknowledge(batch)
        await source.refresh()
        assert shard(source).watermark == behind
        assert shard(source).state is SourceState.CAUGHT_UP
        assert shard(source).lag == 0
        assert shard(source).last_message is not None


async def test_busy_source_moves_its_watermark(harness: Harness) -> None:
    """More has come since, but what had come by then is stored."""
    async with harness.opened() as source:
        await until(lambda: caught_up(harness, source), "the idle source never caught up")
        await harness.publish(numbered(3))
        _, batches = await fetch(source, 3)
        asked = harness.clock.tick()
        await source.refresh()
        await harness.publish(numbered(3, start=3))
        harness.clock.tick()
        _, more = await fetch(source, 3)
        for batch in batches:
            await source.acknowledge(batch)
        assert more
        assert shard(source).watermark == asked


async def test_closed_source_stands_still(harness: Harness) -> None:
    source = harness.source()
    async with source:
        await harness.ready(source)
        await until(lambda: caught_up(harness, source), "the idle source never caught up")
        before = {row.shard: row.watermark for row in source.progress()}
    harness.clock.tick()
    await source.refresh()
    for row in source.progress():
        assert row.watermark == before[row.shard]
        assert row.state is SourceState.CONNECTING


async def test_progress_before_the_first_connection(harness: Harness) -> None:
    for row in harness.source().progress():
        assert row.watermark is None
        assert row.state is SourceState.CONNECTING


async def test_leaves_no_task_behind(harness: Harness) -> None:
    async with harness.opened():
        await harness.publish(numbered(2))  # the producer's own tasks begin here
    before = asyncio.all_tasks()
    async with harness.opened() as source:
        await fetch(source, 2)
        assert source.progress()
        mine = asyncio.all_tasks() - before
    if mine:
        await asyncio.wait(mine, timeout=2.0)
    assert not [task for task in mine if not task.done()]


async def test_closing_while_waiting(harness: Harness) -> None:
    source = harness.source()
    await source.__aenter__()
    await harness.ready(source)
    asked = asyncio.create_task(source.batch(10, 1.0))
    await asyncio.sleep(0)
    await source.__aexit__(None, None, None)
    async with asyncio.timeout(10):
        batch = await asked
    assert batch is None or not batch.deliveries


async def test_a_cancelled_wait_loses_nothing(harness: Harness) -> None:
    async with harness.opened() as source:
        for number in range(5):
            asked = asyncio.create_task(source.batch(10, 5.0))
            await asyncio.sleep(0.01 * number)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
        await harness.publish(numbered(3))
        assert numbers(await read(source, 3)) == [0, 1, 2]

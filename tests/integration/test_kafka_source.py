"""The kafka source against a real broker: rebalances, transactions, topics that come, brokers that go."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from monitor.domain.event import Delivery
from monitor.errors import SourceError
from monitor.settings import KafkaSource
from monitor.sources.base import SourceState
from monitor.sources.kafka import Kafka
from monitor.sources.kafka_client import client_of
from tests.contract.source_harnesses import PATIENCE, Clock, fetch, make_topic, read, until
from tests.services import Service


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:10]}"


@pytest.fixture
async def producer(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        yield producer


def settings(bootstrap: str, name: str, **more: Any) -> KafkaSource:
    given = {"topics": name, "group": name, "session_timeout": "PT6S"} | more
    return KafkaSource.model_validate({"name": name, "bootstrap_servers": bootstrap} | given)


async def send(producer: AIOKafkaProducer, topic: str, start: int, stop: int, partition: int = 0) -> None:
    for number in range(start, stop):
        await producer.send_and_wait(topic, str(number).encode(), partition=partition)


def bodies(deliveries: list[Delivery]) -> list[int]:
    return [int(delivery.body) for delivery in deliveries]


async def assigned(source: Kafka, count: int) -> None:
    async def held() -> bool:
        await source.batch(1, 0.0) if not count else None
        return len([row for row in source.progress() if "/" in row.shard]) == count

    await until(held, f"{count} partitions")


async def committed(bootstrap: str, group: str, topic: str, partition: int = 0) -> int | None:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group) as consumer:
        offset: int | None = await consumer.committed(TopicPartition(topic, partition))
        return offset


async def test_partitions_keep_their_order(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str
) -> None:
    await make_topic(kafka_bootstrap, name, 3)
    for partition in range(3):
        await send(producer, name, 0, 20, partition)
    async with Kafka(settings(kafka_bootstrap, name), worker="w") as source:
        deliveries = await read(source, 60, limit=7)
        for partition in range(3):
            mine = [d for d in deliveries if d.position.partition == partition]
            assert bodies(mine) == list(range(20))
            assert [d.position.offset for d in mine] == list(range(20))
        assert {row.shard for row in source.progress()} == {f"{name}/{number}" for number in range(3)}


async def test_two_workers_share_partitions_and_lose_nothing(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str
) -> None:
    await make_topic(kafka_bootstrap, name, 4)
    for partition in range(4):
        await send(producer, name, 0, 10, partition)
    wanted = settings(kafka_bootstrap, name)
    async with Kafka(wanted, worker="a") as one:
        await assigned(one, 4)
        done, _ = await fetch(one, 20, limit=20, acknowledge=True)
        _, out = await fetch(one, 1, limit=5)
        async with Kafka(wanted, worker="b") as two:
            await assigned(two, 2)
            await assigned(one, 2)
            await one.acknowledge(out[0])  # handed out under the former assignment
            mine, yours = {r.shard for r in one.progress()}, {r.shard for r in two.progress()}
            assert mine.isdisjoint(yours)
            seen = {(d.position.partition, d.position.offset) for d in done}
            again: list[tuple[int | None, int | None]] = []
            async with asyncio.timeout(PATIENCE):
                while len(seen) < 40:
                    for source in (one, two):
                        batch = await source.batch(50, 0.1)
                        assert batch is not None
                        places = [(d.position.partition, d.position.offset) for d in batch.deliveries]
                        again += [place for place in places if place in seen]
                        seen.update(places)
                        await source.acknowledge(batch)
            assert not again, "what was acknowledged before the rebalance is committed by it"
        await assigned(one, 4)
    for partition in range(4):
        assert await committed(kafka_bootstrap, name, name, partition) == 10


async def test_topics_by_pattern_and_by_name(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str
) -> None:
    for topic in (f"{name}.a", f"{name}.b", f"x{name}.a", f"{name}-plain", f"{name}-plainer"):
        await make_topic(kafka_bootstrap, topic, 1)
        await send(producer, topic, 0, 1)
    wanted = settings(kafka_bootstrap, name, topics=[rf"^{name}\.", f"{name}-plain"])
    async with Kafka(wanted, worker="w") as source:
        deliveries = await read(source, 3)
        assert {d.position.channel for d in deliveries} == {f"{name}.a", f"{name}.b", f"{name}-plain"}
        batch = await source.batch(10, 0.5)
        assert batch is not None
        assert not batch.deliveries


async def test_missing_topic_is_named_not_made_and_found_when_it_appears(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.sources.kafka_client._METADATA_AGE", 0.5)
    async with Kafka(settings(kafka_bootstrap, name, start="latest"), worker="w") as source:

        async def complains() -> bool:
            await source.refresh()
            return any(row.error == f"there is no topic {name}" for row in source.progress())

        await until(complains, "no complaint")
        assert all(row.watermark is None for row in source.progress())
        async with AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap) as other:
            assert name not in await other.topics()
        await make_topic(kafka_bootstrap, name, 1)
        await send(producer, name, 0, 3)
        # it was not there when we began, so all of it is new, although `start` says latest
        assert bodies(await read(source, 3)) == [0, 1, 2]
        await source.refresh()
        assert all(row.error is None for row in source.progress())


async def test_partitions_added_while_reading_are_read_from_their_beginning(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.sources.kafka_client._METADATA_AGE", 0.5)
    await make_topic(kafka_bootstrap, name, 1)
    async with Kafka(settings(kafka_bootstrap, name, start="latest"), worker="w") as source:
        await assigned(source, 1)
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        await admin.create_partitions({name: NewPartitions(2)})
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as fresh:
            await send(fresh, name, 0, 3, partition=1)
        assert bodies(await read(source, 3)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("start", "expected"),
    [("earliest", [0, 1, 2, 3, 4]), ("latest", [9]), ("2026-02-01T00:00:02Z", [2, 3, 4])],
)
async def test_start_counts_only_where_nothing_is_committed(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str, start: str, expected: list[int]
) -> None:
    await make_topic(kafka_bootstrap, name, 1)
    began = datetime(2026, 2, 1, tzinfo=UTC)
    for number in range(5):
        moment = int((began + timedelta(seconds=number)).timestamp() * 1000)
        await producer.send_and_wait(name, str(number).encode(), timestamp_ms=moment)
    async with Kafka(settings(kafka_bootstrap, name, start=start), worker="w") as source:
        await assigned(source, 1)
        if start == "latest":
            await send(producer, name, 9, 10)
        assert bodies(await read(source, len(expected))) == expected
    async with Kafka(settings(kafka_bootstrap, name, start="earliest"), worker="w") as source:
        await send(producer, name, 10, 11)
        assert bodies(await read(source, 1)) == [10]


async def test_latest_is_settled_by_the_first_start(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str
) -> None:
    """Nothing was read yet, so nothing acknowledged; what comes while we are away is still not lost."""
    await make_topic(kafka_bootstrap, name, 1)
    await send(producer, name, 0, 2)
    wanted = settings(kafka_bootstrap, name, start="latest")
    async with Kafka(wanted, worker="w") as source:
        await assigned(source, 1)
    await send(producer, name, 2, 4)
    async with Kafka(wanted, worker="w") as source:
        assert bodies(await read(source, 2)) == [2, 3]


async def test_only_committed_transactions_are_read_and_open_ones_hold_the_watermark(
    kafka_bootstrap: str, name: str
) -> None:
    await make_topic(kafka_bootstrap, name, 1)
    clock = Clock()
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=name) as producer:
        async with producer.transaction():
            await send(producer, name, 0, 2)
        await producer.begin_transaction()
        await send(producer, name, 2, 4)
        await producer.abort_transaction()
        async with Kafka(settings(kafka_bootstrap, name), worker="w", now=clock) as source:
            assert bodies(await read(source, 2)) == [0, 1]

            async def caught_up() -> bool:
                await source.batch(10, 0.05)
                await source.refresh()
                (row,) = source.progress()
                return row.watermark == clock.time and row.lag == 0

            # 2 messages, a commit marker, 2 messages, an abort marker: the markers count as read
            await until(caught_up, "the ends of transactions keep the watermark back")
            before = clock.time

            await producer.begin_transaction()
            await send(producer, name, 4, 6)
            clock.tick()
            for _ in range(3):
                await source.batch(10, 0.2)
                await source.refresh()
            (row,) = source.progress()
            assert row.watermark == before, "what the open transaction holds has happened and is not read"
            assert row.state is SourceState.READING
            await producer.commit_transaction()
            assert bodies(await read(source, 2)) == [4, 5]
            await until(caught_up, "the transaction is over")


async def test_headers_that_repeat_or_are_no_text(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str
) -> None:
    await make_topic(kafka_bootstrap, name, 1)
    headers = [
        ("a", b"1"),
        ("a", b"2"),
        ("raw", b"\xff"),
        ("content-type", b"text/plain"),
        ("none", None),
    ]
    await producer.send_and_wait(name, None, key=b"k", headers=headers)
    async with Kafka(settings(kafka_bootstrap, name), worker="w") as source:
        (delivery,) = await read(source, 1)
    assert delivery.headers == {"a": "2", "raw": b"\xff", "content-type": "text/plain", "none": None}
    assert delivery.content_type == "text/plain"
    assert (delivery.body, delivery.key) == (b"", b"k")


async def test_after_a_restart_the_watermark_moves_at_once(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str
) -> None:
    await make_topic(kafka_bootstrap, name, 1)
    await send(producer, name, 0, 1)
    clock = Clock()
    async with Kafka(settings(kafka_bootstrap, name), worker="w") as source:
        await read(source, 1)
    async with Kafka(settings(kafka_bootstrap, name), worker="w", now=clock) as source:
        await assigned(source, 1)
        await source.refresh()
        assert [row.watermark for row in source.progress()] == [clock.time]


async def test_a_deleted_topic_stays_deleted(
    kafka_bootstrap: str, producer: AIOKafkaProducer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker makes topics that are asked for by name; we never do."""
    monkeypatch.setattr("monitor.sources.kafka_client._METADATA_AGE", 0.3)
    monkeypatch.setattr("monitor.sources.kafka._ANSWER_TIMEOUT", 1.0)
    await make_topic(kafka_bootstrap, name, 1)
    async with Kafka(settings(kafka_bootstrap, name), worker="w") as source:
        await assigned(source, 1)
        await source.refresh()
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        await admin.delete_topics([name])

        async def complains() -> bool:
            await source.batch(10, 0.1)
            await source.refresh()
            return any(row.error == f"there is no topic {name}" for row in source.progress())

        await until(complains, "nobody noticed")
        for _ in range(10):
            await source.batch(10, 0.1)
            await source.refresh()
        assert name not in await admin.list_topics()
        await admin.close()


async def test_brokers_that_are_away_are_said_to_be(name: str) -> None:
    async with Kafka(settings("127.0.0.1:1", name), worker="w") as source:
        await until(lambda: bool(source.progress()), "no complaint")
        (row,) = source.progress()
        assert row.state is SourceState.CONNECTING
        assert row.error is not None
        assert "127.0.0.1:1" in row.error
        assert row.shared, "it must not count as a partition"


async def test_broker_restarts_in_the_middle(private_kafka: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.sources.kafka._ANSWER_TIMEOUT", 2.0)
    bootstrap, name = private_kafka.address, "restart"
    await make_topic(bootstrap, name, 1)

    async def publish(start: int, stop: int) -> None:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            await send(producer, name, start, stop)

    await publish(0, 10)
    clock = Clock()
    async with Kafka(settings(bootstrap, name), worker="w", now=clock) as source:
        _, (done, out) = await fetch(source, 10, limit=5)
        await source.acknowledge(done)
        await source.refresh()
        stood = clock.time
        await asyncio.to_thread(private_kafka.stop)
        clock.tick()
        await source.refresh()
        assert all(row.watermark is None or row.watermark <= stood for row in source.progress())
        assert all(row.state is SourceState.CONNECTING for row in source.progress())
        await source.acknowledge(out)
        await asyncio.to_thread(private_kafka.start)
        await publish(10, 13)
        seen = set(range(10))
        async with asyncio.timeout(2 * PATIENCE):
            while seen != set(range(13)):
                batch = await source.batch(10, 1.0)
                assert batch is not None
                seen.update(int(delivery.body) for delivery in batch.deliveries)
                await source.acknowledge(batch)

        async def caught_up() -> bool:
            batch = await source.batch(10, 0.05)
            assert batch is not None
            await source.acknowledge(batch)
            await source.refresh()
            return [row.watermark for row in source.progress()] == [clock.time]

        await until(caught_up, "never caught up again")
    assert await committed(bootstrap, name, name) == 13


async def test_what_no_retry_can_mend_is_raised() -> None:
    async with Kafka(settings("host:no-port", "x"), worker="w") as source:
        with pytest.raises(SourceError, match="source x cannot go on"):
            await read(source, 1)


def test_a_connection_that_broke_a_moment_ago_is_a_lost_one_to_the_quick_loop_too(
    kafka_bootstrap: str, name: str
) -> None:
    async def broken() -> None:
        client = client_of(settings(kafka_bootstrap, name), "w")
        await client.start()
        try:
            (node,) = {broker.nodeId for broker in client._client.cluster.brokers()}
            connection = await client._client._get_conn(node)
            connection._writer.transport.abort()
            await asyncio.sleep(0)  # closed, and not yet known to be
            with pytest.raises(KafkaConnectionError):
                await connection.send(MetadataRequest([]))
            assert not connection.connected()
            assert await client.topics() is not None, "the next one connects anew"
        finally:
            await client.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(broken())

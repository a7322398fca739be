"""Everything we ever say to a broker: a closed list, taken from the wire, that touches nothing but our own.

What a frame or a request is for, docs/reliability.md tells in a table that has the same entries.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import pytest
from aio_pika import Message
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from monitor.cli.doctor.command import examine
from monitor.settings import KafkaSource, RabbitmqSource, Settings
from monitor.sources.base import Source, SourceState
from monitor.sources.kafka import Kafka
from monitor.sources.rabbitmq import Rabbitmq
from tests.contract.source_harnesses import make_topic, read, until
from tests.support import amqp_frames, kafka_requests
from tests.support.recording import Recording

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:10]}"


@pytest.fixture
async def channel(rabbitmq_url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        yield await connection.channel()


def kinds(told: set[str]) -> set[str]:
    """Without the names."""
    return {re.sub(r"(queue|exchange|topic|group) \S+?(?=,|$)", r"\1", one) for one in told}


def documented(heading: str) -> set[str]:
    """The first column of the table under a heading."""
    section = DOCUMENT.read_text("utf-8").split(f"\n### {heading}\n")[1].split("\n#")[0]
    return {
        cell for row in re.findall(r"^\|([^|]*)\|", section, re.M) for cell in re.findall(r"`([^`]+)`", row)
    }


# RabbitMQ -----------------------------------------------------------------------------------------------

OPENING = {
    "protocol header",
    "heartbeat",
    "Connection.StartOk",
    "Connection.TuneOk",
    "Connection.Open",
    "Connection.Close",
    "Connection.CloseOk",
    "Channel.Open",
    "Channel.Close",
    "Channel.CloseOk",
}


@asynccontextmanager
async def recorded(url: str) -> AsyncIterator[tuple[Recording, str]]:
    parts = urlsplit(url)
    async with Recording(parts.hostname or "127.0.0.1", parts.port or 5672) as proxy:
        login = parts.netloc.rpartition("@")[0]
        yield proxy, urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{proxy.listening}"))


async def connected(source: Source) -> None:
    await until(lambda: source.progress()[0].state is not SourceState.CONNECTING, "not connected")


async def lost(source: Source) -> None:
    await until(lambda: source.progress()[0].state is SourceState.CONNECTING, "still connected")


def rabbit(url: str, name: str, **more: Any) -> RabbitmqSource:
    if "stream" not in more:
        more.setdefault("bindings", [{"exchange": name, "routing_key": "#"}])
    return RabbitmqSource.model_validate(
        {"name": name, "url": url, "expires": "PT10M", "heartbeat": 1} | more
    )


async def test_all_that_rabbitmq_is_told(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue's whole life: an exchange that is missing at first, messages, a lost connection, a restart, our
    queue deleted under us, the end; and a stream's."""
    monkeypatch.setattr("monitor.sources.rabbitmq._STEADY", 0.2)
    stream, ours = f"{name}-stream", f"choreoscope.{name}"
    await channel.declare_queue(stream, durable=True, arguments={"x-queue-type": "stream"})
    theirs = await channel.declare_queue(f"{name}-theirs", durable=True)
    for number in range(3):
        await channel.default_exchange.publish(Message(str(number).encode()), stream)

    async with recorded(rabbitmq_url) as (proxy, url):
        async with Rabbitmq(rabbit(url, name), worker="w") as source:
            await until(lambda: source.progress()[0].error is not None, "the exchange is not missed")
            exchange = await channel.declare_exchange(name, "topic", durable=True)
            await theirs.bind(exchange, "#")
            await connected(source)
            for _ in range(2):
                await exchange.publish(Message(b"{}"), "k")
                await read(source, 1)
                await source.refresh()
                proxy.cut()
                await lost(source)
                await connected(source)
            await channel.queue_delete(ours)
            await until(
                lambda: source.progress()[0].state is SourceState.CONNECTING, "the queue is not missed"
            )
            await connected(source)
            await asyncio.sleep(1.2)  # heartbeats
        async with Rabbitmq(rabbit(url, name), worker="w") as source:  # the next process
            await connected(source)
        async with Rabbitmq(rabbit(url, name, stream=stream), worker="w") as source:
            await connected(source)
            await read(source, 3)
            await source.refresh()
            proxy.cut()
            await lost(source)
            await connected(source)
        said = amqp_frames.told(proxy.connections)

    assert said - OPENING == {
        f"Exchange.Declare passive: exchange {name}",
        f"Queue.Declare to make: queue {ours}",
        f"Queue.Declare passive: queue {ours}",
        f"Queue.Declare passive: queue {stream}",
        f"Queue.Bind: queue {ours}, exchange {name}",
        "Basic.Qos",
        f"Basic.Consume: queue {ours}",
        f"Basic.Consume: queue {stream}",
        "Basic.Ack",
    }
    assert kinds(said) | {"Connection.CloseOk"} == documented("To RabbitMQ")
    waiting = await channel.declare_queue(theirs.name, passive=True)
    assert waiting.declaration_result.message_count == 2
    for queue in (theirs.name, stream, ours):
        await channel.queue_delete(queue)
    await exchange.delete()


async def test_the_doctor_only_asks_rabbitmq(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str, tmp_path: Path
) -> None:
    stream, ours = f"{name}-stream", f"choreoscope.{name}"
    await channel.declare_exchange(name, "topic", auto_delete=True)
    await channel.declare_queue(stream, durable=True, arguments={"x-queue-type": "stream"})
    async with recorded(rabbitmq_url) as (proxy, url):
        sources = [rabbit(url, name), rabbit(url, "gone"), rabbit(url, "s", stream=stream)]
        for _ in range(2):  # the first time without a queue of ours, the second with it
            await diagnosed(tmp_path, sources)
            async with Rabbitmq(rabbit(rabbitmq_url, name), worker="w") as source:
                await connected(source)
        said = amqp_frames.told(proxy.connections)
    assert said - OPENING == {
        f"Exchange.Declare passive: exchange {name}",
        "Exchange.Declare passive: exchange gone",
        f"Queue.Declare passive: queue {ours}",
        "Queue.Declare passive: queue choreoscope.gone",
        f"Queue.Declare passive: queue {stream}",
        f"Queue.Declare to make: queue {ours}",  # as it is: else the broker refuses
    }
    for queue in (stream, ours):
        await channel.queue_delete(queue)


async def diagnosed(tmp_path: Path, sources: list[Any]) -> None:
    told = Settings.model_validate({"database": f"sqlite:///{tmp_path}/x.db", "sources": sources})
    await examine(told, tmp_path / "choreoscope.yaml")


@pytest.mark.parametrize(
    "bounds",
    [{}, {"max_length": None, "expires": None}, {"max_length": None, "max_bytes": None, "expires": None}],
)
async def test_a_foreign_queue_that_is_configured_as_ours_is_refused(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str, bounds: dict[str, Any]
) -> None:
    theirs = await channel.declare_queue(f"{name}-theirs", durable=True)
    exchange = await channel.declare_exchange(name, "topic", auto_delete=True)
    await channel.default_exchange.publish(Message(b"{}"), theirs.name)
    async with Rabbitmq(rabbit(rabbitmq_url, name, queue=theirs.name, **bounds), worker="w") as source:
        await until(lambda: source.progress()[0].state is SourceState.FAILED, "not refused")
    waiting = await channel.declare_queue(theirs.name, passive=True)
    assert waiting.declaration_result.message_count == 1
    await theirs.delete(if_unused=False, if_empty=False)
    await exchange.delete()


async def test_a_dead_monitors_queue_stays_bounded_and_nobody_waits_for_it(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    """The newest stay. A monitor that hangs holds what it was sent besides, at most ``prefetch``."""
    exchange = await channel.declare_exchange(name, "topic", durable=True)
    bounded = rabbit(rabbitmq_url, name, max_length=50, max_bytes=20_000, prefetch=20)

    async def publish(bodies: list[bytes]) -> float:
        began = time.perf_counter()
        # confirmed one by one: a queue that pushed back would not confirm, or refuse
        await asyncio.gather(*(exchange.publish(Message(body), "k", timeout=20) for body in bodies))
        return time.perf_counter() - began

    async def ready() -> int:
        queue = await channel.declare_queue(bounded.queue, passive=True)
        return queue.declaration_result.message_count or 0

    async with Rabbitmq(bounded, worker="w") as source:
        await connected(source)
        await publish([b"%d" % number for number in range(500)])
        assert await ready() <= 50  # hangs: it acknowledges nothing

    async def settled() -> bool:
        return await ready() == 50

    await until(settled, "what was not acknowledged goes back, and the bound holds")
    took = await publish([b"%d" % number for number in range(500, 2500)])
    assert took < 15
    assert await ready() == 50
    async with Rabbitmq(bounded, worker="w") as source:
        assert [d.body for d in await read(source, 50)] == [b"%d" % n for n in range(2450, 2500)]
    await publish([b"%04d" % number + 996 * b"x" for number in range(100)])
    assert await ready() == 20, "bytes are bounded, too"
    await channel.queue_delete(bounded.queue)
    await exchange.delete()


async def test_a_dead_monitors_queue_goes_away_by_itself(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    exchange = await channel.declare_exchange(name, "topic", durable=True)
    async with Rabbitmq(rabbit(rabbitmq_url, name, expires="PT1S"), worker="w") as source:
        await connected(source)

    async def gone() -> bool:
        # Asking for the queue would count as using it.
        await asyncio.sleep(1.5)
        async with await aio_pika.connect(rabbitmq_url) as connection:
            asking = await connection.channel()
            try:
                await asking.get_queue(f"choreoscope.{name}", ensure=True)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                return True
        return False

    await until(gone, "still there")
    await exchange.delete()


# Kafka --------------------------------------------------------------------------------------------------


def kafka(bootstrap: str, name: str, **more: Any) -> KafkaSource:
    given = {"topics": name, "group": name, "session_timeout": "PT6S"} | more
    return KafkaSource.model_validate({"name": name, "bootstrap_servers": bootstrap} | given)


@asynccontextmanager
async def recorded_kafka(bootstrap: str) -> AsyncIterator[tuple[Recording, str]]:
    host, _, port = bootstrap.split(",")[0].rpartition(":")

    def passing(proxy: int) -> kafka_requests.ByTheProxy:
        return kafka_requests.ByTheProxy(host, int(port), proxy)

    async with Recording(host, int(port), passing) as proxy:
        yield proxy, f"{host}:{proxy.listening}"


async def held(source: Kafka, partitions: int) -> None:
    def all_of_them() -> bool:
        rows = [row for row in source.progress() if "/" in row.shard]
        return [row.state is SourceState.CONNECTING for row in rows] == partitions * [False]

    await until(all_of_them, f"{partitions} partitions")


async def test_all_that_kafka_is_told(
    kafka_bootstrap: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing topic, a first start, two members, a lost connection, a restart, a topic deleted, the end."""
    monkeypatch.setattr("monitor.sources.kafka_client._METADATA_AGE", 0.3)
    monkeypatch.setattr("monitor.sources.kafka._ANSWER_TIMEOUT", 2.0)
    missing = f"{name}-missing"
    await make_topic(kafka_bootstrap, name, 2)
    async with (
        recorded_kafka(kafka_bootstrap) as (proxy, by_proxy),
        AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer,
    ):
        topics = [name, missing]
        settings = kafka(by_proxy, name, topics=topics)
        async with Kafka(settings, worker="1") as source:
            await held(source, 2)
            for partition in (0, 1):
                await producer.send_and_wait(name, b"{}", partition=partition)
            await read(source, 2)
            await source.refresh()
            async with Kafka(settings, worker="2") as other:
                await asyncio.gather(held(source, 1), held(other, 1))
                proxy.cut()
                await producer.send_and_wait(name, b"{}", partition=0)
                await producer.send_and_wait(name, b"{}", partition=1)
                await asyncio.gather(read(source, 1), read(other, 1))
        for start in ("latest", "2020-01-01T00:00:00Z"):
            begun = kafka(by_proxy, name, topics=topics, group=f"{name}-{start[:4]}", start=start)
            async with Kafka(begun, worker="1") as source:
                await held(source, 2)
                await source.refresh()
        async with Kafka(settings, worker="1") as source:
            await held(source, 2)
            await deleted(kafka_bootstrap, name)
            for _ in range(20):
                await source.batch(10, 0.1)
                await source.refresh()
        said = kafka_requests.told(proxy.connections)

    groups = (f"group {name}", f"group {name}-late", f"group {name}-2020")
    topic = f"topic {name}"
    expected = {"ApiVersion", "Metadata"} | {f"{one}: {topic}" for one in ("Fetch", "Offset")}
    member = ("FindCoordinator", "JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup")
    for group in groups:
        expected |= {f"{one}: {group}" for one in member}
        expected |= {f"{one}: {group}, {topic}" for one in ("OffsetFetch", "OffsetCommit")}
    assert said - expected <= {"Fetch"}  # with nothing to fetch
    assert kinds(expected) == kinds(said) - {"Fetch"} == documented("To Kafka")


async def test_the_doctor_only_asks_kafka(kafka_bootstrap: str, name: str, tmp_path: Path) -> None:
    await make_topic(kafka_bootstrap, name, 2)
    async with recorded_kafka(kafka_bootstrap) as (proxy, by_proxy):
        await diagnosed(tmp_path, [kafka(by_proxy, name, topics=[name, f"{name}-missing"])])
        said = kafka_requests.told(proxy.connections)
    assert said <= {
        "ApiVersion",
        "Metadata",
        f"Offset: topic {name}",
        f"FindCoordinator: group {name}",
        f"OffsetFetch: group {name}, topic {name}",
    }
    async with AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, group_id=name) as consumer:
        assert await consumer.committed(TopicPartition(name, 0)) is None


async def deleted(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()

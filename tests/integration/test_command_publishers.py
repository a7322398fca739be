"""What speaks to brokers for commands, against real ones: confirmed, given back, refused, not reached."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aio_pika
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiormq.channel import Channel
from pydantic import SecretStr

from monitor.commands.base import Message, Outcome, Unpublished
from monitor.commands.publishers.kafka import KafkaPublisher
from monitor.commands.publishers.rabbitmq import RabbitmqPublisher
from monitor.settings.commands import KafkaTarget, RabbitmqTarget
from tests.contract.source_harnesses import make_topic
from tests.services import Service

TIMEOUT = timedelta(seconds=5)


@pytest.fixture
async def channel(rabbitmq_url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    connection = await aio_pika.connect(rabbitmq_url)
    async with connection:
        yield await connection.channel()


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:10]}"


def message(kind: str, place: str, key: str = "", **more: Any) -> Message:
    prefix = "cloudEvents_" if kind == "rabbitmq" else "ce_"
    headers = {
        f"{prefix}specversion": "1.0",
        f"{prefix}id": "11111111-2222-4333-8444-555555555555",
        f"{prefix}type": "com.shop.ReleaseOrder",
        f"{prefix}time": "2026-03-01T12:00:00.000Z",
        "tenant": "żółw",
    }
    given: dict[str, Any] = {
        "id": "11111111-2222-4333-8444-555555555555",
        "type": "com.shop.ReleaseOrder",
        "kind": kind,
        "broker": "",
        "place": place,
        "key": key,
        "headers": headers,
        "content_type": "application/json",
        "body": b'{"orderId":"o-1"}',
    }
    return Message(**{**given, **more})


def rabbitmq(url: str) -> RabbitmqPublisher:
    return RabbitmqPublisher(RabbitmqTarget(kind="rabbitmq", url=SecretStr(url)), TIMEOUT)


def kafka(bootstrap: str, **more: Any) -> KafkaPublisher:
    given = {"kind": "kafka", "bootstrap_servers": bootstrap, "topic": "any", **more}
    return KafkaPublisher(KafkaTarget.model_validate(given), TIMEOUT)


async def refused(publisher: RabbitmqPublisher | KafkaPublisher, sent: Message) -> Unpublished:
    with pytest.raises(Unpublished) as caught:
        await publisher.publish(sent)
    assert "guest" not in str(caught.value).replace("user 'guest'", "")
    return caught.value


async def test_rabbitmq_confirms_what_a_queue_has(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    exchange = await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC)
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, "orders.#")
    told = await rabbitmq(rabbitmq_url).publish(message("rabbitmq", name, "orders.release"))
    assert "confirmed" in told
    got = await queue.get(no_ack=True)
    assert got.body == b'{"orderId":"o-1"}'
    assert got.message_id == "11111111-2222-4333-8444-555555555555"
    assert (got.type, got.content_type, got.app_id) == (
        "com.shop.ReleaseOrder",
        "application/json",
        "choreoscope",
    )
    assert got.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert got.headers["cloudEvents_id"] == got.message_id
    assert got.headers["tenant"] == "żółw"


async def test_rabbitmq_gives_back_what_nobody_is_bound_for(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC)
    error = await refused(rabbitmq(rabbitmq_url), message("rabbitmq", name, "orders.release"))
    assert error.outcome is Outcome.UNROUTABLE
    assert "no queue is bound" in error.message


async def test_rabbitmq_without_the_exchange_refuses_and_makes_none(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    error = await refused(rabbitmq(rabbitmq_url), message("rabbitmq", name, "x"))
    assert error.outcome is Outcome.REFUSED
    assert name in error.message
    with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
        await channel.get_exchange(name, ensure=True)


async def test_rabbitmq_may_not_be_written_to(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    await channel.declare_exchange(name, aio_pika.ExchangeType.FANOUT, internal=True)
    error = await refused(rabbitmq(rabbitmq_url), message("rabbitmq", name, "x"))
    assert error.outcome is Outcome.REFUSED
    assert "does not let user 'guest' write" in error.message


async def test_rabbitmq_with_a_full_queue_does_not_take_it(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    arguments: dict[str, Any] = {"x-max-length": 1, "x-overflow": "reject-publish"}
    queue = await channel.declare_queue(name, arguments=arguments, exclusive=True)
    await channel.default_exchange.publish(aio_pika.Message(b"first"), name)
    error = await refused(rabbitmq(rabbitmq_url), message("rabbitmq", "", name))
    assert error.outcome is Outcome.NACKED
    await queue.purge()
    assert "confirmed" in await rabbitmq(rabbitmq_url).publish(message("rabbitmq", "", name))


async def test_rabbitmq_does_not_let_in(rabbitmq_url: str, name: str) -> None:
    wrong = rabbitmq_url.replace("guest:guest", "guest:sesame")
    error = await refused(rabbitmq(wrong), message("rabbitmq", "", name))
    assert error.outcome is Outcome.REFUSED
    assert "sesame" not in str(error)
    error = await refused(rabbitmq(rabbitmq_url + "elsewhere"), message("rabbitmq", "", name))
    assert error.outcome is Outcome.REFUSED
    assert "'elsewhere'" in error.message


async def test_rabbitmq_away_and_back(private_rabbitmq: Service, name: str) -> None:
    publisher = rabbitmq(private_rabbitmq.address)
    private_rabbitmq.stop()
    error = await refused(publisher, message("rabbitmq", "", name))
    assert error.outcome is Outcome.AWAY
    private_rabbitmq.start()
    async with await aio_pika.connect(private_rabbitmq.address) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(name, exclusive=True)
        await publisher.publish(message("rabbitmq", "", name))
        assert (await queue.get()).body == b'{"orderId":"o-1"}'


async def test_rabbitmq_that_stands_still_is_not_waited_for_for_ever(
    private_rabbitmq: Service, name: str
) -> None:
    private_rabbitmq.pause()
    publisher = RabbitmqPublisher(
        RabbitmqTarget(kind="rabbitmq", url=SecretStr(private_rabbitmq.address)), timedelta(seconds=1)
    )
    error = await asyncio.wait_for(refused(publisher, message("rabbitmq", "", name)), 15)
    assert error.outcome is Outcome.AWAY
    private_rabbitmq.resume()


async def test_kafka_confirms_what_the_topic_has(kafka_bootstrap: str, name: str) -> None:
    await make_topic(kafka_bootstrap, name, 3)
    told = await kafka(kafka_bootstrap).publish(message("kafka", name, "o-1"))
    assert name in told
    async with AIOKafkaConsumer(
        name, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        got = await asyncio.wait_for(consumer.getone(), 20)
    headers = dict(got.headers)
    assert (got.key, got.value) == (b"o-1", b'{"orderId":"o-1"}')
    assert headers["ce_id"] == b"11111111-2222-4333-8444-555555555555"
    assert headers["content-type"] == b"application/json"
    assert headers["tenant"] == "żółw".encode()


async def test_kafka_without_the_topic_has_none_afterwards_either(kafka_bootstrap: str, name: str) -> None:
    error = await refused(kafka(kafka_bootstrap), message("kafka", name, "o-1"))
    assert error.outcome is Outcome.UNROUTABLE
    async with AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap) as consumer:
        assert name not in await consumer.topics()


async def test_kafka_refuses_what_is_too_large(kafka_bootstrap: str, name: str) -> None:
    await make_topic(kafka_bootstrap, name, 1)
    error = await refused(kafka(kafka_bootstrap), message("kafka", name, body=b"x" * 2_000_000))
    assert error.outcome is Outcome.REFUSED


async def test_a_connection_to_kafka_that_breaks_under_uvloop_is_a_lost_one(
    kafka_bootstrap: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_client: object) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    monkeypatch.setattr("aiokafka.client.AIOKafkaClient.fetch_all_metadata", broken)
    error = await refused(kafka(kafka_bootstrap), message("kafka", name))
    assert error.outcome is Outcome.AWAY
    assert "the handler is closed" in str(error)


async def test_kafka_away_and_back(private_kafka: Service, name: str) -> None:
    publisher = kafka(private_kafka.address)
    await make_topic(private_kafka.address, name, 1)
    private_kafka.stop()
    error = await refused(publisher, message("kafka", name))
    assert error.outcome is Outcome.AWAY
    private_kafka.start()
    assert "confirmed" in await publisher.publish(message("kafka", name))


async def test_rabbitmq_that_stops_before_it_confirms_may_have_it_all_the_same(
    private_rabbitmq: Service, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = RabbitmqPublisher(
        RabbitmqTarget(kind="rabbitmq", url=SecretStr(private_rabbitmq.address)), timedelta(seconds=2)
    )
    real = Channel.basic_publish

    async def stands_still(self: Channel, *given: Any, **more: Any) -> Any:
        private_rabbitmq.pause()
        return await real(self, *given, **more)

    async with await aio_pika.connect(private_rabbitmq.address) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(name, exclusive=True)
        with monkeypatch.context() as patched:
            patched.setattr(Channel, "basic_publish", stands_still)
            error = await asyncio.wait_for(refused(publisher, message("rabbitmq", "", name)), 20)
        assert error.outcome is Outcome.UNCLEAR
        private_rabbitmq.resume()
        await publisher.publish(message("rabbitmq", "", name))
        got = [await queue.get(no_ack=True)]
        while (more := await queue.get(no_ack=True, fail=False)) is not None:
            got.append(more)
        assert len(got) in (1, 2)
        assert {one.message_id for one in got} == {"11111111-2222-4333-8444-555555555555"}


async def test_kafka_that_stops_before_it_confirms_may_have_it_all_the_same(
    private_kafka: Service, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_topic(private_kafka.address, name, 1)
    target = {"kind": "kafka", "bootstrap_servers": private_kafka.address, "topic": name}
    publisher = KafkaPublisher(KafkaTarget.model_validate(target), timedelta(seconds=3))
    real = AIOKafkaProducer.send_and_wait

    async def stands_still(self: AIOKafkaProducer, *given: Any, **more: Any) -> Any:
        await self.client._wait_on_metadata(name)
        private_kafka.pause()
        return await real(self, *given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(AIOKafkaProducer, "send_and_wait", stands_still)
        error = await asyncio.wait_for(refused(publisher, message("kafka", name)), 30)
    assert error.outcome is Outcome.UNCLEAR
    private_kafka.resume()
    for _ in range(20):  # it needs a moment
        with contextlib.suppress(Unpublished):
            await publisher.publish(message("kafka", name))
            break
    async with AIOKafkaConsumer(
        name, bootstrap_servers=private_kafka.address, auto_offset_reset="earliest"
    ) as consumer:
        got = [await asyncio.wait_for(consumer.getone(), 20)]
        got += [one for batch in (await consumer.getmany(timeout_ms=1000)).values() for one in batch]
    assert {dict(one.headers)["ce_id"] for one in got} == {b"11111111-2222-4333-8444-555555555555"}

"""The rabbitmq source against a real broker: its kinds of exchanges, its bounds, and what goes wrong."""

from __future__ import annotations

import asyncio
import struct
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import aio_pika
import pamqp.frame
import pytest
from aio_pika import ExchangeType, Message
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel as AmqpChannel
from pamqp.commands import Basic

from monitor.errors import SourceError
from monitor.settings import Binding, RabbitmqSource
from monitor.sources.base import Progress, SourceState
from monitor.sources.rabbitmq import Rabbitmq
from tests.contract.source_harnesses import Clock, fetch, read, until
from tests.services import Service


@pytest.fixture
async def channel(rabbitmq_url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    connection = await aio_pika.connect(rabbitmq_url)
    async with connection:
        yield await connection.channel()


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:10]}"


def settings(url: str, name: str, **more: Any) -> RabbitmqSource:
    if "stream" not in more:
        more.setdefault("bindings", (Binding(exchange=name, routing_key="#"),))
    more.setdefault("expires", "PT10M")
    return RabbitmqSource.model_validate({"name": name, "url": url} | more)


def only(source: Rabbitmq) -> Progress:
    (row,) = source.progress()
    return row


async def connected(source: Rabbitmq) -> None:
    await until(
        lambda: only(source).state is not SourceState.CONNECTING, f"not connected: {only(source).error}"
    )


@pytest.mark.parametrize(
    ("kind", "binding", "taken", "left"),
    [
        (
            ExchangeType.TOPIC,
            {"routing_key": "order.*"},
            {"routing_key": "order.placed"},
            {"routing_key": "x.y"},
        ),
        (
            ExchangeType.DIRECT,
            {"routing_key": "orders"},
            {"routing_key": "orders"},
            {"routing_key": "others"},
        ),
        (ExchangeType.FANOUT, {}, {"routing_key": "whatever"}, None),
        (
            ExchangeType.HEADERS,
            {"arguments": {"x-match": "all", "entity": "order"}},
            {"headers": {"entity": "order"}},
            {"headers": {"entity": "invoice"}},
        ),
    ],
    ids=["topic", "direct", "fanout", "headers"],
)
async def test_every_kind_of_exchange(
    rabbitmq_url: str,
    channel: aio_pika.abc.AbstractChannel,
    name: str,
    kind: ExchangeType,
    binding: dict[str, Any],
    taken: dict[str, Any],
    left: dict[str, Any] | None,
) -> None:
    exchange = await channel.declare_exchange(name, kind, auto_delete=True)
    bindings = (Binding(exchange=name, **binding),)
    async with Rabbitmq(settings(rabbitmq_url, name, bindings=bindings), worker="w") as source:
        await connected(source)
        for sent in (left, taken):
            if sent is not None:
                message = Message(b"{}", headers=sent.get("headers", {}))
                await exchange.publish(message, sent.get("routing_key", ""))
        (delivery,) = await read(source, 1)
        assert delivery.position.exchange == name
        assert delivery.position.routing_key == taken.get("routing_key", "")
        assert delivery.position.channel == f"choreoscope.{name}"
        assert delivery.position.receipt
        assert delivery.position.offset is None


async def test_properties_and_headers(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    exchange = await channel.declare_exchange(name, "topic", auto_delete=True)
    when = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    async with Rabbitmq(settings(rabbitmq_url, name), worker="w") as source:
        await connected(source)
        await exchange.publish(
            Message(
                b"{}",
                message_id="m-1",
                correlation_id="c-1",
                type="order.placed",
                app_id="shop",
                reply_to="replies",
                timestamp=when,
                content_type="application/json",
                content_encoding="utf-8",
                headers={
                    "Text": "ü",
                    "n": 7,
                    "yes": True,
                    "list": [1, "a"],
                    "price": Decimal("1.5"),
                    "none": None,
                },
            ),
            "k",
        )
        (delivery,) = await read(source, 1)
    assert delivery.properties == {
        "message_id": "m-1",
        "correlation_id": "c-1",
        "type": "order.placed",
        "app_id": "shop",
        "reply_to": "replies",
    }
    assert delivery.headers == {
        "Text": "ü",
        "n": 7,
        "yes": True,
        "list": [1, "a"],
        "price": "1.5",
        "none": None,
    }
    assert (delivery.timestamp, delivery.content_type, delivery.content_encoding) == (
        when,
        "application/json",
        "utf-8",
    )
    assert not delivery.redelivered


async def test_properties_nobody_can_decode_do_not_stop_the_source(rabbitmq_url: str, name: str) -> None:
    """A timestamp in nanoseconds lies past the year 9999."""
    properties = struct.pack(">HHQ", 60, 0, 2) + struct.pack(">HQ", 1 << 6, 1_700_000_000_000_000_000)
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        exchange = await channel.declare_exchange(name, "topic", auto_delete=True)
        underlay = await channel.get_underlay_channel()
        frames = [
            pamqp.frame.marshal(Basic.Publish(exchange=name, routing_key="k"), underlay.number),
            struct.pack(">BHI", 2, underlay.number, len(properties)) + properties + b"\xce",
            struct.pack(">BHI", 3, underlay.number, 2) + b"{}" + b"\xce",
        ]
        wild = ChannelFrame(payload=b"".join(frames), should_close=False, drain_future=None)
        async with Rabbitmq(settings(rabbitmq_url, name), worker="w") as source:
            await connected(source)
            await cast(AmqpChannel, underlay).write_queue.put(wild)
            await exchange.publish(Message(b"next"), "k")
            first, second = await read(source, 2)
    assert (first.body, first.timestamp) == (b"{}", None)
    assert "choreoscope-undecodable-properties" in first.headers
    assert second.body == b"next"


async def test_missing_exchange_is_named_and_found_when_it_appears(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    there = await channel.declare_exchange(name, "topic", auto_delete=True)
    bindings = (Binding(exchange=f"{name}-late", routing_key="#"), Binding(exchange=name, routing_key="#"))
    clock = Clock()
    async with Rabbitmq(settings(rabbitmq_url, name, bindings=bindings), worker="w", now=clock) as source:
        await until(lambda: only(source).error is not None, "no complaint")
        assert only(source).error == f"exchange '{name}-late' does not exist in vhost '/'"
        assert only(source).state is SourceState.CONNECTING
        await there.publish(Message(b"meanwhile"), "k")
        assert [d.body for d in await read(source, 1)] == [b"meanwhile"]
        await source.refresh()
        assert only(source).watermark is None, "what the other exchange would say is not known"

        late = await channel.declare_exchange(f"{name}-late", "topic", auto_delete=True)
        await connected(source)
        assert only(source).error is None
        await late.publish(Message(b"late"), "k")
        assert [d.body for d in await read(source, 1)] == [b"late"]
        await source.refresh()
        assert only(source).watermark == clock.time


async def test_queue_with_other_settings_is_refused_with_the_mend(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    await channel.declare_exchange(name, "topic", auto_delete=True)
    queue = await channel.declare_queue(f"choreoscope.{name}", durable=True, arguments={"x-max-length": 5})
    async with Rabbitmq(settings(rabbitmq_url, name), worker="w") as source:
        await until(lambda: only(source).state is SourceState.FAILED, "not refused")
        error = only(source).error
        assert error is not None
        assert f"choreoscope.{name}" in error
        assert "x-" in error
        assert "delete the queue" in error
        await queue.delete()
        await until(lambda: only(source).error is None, "mended, but not noticed")


async def test_a_queue_from_before_there_was_a_limit_in_bytes_is_kept(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = await channel.declare_exchange(name, "topic", durable=True)
    async with Rabbitmq(settings(rabbitmq_url, name, max_bytes=None), worker="before") as source:
        await connected(source)
    await exchange.publish(Message(b"kept"), "k")
    async with Rabbitmq(settings(rabbitmq_url, name), worker="after") as source:
        assert [d.body for d in await read(source, 1)] == [b"kept"]
    assert caplog.text.count("made without a limit in bytes") == 1
    async with Rabbitmq(settings(rabbitmq_url, name, max_bytes=1_000_000), worker="asks") as source:
        await until(lambda: only(source).state is SourceState.FAILED, "not refused")
        assert "x-max-length-bytes" in (only(source).error or "")
    await channel.queue_delete(f"choreoscope.{name}")
    async with Rabbitmq(settings(rabbitmq_url, name), worker="new") as source:
        await connected(source)
    async with Rabbitmq(settings(rabbitmq_url, name, max_bytes=1_073_741_824), worker="same") as source:
        await connected(source)  # which is the limit one gets
    await exchange.delete()


async def test_full_queue_drops_the_oldest(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    exchange = await channel.declare_exchange(name, "topic", durable=True)
    bounded = settings(rabbitmq_url, name, max_length=10)
    async with Rabbitmq(bounded, worker="w") as source:
        await connected(source)
    for number in range(25):
        await exchange.publish(Message(str(number).encode()), "k")
    async with Rabbitmq(bounded, worker="w") as source:
        assert [d.body for d in await read(source, 10)] == [str(n).encode() for n in range(15, 25)]
    await exchange.delete()


async def test_leaves_foreign_queues_and_exchanges_alone(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    exchange = await channel.declare_exchange(name, "topic", durable=True)
    theirs = await channel.declare_queue(f"{name}-theirs", durable=True)
    await theirs.bind(exchange, "#")
    async with Rabbitmq(settings(rabbitmq_url, name), worker="w") as source:
        await connected(source)
        for _ in range(3):
            await exchange.publish(Message(b"{}"), "k")
        await read(source, 3)
    seen = await channel.declare_queue(f"{name}-theirs", passive=True)
    assert seen.declaration_result.message_count == 3
    assert seen.declaration_result.consumer_count == 0
    # a durable topic exchange it still is: another type would be refused
    await channel.declare_exchange(name, "topic", durable=True)
    await theirs.delete(if_unused=False, if_empty=False)
    await exchange.delete()


async def test_a_missing_exchange_is_not_made(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    async with Rabbitmq(settings(rabbitmq_url, name), worker="w") as source:
        await until(lambda: only(source).error is not None, "no complaint")
    with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
        await channel.get_exchange(name, ensure=True)


async def test_exchange_made_anew_is_bound_again(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.sources.rabbitmq._STEADY", 0.2)
    exchange = await channel.declare_exchange(name, "topic")
    async with Rabbitmq(settings(rabbitmq_url, name), worker="w") as source:
        await connected(source)
        await exchange.delete()
        await until(lambda: only(source).error is not None, "nobody noticed")
        exchange = await channel.declare_exchange(name, "topic", auto_delete=True)
        await connected(source)
        await exchange.publish(Message(b"again"), "k")
        assert [d.body for d in await read(source, 1)] == [b"again"]


async def test_own_queue_deleted_is_made_again(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    exchange = await channel.declare_exchange(name, "topic", durable=True)
    async with Rabbitmq(settings(rabbitmq_url, name), worker="w") as source:
        await connected(source)
        await exchange.publish(Message(b"0"), "k")
        _, (batch,) = await fetch(source, 1)
        await channel.queue_delete(f"choreoscope.{name}")
        await until(lambda: only(source).state is SourceState.CONNECTING, "nobody noticed")
        await source.acknowledge(batch)
        await connected(source)
        await exchange.publish(Message(b"1"), "k")
        assert [d.body for d in await read(source, 1)] == [b"1"]
    await exchange.delete()


async def test_two_workers_share_the_queue(
    rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str
) -> None:
    exchange = await channel.declare_exchange(name, "topic", auto_delete=True)
    shared = settings(rabbitmq_url, name, prefetch=1)
    async with Rabbitmq(shared, worker="a") as one, Rabbitmq(shared, worker="b") as two:
        await connected(one)
        await connected(two)
        for number in range(2):
            await exchange.publish(Message(str(number).encode()), "k")
        (first,), (second,) = await asyncio.gather(
            read(one, 1, acknowledge=False), read(two, 1, acknowledge=False)
        )
        assert {first.body, second.body} == {b"0", b"1"}
        assert only(one).shared
        assert first.position.receipt != second.position.receipt


async def test_stream(rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str) -> None:
    await channel.set_qos(prefetch_count=10)
    await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "stream"})

    async def publish(start: int, stop: int) -> None:
        for number in range(start, stop):
            await channel.default_exchange.publish(Message(str(number).encode()), name)

    await publish(0, 30)
    clock = Clock()
    stream = settings(rabbitmq_url, name, stream=name, stream_offset="first", prefetch=7)
    async with Rabbitmq(stream, worker="w", now=clock) as source:
        await connected(source)
        deliveries = await read(source, 30)
        assert [d.body for d in deliveries] == [str(n).encode() for n in range(30)]
        assert [d.position.offset for d in deliveries] == list(range(30))
        await source.refresh()
        assert only(source).watermark == clock.time
        assert only(source).position == "30"
        before = only(source).watermark
        await publish(30, 35)
        _, batches = await fetch(source, 5)
        clock.tick()
        await source.refresh()
        assert only(source).watermark == before
        assert only(source).state is SourceState.READING
        await source.acknowledge(batches[0])

    async with Rabbitmq(stream, worker="w", resume=30) as source:
        assert [d.position.offset for d in await read(source, 5)] == list(range(30, 35))
    async with Rabbitmq(stream, worker="w") as source:
        again = await read(source, 35)
    assert [d.position for d in again[:30]] == [
        d.position._replace(receipt=a.position.receipt) for d, a in zip(deliveries, again, strict=False)
    ]
    await channel.queue_delete(name)


async def test_missing_stream_is_named(rabbitmq_url: str, name: str) -> None:
    async with Rabbitmq(settings(rabbitmq_url, name, stream=name), worker="w") as source:
        await until(lambda: only(source).error is not None, "no complaint")
        assert only(source).error == f"stream '{name}' does not exist in vhost '/'"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace("guest:guest", "guest:wrong"), "refuses user 'guest' or the password"),
        (lambda url: url + "nowhere", "refuses vhost 'nowhere'"),
        (lambda url: "amqp://guest:guest@127.0.0.1:1/", "127.0.0.1:1: "),
    ],
    ids=["password", "vhost", "address"],
)
async def test_why_there_is_no_connection(rabbitmq_url: str, name: str, change: Any, said: str) -> None:
    async with Rabbitmq(settings(change(rabbitmq_url), name), worker="w") as source:
        await until(lambda: only(source).error is not None, "no complaint")
        error = only(source).error
    assert error is not None
    assert said in error
    assert "wrong" not in error


async def test_broker_restarts_in_the_middle(private_rabbitmq: Service) -> None:
    """Nothing is lost; what was out is delivered again and old tags are never used on the new connection."""
    name = "restart"
    url = private_rabbitmq.address

    async def publish(start: int, stop: int) -> None:
        async with await aio_pika.connect(url) as connection:
            exchange = await (await connection.channel()).declare_exchange(name, "topic", durable=True)
            for number in range(start, stop):
                await exchange.publish(
                    Message(str(number).encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT), "k"
                )

    await publish(0, 0)
    clock = Clock()
    async with Rabbitmq(settings(url, name), worker="w", now=clock) as source:
        await connected(source)
        await publish(0, 10)
        _, (done, out) = await fetch(source, 10, limit=5)
        await source.acknowledge(done)
        await source.refresh()
        await asyncio.to_thread(private_rabbitmq.stop)
        await until(lambda: only(source).state is SourceState.CONNECTING, "nobody noticed")
        stood = only(source).watermark
        clock.tick()
        await source.refresh()
        assert only(source).watermark == stood
        assert only(source).error
        await source.acknowledge(out)
        await asyncio.to_thread(private_rabbitmq.start)
        await connected(source)
        await publish(10, 13)
        again = await read(source, 8)
        assert [d.body for d in again] == [str(n).encode() for n in range(5, 13)]
        assert all(d.redelivered for d in again[:5])
        await source.refresh()
        assert only(source).watermark == clock.time
        assert only(source).error is None


async def test_a_frozen_broker_does_not_move_the_watermark(
    private_rabbitmq: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.sources.rabbitmq._ANSWER_TIMEOUT", 0.5)
    async with await aio_pika.connect(private_rabbitmq.address) as connection:
        await (await connection.channel()).declare_exchange("frozen", "topic", durable=True)
    clock = Clock()
    async with Rabbitmq(settings(private_rabbitmq.address, "frozen"), worker="w", now=clock) as source:
        await connected(source)
        await source.refresh()
        stood = only(source).watermark
        private_rabbitmq.pause()
        try:
            clock.tick()
            await source.refresh()
            assert only(source).watermark == stood
            await until(lambda: only(source).state is SourceState.CONNECTING, "nobody noticed")
        finally:
            private_rabbitmq.resume()
        await until(lambda: caught_up(source, clock), "never came back")


async def caught_up(source: Rabbitmq, clock: Clock) -> bool:
    await source.refresh()
    return only(source).watermark == clock.time


async def test_quorum_queue(rabbitmq_url: str, channel: aio_pika.abc.AbstractChannel, name: str) -> None:
    exchange = await channel.declare_exchange(name, "topic", durable=True)
    clock = Clock()
    quorum = settings(rabbitmq_url, name, queue_type="quorum")
    async with Rabbitmq(quorum, worker="w", now=clock) as source:
        await connected(source)
        await exchange.publish(Message(b"0"), "k")
        assert [d.body for d in await read(source, 1)] == [b"0"]
        await until(lambda: caught_up(source, clock), "never caught up")
    await channel.queue_delete(f"choreoscope.{name}")
    await exchange.delete()


async def test_what_no_retry_can_mend_is_raised() -> None:
    async with Rabbitmq(settings("amqp://guest:guest@host:no-port/", "x"), worker="w") as source:
        with pytest.raises(SourceError, match="source x cannot go on"):
            await read(source, 1)

"""A record that the Kafka client itself cannot take apart, on a real broker: it is told, and the others go
on."""

from __future__ import annotations

import uuid

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from monitor.decode import Decoder
from monitor.domain.event import UNREADABLE, Delivery, InboxReason, Misfit
from monitor.settings import KafkaSource
from monitor.sources.kafka import Kafka
from tests.contract.source_harnesses import make_topic, until


class Latin(str):
    """A header's name as a client without scruples writes it."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("latin-1")


async def send_odd(producer: AIOKafkaProducer, topic: str, partition: int) -> int:
    """One batch: a good record, and one with a header whose name is not UTF-8. Returns the offset of that."""
    batch: BatchBuilder = producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 16384)
    batch.append(key=None, value=b"good, before it", timestamp=None)
    batch.append(key=None, value=b"odd", timestamp=None, headers=[(Latin("größe"), b"1")])
    batch.close()
    sent = await (await producer.send_batch(batch, topic, partition=partition))
    return int(sent.offset) + 1


async def test_a_header_nobody_can_read_stops_nothing(kafka_bootstrap: str) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    await make_topic(kafka_bootstrap, name, 2)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        for number in range(20):
            await producer.send_and_wait(name, b"%d" % number, partition=number % 2)
        odd = [await send_odd(producer, name, 0), await send_odd(producer, name, 0)]
        for number in range(20, 40):
            await producer.send_and_wait(name, b"%d" % number, partition=number % 2)
    wanted = {b"%d" % number for number in range(40)}
    settings = KafkaSource.model_validate(
        {"name": name, "bootstrap_servers": kafka_bootstrap, "topics": name, "group": name}
        | {"session_timeout": "PT6S"}
    )
    seen: dict[tuple[int | None, int | None], Delivery] = {}
    async with Kafka(settings, worker="w") as source:

        async def all_read() -> bool:
            batch = await source.batch(50, 0.2)
            assert batch is not None
            for one in batch.deliveries:
                seen[one.position.partition, one.position.offset] = one
            await source.acknowledge(batch)
            return len(seen) == 44

        await until(all_read, "40 records, two before odd ones, two odd ones")
    unread = {at: one for at, one in seen.items() if UNREADABLE in one.properties}
    assert sorted(unread) == [(0, offset) for offset in odd]
    assert {one.body for one in seen.values() if UNREADABLE not in one.properties} == {
        *wanted,
        b"good, before it",
    }
    told = Decoder().decode(unread[0, odd[0]])
    assert isinstance(told[0], Misfit)
    assert told[0].reason is InboxReason.UNDECODABLE
    assert "UnicodeDecodeError" in told[0].detail

"""Reading on past a record that the client cannot take apart (a header's name that is not UTF-8, a batch that
cannot be unpacked): record by record, so that the one it fails at is known and left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError


class UnreadableRecord(NamedTuple):
    """Where it is, and ``why`` it cannot be read. What it holds stays in the topic for as long as that keeps
    it."""

    topic: str
    partition: int
    offset: int
    why: str


Record: TypeAlias = "ConsumerRecord | UnreadableRecord"


async def one_by_one(consumer: AIOKafkaConsumer, limit: int) -> dict[TopicPartition, Sequence[Record]]:
    """What has been fetched already, at most ``limit`` records. The offset of a record nobody can read is
    that from which the client fails; in a compacted topic there may be none at it. Raises KafkaError; after
    that, or where it is cut off, what was found is lost to this consumer."""
    found: dict[TopicPartition, Sequence[Record]] = {}
    left = limit
    for partition in sorted(consumer.assignment()):
        records: list[Record] = []
        while left > 0:
            try:
                one = await consumer.getmany(partition, timeout_ms=0, max_records=1)
            except KafkaError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a record does to the client, the others go on
                offset = await consumer.position(partition)
                consumer.seek(partition, offset + 1)
                why = f"{type(error).__name__}: {error}"
                records.append(UnreadableRecord(partition.topic, partition.partition, offset, why))
                left -= 1
                break
            if not one:
                break
            records += one[partition]
            left -= 1
        if records:
            found[partition] = records
    return found

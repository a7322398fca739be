"""Where in a Kafka partition to begin."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

Offsets = dict[TopicPartition, int]


async def begin(
    consumer: AIOKafkaConsumer,
    asker: AIOKafkaConsumer,
    start: str | datetime,
    before: Mapping[str, int],
    partitions: Collection[TopicPartition],
) -> Offsets:
    """Offsets to begin at: the group's own, and where it has none, what ``start`` says (``earliest``,
    ``latest`` or a time). ``before``: how many partitions each topic had when we came.

    A beginning we choose is committed at once. Otherwise a second start before the first acknowledgement
    would choose another one, and lose what came in between. Raises KafkaError.
    """
    committed = await _committed(consumer, partitions)
    offsets = {partition: offset for partition, offset in committed.items() if offset is not None}
    fresh = [partition for partition in partitions if partition not in offsets]
    if fresh:
        chosen = await _choose(consumer, asker, start, before, fresh)
        await consumer.commit(chosen)
        offsets |= chosen
    return offsets


async def _choose(
    consumer: AIOKafkaConsumer,
    asker: AIOKafkaConsumer,
    start: str | datetime,
    before: Mapping[str, int],
    fresh: list[TopicPartition],
) -> Offsets:
    if isinstance(start, datetime):
        found = await asker.offsets_for_times(dict.fromkeys(fresh, int(start.timestamp() * 1000)))
        chosen: Offsets = {partition: at.offset for partition, at in found.items() if at is not None}
    elif start == "earliest":
        chosen = dict(await asker.beginning_offsets(fresh))
    else:
        added = [partition for partition in fresh if await _added(consumer, before, partition)]
        chosen = dict(await asker.beginning_offsets(added)) if added else {}
    rest = [partition for partition in fresh if partition not in chosen]
    return chosen | (await asker.end_offsets(rest) if rest else {})


async def _added(consumer: AIOKafkaConsumer, before: Mapping[str, int], partition: TopicPartition) -> bool:
    """Whether the partition came into being while its topic was being read: all it holds is then news."""
    if partition.partition >= before.get(partition.topic, 0):
        return True
    elder = [TopicPartition(partition.topic, number) for number in range(partition.partition)]
    return any(offset is not None for offset in (await _committed(consumer, elder)).values())


async def _committed(
    consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, int | None]:
    offsets = await asyncio.gather(*(consumer.committed(partition) for partition in partitions))
    return dict(zip(partitions, offsets, strict=True))

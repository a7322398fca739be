"""Kafka: reached, topics there, the group readable. Joins no group and commits nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from monitor.cli.doctor.result import SECONDS, Result, Results, fail, ok, warn
from monitor.settings import KafkaSource
from monitor.sources.kafka_client import all_topics, options_of, pattern_of, said


async def examine(source: KafkaSource) -> Results:
    what = f"source {source.name}"
    options = options_of(source, "doctor") | {"request_timeout_ms": int(SECONDS * 1000)}
    admin = AIOKafkaAdminClient(**options)
    consumer = AIOKafkaConsumer(**options, group_id=source.group, enable_auto_commit=False)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(admin.close)
        stack.push_async_callback(consumer.stop)
        try:
            await admin.start()
            await consumer.start()
        except (KafkaError, OSError) as error:
            yield fail(
                what,
                f"{', '.join(source.bootstrap_servers)}: {said(error)}",
                "Check bootstrap_servers, security_protocol and credentials, and that a broker runs there.",
            )
            return
        yield ok(what, "connected")
        existing = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
        partitions: set[TopicPartition] = set()
        for wanted in source.topics:
            matching = {
                topic: found for topic, found in existing.items() if re.match(pattern_of(wanted), topic)
            }
            partitions |= {
                TopicPartition(topic, partition["partition"])
                for topic, found in matching.items()
                for partition in found
            }
            yield _topic(what, wanted, matching)
        if partitions:
            yield await _group(consumer, source, what, sorted(partitions))


def _topic(what: str, wanted: str, matching: Mapping[str, object]) -> Result:
    if matching:
        found = "" if wanted in matching else f": {', '.join(sorted(matching))}"
        return ok(what, f"topic {wanted!r} exists{found}")
    if wanted.startswith("^"):
        return warn(
            what, f"no topic matches {wanted!r} yet", "Topics made later are picked up; check the pattern."
        )
    return fail(what, f"topic {wanted!r} does not exist", "Check topics; the monitor makes none itself.")


async def _group(
    consumer: AIOKafkaConsumer, source: KafkaSource, what: str, partitions: list[TopicPartition]
) -> Result:
    try:
        await all_topics(consumer)
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
        committed = {partition: await consumer.committed(partition) for partition in partitions}
    except GroupAuthorizationFailedError:
        return fail(
            what, f"not allowed to use group {source.group!r}", "Grant READ on the group to this user."
        )
    except TopicAuthorizationFailedError as error:
        return fail(
            what, f"not allowed to read {error}", "Grant READ and DESCRIBE on the topics to this user."
        )
    except KafkaError as error:
        return fail(what, f"group {source.group!r}: {said(error)}", "See the brokers' logs.")
    known = {partition: at for partition, at in committed.items() if at is not None}
    if not known:
        waiting = sum(ends[partition] - begins[partition] for partition in partitions)
        return ok(
            what,
            f"group {source.group!r} has read nothing yet: it will begin at {source.start} "
            f"({len(partitions)} partitions, {waiting} records there)",
        )
    lag = sum(max(0, ends[partition] - at) for partition, at in known.items())
    lost = [partition for partition, at in known.items() if at < begins[partition]]
    if lost:
        return warn(
            what,
            f"group {source.group!r}: records it had not read were deleted in {len(lost)} partitions",
            "The monitor was away longer than the topics keep records; traces of that time have gaps.",
        )
    return ok(
        what, f"group {source.group!r} reads {len(known)} of {len(partitions)} partitions, {lag} behind"
    )

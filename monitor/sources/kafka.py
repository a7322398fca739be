"""Kafka: topics read with a consumer group of our own.

Nothing of the landscape is changed. Topics are always subscribed to by pattern, also those given by name:
asking a broker for a topic by its name can bring the topic into being.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)

from monitor.domain.event import Delivery
from monitor.errors import SourceError
from monitor.settings import KafkaSource
from monitor.sources.base import Batch, Now, Progress, SourceState, utc_now
from monitor.sources.frontier import Frontier
from monitor.sources.kafka_client import LOST, all_topics, client_of, milliseconds, pattern_of, said, stop
from monitor.sources.kafka_poison import Record, UnreadableRecord, one_by_one
from monitor.sources.kafka_records import deliveries_of
from monitor.sources.kafka_shard import Handed, Shard
from monitor.sources.kafka_start import Offsets, begin
from monitor.sources.retry import backoff

log = logging.getLogger(__name__)

_ANSWER_TIMEOUT = 10.0
_STEADY = 30.0
_FETCH_BYTES = 8 * 1024 * 1024
"""Of one partition at a time, so that one alone fills a large batch; of all partitions of a broker together
it is no more than aiokafka's ``fetch_max_bytes``, 50 MiB."""
_CAREFUL = 1000
"""So many records after one that nobody could read, the client is trusted with many at a time again."""


class Kafka:
    """A member of the consumer group. Offsets are committed for what was acknowledged, and for nothing else.

    Two clients: the consumer proper, and one without a group that asks where partitions end. It asks for the
    true end, behind transactions still open, because what they hold has happened and we have not read it; and
    its questions do not wait behind the consumer's long polls.
    """

    kind = "kafka"

    def __init__(self, settings: KafkaSource, *, worker: str, now: Now = utc_now) -> None:
        self.name = settings.name
        self._settings = settings
        self._worker = worker
        self._now = now
        self._pattern = re.compile("|".join(map(pattern_of, settings.topics)))
        self._supervisor: asyncio.Task[None] | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._asker: AIOKafkaConsumer | None = None
        self._ready = asyncio.Event()
        self._broken: asyncio.Event = asyncio.Event()
        self._commit_wanted = asyncio.Event()
        self._uncommitted: Offsets = {}
        self._generation = 0
        self._shards: dict[TopicPartition, Shard] = {}
        self._frontiers: dict[TopicPartition, Frontier] = {}
        self._partitions: dict[str, int] = {}
        self._error: str | None = None
        self._failed = False
        self._away = False
        self._careful = 0

    async def __aenter__(self) -> Self:
        self._supervisor = asyncio.create_task(self._supervise(), name=f"source {self.name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait((self._supervisor,))
            self._supervisor = None

    async def batch(self, limit: int, wait: float) -> Batch | None:
        if self._supervisor is not None and self._supervisor.done():
            error = self._supervisor.exception()
            raise SourceError(f"source {self.name} cannot go on: {error}") from error
        records: Mapping[TopicPartition, Sequence[Record]] = {}
        # getmany waits for a rebalance to end, however long; being cut off there loses nothing.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait + 0.05):
                await self._ready.wait()
                records = await self._getmany(min(limit, self._settings.max_poll_records), wait)
        # No await from here: the token must tell under which assignment the records were handed over.
        received = self._now()
        deliveries: list[Delivery] = []
        ends: Offsets = {}
        for partition, found in records.items():
            shard = self._shards.get(partition)
            if shard is None:
                continue
            shard.handed = ends[partition] = found[-1].offset + 1
            shard.last_message = received
            deliveries += deliveries_of(self.name, found, received)
        return Batch(deliveries, Handed(self._generation, ends))

    async def acknowledge(self, batch: Batch) -> None:
        """The offsets are committed soon, in the background: before a rebalance, and before leaving."""
        handed = batch.token
        assert isinstance(handed, Handed)
        if handed.generation != self._generation or not handed.ends:
            return
        for partition, end in handed.ends.items():
            self._shards[partition].store(end)
            self._uncommitted[partition] = max(end, self._uncommitted.get(partition, 0))
        self._commit_wanted.set()

    async def refresh(self) -> None:
        consumer, asker, generation = self._consumer, self._asker, self._generation
        if consumer is None or asker is None:
            return
        self._look_for_topics(consumer)
        known = [tp for tp in self._shards if asker.partitions_for_topic(tp.topic)]
        if not known:
            return
        time = self._now()
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT):
                ends = await asker.end_offsets(known)
                positions = {tp: await consumer.position(tp) for tp in known if tp in self._shards}
        except LOST as error:
            self._away = not isinstance(error, IllegalStateError)
            all_topics(asker)
            return
        self._away = False
        if generation != self._generation:
            return
        for partition, position in positions.items():
            shard = self._shards[partition]
            shard.end = ends[partition]
            if shard.handed == shard.stored:
                # Nothing is out, so what the consumer went past is done: also what it never hands over,
                # such as the ends of transactions.
                shard.handed = max(position, shard.handed)
                shard.store(position)
            shard.frontier.probe(time, shard.end)

    def progress(self) -> Sequence[Progress]:
        connected = self._consumer is not None and not self._away
        shown = [
            Progress(
                shard=f"{partition.topic}/{partition.partition}",
                state=self._state(shard) if connected else SourceState.CONNECTING,
                watermark=shard.frontier.watermark,
                lag=shard.lag if connected else None,
                position=str(shard.stored),
                last_message=shard.last_message,
                error=None if connected else "the brokers do not answer",
            )
            for partition, shard in sorted(self._shards.items())
        ]
        if self._error is not None:
            state = SourceState.FAILED if self._failed else SourceState.CONNECTING
            shown.append(
                Progress(shard=f"group {self._settings.group}", state=state, error=self._error, shared=True)
            )
        return shown

    def _state(self, shard: Shard) -> SourceState:
        return SourceState.CAUGHT_UP if shard.lag == 0 else SourceState.READING

    async def _getmany(self, limit: int, wait: float) -> Mapping[TopicPartition, Sequence[Record]]:
        consumer = self._consumer
        if consumer is None:
            return {}
        found: Mapping[TopicPartition, Sequence[Record]]
        try:
            if self._careful:
                return await self._read_carefully(consumer, limit, wait)
            found = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit)
        except ConsumerStoppedError:
            return {}
        except TopicAuthorizationFailedError as error:
            # The other topics go on.
            self._report(f"not allowed to read {error}", failed=True)
            return {}
        except KafkaError as error:
            codec = isinstance(error, UnsupportedCodecError)
            mend = "\n  Install choreoscope[kafka-codecs]." if codec else ""
            self._report(f"{said(error)}{mend}", failed=codec)
            self._begin_anew()
            return {}
        except Exception as error:  # noqa: BLE001 - whatever a record does to the client
            # Of what was fetched with it nobody knows what was handed out: all of it comes again.
            self._report(f"a record cannot be read, the others are read one by one: {said(error)}")
            self._careful = _CAREFUL
            self._begin_anew()
            return {}
        return found

    async def _read_carefully(
        self, consumer: AIOKafkaConsumer, limit: int, wait: float
    ) -> Mapping[TopicPartition, Sequence[Record]]:
        try:
            found = await one_by_one(consumer, limit)
        except asyncio.CancelledError:
            self._begin_anew()
            raise
        for records in found.values():
            for record in records:
                self._careful = max(0, self._careful - 1)
                if isinstance(record, UnreadableRecord):
                    log.warning("source %s: %s", self.name, _left_behind(record))
                    self._careful = _CAREFUL
        if not found:
            await asyncio.sleep(min(wait, 0.05))
        return found

    def _begin_anew(self) -> None:
        """From what was committed, with another consumer."""
        self._ready.clear()
        self._broken.set()

    async def _supervise(self) -> None:
        """Connect, commit what is acknowledged, and begin anew when the consumer breaks."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            began = loop.time()
            try:
                await self._run()
            except LOST as error:
                servers = ", ".join(self._settings.bootstrap_servers)
                self._report(f"{servers}: {said(error)}")
            attempt = 0 if loop.time() - began > _STEADY else attempt + 1
            await asyncio.sleep(backoff(attempt))

    async def _run(self) -> None:
        """From connecting until the consumer breaks. aiokafka itself sees to brokers that go and come."""
        listener = _Listener(self)
        asker = client_of(
            self._settings,
            self._worker,
            isolation_level="read_uncommitted",
            request_timeout_ms=int(_ANSWER_TIMEOUT * 1000),
        )
        consumer = client_of(
            self._settings,
            self._worker,
            group_id=self._settings.group,
            isolation_level=self._settings.isolation_level,
            enable_auto_commit=False,
            max_partition_fetch_bytes=_FETCH_BYTES,
            # Where the group has never been, we say ourselves where to begin. This is for offsets that the
            # broker has deleted meanwhile: go on with the oldest there is.
            auto_offset_reset="earliest",
            session_timeout_ms=milliseconds(self._settings.session_timeout),
            heartbeat_interval_ms=min(3000, milliseconds(self._settings.session_timeout) // 3),
        )
        consumer.subscribe(pattern=self._pattern.pattern, listener=listener)
        try:
            self._asker = asker
            await asker.start()
            await all_topics(asker)
            if not self._partitions:
                self._partitions = {
                    topic: len(asker.partitions_for_topic(topic) or ()) for topic in await asker.topics()
                }
            self._consumer = consumer
            self._broken.clear()
            await consumer.start()
            log.info("source %s joined group %s", self.name, self._settings.group)
            if not self._broken.is_set():
                self._report(None)
            self._ready.set()
            await self._commit_until_broken()
        finally:
            self._ready.clear()
            await self._flush()
            self._revoke()
            self._consumer = self._asker = None
            for client in (consumer, asker):
                await stop(client)

    async def _commit_until_broken(self) -> None:
        broken = asyncio.create_task(self._broken.wait())
        try:
            while not broken.done():
                wanted = asyncio.create_task(self._commit_wanted.wait())
                try:
                    await asyncio.wait((wanted, broken), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    wanted.cancel()
                self._commit_wanted.clear()
                await self._commit()
        finally:
            broken.cancel()

    async def _commit(self) -> None:
        """Commit what is acknowledged. What fails to be committed comes again and is recognised."""
        consumer, offsets = self._consumer, dict(self._uncommitted)
        if consumer is None or not offsets:
            return
        try:
            await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.warning(
                "source %s: offsets not committed, the records come again: %s", self.name, said(error)
            )
        except KafkaError as error:
            log.warning("source %s: offsets not committed: %s", self.name, said(error))
            await asyncio.sleep(backoff(2))
            self._commit_wanted.set()
            return
        for partition, offset in offsets.items():
            if self._uncommitted.get(partition) == offset:
                del self._uncommitted[partition]

    async def _flush(self) -> None:
        """Commit before the partitions are given up."""
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT / 2):
                await self._commit()
        except TimeoutError:
            log.warning("source %s: the brokers do not answer, offsets are not committed", self.name)

    async def revoked(self) -> None:
        """A rebalance begins. Batches that are out will not be committed: whoever reads the partitions
        then begins where we got to."""
        await self._flush()
        self._revoke()

    def _revoke(self) -> None:
        self._generation += 1
        self._shards.clear()
        self._uncommitted.clear()

    async def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Position every partition before the first of its records is handed over."""
        consumer, asker = self._consumer, self._asker
        if consumer is None or asker is None:
            return
        consumer.pause(*partitions)
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT):
                await all_topics(asker)
                positions = await begin(consumer, asker, self._settings.start, self._partitions, partitions)
        except LOST as error:
            self._report(f"cannot find where to begin: {said(error)}")
            self._broken.set()
            return
        for partition, position in positions.items():
            consumer.seek(partition, position)
            frontier = self._frontiers.setdefault(partition, Frontier())
            self._shards[partition] = Shard(frontier, position)
        consumer.resume(*partitions)

    def _look_for_topics(self, consumer: AIOKafkaConsumer) -> None:
        """Say so where there is nothing to read: from a topic that is not there no event will ever come."""
        found = consumer.subscription()
        missing = [
            wanted
            for wanted in self._settings.topics
            if not any(re.match(pattern_of(wanted), topic) for topic in found)
        ]
        if missing:
            self._report(f"there is no topic {', '.join(missing)}")
        elif not self._failed:
            self._report(None)

    def _report(self, error: str | None, failed: bool = False) -> None:
        if error is not None and error != self._error:
            log.warning("source %s: %s", self.name, error)
        self._error = error
        self._failed = failed


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, source: Kafka) -> None:
        self._source = source

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002
        await self._source.revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._source.assigned(list(assigned))


def _left_behind(record: UnreadableRecord) -> str:
    return f"{record.topic}/{record.partition}@{record.offset} cannot be read: {record.why}"

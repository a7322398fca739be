"""Reading one source: batch after batch into the pipeline, acknowledged once stored. What comes while one is
stored is fetched and read meanwhile, and stored together.

What goes wrong with the database is tried again until it works. What goes wrong with a message must not
stop the others: the batch is halved until the message is found, and that one goes to the inbox, whole. A
source that has filled the inbox pauses until there is room again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.ahead import Ahead, Received
from monitor.domain.event import Delivery, InboxReason, Misfit
from monitor.errors import StorageConflict, StorageUnavailable
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline, Read
from monitor.sources.base import Progress, Source, SourceState
from monitor.storage.base import Store

log = logging.getLogger("choreoscope.reading")

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 15.0
REFRESH_SECONDS = 1.0
FEW = 100
"""So many deliveries are worth a transaction of their own at once: what a batch costs whatever it holds is
small beside what these cost."""

_GATHER_SECONDS = 0.01
"""What comes after a few deliveries is let gather for so long, instead of being fetched one by one: not
where senders wait."""


_CUT_OFF = frozenset({SourceState.CONNECTING, SourceState.FAILED})


class Reader:
    """Reads one source for as long as it lasts. ``now`` is the clock of this edge. Batches of few deliveries
    follow one another no sooner than ``pace`` seconds, so that a steady trickle is stored in handfuls; the
    first after a pause is stored at once. With more than ``inbox_limit`` messages of this source in the inbox
    nothing is fetched; None: there is no limit."""

    def __init__(
        self,
        source: Source,
        pipeline: Pipeline,
        store: Store,
        metrics: Metrics,
        *,
        worker: str,
        now: Callable[[], datetime],
        batch_size: int,
        wait: float,
        pace: float = 0.0,
        inbox_limit: int | None = None,
    ) -> None:
        self.source = source
        self.pipeline = pipeline
        self.store = store
        self.metrics = metrics
        self.worker = worker
        self.now = now
        self.batch_size = batch_size
        self.wait = wait
        self.pace = pace
        self.inbox_limit = inbox_limit
        self.paused: str | None = None
        """Why nothing is fetched; None while it is."""
        self._going = asyncio.Event()
        self._minding = asyncio.Lock()
        self._inbox_grew = True  # as far as we know
        self._mark: datetime | None = None

    async def run(self) -> None:
        """Until the source ends or the task is cancelled."""
        ahead = Ahead(self.batch_size)
        async with self.source, asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(self._tell_progress(), name=f"progress of {self.source.name}")
            tasks.create_task(self._fetch(ahead), name=f"fetching of {self.source.name}")
            while (received := await ahead.take()) is not None:
                await self._room_in_inbox()
                begun = asyncio.get_running_loop().time()
                deliveries = received.deliveries
                await self._see_through(received, deliveries)
                if len(deliveries) < FEW:
                    await self._pace(begun)
            telling.cancel()
            await self._record()

    async def _fetch(self, ahead: Ahead) -> None:
        """Fetch and read what comes, until the source ends."""
        while True:
            await self._room_in_inbox()
            asked = self.now()
            batch = await self.source.batch(await ahead.room(), self.wait)
            if batch is None:
                ahead.end()
                return
            if batch.deliveries:
                ahead.put(batch, asked, await self._read(batch.deliveries))
                if self.pace and len(batch.deliveries) < FEW:
                    await asyncio.sleep(_GATHER_SECONDS)

    async def _read(self, deliveries: Sequence[Delivery]) -> Read | Exception:
        try:
            return await self.pipeline.read(deliveries)
        except Exception as error:  # noqa: BLE001 - whatever a message does to us, the others go on
            return error

    async def _see_through(self, received: Received, deliveries: Sequence[Delivery]) -> None:
        """Store what was received, then acknowledge it."""
        tracer, many = self.pipeline.tracer, len(deliveries)
        with tracer.span("batch", received.asked, source=self.source.name, deliveries=many):
            with tracer.span("receive", received.asked):
                pass  # it is over: until a batch comes nobody knows whether there is one to tell of
            await self._store(deliveries, received.read)
            with self.metrics.batch_seconds.labels("acknowledge").time(), tracer.span("acknowledge"):
                for batch in received.batches:
                    await self.source.acknowledge(batch)

    @property
    def trouble(self) -> str | None:
        """Why this source is not read; None while it is."""
        shards = self.source.progress()
        if not shards:
            return "not connected yet"
        for shard in shards:
            if shard.state in _CUT_OFF:
                return f"{shard.state.value}: {shard.error}" if shard.error else shard.state.value
        return self.paused

    async def _pace(self, begun: float) -> None:
        left = begun + self.pace - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    async def store_batch(self, deliveries: Sequence[Delivery]) -> None:
        """Store a batch, however long the database is away."""
        await self._store(deliveries, await self._read(deliveries))

    async def _store(self, deliveries: Sequence[Delivery], read: Read | Exception) -> None:
        if isinstance(read, Exception):
            await self._isolate(deliveries, read)
            return
        pause = FIRST_PAUSE
        while True:
            try:
                outcome = await self.pipeline.store_read(read)
            except StorageConflict as conflict:
                log.debug("%s: %s; the batch is tried again", self.source.name, conflict.message)
            except StorageUnavailable as error:
                log.warning(
                    "%s: the batch waits and is tried again in %.1f s. %s",
                    self.source.name,
                    pause,
                    error.message,
                )
            except Exception as error:  # noqa: BLE001 - whatever a message does to us, the others go on
                await self._isolate(deliveries, error)
                return
            else:
                self._inbox_grew = self._inbox_grew or bool(outcome.misfits)
                self.metrics.batches.labels(self.source.name, "stored").inc()
                return
            self.metrics.batches.labels(self.source.name, "retried").inc()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _isolate(self, deliveries: Sequence[Delivery], error: Exception) -> None:
        if len(deliveries) > 1:
            middle = len(deliveries) // 2
            await self.store_batch(deliveries[:middle])
            await self.store_batch(deliveries[middle:])
            return
        log.error("%s: a message cannot be processed and goes to the inbox", self.source.name, exc_info=error)
        misfit = Misfit(
            deliveries[0],
            InboxReason.FAILED,
            f"Processing failed: {type(error).__name__}: {error}",
            "Please report this; the message can be replayed once it is mended.",
        )
        await self._keep(misfit)

    async def _keep(self, misfit: Misfit) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with self.store.ingest() as ingest:
                    await ingest.misfits([misfit])
            except StorageUnavailable as error:
                log.warning("%s: %s", self.source.name, error.message)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._inbox_grew = True
                self.metrics.misfits.labels(self.source.name, misfit.reason.value).inc()
                return

    async def _tell_progress(self) -> None:
        """Every second: where the source's end is, and how far it is read. Absence is judged by this."""
        failing = False
        while True:
            await self.source.refresh()
            try:
                await self._mind_inbox()
                await self._record()
            except StorageUnavailable as error:
                if not failing:
                    log.warning("%s: progress is not recorded. %s", self.source.name, error.message)
                failing = True
            else:
                if failing:
                    log.info("%s: progress is recorded again", self.source.name)
                failing = False
            await asyncio.sleep(REFRESH_SECONDS)

    async def _room_in_inbox(self) -> None:
        """Wait while there is none."""
        try:
            async with self._minding:
                if self._inbox_grew:
                    await self._count_inbox()
        except StorageUnavailable as error:  # told where progress is recorded, and asked again there
            log.debug("%s: %s", self.source.name, error.message)
        await self._going.wait()

    async def _mind_inbox(self) -> None:
        async with self._minding:
            await self._count_inbox()

    async def _count_inbox(self) -> None:
        """Pause, or go on, by how many messages of this source are in the inbox."""
        limit, name = self.inbox_limit, self.source.name
        self._inbox_grew = False  # it may grow while we look
        try:
            count = 0 if limit is None else await self.store.inbox_count(name)
        except StorageUnavailable:
            self._inbox_grew = True
            raise
        if limit is not None and count > limit:
            if self.paused is None:
                log.warning(
                    "%s: paused, as the inbox holds %d messages of it (limit: %d)", name, count, limit
                )
            self.paused = _too_full(count, limit)
            self._going.clear()
        else:
            if self.paused is not None:
                log.info("%s: goes on, the inbox holds %d messages of it", name, count)
            self.paused = None
            self._going.set()

    async def _record(self) -> None:
        progress = [_as_paused(one, self.paused) for one in self.source.progress()]
        now = self.now()
        await self.store.record_progress(self.source.name, self.source.kind, self.worker, progress, now)
        lags = [shard.lag for shard in progress if shard.lag is not None]
        if lags:
            self.metrics.source_lag.labels(self.source.name).set(sum(lags))
        marks = [shard.watermark for shard in progress if shard.watermark is not None]
        self._mark = min(marks, default=self._mark)
        if self._mark is not None:
            self.metrics.watermark_age.labels(self.source.name).set((now - self._mark).total_seconds())
        up = bool(progress) and all(shard.state not in _CUT_OFF for shard in progress)
        self.metrics.source_up.labels(self.source.name).set(up)


def _too_full(count: int, limit: int) -> str:
    return (
        f"the inbox holds {count} messages of this source, the limit is {limit}: nothing more is read until"
        " there is room. See in the inbox what they have in common and mend that, let retention.inbox delete"
        " them, or raise ingest.inbox_limit"
    )


def _as_paused(shard: Progress, paused: str | None) -> Progress:
    """A shard we could read and do not. Its watermark stands still: no new one is told."""
    if paused is None:
        return shard
    if shard.state not in (SourceState.READING, SourceState.CAUGHT_UP):
        return replace(shard, watermark=None)
    return replace(shard, state=SourceState.PAUSED, error=paused, watermark=None)

"""The month through the real pipeline and sweep, on a clock set by hand: as the product makes tables."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from benchmarks.dataset.configuration import VERSIONS, settings
from benchmarks.dataset.story import DAYS, orders
from monitor.assembly import decoder_of, feeds_of, mapping_of, models_of
from monitor.domain.event import Delivery
from monitor.flows import Flows
from monitor.landscape.demo import KAFKA, RABBIT
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.sources.base import Progress, SourceState
from monitor.storage.sql import SqlStore, open_store
from monitor.sweep import Sweeper

BATCH = 500
TICK = timedelta(hours=1)

Told = Callable[[str], None]


class Month:
    """``now`` is the clock everything goes by."""

    def __init__(self, url: str, begin: datetime) -> None:
        self.url = url
        self.begin = begin
        self.now = begin
        self.metrics = Metrics()

    async def live(self, seed: int, every: timedelta, told: Told) -> int:
        """An order ``every`` so often. Returns how many messages were read."""
        end = self.begin + timedelta(days=DAYS)
        begun = takewhile(lambda order: order[0].received < end, orders(seed, self.begin, every))
        story = sorted((one for order in begun for one in order), key=lambda one: one.received)
        story = story[: bisect_left(story, end, key=lambda one: one.received)]
        store = await open_store(self.url, now=lambda: self.now)
        try:
            await self._live(store, story, end, told)
        finally:
            await store.close()
        return len(story)

    async def _live(self, store: SqlStore, story: Sequence[Delivery], end: datetime, told: Told) -> None:
        bounds = [self.begin + timedelta(days=day) for day, _, _ in VERSIONS[1:]] + [end]
        read = 0
        for version, until in enumerate(bounds):
            pipeline, sweeper = await self._start(store, version)
            while self.now < until:
                tick = min(until, self.now + TICK)
                following = bisect_left(story, tick, key=lambda one: one.received)
                await self._read(pipeline, story[read:following])
                read = following
                self.now = tick
                await self._sweep(store, sweeper)
                if tick.hour % 12 == 0 or tick == end:
                    while await sweeper.count():
                        pass
                    told(f"{tick:%Y-%m-%d %H:00}: {read:,} of {len(story):,} messages")

    async def _start(self, store: SqlStore, version: int) -> tuple[Pipeline, Sweeper]:
        """What a process does at its start, with the configuration of this time."""
        chosen = settings(self.url, version)
        flows = Flows(store)
        await flows.deploy(models_of(chosen), self.now)
        await flows.watch(feeds_of(chosen), self.now)
        mapping = mapping_of(chosen, [expected.flow for expected in flows.active.values()], older=flows.older)
        pipeline = Pipeline(decoder_of(chosen), mapping, flows, store, self.metrics)
        sweeper = Sweeper(store, flows, feeds_of(chosen), self.metrics, now=lambda: self.now)
        return pipeline, sweeper

    async def _read(self, pipeline: Pipeline, messages: Sequence[Delivery]) -> None:
        for at in range(0, len(messages), BATCH):
            batch = messages[at : at + BATCH]
            self.now = max(self.now, batch[-1].received)
            await pipeline.process(batch)

    async def _sweep(self, store: SqlStore, sweeper: Sweeper) -> None:
        for source in (RABBIT, KAFKA):
            shard = Progress("0", SourceState.CAUGHT_UP, self.now, 0, last_message=self.now)
            await store.record_progress(source, "memory", "benchmark", [shard], self.now)
        await sweeper.clocks()
        await sweeper.confirm()
        if self.now.hour % 6 == 0:
            await sweeper.objectives()

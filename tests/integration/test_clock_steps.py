"""A worker's clock is wrong for a while, over each database: nobody is blamed for that, and once it is put
right all goes on as if nothing had been."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import pytest

from monitor.domain.verdict import FindingState
from monitor.landscape import demo
from monitor.landscape.plan import Pace, plan
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.sources.base import Progress, SourceState
from monitor.sources.frontier import Frontier
from monitor.storage.sql import SqlStore
from monitor.storage.views import TraceFilter
from monitor.sweep import Sweeper
from tests.support.shop import LIMITS, NOON, offline, sent, shop, start, stored, told

SHOP = shop()
PLACED, REQUESTED = told("OrderPlaced", 0), told("PaymentRequested", 10, payment="p-1")
PAID_IN_TIME = told("PaymentReceived", 60, None, payment="p-1")
FED_BY = {"order": (demo.RABBIT, demo.KAFKA)}


def minute(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


class Clock:
    """Right, but for ``wrong``."""

    def __init__(self) -> None:
        self.right = NOON
        self.wrong = timedelta(0)

    def __call__(self) -> datetime:
        return self.right + self.wrong


class Worker:
    """Says how far it has read, by its clock, as sources do. ``unread``: messages it has not got to."""

    def __init__(self, store: SqlStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.frontiers = {name: Frontier(0) for name in (demo.RABBIT, demo.KAFKA)}
        self.end = 0

    async def look(self, unread: int = 0) -> None:
        now = self.clock()
        for name, frontier in self.frontiers.items():
            frontier.probe(now, self.end + unread)
            frontier.reach(self.end)
            state = SourceState.READING if unread else SourceState.CAUGHT_UP
            shard = Progress("0", state, frontier.watermark)
            await self.store.record_progress(name, "kafka", "w", [shard], now)


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> object:
    from monitor.storage.migrate import upgrade
    from monitor.storage.sql import open_store

    if request.param == "postgres":
        url = request.getfixturevalue("migrated_postgres_url")
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"
        upgrade(url)
    opened = await open_store(url)
    yield opened
    await opened.close()


def sweeper(store: SqlStore, pipeline: Pipeline, clock: Clock) -> Sweeper:
    return Sweeper(store, pipeline.flows, FED_BY, Metrics(), now=clock)


async def breaches(store: SqlStore) -> list[FindingState]:
    found = []
    for row in (await store.views.traces(TraceFilter())).rows:
        detail = await store.views.trace(row.id)
        assert detail is not None
        found += [one.state for one in detail.findings if one.kind == "sla_breach"]
    return found


@pytest.mark.parametrize("unread", [0, 5], ids=["caught up", "behind"])
async def test_a_worker_an_hour_ahead_blames_nobody(store: SqlStore, unread: int) -> None:
    """The payment of minute 60 was in time (70); it arrives late, when the worker's clock is right again."""
    pipeline = await start(store, SHOP)
    clock, theirs = Clock(), Clock()
    worker, sweeping = Worker(store, theirs), sweeper(store, pipeline, clock)
    await pipeline.process([PLACED, REQUESTED])

    async def at(number: float) -> None:
        clock.right = theirs.right = minute(number)
        await sweeping.clocks()
        await sweeping.confirm()

    await worker.look()
    theirs.wrong = timedelta(hours=1)
    clock.right = theirs.right = minute(11)
    await worker.look()
    await at(12)
    assert await breaches(store) == []
    theirs.wrong = timedelta(0)
    clock.right = theirs.right = minute(13)
    await worker.look(unread)
    mark = (await sweeping.watermarks()).get("order")
    assert mark == (None if unread else minute(13))
    await at(75)  # nothing is read any more; the mark of the wrong clock would have been passed
    assert await breaches(store) == []
    await pipeline.process([PAID_IN_TIME])
    await worker.look()
    await at(76)
    assert await breaches(store) == []


async def test_clocks_that_step_back_and_forth_do_not_show_in_the_end(store: SqlStore) -> None:
    """The worker's and the sweep's, while events are stored."""
    random = Random(11)
    pace = Pace(every=timedelta(minutes=1), step=timedelta(minutes=10))
    orders = plan(4, 12, NOON, pace, limits=LIMITS)
    pipeline = await start(store, SHOP)
    clock, theirs = Clock(), Clock()
    worker, sweeping = Worker(store, theirs), sweeper(store, pipeline, clock)
    deliveries = [sent(number, emission) for number, emission in enumerate(orders.emissions)]
    for batch in _batches(deliveries, 8):
        now = max(one.received for one in batch)
        clock.right = theirs.right = now
        clock.wrong, theirs.wrong = (
            random.choice((timedelta(0), timedelta(minutes=random.randint(-90, 90)))) for _ in range(2)
        )
        await pipeline.process(batch)
        await worker.look()
        await sweeping.clocks()
        await sweeping.confirm()
    clock.right = theirs.right = orders.end + timedelta(minutes=1)
    clock.wrong = theirs.wrong = timedelta(0)
    await worker.look()
    await sweeping.clocks()
    await sweeping.confirm()
    assert await stored(store) == offline(SHOP, deliveries, clock())


def _batches(deliveries: Sequence, size: int) -> list[Sequence]:  # type: ignore[type-arg]
    return [deliveries[place : place + size] for place in range(0, len(deliveries), size)]

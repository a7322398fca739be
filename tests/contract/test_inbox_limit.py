"""A source that fills the inbox pauses, says so, and goes on by itself; the sweep makes room."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.flows import Flows
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.reading import Reader
from monitor.settings import MemorySource
from monitor.sources.base import Progress, SourceState
from monitor.sources.memory import Memory
from monitor.storage.sql import SqlStore
from monitor.storage.views import SourceRow
from monitor.sweep import Sweeper
from tests.contract.store_harness import read_to
from tests.support.shop import shop, start, told


@pytest.fixture
def source() -> Memory:
    return Memory(MemorySource.model_validate({"name": "web", "kind": "memory"}), worker="w")


@pytest.fixture
async def pipeline(store: SqlStore) -> Pipeline:
    return await start(store, shop())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.reading.REFRESH_SECONDS", 0.02)


def reader(source: Memory, pipeline: Pipeline, store: SqlStore, limit: int | None) -> Reader:
    return Reader(
        source,
        pipeline,
        store,
        Metrics(),
        worker="w",
        now=lambda: datetime.now(UTC),
        batch_size=2,
        wait=0.02,
        inbox_limit=limit,
    )


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110 - the database is asked
            await asyncio.sleep(0.01)


async def source_row(store: SqlStore) -> SourceRow | None:
    return next(iter(await store.views.sources(datetime.now(UTC))), None)


async def state(store: SqlStore) -> str | None:
    row = await source_row(store)
    return row.shards[0].state if row else None


async def rubbish(source: Memory, count: int) -> None:
    for number in range(count):
        await source.put(b"no event %d" % number)


async def test_full_inbox_pauses_the_source_until_there_is_room(
    store: SqlStore, pipeline: Pipeline, source: Memory
) -> None:
    reading = reader(source, pipeline, store, 3)
    task = asyncio.create_task(reading.run())
    try:
        await until(lambda: _is(store, "caught_up"))
        await rubbish(source, 9)
        await until(lambda: _is(store, "paused"))
        row = await source_row(store)
        assert row is not None
        assert "the inbox holds 4 messages of this source, the limit is 3" in (row.shards[0].error or "")
        assert (row.lag, await store.inbox_count("web")) == (5, 4)

        await source.put(told("OrderPlaced", 0).body, content_type="application/cloudevents+json")
        mark = (await read_to(store, datetime.now(UTC)))["web"]
        updated = row.shards[0].updated

        async def told_again() -> bool:
            found = await source_row(store)
            return found is not None and found.shards[0].updated > updated + timedelta(seconds=0.2)

        await until(told_again)
        assert (await read_to(store, datetime.now(UTC)))["web"] == mark
        assert await state(store) == "paused"
        assert (await store.views.totals()).events == 0

        await store.purge_inbox(timedelta(0), datetime.now(UTC), 1)  # there is room for one
        assert await store.inbox_count("web") == 3

        async def two_more() -> bool:
            return await store.inbox_count("web") == 5

        await until(two_more)
        await until(lambda: _is(store, "paused"))

        reading.inbox_limit = 100
        await until(lambda: _is(store, "caught_up"))
        assert ((await store.views.totals()).events, await store.inbox_count("web")) == (1, 8)
        row = await source_row(store)
        assert row is not None
        assert (row.lag, row.shards[0].error) == (0, None)
        assert mark is not None
        assert row.watermark is not None
        assert row.watermark > mark
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _is(store: SqlStore, wanted: str) -> bool:
    return await state(store) == wanted


async def test_full_inbox_is_noticed_before_anything_is_read(
    store: SqlStore, pipeline: Pipeline, source: Memory
) -> None:
    """After a restart nothing is fetched first; a higher limit lets the next start go on."""
    first = reader(source, pipeline, store, 1)
    await rubbish(source, 4)
    task = asyncio.create_task(first.run())
    await until(lambda: _is(store, "paused"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await store.inbox_count("web") == 2

    for limit, count, shown in ((1, 2, "paused"), (None, 4, "caught_up")):
        task = asyncio.create_task(reader(source, pipeline, store, limit).run())
        await until(lambda wanted=shown: _is(store, wanted))  # type: ignore[misc]
        assert await store.inbox_count("web") == count
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_other_sources_messages_do_not_count(
    store: SqlStore, pipeline: Pipeline, source: Memory
) -> None:
    other = Memory(MemorySource.model_validate({"name": "other", "kind": "memory"}), worker="w")
    await rubbish(other, 3)
    async with other:
        batch = await other.batch(9, 1)
    assert batch is not None
    await pipeline.process(batch.deliveries)
    await rubbish(source, 1)
    task = asyncio.create_task(reader(source, pipeline, store, 1).run())
    await until(lambda: _is(store, "caught_up"))
    assert (await store.inbox_count("other"), await store.inbox_count("web")) == (3, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# the sweep's share ----------------------------------------------------------------------------------------


async def test_sweep_deletes_what_is_old_enough_batch_after_batch(
    store: SqlStore, pipeline: Pipeline, source: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.sweep.PURGE_BATCH", 2)
    names = [
        "OrderPlaced",
        "PaymentRequested",
        "PaymentReceived",
        "ItemsPicked",
        "ParcelPacked",
        "GoodsShipped",
    ]
    names += ["InvoiceSent", "OrderCompleted"]
    for number in range(5):
        for step, name in enumerate(names):
            order = None if name == "PaymentReceived" else f"o-{number}"
            await pipeline.process([told(name, step, order, payment=f"p-{number}")])
    await pipeline.process([told("OrderPlaced", 0, "open")])
    await rubbish(source, 5)
    async with source:
        batch = await source.batch(9, 1)
    assert batch is not None
    await pipeline.process(batch.deliveries)
    now = datetime.now(UTC) + timedelta(days=400)

    def sweeper(**kept: timedelta) -> Sweeper:
        return Sweeper(store, Flows(store), {}, Metrics(), now=lambda: now, **kept)  # type: ignore[arg-type]

    assert await sweeper().purge() == 0
    assert await sweeper(keep_traces=timedelta(days=9999), keep_inbox=timedelta(days=9999)).purge() == 0
    assert await sweeper(keep_traces=timedelta(days=30)).purge() == 5
    assert await sweeper(keep_inbox=timedelta(days=30)).purge() == 5
    totals = await store.views.totals()
    assert (totals.traces, totals.events, totals.inbox) == (1, 1, 0)
    while await store.sweep_clocks({"order": now}, now, 100):
        pass
    month = timedelta(days=30)
    assert await sweeper(keep_open=month).purge() == 0  # nobody knows how far the sources are read
    await store.record_progress("web", "http", "w", [Progress("0", SourceState.CAUGHT_UP, now)], now)
    feeding = Sweeper(store, pipeline.flows, {"order": {"web"}}, Metrics(), now=lambda: now, keep_open=month)
    assert await feeding.purge() == 1
    assert (await store.views.totals()).traces == 0


async def test_retention_is_swept_every_minute_where_it_is_set(store: SqlStore) -> None:
    def ticks(**kept: timedelta) -> dict[str, timedelta]:
        scheduler = AsyncIOScheduler(timezone=UTC)
        sweeper = Sweeper(store, Flows(store), {}, Metrics(), now=lambda: datetime.now(UTC), **kept)  # type: ignore[arg-type]
        sweeper.schedule(scheduler)
        return {job.id: job.trigger.interval for job in scheduler.get_jobs()}

    assert "retention" not in ticks()
    assert ticks(keep_traces=timedelta(days=1))["retention"] == timedelta(minutes=1)
    assert ticks(keep_inbox=timedelta(days=1))["retention"] == timedelta(minutes=1)

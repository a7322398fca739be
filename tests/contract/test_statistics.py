"""Statistics say of many traces what counting each of them as it stands would, however they came to stand
so, on both dialects."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from monitor.counting import Statistician
from monitor.domain.event import Delivery
from monitor.flows import Flows
from monitor.landscape.plan import Pace, plan
from monitor.landscape.story import SHIP
from monitor.pipeline import Pipeline
from monitor.settings import Settings
from monitor.statistics import STILL_RUNNING, bucket_of, day_of
from monitor.statistics.contribution import contribution
from monitor.storage.migrate import upgrade
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.tables import late_clocks, statistics, variants
from monitor.storage.views import FlowStatistics, TraceFilter
from tests.support.shop import BOTH_KEYS, LIMITS, NOON, sent, shop, start, told

SHOP = shop()
LINKED = Settings.model_validate({**SHOP.model_dump(by_alias=True), "events": BOTH_KEYS})
END = NOON + timedelta(days=2)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def pipeline(store: SqlStore) -> Pipeline:
    return await start(store, LINKED)


async def count(store: SqlStore, flows: Flows, limit: int = 300) -> int:
    counted = 0
    statistician = Statistician(store, flows)
    while found := await statistician.count(limit):
        counted += found
    return counted


async def sums(store: SqlStore) -> tuple[Any, ...]:
    """All that is summed, without what depends on who came first."""
    async with store._read() as transaction:
        return (
            sorted(tuple(row) for row in await transaction.rows(select(statistics))),
            sorted(tuple(row) for row in await transaction.rows(select(variants))),
            sorted(tuple(row)[1:] for row in await transaction.rows(select(late_clocks))),
        )


async def shown(store: SqlStore) -> FlowStatistics:
    ids = [row.id for row in await store.views.versions("order")]
    return await store.views.statistics(ids)


async def swept(store: SqlStore) -> None:
    while await store.sweep_clocks({"order": END}, END, 1000):
        pass
    while await store.confirm_findings({"order": END}, END, 1000):
        pass


def an_order(order: str = "o-1", *, begin: float = 0) -> list[Delivery]:
    payment = f"p-{order}"
    return [
        told("OrderPlaced", begin, order),
        told("PaymentRequested", begin + 10, order, payment=payment),
        told("PaymentReceived", begin + 20, None, payment=payment),
        told("ItemsPicked", begin + 30, order),
        told("ParcelPacked", begin + 40, order),
        told("GoodsShipped", begin + 50, order),
        told("InvoiceSent", begin + 65, order),
        told("OrderCompleted", begin + 70, order),
    ]


async def test_an_order_adds_its_steps_their_waits_and_its_variant(
    store: SqlStore, pipeline: Pipeline
) -> None:
    await pipeline.process(an_order())
    assert await store.views.uncounted() > 0
    assert await count(store, pipeline.flows) == 1
    assert await store.views.uncounted() == 0
    told_of = await shown(store)
    assert (told_of.traces, told_of.complete, told_of.deviating) == (1, 1, 0)
    assert told_of.duration == {bucket_of(70 * MINUTE): 1}
    by_name = pipeline.flows.active["order"].flow.labels

    def waited(label: str) -> Any:
        (element,) = by_name[label]
        return told_of.elements[element].waited

    assert waited("OrderPlaced") == {}
    assert waited("PaymentRequested") == {bucket_of(10 * MINUTE): 1}
    assert waited("GoodsShipped") == {bucket_of(10 * MINUTE): 1}
    # both were possible once the parcel was packed, and the end waited for the later of them
    assert waited("InvoiceSent") == {bucket_of(25 * MINUTE): 1}
    assert waited("OrderCompleted") == {bucket_of(5 * MINUTE): 1}
    assert {one.reached for one in told_of.elements.values()} == {1}
    (variant,) = await store.views.variants([row.id for row in await store.views.versions("order")])
    assert (variant.traces, variant.deviating, variant.mean) == (1, 0, 70 * MINUTE)
    assert variant.labels[:2] == ("OrderPlaced", "PaymentRequested")


async def test_a_late_event_takes_back_what_was_counted_without_it(
    store: SqlStore, pipeline: Pipeline
) -> None:
    order = an_order()
    await pipeline.process([*order[:3], *order[4:]])  # nothing was picked, so it seems
    await count(store, pipeline.flows)
    assert (await shown(store)).deviating == 0  # it may still come
    await swept(store)
    await count(store, pipeline.flows)
    assert (await shown(store)).deviating == 1
    await pipeline.process([order[3]])
    await count(store, pipeline.flows)
    told_of = await shown(store)
    assert (told_of.traces, told_of.deviating) == (1, 0)
    assert all(not one.deviations for one in told_of.elements.values())
    assert len(await store.views.variants([1])) == 1


async def test_open_traces_are_counted_where_they_stand(store: SqlStore, pipeline: Pipeline) -> None:
    for number, steps in enumerate((1, 2, 2, 4)):
        await pipeline.process(an_order(f"o-{number}")[:steps])
    await count(store, pipeline.flows)
    standing = {element: one.standing for element, one in (await shown(store)).elements.items()}
    expected = Counter(
        element for row in (await store.views.traces(TraceFilter())).rows for element in set(row.standing)
    )
    assert {element: n for element, n in standing.items() if n} == expected
    await pipeline.process(an_order("o-1")[2:])
    await count(store, pipeline.flows)
    told_of = await shown(store)
    assert sum(one.standing for one in told_of.elements.values()) == sum(expected.values()) - len(
        {element for element in expected if expected[element] == 2}
    )


async def test_clocks_are_told_by_the_share_of_their_time(store: SqlStore, pipeline: Pipeline) -> None:
    late, stuck = an_order("late"), an_order("stuck")[:3]
    shipped = told("GoodsShipped", 20 + 1.5 * LIMITS.ship / MINUTE, "late")
    await pipeline.process([*late[:5], shipped, *stuck])
    await count(store, pipeline.flows)
    assert STILL_RUNNING not in (await shown(store)).slas.get(SHIP, {})
    await swept(store)
    await count(store, pipeline.flows)
    assert (await shown(store)).slas[SHIP] == {30: 1, STILL_RUNNING: 1}
    overdue, missed = await store.views.offenders("order", SHIP, END)
    assert (overdue.trace_key, overdue.ended) == ("stuck", None)
    assert missed.trace_key == "late"
    assert missed.ended is not None
    assert missed.over == 0.5 * LIMITS.ship


async def test_traces_that_turn_out_to_be_one_count_once(store: SqlStore, pipeline: Pipeline) -> None:
    order = an_order()
    await pipeline.process([order[2]])  # the payment's number alone
    await pipeline.process([order[0]])
    await count(store, pipeline.flows)
    assert (await shown(store)).traces == 2
    await pipeline.process([order[1]])  # names both
    await count(store, pipeline.flows)
    assert (await shown(store)).traces == 1


async def test_what_was_counted_outlives_the_traces(store: SqlStore, pipeline: Pipeline) -> None:
    await pipeline.process(an_order())
    await count(store, pipeline.flows)
    before = await sums(store)
    assert await store.purge_traces(timedelta(hours=1), END, 10) == 1
    await count(store, pipeline.flows)
    assert await sums(store) == before


async def test_of_a_trace_deleted_before_it_was_complete_stays_what_happened(
    store: SqlStore, pipeline: Pipeline
) -> None:
    """It stands nowhere any more, and no clock of it runs."""
    await pipeline.process([*an_order("done"), *an_order("stuck")[:3], *an_order("new", begin=1500)[:3]])
    await swept(store)
    await count(store, pipeline.flows)
    before = await shown(store)
    assert before.slas[SHIP][STILL_RUNNING] == 2
    read = {"order": NOON + timedelta(minutes=2000)}
    assert await store.purge_open(timedelta(days=1), read, END, 10) == 1
    await count(store, pipeline.flows)
    after = await shown(store)
    assert after.slas[SHIP][STILL_RUNNING] == 1
    assert (after.traces, after.complete) == (before.traces, before.complete) == (3, 1)
    for name, element in before.elements.items():
        assert after.elements[name] == replace(element, standing=element.standing // 2), name
    assert sum(element.standing for element in after.elements.values()) > 0


async def test_statistics_that_are_being_counted_are_waited_for(
    store_url: str, store: SqlStore, pipeline: Pipeline
) -> None:
    await pipeline.process(an_order("stuck")[:3])
    await swept(store)
    other = await open_store(store_url)
    async with store.counting() as counting:
        assert counting is not None
        purging = asyncio.create_task(other.purge_open(timedelta(hours=1), {"order": END}, END, 10))
        await asyncio.sleep(0.2)
        assert not purging.done()
        (changed,) = await counting.changed(10)
        assert changed.stands is not None
        await counting.write({changed.id: contribution(changed.stands, (), ())})
    assert await purging == 1
    assert await sums(store) != ([], [], [])
    assert not any(element.standing for element in (await shown(store)).elements.values())
    await other.close()


async def test_a_trace_is_counted_once_however_often_it_changed(store: SqlStore, pipeline: Pipeline) -> None:
    for one in an_order("busy"):
        await pipeline.process([one])
    await pipeline.process(an_order("quiet"))
    before = await store.views.uncounted()
    async with store.counting() as counting:
        assert counting is not None
        (changed,) = await counting.changed(1)  # of its many changes the first
        assert changed.stands is not None
        assert changed.stands.complete
        await counting.write({changed.id: contribution(changed.stands, (), ())})
    assert before > 2
    assert await store.views.uncounted() == 1
    assert await count(store, pipeline.flows) == 1


async def test_an_error_leaves_everything_still_to_be_counted(store: SqlStore, pipeline: Pipeline) -> None:
    await pipeline.process(an_order())
    before = await store.views.uncounted()

    async def broken() -> None:
        async with store.counting() as counting:
            assert counting is not None
            assert await counting.changed(10)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await broken()
    assert await store.views.uncounted() == before
    assert await count(store, pipeline.flows) == 1
    assert (await shown(store)).traces == 1


async def test_of_two_that_count_at_once_one_does(
    store: SqlStore, store_url: str, pipeline: Pipeline
) -> None:
    if store_url.startswith("sqlite"):  # whoever writes keeps all others out
        return
    await pipeline.process(an_order())
    async with store.counting() as first, store.counting() as second:
        assert first is not None
        assert second is None
    assert await count(store, pipeline.flows) == 1


@pytest.mark.parametrize("seed", range(3))
async def test_however_events_come_the_sums_are_those_of_counting_once(
    seed: int, store: SqlStore, pipeline: Pipeline, tmp_path: Path
) -> None:
    """Arrival in any order, in batches, counted in between at any time, and swept in between."""
    chance = random.Random(seed)
    orders = plan(seed, 25, NOON, Pace(timedelta(minutes=1), timedelta(minutes=10)))
    deliveries = [sent(number, one) for number, one in enumerate(orders.emissions)]
    chance.shuffle(deliveries)
    rest = list(deliveries)
    while rest:
        size = chance.randrange(1, 40)
        await pipeline.process(rest[:size])
        del rest[:size]
        if chance.random() < 0.5:
            await Statistician(store, pipeline.flows).count(chance.randrange(1, 50))
        if chance.random() < 0.2:
            await store.confirm_findings({"order": END}, END, 1000)
    await swept(store)
    await count(store, pipeline.flows)

    file = f"sqlite:///{tmp_path}/once.db"
    upgrade(file)
    once = await open_store(file)
    try:
        fresh = await start(once, LINKED)
        await fresh.process(deliveries)
        await swept(once)
        await count(once, fresh.flows)
        assert await sums(store) == await sums(once)
    finally:
        await once.close()
    await agrees_with_the_traces(store)


async def agrees_with_the_traces(store: SqlStore) -> None:
    """What can be told from the traces themselves, without any of the counting's own code."""
    told_of = await shown(store)
    rows = (await store.views.traces(TraceFilter(), limit=200)).rows
    assert len(rows) < 200
    assert told_of.traces == len(rows)
    assert told_of.complete == sum(row.complete for row in rows)
    assert told_of.deviating == sum(row.confirmed > 0 for row in rows)
    assert sum(told_of.duration.values()) == told_of.complete
    spans = [row.last - row.first for row in rows if row.complete and row.first and row.last]
    assert told_of.duration == Counter(map(bucket_of, spans))
    of_kind = Counter[str]()
    for row in rows:
        detail = await store.views.trace(row.id)
        assert detail is not None
        of_kind.update(
            one.kind.value for one in detail.findings if one.state == "confirmed" and one.kind.is_deviation
        )
    counted = Counter[str]()
    for one in told_of.elements.values():
        counted.update(one.deviations)
    assert counted == of_kind
    days = {day_of(row.first) for row in rows if row.first}
    since = await store.views.statistics([1], min(days), max(days) + 1)
    assert since.traces == told_of.traces
    assert (await store.views.statistics([1], max(days) + 1)).traces == 0

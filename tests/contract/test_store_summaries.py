"""What is read of the sums over many traces, against rows put there by hand, on both dialects."""

from __future__ import annotations

from sqlalchemy import insert

from monitor.statistics import Measure
from monitor.storage.sql import SqlStore
from monitor.storage.tables import statistics, variants
from monitor.storage.views import DayRow, FlowTrend
from tests.contract.store_harness import NOON

Row = tuple[int, Measure, str, int, int]


async def deployed(store: SqlStore, key: str, source: bytes = b"<a/>") -> int:
    return (await store.deploy(key, key.title(), "a.bpmn", source, "{}", source.hex(), NOON)).id


async def write(store: SqlStore, flow_id: int, *rows: Row) -> None:
    async with store._write() as transaction:
        for day, measure, element, bucket, amount in rows:
            values = {"day": day, "measure": measure, "element": element, "bucket": bucket, "amount": amount}
            await transaction.execute(insert(statistics).values(flow_id=flow_id, **values))


DAYS: tuple[Row, ...] = (
    (100, Measure.TRACES, "", 0, 7),
    (100, Measure.COMPLETE, "", 0, 5),
    (100, Measure.DURATION, "", 12, 3),
    (100, Measure.DURATION, "", 15, 2),
    (100, Measure.REACHED, "Task_1", 0, 70),
    (102, Measure.TRACES, "", 0, 2),
    (102, Measure.DEVIATING, "", 0, 1),
    (103, Measure.TRACES, "", 0, 0),
)


async def test_a_flow_is_told_over_all_its_versions(store: SqlStore) -> None:
    first, second = await deployed(store, "order"), await deployed(store, "order", b"<b/>")
    other = await deployed(store, "other")
    await write(store, first, *DAYS)
    await write(store, second, (102, Measure.TRACES, "", 0, 10), (102, Measure.DURATION, "", 15, 1))
    await write(store, other, (99, Measure.TRACES, "", 0, 4))
    assert await store.views.trends(100) == {"order": FlowTrend(19, 5, 1, {12: 3, 15: 3}, {100: 7, 102: 12})}
    assert (await store.views.trends(102))["order"] == FlowTrend(12, 0, 1, {15: 1}, {102: 12})
    assert list(await store.views.trends(0)) == ["order", "other"]


async def test_days_of_versions_are_in_order_and_bounded(store: SqlStore) -> None:
    first, second = await deployed(store, "order"), await deployed(store, "order", b"<b/>")
    await write(store, first, *DAYS)
    await write(store, second, (102, Measure.TRACES, "", 0, 10))
    assert await store.views.daily([first]) == [DayRow(100, 7, 5, 0), DayRow(102, 2, 0, 1)]
    assert await store.views.daily([first, second], 101) == [DayRow(102, 12, 0, 1)]
    assert await store.views.daily([]) == []


async def test_versions_say_how_many_traces_they_have(store: SqlStore) -> None:
    first, second = await deployed(store, "order"), await deployed(store, "order", b"<b/>")
    third = await deployed(store, "order", b"<c/>")
    await write(store, first, *DAYS)
    await write(store, await deployed(store, "other"), (100, Measure.TRACES, "", 0, 50))
    found = [(row.id, row.active, row.traces) for row in await store.views.versions("order")]
    assert found == [(third, True, 0), (first, False, 9)]
    assert second not in [row.id for row in await store.views.versions("order")]


async def test_variants_that_have_traces_are_counted(store: SqlStore) -> None:
    first, second = await deployed(store, "order"), await deployed(store, "order", b"<b/>")
    async with store._write() as transaction:
        for flow_id, variant, traces in ((first, "a", 3), (first, "b", 0), (second, "a", 1)):
            values = {"variant": variant, "labels": "A", "traces": traces, "deviating": 0, "duration": 5}
            await transaction.execute(insert(variants).values(flow_id=flow_id, **values))
    assert await store.views.variant_count([first]) == 1
    assert await store.views.variant_count([first, second]) == 2

"""Kept attributes: traces are found by them through merges, and they go with their chains."""

import asyncio
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import func, select

from monitor.errors import InvalidInput, StorageConflict
from monitor.storage.base import KeyGroup, Placement
from monitor.storage.sql import SqlStore
from monitor.storage.tables import trace_attributes
from monitor.storage.views import TraceFilter
from tests.contract.store_harness import Said, an_event, an_update, asked, at, place, put, seen_as


def keeping(**kept: object) -> Said:
    return Said(kept=orjson.dumps({name.replace("__", "."): value for name, value in kept.items()}).decode())


async def found(store: SqlStore, search: str) -> set[str]:
    return {row.key for row in (await store.views.traces(TraceFilter(search=search))).rows}


async def stored(store: SqlStore) -> int:
    async with store._read() as transaction:
        ((count,),) = await transaction.rows(select(func.count()).select_from(trace_attributes))
    return int(count)


async def test_traces_are_found_by_path_by_last_segment_and_by_value(store: SqlStore) -> None:
    await place(
        store, "a", ("order", "o-1"), said=keeping(data__amount=12.5, data__to={"country": "New Zealand"})
    )
    await place(store, "b", ("order", "o-2"), said=keeping(data__amount=7, data__country="NL"))
    await place(store, "c", ("order", "o-3"))
    for search in ("data.amount=12.50", "amount=12.5", "12.5", 'country="New Zealand"', '"New Zealand"'):
        assert await found(store, search) == {"o-1"}, search
    assert await found(store, "country=NL amount=7") == {"o-2"}
    for search in ("country=NL amount=12.5", "mount=7", "country=nl", "New", "data.to=x", "amount=o-1"):
        assert await found(store, search) == set(), search
    assert await found(store, "order=o-1 amount=12.5") == {"o-1"}


async def test_nothing_kept_writes_nothing(store: SqlStore) -> None:
    await place(store, "a", ("order", "o-1"))
    await place(store, "b", ("order", "o-1"), said=Said(kept='{"data.x":null,"data.y":{}}'))
    assert await stored(store) == 0


async def test_the_same_told_again_is_stored_once(store: SqlStore) -> None:
    for number in range(3):
        await place(store, f"e{number}", ("order", "o-1"), said=keeping(country="NL"))
    assert await stored(store) == 1


async def test_one_event_of_two_flows_is_found_in_both(store: SqlStore) -> None:
    event = an_event("both")
    seen = [seen_as(event, (flow, f"{flow}-1"), flow=flow) for flow in ("order", "returns")]
    async with store.ingest() as batch:
        await batch.fresh([asked(event)])
        await batch.events([event], ['{"country":"NL"}'])
        chains = await batch.chains([KeyGroup(one.flow, one.keys) for one in seen], {})
        updates, placements = [], []
        for chain, one in zip(chains, seen, strict=True):
            trace = await batch.new_trace(chain, one.keys[0].value, 1)
            trace.first = trace.last = one.time
            updates.append(an_update(trace, Said()))
            placements.append(Placement(trace.id, one, fresh=True))
        await batch.save(updates, placements)
    assert await found(store, "country=NL") == {"order-1", "returns-1"}
    rows = (await store.views.traces(TraceFilter(search="country=NL", flow="returns"))).rows
    assert [row.key for row in rows] == ["returns-1"]


@pytest.mark.parametrize("few", [5000, 0], ids=["few", "many"])
async def test_merged_traces_are_found_by_what_either_held(
    store: SqlStore, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.storage.trace_search.FEW", few)
    await place(store, "a", ("order", "o-1"), time=at(0), said=keeping(country="NL"))
    await place(store, "b", ("payment", "p-1"), time=at(1), said=keeping(bank="A"))
    await place(store, "c", ("parcel", "x-1"), time=at(2), said=keeping(carrier="C"))
    await place(store, "d", ("payment", "p-1"), ("parcel", "x-1"), time=at(3), said=keeping(step="one"))
    await place(store, "e", ("order", "o-1"), ("parcel", "x-1"), time=at(4), said=keeping(step="two"))
    for search in ("country=NL", "bank=A", "carrier=C", "step=one", "step=two", "NL bank=A order=o-1"):
        assert await found(store, search) == {"o-1"}, search


async def test_they_go_with_their_chain(store: SqlStore) -> None:
    complete = Said(complete=True, kept='{"country":"NL"}')
    await place(store, "a", ("order", "o-1"), time=at(0), said=complete)
    await place(store, "b", ("payment", "p-1"), time=at(1), said=Said(complete=True, kept='{"bank":"A"}'))
    await place(store, "c", ("order", "o-1"), ("payment", "p-1"), time=at(2), said=complete)
    await place(store, "d", ("order", "o-2"), time=at(50), said=complete)
    assert await stored(store) == 3
    assert await store.purge_traces(timedelta(minutes=30), at(60), 100) == 1
    assert await stored(store) == 1
    assert await found(store, "country=NL") == {"o-2"}


async def test_hostile_data_is_stored_and_found(store: SqlStore) -> None:
    values = [
        "'; DROP TABLE traces; --",
        "\u202e<script>",
        "\x1a0041",
        "\U0001f600" * 5000,
        "a" * 100_000,
        '"\\',
    ]
    names = ["%_", "a.b.", "\u0000x", "n" * 9000, "", "=", 'q"']
    for number, value in enumerate(values):
        data = orjson.dumps(dict.fromkeys(names, value)).decode()
        await place(store, f"e{number}", ("order", f"o-{number}"), said=Said(kept=data))
        assert await stored(store) == len(names) * (number + 1)
    for number, value in enumerate(values[:3]):
        quoted = value.replace('"', '\\"')
        assert await found(store, f'"{quoted}"') == {f"o-{number}"}
        assert await found(store, f'%_="{quoted}"') == {f"o-{number}"}


async def test_of_many_kinds_the_whole_path_is_asked_for(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.storage.trace_search.MOST_NAMES", 3)
    await place(store, "a", ("order", "o-1"), said=keeping(a=1, b=1, c=1, data__z=9))
    assert await found(store, "data.z=9") == {"o-1"}
    with pytest.raises(InvalidInput, match="more than 3"):
        await found(store, "z=9")


async def test_workers_that_keep_the_same_at_once_neither_lose_nor_lock(store: SqlStore) -> None:
    async def worker(number: int) -> None:
        for step in range(6):
            order, other = f"o-{(number + step) % 3}", f"o-{(number * 2 + step) % 3}"
            first, second = (an_event(f"{number}-{step}-{part}", time=at(step)) for part in "ab")
            said = keeping(country="NL", step=step, worker=number)
            for _ in range(20):
                try:
                    await put(
                        store,
                        (first, seen_as(first, ("order", order))),
                        (second, seen_as(second, ("order", other))),
                        said=said,
                    )
                    break
                except StorageConflict:
                    await asyncio.sleep(0.01)
            else:
                raise AssertionError("never got through")

    await asyncio.wait_for(asyncio.gather(*(worker(number) for number in range(4))), 120)
    assert await found(store, "country=NL") == {"o-0", "o-1", "o-2"}
    assert await found(store, "worker=3 step=5") <= {"o-0", "o-1", "o-2"}

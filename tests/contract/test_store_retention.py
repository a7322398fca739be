"""What is kept too long is deleted, whole and nothing else, on both dialects."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Table, select

from monitor.domain.event import InboxReason, Key, Misfit
from monitor.domain.verdict import Clock, ClockState
from monitor.errors import StorageConflict, StorageUnavailable
from monitor.storage.base import KeyGroup, Placement
from monitor.storage.linking import Linking
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.tables import (
    clocks,
    events,
    findings,
    inbox,
    inbox_groups,
    observations,
    seen,
    trace_keys,
    traces,
)
from monitor.storage.views import TraceFilter
from tests.contract.store_harness import (
    Said,
    TickingClock,
    a_clock,
    a_finding,
    an_event,
    an_update,
    asked,
    at,
    claim,
    place,
    put,
    seen_as,
)
from tests.support.shop import BOTH_KEYS, NOON, counts_agree, shop, start, told

DONE = Said([a_finding()], [a_clock(ClockState.MET, ended=at(1))], conforms=False, complete=True)
HOUR = timedelta(hours=1)


async def rows(store: SqlStore, table: Table) -> list[Any]:
    async with store._read() as transaction:
        return list(await transaction.rows(select(table)))


async def consistent(store: SqlStore) -> None:
    """Nothing refers to what is not there, nothing is left that nobody refers to, the counts are right."""
    there = {row.id: row for row in await rows(store, traces)}
    placed = await rows(store, observations)
    known = {row.id for row in await rows(store, events)}
    for row in there.values():
        assert row.chain_id in there
        assert row.merged_into is None or row.merged_into in there
    living = {row.chain_id for row in there.values() if row.merged_into is None}
    assert living == {row.chain_id for row in there.values()}
    held = Counter(row.trace_id for row in placed)
    assert held == {row.id: row.events for row in there.values() if row.events}
    assert {row.event for row in placed} == known
    assert {row.trace_id for table in (findings, clocks) for row in await rows(store, table)} <= there.keys()
    assert {row.trace_id for row in await rows(store, trace_keys)} <= there.keys()
    assert {row.identity for row in await rows(store, events)} <= {
        row.digest for row in await rows(store, seen)
    }
    await counts_agree(store, purged=True)
    totals = await store.views.totals()
    assert totals.events == len(known)
    messages = await rows(store, inbox)
    assert totals.inbox == len(messages)
    groups = {(one.reason, one.type, one.source): one.count for one in await store.views.inbox_groups()}
    assert groups == Counter((row.reason, row.type, row.source) for row in messages)
    assert all(row._mapping["count"] > 0 for row in await rows(store, inbox_groups))


async def listed(store: SqlStore) -> list[str]:
    return sorted(row.key for row in (await store.views.traces(TraceFilter(), limit=200)).rows)


async def test_old_complete_traces_go_with_all_they_hold(store: SqlStore) -> None:
    await place(store, "a", ("order", "old"), ("payment", "p-1"), said=DONE, time=at(0))
    await place(store, "b", ("order", "open"), said=Said([a_finding()], [a_clock()]), time=at(0))
    await place(store, "c", ("order", "new"), said=DONE, time=at(5))
    await store.confirm_findings({"order": at(99)}, at(99), 99)
    assert (await store.views.totals()).deviating == 3
    assert await store.purge_traces(HOUR, at(60), 100) == 0
    assert await store.purge_traces(HOUR, at(60) + timedelta(microseconds=1), 100) == 1
    assert await listed(store) == ["new", "open"]
    assert (await store.views.totals()).deviating == 2
    assert {row.value for row in await rows(store, trace_keys)} == {"open", "new"}
    assert {row.event_id for row in await rows(store, events)} == {"b", "c"}
    assert len(await rows(store, findings)) == 2
    assert len(await rows(store, clocks)) == 2
    assert (await store.views.traces(TraceFilter(search="p-1"))).rows == []
    await consistent(store)


def armed(clock: Clock) -> Said:
    return Said([a_finding()], [clock], conforms=False)


STUCK = armed(a_clock(ClockState.BREACHED, due=at(-1)))


async def test_traces_that_never_became_complete_go_in_the_end(store: SqlStore) -> None:
    await place(store, "a", ("order", "stuck"), said=STUCK, time=at(0))
    await place(store, "b", ("order", "waiting"), said=armed(a_clock(due=at(500))), time=at(0))
    await place(store, "c", ("order", "new"), said=STUCK, time=at(30))
    await place(store, "d", ("order", "done"), said=DONE, time=at(0))
    await place(store, "e", ("order", "other"), flow="returns", said=STUCK, time=at(0))
    await store.confirm_findings({"order": at(99), "returns": at(99)}, at(99), 99)
    await consistent(store)

    # what was not read yet may hold the next event of any of them
    assert await store.purge_open(HOUR, {}, at(999), 100) == 0
    assert await store.purge_open(HOUR, {"order": at(60)}, at(999), 100) == 0
    assert await store.purge_open(HOUR, {"order": at(999)}, at(60), 100) == 0
    assert await store.purge_open(HOUR, {"order": at(61)}, at(61), 100) == 1
    assert await listed(store) == ["done", "new", "other", "waiting"]
    await consistent(store)

    assert await store.purge_open(HOUR, {"order": at(999), "returns": at(999)}, at(999), 1) == 1
    assert await store.purge_open(HOUR, {"order": at(999), "returns": at(999)}, at(999), 100) == 1
    assert await listed(store) == ["done", "waiting"]
    await consistent(store)

    late = an_event("a", time=at(0))
    assert [answer.fresh for answer in await claim(store, late)] == [False]
    await place(store, "f", ("order", "stuck"), time=at(98))
    assert await listed(store) == ["done", "stuck", "waiting"]

    assert len(await store.sweep_clocks({"order": at(501)}, at(501), 9)) == 1
    assert await store.purge_open(HOUR, {"order": at(9999)}, at(9999), 100) == 2
    assert await listed(store) == ["done"]
    await consistent(store)


async def test_an_open_trace_goes_from_a_chain_that_goes_on(store: SqlStore) -> None:
    pipeline = await start(store, shop())
    for begin in (0, 100):  # the first never ends
        names = ("OrderPlaced", "PaymentRequested", "PaymentReceived", "ItemsPicked", "ParcelPacked")
        for step, name in enumerate((*names, "GoodsShipped", "InvoiceSent", "OrderCompleted")):
            if begin or step < 3:
                await pipeline.process([told(name, begin + step, "o", payment="p")])
    before = (await store.views.traces(TraceFilter())).rows
    read = {"order": NOON + timedelta(days=9)}
    while await store.sweep_clocks(read, NOON + timedelta(days=9), 100):
        pass
    gone = await store.purge_open(HOUR, read, NOON + timedelta(days=9), 100)
    after = (await store.views.traces(TraceFilter())).rows
    assert [row.id for row in after] == [row.id for row in before if row.complete]
    assert gone == len(before) - len(after)
    await consistent(store)


async def test_open_trace_stays_until_its_clock_is_judged(store: SqlStore) -> None:
    await place(store, "a", ("order", "o"), said=Said([], [a_clock()]), time=at(0))
    (clock,) = await rows(store, clocks)
    assert clock.next_at is not None
    late = clock.due + timedelta(days=9)
    assert await store.purge_open(HOUR, {"order": late}, late, 100) == 0  # past due, and nobody has judged it
    while await store.sweep_clocks({"order": late}, late, 100):
        pass
    assert [row.state for row in await rows(store, clocks)] == [ClockState.BREACHED]
    to_be_told = clock.due + HOUR
    assert await store.purge_open(HOUR, {"order": late}, to_be_told, 100) == 0
    assert await store.purge_open(HOUR, {"order": late}, late, 100) == 1
    assert await rows(store, clocks) == await rows(store, traces) == []
    await consistent(store)


async def test_key_of_a_deleted_trace_begins_a_new_one(store: SqlStore) -> None:
    gone = await place(store, "a", ("order", "o-1"), said=DONE, time=at(0))
    await store.purge_traces(HOUR, at(99), 100)
    assert await store.views.trace(gone) is None
    again = await place(store, "b", ("order", "o-1"), time=at(98))
    assert again != gone
    assert await listed(store) == ["o-1"]
    await consistent(store)


async def test_absorbed_traces_go_with_their_chain(store: SqlStore) -> None:
    late = await place(store, "a", ("payment", "p"), time=at(5))
    early = await place(store, "b", ("order", "o"), time=at(1), said=DONE)
    await place(store, "c", ("order", "o"), ("payment", "p"), time=at(6), said=DONE)
    assert (await store.views.trace(late)).merged_into == early  # type: ignore[union-attr]
    await consistent(store)
    assert await store.purge_traces(HOUR, at(99), 100) == 1
    for table in (traces, trace_keys, observations, events, findings, clocks):
        assert await rows(store, table) == []


async def test_event_of_two_traces_goes_with_the_last(store: SqlStore) -> None:
    """One event may be seen by several flows."""
    event, alone = an_event("e1", time=at(0)), an_event("e2", time=at(1))
    async with store.ingest() as batch:
        await batch.fresh([asked(event), asked(alone)])
        await batch.events([event, alone], [None, None])
        groups = [KeyGroup(flow, (Key("order", "o"),)) for flow in ("order", "returns")]
        updates, placements = [], []
        for chain, ones in zip(
            await batch.chains(groups, {"order": 1, "returns": 1}), ([event], [event, alone]), strict=True
        ):
            trace = await batch.new_trace(chain, "o", 1)
            trace.events, trace.first, trace.last = len(ones), at(0), ones[-1].time
            complete = chain.flow == "order"
            updates.append(an_update(trace, Said([], conforms=True, complete=complete)))
            placements += [Placement(trace.id, seen_as(one, flow=chain.flow), True) for one in ones]
        await batch.save(updates, placements)
    await consistent(store)
    assert await store.purge_traces(HOUR, at(99), 100) == 1
    await consistent(store)
    assert len(await rows(store, events)) == 2
    async with store.ingest() as batch:
        (chain,) = await batch.chains([KeyGroup("returns", (Key("order", "o"),))], {"returns": 1})
        await batch.save([an_update(chain.traces[0], Said([], complete=True))], [])
    assert await store.purge_traces(HOUR, at(99), 100) == 1
    assert await rows(store, events) == []
    await consistent(store)


async def test_chain_goes_on_without_its_first_trace(store: SqlStore) -> None:
    """A key that is used again and again: old traces go, one after the other, the newest stays."""
    pipeline = await start(store, shop())
    names = [
        *("OrderPlaced", "PaymentRequested", "PaymentReceived", "ItemsPicked"),
        *("ParcelPacked", "GoodsShipped", "InvoiceSent", "OrderCompleted"),
    ]

    async def order(begin: float) -> None:
        for step, name in enumerate(names):
            key = (
                {"order": None, "payment": "p"}
                if name == "PaymentReceived"
                else {"order": "o", "payment": "p"}
            )
            await pipeline.process([told(name, begin + step, **key)])

    for begin in (0, 100, 200):
        await order(begin)
    first, second, third = [row.id for row in reversed((await store.views.traces(TraceFilter())).rows)]
    await consistent(store)

    assert await store.purge_traces(HOUR, NOON + timedelta(minutes=90), 100) == 1
    assert await store.views.trace(first) is None
    await consistent(store)
    detail = await store.views.trace(third)
    assert detail is not None
    assert [row.id for row in detail.siblings] == [second]
    assert [row.id for row in (await store.views.traces(TraceFilter(search="order=o"))).rows] == [
        third,
        second,
    ]

    await order(300)  # new, at the end
    await pipeline.process([told("ItemsPicked", 103.5, "o", id="late")])  # a replay of all that is left
    rows_ = (await store.views.traces(TraceFilter())).rows
    assert [row.id for row in rows_][1:] == [third, second]
    assert [(row.conforms, row.events) for row in rows_] == [(True, 8), (True, 8), (False, 9)]
    await consistent(store)

    assert await store.purge_traces(HOUR, NOON + timedelta(minutes=190), 100) == 1
    assert await store.purge_traces(HOUR, NOON + timedelta(minutes=290), 100) == 1
    assert len((await store.views.traces(TraceFilter())).rows) == 1
    await consistent(store)
    assert await store.purge_traces(HOUR, NOON + timedelta(days=9), 100) == 1
    assert await rows(store, traces) == []
    await consistent(store)


async def test_chain_without_its_first_trace_may_merge(store: SqlStore) -> None:
    settings = shop().model_validate({**shop().model_dump(by_alias=True), "events": BOTH_KEYS})
    for emptied_begins in (True, False):
        name = f"o-{emptied_begins}"
        pipeline = await start(store, settings)
        whole = ["OrderPlaced", "PaymentRequested", "PaymentReceived", "ItemsPicked", "ParcelPacked"]
        whole += ["GoodsShipped", "InvoiceSent", "OrderCompleted"]
        for begin in (0, 100):
            for step, label in enumerate(whole):
                await pipeline.process([told(label, begin + step, name)])
        await store.purge_traces(HOUR, NOON + timedelta(minutes=90), 100)
        other = 300 if emptied_begins else 50
        await pipeline.process([told("PaymentReceived", other, None, payment=name)])
        await consistent(store)
        await pipeline.process([told("PaymentRequested", other - 1, name, payment=name)])
        await consistent(store)
    await store.purge_traces(timedelta(microseconds=1), NOON + timedelta(days=1), 100)
    await consistent(store)


async def test_repeat_of_a_deleted_event_is_known_for_as_long(store: SqlStore) -> None:
    """``seen`` is kept until the retention time after the reception: here 13:00 and some seconds."""
    old = an_event("old", time=at(-600))
    await put(store, (old, seen_as(old, ("order", "o"))), said=DONE)
    assert await store.purge_traces(HOUR, at(61), 100) == 1
    assert await rows(store, events) == []
    assert [answer.fresh for answer in await claim(store, old)] == [False]
    assert await store.forget_seen(at(119), 100) == 0
    assert [answer.fresh for answer in await claim(store, old)] == [False]
    assert await store.forget_seen(at(122), 100) == 1
    assert [answer.fresh for answer in await claim(store, old)] == [True]


async def test_long_received_events_are_forgotten_at_once(store: SqlStore) -> None:
    old = an_event("old", time=at(-600))
    await put(store, (old, seen_as(old, ("order", "o"))), said=DONE)
    assert await store.purge_traces(HOUR, at(999), 100) == 1
    assert await rows(store, seen) == []


async def test_batches_are_bounded(store: SqlStore) -> None:
    for number in range(7):
        await place(store, f"e{number}", ("order", f"o-{number}"), said=DONE, time=at(number))
    assert [await store.purge_traces(HOUR, at(999), 3) for _ in range(4)] == [3, 3, 1, 0]
    assert [await store.forget_seen(at(9999), 3) for _ in range(1)] == [0]
    await consistent(store)


async def misfits(store: SqlStore, *several: Misfit) -> None:
    async with store.ingest() as batch:
        await batch.misfits(several)


async def again(task: Callable[[], Awaitable[object]]) -> None:
    """As the pipeline does: what another worker got in between of is tried again."""
    while True:
        try:
            await task()
        except StorageUnavailable:
            continue
        return


def misfit(number: int, source: str = "shop") -> Misfit:
    event = an_event(f"m{number}", type=f"T{number % 2}", source=source, received=at(number))
    return Misfit(event.delivery, InboxReason.UNMAPPED, f"d{number}", "mend", event.type, event)


async def test_inbox_is_emptied_by_age(store: SqlStore) -> None:
    for number in range(12):
        await misfits(store, misfit(number, "shop" if number < 9 else "web"))
    assert (await store.inbox_count("shop"), await store.inbox_count("web")) == (9, 3)
    assert await store.inbox_count("none") == 0
    assert [await store.purge_inbox(HOUR, at(67), 4) for _ in range(3)] == [4, 3, 0]
    assert (await store.inbox_count("shop"), await store.inbox_count("web")) == (2, 3)
    await consistent(store)
    shown = {(one.type, one.source): (one.count, one.last) for one in await store.views.inbox_groups()}
    assert shown[("T1", "shop")] == (1, at(7))
    assert shown[("T0", "shop")] == (1, at(8))
    await store.purge_inbox(HOUR, at(999), 100)
    assert await store.views.inbox_groups() == []
    assert (await store.views.totals()).inbox == 0


async def test_chain_deleted_between_look_and_lock_is_a_conflict(
    migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the new trace would stand there without the key that leads to it."""
    store = await open_store(migrated_postgres_url, now=TickingClock())
    other = await open_store(migrated_postgres_url, now=TickingClock())
    await place(store, "a", ("order", "o"), said=DONE, time=at(0))
    lock = Linking._lock

    async def late(linking: Linking, roots: set[int]) -> dict[int, Any]:
        await other.purge_traces(HOUR, at(99), 10)
        return await lock(linking, roots)

    with monkeypatch.context() as patched:
        patched.setattr(Linking, "_lock", late)
        with pytest.raises(StorageConflict):
            await place(store, "b", ("order", "o"), time=at(98))
    await place(store, "b", ("order", "o"), time=at(98))
    await consistent(store)
    await store.close()
    await other.close()


@pytest.mark.parametrize("seed", [1, 2])
async def test_purging_beside_batches(store_url: str, store: SqlStore, seed: int) -> None:
    """Batches of keys that come again, two purgers, a sweep: afterwards everything is whole, and nothing was
    lost that had to stay."""
    dice = random.Random(seed)
    others = [await open_store(store_url, now=TickingClock()) for _ in range(2)]
    busy = 2
    purged = 0

    async def write(writer: SqlStore, name: str) -> None:
        nonlocal busy
        for number in itertools.count():
            if number >= 60 and purged > 5:
                break
            keys = [("order", f"o-{number // 4 + dice.randrange(3)}")]
            if dice.random() < 0.2:
                keys.append(("payment", f"p-{number // 4}"))
            old = dice.random() < 0.95
            event = an_event(f"{name}{number}", time=at(0 if old else 500))
            said = DONE if dice.random() < 0.8 else Said([a_finding()], conforms=False)
            await again(partial(put, writer, (event, seen_as(event, *keys)), said=said))
            if number % 5 == 0:
                await again(partial(misfits, writer, misfit(number, name)))
        busy -= 1

    async def purge(purger: SqlStore) -> None:
        nonlocal purged
        while busy:
            try:
                purged += await purger.purge_traces(HOUR, at(90), 3)
                purged += await purger.purge_open(HOUR, {"order": at(90)}, at(90), 3)
                await purger.purge_inbox(HOUR, at(80), 3)
                await purger.forget_seen(at(90), 3)
                await purger.confirm_findings({"order": at(999)}, at(999), 5)
            except StorageUnavailable:
                continue

    async with asyncio.timeout(60):
        await asyncio.gather(write(store, "a"), write(others[0], "b"), purge(store), purge(others[1]))
    for other in others:
        await other.close()
    await consistent(store)
    await store.purge_traces(HOUR, at(9999), 1000)
    await store.purge_inbox(HOUR, at(9999), 1000)
    await consistent(store)
    assert all(not row.complete for row in (await store.views.traces(TraceFilter())).rows)
    await store.purge_open(HOUR, {"order": at(9999)}, at(9999), 1000)
    await consistent(store)
    assert await listed(store) == []

"""The write side of the store, on PostgreSQL and SQLite alike."""

import asyncio
from dataclasses import replace

import psycopg
import pytest

from monitor.domain.event import Delivery, InboxReason, Key, Misfit, Position
from monitor.errors import StorageConflict, StorageUnavailable
from monitor.storage.base import Freshness, KeyGroup, Placement
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.views import TraceFilter
from tests.contract.store_harness import NOON, Said, an_event, an_update, at, claim, place, put, seen_as

FRESH, REPEAT, REUSED = Freshness(True), Freshness(False), Freshness(False, reused=True)


# once only ------------------------------------------------------------------------------------------------


async def test_event_is_fresh_once(store: SqlStore) -> None:
    assert await claim(store, an_event("a"), an_event("b")) == [FRESH, FRESH]
    assert await claim(store, an_event("b"), an_event("c")) == [REPEAT, FRESH]


async def test_repeats_inside_a_batch(store: SqlStore) -> None:
    one, two = an_event("a", data={"n": 1}), an_event("a", data={"n": 2})
    assert await claim(store, one, one, two) == [FRESH, REPEAT, REUSED]


async def test_id_used_again_for_something_else(store: SqlStore) -> None:
    await claim(store, an_event("a", data={"n": 1}))
    assert await claim(store, an_event("a", data={"n": 2}), an_event("a", data={"n": 1})) == [REUSED, REPEAT]


async def test_exact_position_is_recognised_without_id(store: SqlStore) -> None:
    place = Position("orders", partition=0, offset=7)
    assert await claim(store, an_event(position=place)) == [FRESH]
    again = an_event(position=place, data="whatever it says now")
    assert await claim(store, again, an_event(position=place._replace(offset=8))) == [REPEAT, FRESH]


async def test_redelivered_without_id_is_recognised_by_content(store: SqlStore) -> None:
    first = an_event(data={"n": 1}, position=Position("q", receipt="1"))
    await claim(store, first, an_event("with-id", data={"n": 2}))
    same = an_event(data={"n": 1}, position=Position("q", receipt="2"))
    again = an_event(data={"n": 1}, position=Position("q", receipt="3"), redelivered=True)
    other = an_event(data={"n": 2}, position=Position("q", receipt="4"), redelivered=True)
    assert await claim(store, same, again, other) == [FRESH, REPEAT, FRESH]
    assert await claim(store, other._replace(identity=b"x" * 16)) == [REPEAT]


async def test_claims_of_a_failed_batch_are_free_again(store: SqlStore) -> None:
    class Broken(Exception):
        pass

    async def fail() -> None:
        raise Broken

    event = an_event("a")
    before = await store.views.totals()
    with pytest.raises(Broken):
        await put(store, (event, seen_as(event, ("order", "o-1"))), before_commit=fail)
    assert await store.views.totals() == before
    assert (await store.views.traces(TraceFilter())).rows == []
    assert (await store.views.traces(TraceFilter(search="o-1"))).rows == []
    await put(store, (event, seen_as(event, ("order", "o-1"))))
    assert len((await store.views.traces(TraceFilter())).rows) == 1


async def test_large_batch(store: SqlStore) -> None:
    observed = []
    for number in range(3000):
        event = an_event(f"e-{number}", time=at(number / 100))
        observed.append((event, seen_as(event, ("order", f"o-{number % 1000}"))))
    await put(store, *observed)
    await put(store, *observed)
    totals = await store.views.totals()
    assert (totals.events, totals.traces) == (3000, 1000)


# linking --------------------------------------------------------------------------------------------------


async def test_same_key_same_chain(store: SqlStore) -> None:
    first = await place(store, "e1", ("order", "o-1"))
    assert await place(store, "e2", ("order", "o-1")) == first
    assert await place(store, "e3", ("order", "o-2")) != first
    assert await place(store, "e4", ("payment", "o-1")) != first
    assert await place(store, "e5", ("order", "o-1"), flow="returns") != first


async def test_linked_keys_lead_to_one_chain(store: SqlStore) -> None:
    first = await place(store, "e1", ("order", "o-1"), ("payment", "p-1"))
    assert await place(store, "e2", ("payment", "p-1")) == first
    assert await place(store, "e3", ("payment", "p-1"), ("parcel", "x")) == first
    assert await place(store, "e4", ("parcel", "x")) == first
    detail = await store.views.trace(first)
    assert detail is not None
    assert detail.keys == (Key("order", "o-1"), Key("parcel", "x"), Key("payment", "p-1"))


async def test_groups_that_meet_come_back_as_one_chain(store: SqlStore) -> None:
    await place(store, "e1", ("order", "o-1"), ("payment", "p-1"))
    groups = [
        KeyGroup("order", (Key("payment", "p-1"),)),
        KeyGroup("order", (Key("order", "o-2"),)),
        KeyGroup("order", (Key("order", "o-1"), Key("parcel", "x"))),
        KeyGroup("order", (Key("order", "o-2"), Key("parcel", "y"))),
    ]
    async with store.ingest() as batch:
        one, other, same, again = await batch.chains(groups, {"order": 1})
    assert one is same
    assert other is again
    assert len(one.traces) == 1
    assert other.traces == []


async def test_chain_nothing_was_written_for_begins_later(store: SqlStore) -> None:
    async with store.ingest() as batch:
        await batch.chains([KeyGroup("order", (Key("order", "o-1"), Key("payment", "p-1")))], {"order": 1})
    first = await place(store, "e1", ("payment", "p-1"))
    assert await place(store, "e2", ("order", "o-1")) == first
    assert (await store.views.totals()).traces == 1


async def test_keys_no_index_could_hold(store: SqlStore) -> None:
    long, nearly = "k" * 20_000, "k" * 19_999 + "l"
    first = await place(store, "e1", ("order", long))
    assert await place(store, "e2", ("order", nearly)) != first
    assert await place(store, "e3", ("order", long)) == first
    assert await place(store, "e4", ("order", "a\x00b\ud800")) == await place(
        store, "e5", ("order", "a\x00b\ud800")
    )


async def test_traces_of_a_chain_follow_one_another(store: SqlStore) -> None:
    first = await place(store, "e1", ("order", "o-1"), said=Said(complete=True))
    event = an_event("e2", time=at(5))
    async with store.ingest() as batch:
        await batch.events([event], [None])
        (chain,) = await batch.chains([KeyGroup("order", (Key("order", "o-1"),))], {"order": 1})
        second = await batch.new_trace(chain, "o-1", 1)
        second.events, second.first, second.last = 1, event.time, event.time
        await batch.save([an_update(second, Said())], [Placement(second.id, seen_as(event), fresh=True)])
    assert (second.ordinal, second.chain) == (1, first)
    async with store.ingest() as batch:
        (chain,) = await batch.chains([KeyGroup("order", (Key("order", "o-1"),))], {"order": 1})
        stored = await batch.history([chain.id])
    assert [(trace.id, trace.ordinal, trace.complete) for trace in chain.traces] == [
        (first, 0, True),
        (second.id, 1, False),
    ]
    assert sorted(one.event_id or "" for one in stored[chain.id]) == ["e1", "e2"]
    detail = await store.views.trace(second.id)
    assert detail is not None
    assert [row.id for row in detail.siblings] == [first]


async def test_dropped_trace_leads_to_the_first(store: SqlStore) -> None:
    await test_traces_of_a_chain_follow_one_another(store)
    async with store.ingest() as batch:
        (chain,) = await batch.chains([KeyGroup("order", (Key("order", "o-1"),))], {"order": 1})
        (stored,) = (await batch.history([chain.id])).values()
        first, second = chain.traces
        first.events, first.last = 2, at(5)
        placements = [Placement(first.id, one, fresh=False) for one in stored]
        await batch.save([an_update(first, Said())], placements, [second])
    gone, kept = await store.views.trace(second.id), await store.views.trace(first.id)
    assert gone is not None
    assert kept is not None
    assert (gone.merged_into, gone.events) == (first.id, ())
    assert [event.event_id for event in kept.events] == ["e1", "e2"]
    assert kept.siblings == ()
    assert [row.id for row in (await store.views.traces(TraceFilter())).rows] == [first.id]
    assert (await store.views.totals()).traces == 1


# merging --------------------------------------------------------------------------------------------------


async def test_chains_that_turn_out_to_be_one(store: SqlStore) -> None:
    late = await place(store, "e1", ("payment", "p-1"), time=at(5))
    early = await place(store, "e2", ("order", "o-1"), time=at(1))
    event = an_event("e3", time=at(9))
    (chain,) = await put(store, (event, seen_as(event, ("order", "o-1"), ("payment", "p-1"))))
    assert (chain.id, chain.absorbed) == (early, (late,))
    kept, gone = await store.views.trace(early), await store.views.trace(late)
    assert kept is not None
    assert gone is not None
    assert [one.event_id for one in kept.events] == ["e2", "e1", "e3"]
    assert (gone.merged_into, gone.events, kept.row.events) == (early, (), 3)
    assert kept.keys == (Key("order", "o-1"), Key("payment", "p-1"))
    assert (await store.views.totals()).traces == 1
    assert await place(store, "e4", ("payment", "p-1")) == early


async def test_merged_chains_merge_again(store: SqlStore) -> None:
    chains = [await place(store, f"e{n}", ("order", f"o-{n}"), time=at(9 - n)) for n in range(4)]
    assert await place(store, "x1", ("order", "o-0"), ("order", "o-1"), time=at(20)) == chains[1]
    assert await place(store, "x2", ("order", "o-2"), ("order", "o-3"), time=at(20)) == chains[3]
    assert await place(store, "x3", ("order", "o-0"), ("order", "o-2"), time=at(20)) == chains[3]
    for n in range(4):
        assert await place(store, f"y{n}", ("order", f"o-{n}")) == chains[3]
        rows = (await store.views.traces(TraceFilter(search=f"o-{n}"))).rows
        assert [row.id for row in rows] == [chains[3]]
    detail = await store.views.trace(chains[3])
    assert detail is not None
    assert len(detail.events) == 11
    assert len(detail.keys) == 4


async def test_two_workers_merge_the_same_chains(store_url: str, store: SqlStore) -> None:
    """Overlapping keys in opposite orders, many rounds: no event is lost, no key leads astray."""
    other = await open_store(store_url)
    rounds = 12

    async def work(worker: SqlStore, name: str, turn: int) -> None:
        for number in range(rounds):
            keys = [("order", f"o-{number}"), ("payment", f"p-{number}"), ("parcel", f"x-{number}")]
            pairs = [(keys[0], keys[1]), (keys[1], keys[2]), (keys[0],), (keys[2],)][::turn]
            observed = []
            for place_, pair in enumerate(pairs):
                event = an_event(f"{name}-{number}-{place_}", time=at(number + place_ / 10))
                observed.append((event, seen_as(event, *pair)))
            for _ in range(50):
                try:
                    await put(worker, *observed)
                    break
                except StorageConflict:
                    continue
            else:
                raise AssertionError("never got through")

    await asyncio.gather(work(store, "a", 1), work(other, "b", -1))
    await other.close()
    rows = (await store.views.traces(TraceFilter(), limit=500)).rows
    assert [row.events for row in rows] == [8] * rounds
    totals = await store.views.totals()
    assert (totals.traces, totals.events) == (rounds, rounds * 8)
    for row in rows:
        detail = await store.views.trace(row.id)
        assert detail is not None
        assert len(detail.events) == 8
        assert len(detail.keys) == 3


# inbox ----------------------------------------------------------------------------------------------------


def a_misfit(body: bytes, position: Position, redelivered: bool = False) -> Misfit:
    delivery = Delivery(
        "shop", body, position, NOON, headers={"h": b"\xff", "n": "x\x00"}, redelivered=redelivered
    )
    return Misfit(delivery, InboxReason.UNDECODABLE, "It is no JSON.", "Send JSON.", type=None)


async def test_misfit_is_kept_whole_and_once(store: SqlStore) -> None:
    numbered = a_misfit(b"\x00\xff{", Position("orders", partition=1, offset=4))
    queued = a_misfit(b"{", Position("q", receipt="1"))
    for _ in range(2):
        async with store.ingest() as batch:
            await batch.misfits([numbered, queued, numbered])
    async with store.ingest() as batch:
        await batch.misfits([a_misfit(b"{", Position("q", receipt="2"), redelivered=True)])
        await batch.misfits([a_misfit(b"{", Position("q", receipt="3"))])
    rows = (await store.views.inbox()).rows
    assert [(row.offset, row.size) for row in rows] == [(None, 1), (None, 1), (4, 3)]
    whole = [await store.views.inbox_item(row.id) for row in rows]
    assert [row and row.body for row in whole] == [b"{", b"{", b"\x00\xff{"]
    assert [row and replace(row, body=b"") for row in whole] == list(rows)
    (group,) = await store.views.inbox_groups()
    assert (group.reason, group.count, group.type) == (InboxReason.UNDECODABLE, 3, None)
    assert (await store.views.totals()).inbox == 3


async def test_misfit_that_comes_again_is_kept_once_however_they_fall_into_batches(store: SqlStore) -> None:
    """A connection that is lost hands over again what was fetched and not acknowledged."""
    first = a_misfit(b"{", Position("q", receipt="a-1"))
    again = a_misfit(b"{", Position("q", receipt="b-1"), redelivered=True)
    once_more = a_misfit(b"{", Position("q", receipt="c-1"), redelivered=True)
    other = a_misfit(b"[", Position("q", receipt="b-2"), redelivered=True)
    async with store.ingest() as batch:
        await batch.misfits([first, again, other, once_more])
    assert sorted(row.size for row in (await store.views.inbox()).rows) == [1, 1]
    assert (await store.views.totals()).inbox == 2


# away -----------------------------------------------------------------------------------------------------


async def test_killed_connection_is_unavailable_then_well_again(migrated_postgres_url: str) -> None:
    store = await open_store(migrated_postgres_url)

    async def kill() -> None:
        with psycopg.connect(migrated_postgres_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )

    event = an_event("a")
    observed = (event, seen_as(event, ("order", "o-1")))
    with pytest.raises(StorageUnavailable):
        await put(store, observed, before_commit=kill)
    await put(store, observed)
    assert len((await store.views.traces(TraceFilter())).rows) == 1
    await kill()
    assert (await store.views.totals()).events == 1
    await store.close()


async def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(StorageUnavailable):
        await open_store("postgresql://nobody@127.0.0.1:1/none")

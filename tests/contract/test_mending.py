"""Replaying the inbox counts everything once, whoever clicks, whatever comes meanwhile, wherever it is
breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest

from monitor.assembly import known_labels, rules_of
from monitor.domain.event import Delivery, InboxReason, Position
from monitor.errors import StorageConflict
from monitor.mending.base import Fate
from monitor.mending.mender import Mender
from monitor.pipeline import Pipeline
from monitor.settings import EventRule, Settings
from monitor.storage.mending import InboxPart
from monitor.storage.sql import SqlStore
from tests.support.shop import NOON, counts_agree, shop, start, stored, told

ODD = "com.shop.PaymentCameIn"
MENDED = (
    {"match": {"type": "com.shop.PaymentCameIn"}, "as": "PaymentReceived", "keys": {"order": "data.orderId"}},
)
RULES = {"match": {"type": "com.shop.*"}, "keys": {"order": "data.orderId", "payment": "data.paymentId"}}


def configured(*rules: dict[str, Any]) -> Settings:
    return shop(events=tuple(EventRule.model_validate(rule) for rule in (*rules, RULES)))


async def mender(store: SqlStore, *rules: dict[str, Any]) -> Mender:
    settings = configured(*rules)
    pipeline = await start(store, settings)
    return mender_of(pipeline, settings)


def mender_of(pipeline: Pipeline, settings: Settings) -> Mender:
    flows = [expected.flow for expected in pipeline.flows.active.values()]
    store: Any = pipeline.store
    return Mender(pipeline, store.inbox, settings, known_labels(flows), rules_of(settings))


def odd(order: str, minute: float = 1, **rest: Any) -> Delivery:
    """What only the mended configuration knows."""
    delivery = told("PaymentCameIn", minute, order)
    return delivery._replace(**rest)


def plain(order: str, receipt: str, *, redelivered: bool = False, amount: int = 1) -> Delivery:
    """A message that only its bytes and its receipt tell apart."""
    body = {
        "type": ODD,
        "orderId": order,
        "amount": amount,
        "time": (NOON + timedelta(minutes=1)).isoformat(),
    }
    return Delivery(
        "shop-rabbit", orjson.dumps({**body, "data": body}), Position("q", receipt=receipt), NOON,
        redelivered=redelivered,
    )  # fmt: skip


async def numbers(store: SqlStore) -> list[int]:
    return sorted(row.id for row in (await store.views.inbox(limit=200)).rows)


async def begun(store: SqlStore, *orders: str) -> list[int]:
    """Orders placed, and paid by an event that nobody knows yet; the numbers of these in the inbox."""
    before = await mender(store)
    await before.pipeline.process([told("OrderPlaced", 0, order) for order in orders])
    await before.pipeline.process([odd(order) for order in orders])
    return await numbers(store)


async def test_replayed_message_joins_its_trace_and_leaves(store: SqlStore) -> None:
    (id_,) = await begun(store, "o-1")
    mended = await mender(store, *MENDED)
    told_ = await mended.replay(id_, "ann")
    assert told_.fate is Fate.PLACED
    assert [one.label for one in told_.observations] == ["PaymentReceived"]
    assert await numbers(store) == []
    (trace,) = await stored(store)
    assert [label for _, label, _ in trace.events] == ["OrderPlaced", "PaymentReceived"]
    assert (await store.views.totals()).inbox == 0
    assert not await store.views.inbox_groups()
    await counts_agree(store)
    (entry,) = (await store.views.audit()).rows
    assert (entry.who, entry.action, entry.subject) == ("ann", "inbox.replay", f"message {id_}")
    assert orjson.loads(entry.detail) == {"placed": [id_]}


async def test_what_still_cannot_be_placed_keeps_its_place(store: SqlStore) -> None:
    (id_,) = await begun(store, "o-1")
    before = await store.views.inbox_item(id_)
    again = await mender(store)
    assert (await again.replay(id_, "ann")).fate is Fate.STAYS
    assert await store.views.inbox_item(id_) == before
    assert (await store.views.totals()).inbox == 1
    without_key = await mender(
        store, {"match": {"type": ODD}, "as": "PaymentReceived", "keys": {"order": "data.nothing"}}
    )
    assert (await without_key.replay(id_, "ann")).fate is Fate.STAYS
    after = await store.views.inbox_item(id_)
    assert before is not None
    assert after is not None
    assert (after.reason, after.received, after.body) == (InboxReason.NO_KEY, before.received, before.body)
    (group,) = await store.views.inbox_groups()
    assert (group.reason, group.count, group.last) == (InboxReason.NO_KEY, 1, before.received)
    assert (await store.views.totals()).inbox == 1


async def test_two_who_click_at_once_count_nothing_twice(store: SqlStore) -> None:
    ids = await begun(store, *(f"o-{number}" for number in range(12)))
    menders = [await mender(store, *MENDED) for _ in range(3)]
    part = InboxPart(InboxReason.UNMAPPED, ODD, "shop-rabbit")
    groups = [one.replay_group(part, "ann", await one.begin(part), 60) for one in menders]
    done, single = await asyncio.gather(
        asyncio.gather(*groups), asyncio.gather(*(one.replay(ids[0], "bob") for one in menders))
    )
    placed = sum(one.counts[Fate.PLACED] for one in done) + sum(one.fate is Fate.PLACED for one in single)
    assert placed == 12
    assert await numbers(store) == []
    assert [len(trace.events) for trace in await stored(store)] == [2] * 12
    assert (await store.views.totals()).events == 24
    await counts_agree(store)


async def test_one_that_came_again_meanwhile_just_leaves(store: SqlStore) -> None:
    (id_,) = await begun(store, "o-1")
    mended = await mender(store, *MENDED)
    await mended.pipeline.process([odd("o-1")])
    assert (await mended.replay(id_, "ann")).fate is Fate.REPEAT
    assert await numbers(store) == []
    (trace,) = await stored(store)
    assert len(trace.events) == 2


async def test_replay_beside_a_fresh_delivery_of_the_same(store: SqlStore) -> None:
    orders = [f"o-{number}" for number in range(10)]
    ids = await begun(store, *orders)
    mended = await mender(store, *MENDED)
    other = await mender(store, *MENDED)

    async def comes_again(order: str) -> None:
        await patiently(other.pipeline, [odd(order)])

    await asyncio.gather(
        *(mended.replay(id_, "ann") for id_ in ids), *(comes_again(order) for order in reversed(orders))
    )
    assert await numbers(store) == []
    assert [len(trace.events) for trace in await stored(store)] == [2] * 10
    await counts_agree(store)


async def patiently(pipeline: Pipeline, deliveries: Sequence[Delivery]) -> None:
    for _ in range(20):
        try:
            await pipeline.process(deliveries)
        except StorageConflict:
            await asyncio.sleep(0.01)
        else:
            return
    raise AssertionError("conflicts without end")


@pytest.mark.parametrize("step", ["events", "save", "audit"])
async def test_a_break_in_between_leaves_all_as_it_was(
    store: SqlStore, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await begun(store, "o-1", "o-2")
    mended = await mender(store, *MENDED)
    before = (await stored(store), await store.views.inbox_groups(), await store.views.totals())

    class Killed(BaseException):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(f"monitor.storage.ingest.SqlIngest.{step}", killed)
        for id_ in ids:
            with pytest.raises(Killed):
                await mended.replay(id_, "ann")
    assert (await stored(store), await store.views.inbox_groups(), await store.views.totals()) == before
    assert await numbers(store) == ids
    assert not (await store.views.audit()).rows
    for id_ in ids:
        assert (await mended.replay(id_, "ann")).fate is Fate.PLACED
    await counts_agree(store)


async def test_one_that_makes_us_fail_stays_and_the_others_go_on(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await begun(store, *(f"o-{number}" for number in range(5)))
    mended = await mender(store, *MENDED)
    observe = mended.pipeline.mapping.observe

    def poisoned(event: Any) -> Any:
        if event.data["orderId"] == "o-3":
            raise ValueError("no")
        return observe(event)

    monkeypatch.setattr(mended.pipeline.mapping, "observe", poisoned)
    part = InboxPart(InboxReason.UNMAPPED, ODD, "shop-rabbit")
    done = await mended.replay_group(part, "ann", await mended.begin(part), 60)
    assert done.counts == {Fate.PLACED: 4, Fate.FAILED: 1}
    assert done.is_done
    assert await numbers(store) == [ids[3]]
    row = await store.views.inbox_item(ids[3])
    assert row is not None
    assert row.reason is InboxReason.FAILED
    assert "ValueError: no" in row.detail


async def test_plain_messages_of_equal_bytes_are_each_counted(store: SqlStore) -> None:
    before = await mender(store)
    await before.pipeline.process([plain("o-1", "r-1"), plain("o-1", "r-2")])
    assert len(await numbers(store)) == 2
    mended = await mender(store, *MENDED)
    part = InboxPart(InboxReason.UNMAPPED, ODD, "shop-rabbit")
    done = await mended.replay_group(part, "ann", await mended.begin(part), 60)
    assert done.counts == {Fate.PLACED: 2}
    (trace,) = await stored(store)
    assert len(trace.events) == 2


async def test_a_plain_message_delivered_again_takes_its_first_copy_out_of_the_inbox(store: SqlStore) -> None:
    before = await mender(store)
    await before.pipeline.process([plain("o-1", "r-1"), plain("o-1", "r-2")])
    mended = await mender(store, *MENDED)
    await mended.pipeline.process([plain("o-1", "r-3", redelivered=True)])
    left = await numbers(store)
    assert (
        len(left) == 1
    )  # the one that was delivered again is placed; the other of the same bytes is another
    assert (await mended.replay(left[0], "ann")).fate is Fate.PLACED
    await mended.pipeline.process([plain("o-1", "r-4", redelivered=True)])
    (trace,) = await stored(store)
    assert len(trace.events) == 2
    assert (await store.views.totals()).inbox == 0


async def test_of_a_batch_only_the_event_that_was_kept_is_meant(store: SqlStore) -> None:
    before = await mender(store)
    known = {"type": "com.shop.OrderPlaced", "time": NOON.isoformat(), "data": {"orderId": "o-1"}}
    new = [{"type": ODD, "time": NOON.isoformat(), "data": {"orderId": f"o-{number}"}} for number in (1, 2)]
    delivery = Delivery("shop-rabbit", orjson.dumps([known, *new]), Position("q", receipt="r-1"), NOON)
    await before.pipeline.process([delivery])
    ids = await numbers(store)
    assert len(ids) == 2
    mended = await mender(store, *MENDED)
    assert (await mended.replay(ids[1], "ann")).fate is Fate.PLACED
    assert (await mended.replay(ids[0], "ann")).fate is Fate.PLACED
    assert [(trace.key, len(trace.events)) for trace in await stored(store)] == [("o-1", 2), ("o-2", 1)]


async def test_a_message_comes_back_as_it_was_delivered(store: SqlStore) -> None:
    before = await mender(store)
    whole = Delivery(
        "shop-rabbit",
        b"\x00\xffno event",
        Position("q", exchange="shop", routing_key="order.paid", receipt="r-9"),
        NOON,
        {"n": 1, "b": b"\xff\xfe", "t": "x\x00", "f": 1.5, "none": None, "yes": True, "d": {"a": [1]}},
        {"message_id": "m-1", "correlation_id": "c"},
        b"key\xff",
        "application/octet-stream",
        "identity",
        NOON - timedelta(seconds=3),
        redelivered=True,
    )
    await before.pipeline.process([whole])
    (kept,) = await store.inbox.kept(await numbers(store))
    assert kept.delivery._replace(kept=None) == whole


async def test_discarded_is_gone_and_put_down(store: SqlStore) -> None:
    ids = await begun(store, "o-1", "o-2", "o-3")
    mended = await mender(store)
    assert await mended.discard(ids[0], "ann")
    assert not await mended.discard(ids[0], "ann")
    part = InboxPart(InboxReason.UNMAPPED, ODD, "shop-rabbit")
    done = await mended.discard_group(part, "ann", await mended.begin(part), 60)
    assert done.counts == {Fate.DISCARDED: 2}
    assert await numbers(store) == []
    assert (await store.views.totals()).inbox == 0
    entries = (await store.views.audit("inbox")).rows
    assert [entry.action for entry in entries] == ["inbox.discard"] * 2
    assert [one["id"] for one in orjson.loads(entries[0].detail)["messages"]] == ids[1:]


async def test_a_group_is_replayed_in_bounded_steps_and_what_comes_meanwhile_is_left(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.mending.mender.BATCH", 2)
    await begun(store, *(f"o-{number}" for number in range(5)))
    mended = await mender(store)  # nothing can be placed: each must be met once all the same
    part = InboxPart(InboxReason.UNMAPPED, ODD, "shop-rabbit")
    progress = await mended.begin(part)
    await mended.pipeline.process([odd("late")])
    steps = 0
    while not progress.is_done:
        progress = await mended.replay_group(part, "ann", progress, 0)
        steps += 1
    assert (steps, progress.counts) == (3, {Fate.STAYS: 5})
    assert len(await numbers(store)) == 6


async def test_a_rule_is_tried_without_writing(store: SqlStore) -> None:
    ids = await begun(store, "o-1", "o-2")
    tried = await mender(store)
    before = (await stored(store), await store.views.totals(), await store.views.inbox_groups())
    trial = await tried.attempt(
        ids[0], f"match: {{type: {ODD}}}\nas: PaymentReceived\nkeys: {{order: data.orderId}}"
    )
    assert trial is not None
    assert [(one.id, one.observations[0].label) for one in trial.outlooks] == [
        (id_, "PaymentReceived") for id_ in ids
    ]
    assert sorted(trace.key for trace in trial.linked.values()) == ["o-1", "o-2"]
    assert not trial.stored
    assert trial.more == 0
    assert (await stored(store), await store.views.totals(), await store.views.inbox_groups()) == before
    await (await mender(store, *MENDED)).pipeline.process([odd("o-2")])
    again = await tried.attempt(ids[1], MENDING_RULE)
    assert again is not None
    assert again.stored == {again.outlooks[0].events[0].identity}


MENDING_RULE = f"- match: {{type: {ODD}}}\n  as: PaymentReceived\n  keys: {{order: data.orderId}}\n"


async def test_advice_names_the_label_the_known_key_and_a_rule_that_works(store: SqlStore) -> None:
    ids = await begun(store, "o-1")
    unsure = await mender(store)
    advice = await unsure.advice(ids[0])
    assert advice is not None
    assert advice.candidates[0].label == "PaymentReceived"
    assert advice.rule is not None
    trial = await unsure.attempt(ids[0], advice.rule)
    assert trial is not None
    assert [one.label for one in trial.outlooks[0].observations] == ["PaymentReceived"]


async def test_groups_are_divided_by_what_details_have_in_common(store: SqlStore) -> None:
    pipeline = (await mender(store)).pipeline
    bodies = [b'{"a": 1', b'{"a": 1, "b": 2', b"\xff\xfe\xfd", b""]
    await pipeline.process(
        [Delivery("web", body, Position("q", receipt=str(place)), NOON) for place, body in enumerate(bodies)]
    )
    parts, looked_at = await (await mender(store)).parts(InboxPart(InboxReason.UNDECODABLE, None, "web"))
    assert looked_at == 4
    assert sum(part.messages for part in parts) == 4
    assert 1 < len(parts) < 4

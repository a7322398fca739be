"""Messages that lay in the inbox until the configuration was mended end up as if they never had: the same
traces, verdicts and counts, in whichever order they are replayed, whatever arrives in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.assembly import known_labels, rules_of
from monitor.domain.audit import Entry
from monitor.domain.event import Delivery
from monitor.landscape import demo
from monitor.landscape.plan import Plan
from monitor.mending.again import replay as replay_once
from monitor.mending.mender import Mender
from monitor.settings import EventRule, Settings
from monitor.storage.base import Store
from monitor.storage.mending import InboxPart
from monitor.storage.sql import SqlStore, open_store
from tests.property.conftest import Databases
from tests.property.test_arrival_never_shows import Dying, Killed, landscapes
from tests.support.effort import examples
from tests.support.shop import counts_agree, offline, sent, shop, start, stored

TYPES = ("OrderPlaced", "PaymentRequested", "PaymentReceived", "ParcelPacked", "GoodsShipped", "InvoiceSent")
WRONGS: dict[str, dict[str, Any]] = {
    "unmapped": {"as": "NeverHeardOf"},
    "no_key": {"keys": {"order": "data.nothing"}},
}


def unmended(told: Plan, wrong: dict[str, str]) -> Settings:
    """A configuration that does not know what to make of these types."""
    rules = [{"match": {"type": f"com.shop.{name}"}, **WRONGS[how]} for name, how in wrong.items()]
    return shop(told.limits, events=tuple(map(EventRule.model_validate, [*rules, *demo.EVENTS])))


@examples(6)
@given(told=landscapes(), data=st.data())
def test_what_was_mended_is_as_if_it_had_arrived_so(
    database: Databases, told: Plan, data: st.DataObject
) -> None:
    deliveries = [sent(number, emission) for number, emission in enumerate(told.emissions)]
    arrival = data.draw(st.permutations(deliveries)) if data.draw(st.booleans()) else deliveries
    late = data.draw(st.integers(0, len(arrival)))
    wrong = data.draw(st.dictionaries(st.sampled_from(TYPES), st.sampled_from(sorted(WRONGS)), min_size=1))
    again = data.draw(st.lists(st.sampled_from(arrival), max_size=4))
    how = data.draw(st.sampled_from(["one by one", "by group", "all at once"]))
    seed = data.draw(st.randoms(use_true_random=False))
    with database() as url:
        asyncio.run(_run(url, told, arrival[:late], [*arrival[late:], *again], wrong, how, seed))


async def _run(
    url: str,
    told: Plan,
    early: list[Delivery],
    later: list[Delivery],
    wrong: dict[str, str],
    how: str,
    seed: Any,
) -> None:
    store = await open_store(url)
    try:
        before = await mender(store, unmended(told, wrong))
        if early:
            await before.pipeline.process(early)
        await replay(store, before, "by group", seed)  # in vain
        mended = await mender(store, shop(told.limits))
        half = len(later) // 2
        if later[:half]:
            await mended.pipeline.process(later[:half])
        await killed_on_the_way(store, mended, seed)
        await replay(store, mended, how, seed)
        if later[half:]:
            await mended.pipeline.process(later[half:])
        await store.sweep_clocks({"order": told.end}, told.end, 10_000)
        await store.confirm_findings({"order": told.end}, told.end, 10_000)

        assert await stored(store) == offline(shop(told.limits), [*early, *later], told.end)
        await counts_agree(store)
        totals = await store.views.totals()
        assert totals.events == sum(truth.events for truth in told.truths)
        groups = await store.views.inbox_groups()
        rows = (await store.views.inbox(limit=200)).rows
        expected = Counter(reason for truth in told.truths for reason in truth.inbox)
        assert Counter(row.reason.value for row in rows) == expected
        assert sum(group.count for group in groups) == totals.inbox == len(rows)
    finally:
        await store.close()


async def mender(store: SqlStore, configured: Settings) -> Mender:
    pipeline = await start(store, configured)
    flows = [expected.flow for expected in pipeline.flows.active.values()]
    return Mender(pipeline, store.inbox, configured, known_labels(flows), rules_of(configured))


async def killed_on_the_way(store: SqlStore, mended: Mender, seed: Any) -> None:
    """The process ends just before a replay is committed: nothing has happened."""
    rows = (await store.views.inbox(limit=200)).rows
    if rows:
        mended.pipeline.store = cast("Store", Dying(store))
        with pytest.raises(Killed):
            await _replay_one(mended, seed.choice(rows).id)
        mended.pipeline.store = store


async def _replay_one(mended: Mender, id_: int) -> None:
    await replay_once(mended.pipeline, [id_], lambda _: Entry("x", "inbox.replay", "x"))


async def replay(store: SqlStore, mends: Mender, how: str, seed: Any) -> None:
    rows = list((await store.views.inbox(limit=200)).rows)
    seed.shuffle(rows)
    if how == "by group":
        for part in dict.fromkeys(InboxPart(row.reason, row.type, row.source) for row in rows):
            progress = await mends.begin(part)
            while not progress.is_done:
                progress = await mends.replay_group(part, "x", progress, 0)
    elif how == "one by one":
        for row in rows:
            await mends.replay(row.id, "x")
    else:
        await asyncio.gather(*(mends.replay(row.id, "x") for row in rows[:20]))
        await replay(store, mends, "by group", seed)

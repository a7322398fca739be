"""DESIGN 3.1 over real databases: batches, order of arrival, repeats, restarts and sweeps never show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.event import Delivery
from monitor.landscape.plan import Pace, Plan, plan
from monitor.landscape.story import FAULTS
from monitor.storage.base import Ingest, Store
from monitor.storage.sql import SqlStore, open_store
from tests.property.conftest import Databases
from tests.support.effort import examples
from tests.support.shop import NOON, counts_agree, offline, sent, shop, start, stored

PACE = Pace(every=timedelta(seconds=40), step=timedelta(minutes=1))


class Killed(Exception):
    """The process ends in the middle of a transaction."""


@st.composite
def landscapes(draw: st.DrawFn) -> Plan:
    """A few orders, most of them with something wrong."""
    fault = draw(st.sampled_from([*FAULTS, "any"]))
    shares = dict.fromkeys(FAULTS, 1 / len(FAULTS)) if fault == "any" else {fault: 1.0}
    return plan(draw(st.integers(0, 999)), draw(st.integers(1, 4)), NOON, PACE, shares)


@examples(16)
@given(told=landscapes(), data=st.data())
def test_what_is_stored_is_what_a_replay_says(database: Databases, told: Plan, data: st.DataObject) -> None:
    deliveries = [sent(number, emission) for number, emission in enumerate(told.emissions)]
    nearly_in_order = data.draw(st.booleans())
    arrival = deliveries if nearly_in_order else data.draw(st.permutations(deliveries))
    size = data.draw(st.integers(1, len(arrival)))
    batches = [arrival[at : at + size] for at in range(0, len(arrival), size)]
    again = data.draw(st.lists(st.sampled_from(batches), max_size=3))
    for batch in again:
        batches.insert(data.draw(st.integers(0, len(batches))), batch)
    events = st.sampled_from(["nothing", "nothing", "restart", "kill", "sweep"])
    between = [data.draw(events) for _ in batches]

    with database() as url:
        asyncio.run(_run(url, told, batches, between))


async def _run(url: str, told: Plan, batches: list[list[Delivery]], between: list[str]) -> None:
    configuration = shop(told.limits)
    store = await open_store(url)
    try:
        pipeline = await start(store, configuration)
        for number, (batch, happens) in enumerate(zip(batches, between, strict=True)):
            if happens == "kill":
                pipeline.store = cast("Store", Dying(store))
                with pytest.raises(Killed):
                    await pipeline.process(batch)
            if happens in ("kill", "restart"):
                await store.close()
                store = await open_store(url)
                pipeline = await start(store, configuration)
            if happens == "sweep":
                await _sweep(store, NOON + (told.end - NOON) * ((number + 1) / len(batches)))
            await pipeline.process(batch)
        await _sweep(store, told.end)

        everything = [delivery for batch in batches for delivery in batch]
        assert await stored(store) == offline(configuration, everything, told.end)
        await counts_agree(store)
        totals = await store.views.totals()
        assert totals.events == sum(truth.events for truth in told.truths)
        assert totals.inbox == sum(len(truth.inbox) for truth in told.truths)
    finally:
        await store.close()


class Dying:
    """A store whose process is killed just before the commit."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    @asynccontextmanager
    async def ingest(self) -> AsyncIterator[Ingest]:
        async with self._store.ingest() as ingest:
            yield ingest
            raise Killed


async def _sweep(store: SqlStore, watermark: datetime) -> None:
    await store.sweep_clocks({"order": watermark}, watermark, 10_000)
    await store.confirm_findings({"order": watermark}, watermark, 10_000)

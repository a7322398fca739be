"""Long traces over each database: what is stored is what a replay of everything says, whatever comes late."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from monitor.conformance import checker
from monitor.conformance.segments import Cutting
from monitor.domain.event import Delivery
from monitor.storage.ingest import SqlIngest
from monitor.storage.sql import SqlStore
from tests.support.shop import NOON, counts_agree, offline, shop, start, stored, told

SHOP = shop()
END = NOON + timedelta(days=30)


def deliveries(number: int, *, wrong: bool) -> list[Delivery]:
    """One order that is picked and packed again and again; ``wrong``: and paid for a second time."""
    labels = ["OrderPlaced", "PaymentRequested", "PaymentReceived"]
    labels += ["ItemsPicked", "ParcelPacked"] * ((number - 3) // 2)
    if wrong:
        labels[number // 2] = "PaymentReceived"
    return [told(label, at, "o-1", payment="p-1") for at, label in enumerate(labels)]


@pytest.mark.parametrize("wrong", [False, True], ids=["repeating", "with a wrong event"])
@pytest.mark.parametrize("size", [1, 4])
async def test_late_events_change_what_they_change(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, wrong: bool, size: int
) -> None:
    monkeypatch.setattr(checker, "Cutting", lambda: Cutting(8, 4))
    pipeline = await start(store, SHOP)
    read: list[int] = []
    whole = SqlIngest.history

    async def counted(self: SqlIngest, chains: Sequence[int]) -> object:
        found = await whole(self, chains)
        read.extend(map(len, found.values()))
        return found

    monkeypatch.setattr(SqlIngest, "history", counted)
    events = deliveries(41, wrong=wrong)
    late = random.Random(size).sample(events[20:], 6)
    for arrival in ([one for one in events if one not in late], late):
        for at in range(0, len(arrival), size):
            await pipeline.process(arrival[at : at + size])
    assert max(read, default=0) < 20  # never whole, once it is long
    await store.sweep_clocks({"order": END}, END, 1000)
    await store.confirm_findings({"order": END}, END, 1000)
    assert await stored(store) == offline(SHOP, events, END)
    await counts_agree(store)

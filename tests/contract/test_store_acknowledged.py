"""Findings somebody takes care of: until they no longer hold, and each change in the audit."""

from __future__ import annotations

from monitor.domain.verdict import FindingState
from monitor.storage.sql import SqlStore
from monitor.storage.views import FindingRow
from tests.contract.store_harness import NOON, Said, a_finding, at, place, tell

KEYS = [("order", "o-1")]
ASTRAY = Said([a_finding()], conforms=False)


async def finding(store: SqlStore) -> FindingRow:
    (row,) = (await store.views.findings()).rows
    return row


async def actions(store: SqlStore) -> list[tuple[str, str]]:
    return [(entry.who, entry.action) for entry in (await store.views.audit()).rows]


async def test_it_is_known_who_takes_care_and_why(store: SqlStore) -> None:
    trace = await place(store, "a", *KEYS, said=ASTRAY)
    key = (await finding(store)).key
    assert await store.acknowledge(trace, key, "ann", "the printer is out of paper", at(1))
    row = await finding(store)
    assert (row.acknowledged, row.acknowledged_by) == (at(1), "ann")
    assert row.acknowledged_note == "the printer is out of paper"
    assert await actions(store) == [("ann", "finding.acknowledge")]
    detail = await store.views.trace(trace)
    assert detail is not None
    assert detail.findings[0].acknowledged_by == "ann"


async def test_twice_is_once(store: SqlStore) -> None:
    trace = await place(store, "a", *KEYS, said=ASTRAY)
    key = (await finding(store)).key
    for minute in (1, 2):
        assert await store.acknowledge(trace, key, "ann", "", at(minute))
    assert (await finding(store)).acknowledged == at(1)
    assert len(await actions(store)) == 1


async def test_it_outlives_the_confirmation_but_not_the_finding(store: SqlStore) -> None:
    trace = await place(store, "a", *KEYS, said=ASTRAY)
    key = (await finding(store)).key
    await store.acknowledge(trace, key, "ann", "", NOON)
    await store.confirm_findings({"order": at(9)}, at(9), 9)
    await tell(store, KEYS, ASTRAY)
    row = await finding(store)
    assert (row.state, row.acknowledged_by) == (FindingState.CONFIRMED, "ann")
    await tell(store, KEYS, Said([], reason="It came."))
    row = await finding(store)
    assert row.state is FindingState.RETRACTED
    assert row.acknowledged_by == "ann"  # that is part of its story
    assert not await store.acknowledge(trace, key, "bob", "", at(2))
    await tell(store, KEYS, ASTRAY)
    assert (await finding(store)).acknowledged is None


async def test_it_can_be_taken_back(store: SqlStore) -> None:
    trace = await place(store, "a", *KEYS, said=ASTRAY)
    key = (await finding(store)).key
    await store.acknowledge(trace, key, "ann", "mine", NOON)
    for _ in range(2):
        assert await store.resume(trace, key, "bob", at(1))
    row = await finding(store)
    assert (row.acknowledged, row.acknowledged_by, row.acknowledged_note) == (None, None, None)
    assert await actions(store) == [("bob", "finding.resume"), ("ann", "finding.acknowledge")]


async def test_of_what_is_not_there_nobody_takes_care(store: SqlStore) -> None:
    assert not await store.acknowledge(7, "00" * 16, "ann", "", NOON)
    assert not await store.resume(7, "00" * 16, "ann", NOON)
    assert await actions(store) == []

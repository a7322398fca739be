"""Whatever happens to alerts while people are told of them: in the end receivers know what is the case."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random

import pytest

from monitor.alerts.base import Notification, Undeliverable
from monitor.domain.verdict import ClockState
from monitor.errors import StorageUnavailable
from monitor.storage.sql import SqlStore
from tests.contract.store_harness import Said, a_clock, a_finding, at, place, tell
from tests.support.telling import Telling

BREACHED = Said([a_finding()], [a_clock(ClockState.BREACHED)], conforms=False)
ENDED = Said([], [a_clock(ClockState.MISSED, ended=at(40))])


def believed(sent: list[Notification]) -> dict[str, str]:
    """What a receiver believes that takes messages in the order they come, and repeats by their id."""
    known: set[str] = set()
    found: dict[str, str] = {}
    for one in sent:
        if one.id not in known:
            known.add(one.id)
            found |= {alert.id: alert.status for alert in one.alerts}
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_several_sweepers_while_everything_changes(store: SqlStore, seed: int) -> None:
    chance = Random(seed)
    orders = [f"o-{number}" for number in range(5)]
    for order in orders:
        await place(store, order, ("order", order), said=BREACHED)
    tellings = [Telling(store.alerts) for _ in range(3)]
    sent = tellings[0].ops.sent
    for telling in tellings:
        telling.channels["ops"].sent = sent
        await telling.begin()

    async def change() -> None:
        for _ in range(8):
            await tell(store, [("order", chance.choice(orders))], chance.choice((BREACHED, ENDED)))
            await store.confirm_findings({"order": at(59)}, at(59), 100)

    async def sweep(telling: Telling) -> None:
        for _ in range(8):
            if chance.random() < 0.2:
                telling.ops.fails.append(Undeliverable("away"))
            later = telling.now + timedelta(seconds=chance.choice((5, 40, 200)))
            for one in tellings:
                one.now = later  # their clocks agree
            try:
                await telling.go()
            except StorageUnavailable:
                continue  # a conflict: the next tick tries again

    await asyncio.gather(change(), *(sweep(telling) for telling in tellings))
    for telling in tellings:
        telling.ops.fails.clear()
    await store.confirm_findings({"order": at(59)}, at(59), 100)
    for _ in range(6):
        await tellings[0].go(minutes=10)
    known = believed(sent)
    for row in (await store.alerts.alerts(limit=200)).rows:
        if row.alert.status == "firing":
            assert known.get(row.alert.id) == "firing", row
        else:
            assert known.get(row.alert.id) in (None, "resolved"), row
    assert (await store.alerts.receivers())[0].waiting == 0
    assert len(sent) == len({one.id for one in sent})  # nobody was killed: nothing came twice


async def test_killed_anywhere_nothing_is_lost(store: SqlStore) -> None:
    """The sweep is killed at each step in turn; what it was doing is done by the next."""
    steps = ("route", "flushing", "claim", "record")
    sent: list[Notification] = []
    for number, step in enumerate(steps):
        await place(store, f"o-{number}", ("order", f"o-{number}"), said=BREACHED)
        await store.confirm_findings({"order": at(59)}, at(59), 100)
        telling = Telling(_Dying(store, step))  # type: ignore[arg-type]
        telling.channels["ops"].sent = sent
        telling.now += timedelta(hours=number)
        await telling.begin()
        for _ in range(3):
            try:
                await telling.go(minutes=6)
            except SystemExit:
                break
        else:
            pytest.fail(f"never came to {step}")
        after = Telling(store.alerts)
        after.channels["ops"].sent = sent
        after.now = telling.now
        for _ in range(4):
            await after.go(minutes=6)
        firing = [row.alert.id for row in (await store.alerts.alerts()).rows]
        assert sorted(believed(sent)) == sorted(firing)


class _Dying:
    """The store of a process that is killed right after a step is stored."""

    def __init__(self, store: SqlStore, step: str) -> None:
        self._alerts = store.alerts
        self._step = step

    def __getattr__(self, name: str) -> object:
        known = getattr(self._alerts, name)
        if name != self._step:
            return known
        if name == "flushing":
            return lambda now: _DyingFlush(known(now))

        async def dying(*asked: object) -> object:
            done = await known(*asked)
            if done is not None and done != 0:
                raise SystemExit
            if name == "record":
                raise SystemExit
            return done

        return dying


class _DyingFlush:
    def __init__(self, real: object) -> None:
        self._real = real
        self._found = False

    async def __aenter__(self) -> object:
        found = await self._real.__aenter__()  # type: ignore[attr-defined]
        self._found = found is not None
        return found

    async def __aexit__(self, *raised: object) -> None:
        await self._real.__aexit__(*raised)  # type: ignore[attr-defined]
        if self._found:
            raise SystemExit

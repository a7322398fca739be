"""What pages of SLAs and the overview ask of the store, against counts done by hand, on both dialects."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, update

from monitor.domain.objective import Count
from monitor.domain.verdict import ClockState, FindingKind
from monitor.statistics import Measure, day_of
from monitor.storage.sql import SqlStore
from monitor.storage.tables import findings, outcomes, statistics
from monitor.storage.views import ClockCounts, OutcomeStep
from tests.contract.store_harness import Said, a_clock, a_finding, at, place

SHIP, PAY = ("order", "Ship"), ("order", "Pay")


async def decided(store: SqlStore, sla: str, *ticks: tuple[datetime, int, int]) -> None:
    async with store._write() as transaction:
        for slot in (0, 3):  # as two workers would
            for tick, met, failed in ticks:
                values = {"flow": "order", "sla": sla, "tick": tick, "slot": slot}
                await transaction.execute(insert(outcomes).values(**values, met=met, failed=failed))


async def test_outcomes_by_step(store: SqlStore) -> None:
    await decided(
        store, "Ship", (at(-65), 1, 0), (at(-5), 2, 1), (at(0), 3, 0), (at(55), 0, 2), (at(60), 9, 9)
    )
    await decided(store, "Pay", (at(0), 100, 100))
    hour = timedelta(hours=1)
    assert await store.views.outcomes_by(*SHIP, at(-60), at(59), hour) == [
        OutcomeStep(at(-60), Count(4, 2)),
        OutcomeStep(at(0), Count(6, 4)),
    ]
    assert await store.views.outcomes_by(*SHIP, at(-120), at(-30), timedelta(days=1)) == [
        OutcomeStep(at(-12 * 60), Count(2, 0))
    ]
    assert await store.views.outcomes_by("order", "None", at(-60), at(60), hour) == []


async def test_met_of_several(store: SqlStore) -> None:
    await decided(store, "Ship", (at(-5), 2, 1), (at(0), 3, 0), (at(60), 9, 9))
    await decided(store, "Pay", (at(0), 10, 20))
    other = ("order", "Never decided")
    assert await store.views.met([PAY, other, SHIP], at(0), at(59)) == {
        PAY: Count(20, 40),
        other: Count(),
        SHIP: Count(6, 0),
    }
    assert await store.views.met([], at(0), at(59)) == {}


async def test_running_clocks_are_counted_and_overdue_ones_named_oldest_first(store: SqlStore) -> None:
    for number in range(5):
        clocks = [a_clock(due=at(10 + number), at_risk=at(8)), a_clock(sla="Pay", due=at(90), at_risk=None)]
        await place(store, f"e{number}", ("order", f"o-{number}"), said=Said(clocks=clocks))
    assert await store.views.clock_counts() == {SHIP: ClockCounts(running=5), PAY: ClockCounts(running=5)}
    await store.sweep_clocks({"order": at(12)}, at(12), 100)
    assert await store.views.clock_counts() == {SHIP: ClockCounts(0, 2, 3), PAY: ClockCounts(running=5)}
    rows = await store.views.overdue([SHIP, PAY])
    assert [(row.sla, row.due, row.expected, row.standing) for row in rows] == [
        ("Ship", at(10 + number), ("Paid",), ("Task_1",)) for number in range(3)
    ]
    assert rows[0].trace_key.endswith("o-0")
    assert [row.due for row in await store.views.overdue([SHIP], 1)] == [at(10)]
    assert await store.views.overdue([]) == []
    ended = a_clock(due=at(10), at_risk=at(8))._replace(state=ClockState.MISSED, ended=at(20))
    await place(store, "late", ("order", "o-0"), said=Said(clocks=[ended]))
    assert await store.views.clock_counts() == {SHIP: ClockCounts(0, 2, 2), PAY: ClockCounts(running=4)}


async def test_recent_deviations_nobody_takes_care_of(store: SqlStore) -> None:
    for number, kind in enumerate([FindingKind.MISSING, FindingKind.MISSING, FindingKind.DUPLICATE]):
        said = Said([a_finding("Paid", number, kind=kind)], complete=number == 1)
        await place(store, f"e{number}", ("order", f"o-{number}"), said=said)
    assert await store.views.deviations(at(0)) == []  # provisional
    await store.confirm_findings({"order": at(99)}, at(99), 100)
    rows = await store.views.deviations(at(0))
    assert sorted((row.trace_key[-3:], row.kind, row.open) for row in rows) == [
        ("o-0", FindingKind.MISSING, True),
        ("o-1", FindingKind.MISSING, False),
        ("o-2", FindingKind.DUPLICATE, True),
    ]
    assert [row.found for row in rows] == sorted((row.found for row in rows), reverse=True)
    assert len(await store.views.deviations(at(0), 1)) == 2
    assert await store.views.deviations(at(9999)) == []
    async with store._write() as transaction:
        cared = update(findings).where(findings.c.kind == FindingKind.DUPLICATE.value)
        await transaction.execute(cared.values(acknowledged=at(100)))
    assert {row.kind for row in await store.views.deviations(at(0))} == {FindingKind.MISSING}


async def test_shares_of_all_versions(store: SqlStore) -> None:
    first = await store.deploy("order", "Order", "order.bpmn", b"<xml/>", "{}", "h1", at(0))
    second = await store.deploy("order", "Order", "order.bpmn", b"<xml/>", "{}", "h2", at(1))
    other = await store.deploy("returns", "Returns", "returns.bpmn", b"<xml/>", "{}", "h3", at(1))
    day = day_of(at(0))
    cells = [
        (first.id, day, Measure.SHARE, "Ship", 4, 10),
        (second.id, day, Measure.SHARE, "Ship", 4, 5),
        (second.id, day - 1, Measure.SHARE, "Ship", 41, 1),
        (second.id, day - 9, Measure.SHARE, "Ship", 30, 7),
        (other.id, day, Measure.SHARE, "Ship", 3, 2),
        (other.id, day, Measure.SHARE, "Gone", 3, 0),
        (first.id, day, Measure.TRACES, "", 0, 20),
        (second.id, day, Measure.STANDING, "Task_1", 0, 3),
    ]
    async with store._write() as transaction:
        for flow, when, measure, element, bucket, amount in cells:
            values = {"flow_id": flow, "day": when, "measure": measure.value, "element": element}
            await transaction.execute(insert(statistics).values(**values, bucket=bucket, amount=amount))
    assert await store.views.shares(day - 1, day + 1) == {SHIP: {4: 15, 41: 1}, ("returns", "Ship"): {3: 2}}
    assert await store.views.shares(day, day + 1, "order") == {SHIP: {4: 15}}


@pytest.mark.parametrize("ended", [True, False])
async def test_notices_by_subject_and_whether_they_last(store: SqlStore, ended: bool) -> None:
    from monitor.domain.notice import Notice, NoticeKind

    for subject in ("shop", "payments"):
        await store.begin_notice(Notice(NoticeKind.BLIND, subject, "Blind.", at(0), at(1)))
    await store.end_notice(NoticeKind.BLIND, "shop", at(5))
    rows = (await store.views.notices(ended=ended)).rows
    assert [row.subject for row in rows] == (["shop"] if ended else ["payments"])
    assert [row.subject for row in (await store.views.notices(subject="shop")).rows] == ["shop"]

"""Findings and clocks of the store: their lives, and the sweep, on both dialects."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from monitor.domain.notice import NoticeKind
from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.tables import clocks
from monitor.storage.views import FindingFilter, FindingRow, TraceFilter
from tests.contract.store_harness import NOON, Said, TickingClock, a_clock, a_finding, at, place, tell

KEY = ("order", "o-1")
PROVISIONAL, CONFIRMED, RETRACTED = FindingState.PROVISIONAL, FindingState.CONFIRMED, FindingState.RETRACTED


async def findings_of(store: SqlStore, trace: int) -> dict[tuple[str, str], FindingRow]:
    detail = await store.views.trace(trace)
    assert detail is not None
    return {(row.kind.value, row.name): row for row in detail.findings}


async def test_finding_is_provisional_confirmed_retracted_and_back(store: SqlStore) -> None:
    missing = a_finding("Paid", 5)
    trace = await place(store, "e1", KEY, said=Said([missing], conforms=False))
    begun = (await findings_of(store, trace))["missing", "Paid"]
    assert (begun.state, begun.confirmed, begun.trace_key, begun.key) == (
        PROVISIONAL,
        None,
        "o-1",
        missing.key().hex(),
    )

    assert await store.confirm_findings({"order": at(4), "other": at(99)}, at(100), 10) == 0
    assert await store.confirm_findings({"order": at(5)}, at(100), 10) == 1
    assert await store.confirm_findings({"order": at(5)}, at(101), 10) == 0
    confirmed = (await findings_of(store, trace))["missing", "Paid"]
    assert (confirmed.state, confirmed.confirmed, confirmed.found) == (CONFIRMED, at(100), begun.found)

    await tell(store, [KEY], Said([a_finding("Paid", 5, message="In other words.")], conforms=False))
    reworded = (await findings_of(store, trace))["missing", "Paid"]
    assert (reworded.state, reworded.found, reworded.message) == (CONFIRMED, begun.found, "In other words.")

    await tell(store, [KEY], Said([], reason="Paid came in."))
    gone = (await findings_of(store, trace))["missing", "Paid"]
    assert (gone.state, gone.reason) == (RETRACTED, "Paid came in.")
    assert gone.retracted is not None

    await tell(store, [KEY], Said([missing], conforms=False))
    back = (await findings_of(store, trace))["missing", "Paid"]
    assert (back.state, back.confirmed, back.retracted, back.reason) == (PROVISIONAL, None, None, None)
    assert back.found > begun.found


async def test_trace_deviates_once_a_deviation_is_confirmed(store: SqlStore) -> None:
    """Provisional deviations, and SLA matters, do not make a trace a deviating one."""

    async def shown() -> tuple[int, str | None, int]:
        rows = {
            verdict: [row.id for row in (await store.views.traces(TraceFilter(verdict=verdict))).rows]
            for verdict in ("conforming", "checking", "deviating")
        }
        detail = await store.views.trace(trace)
        assert detail is not None
        (verdict,) = [verdict for verdict, ids in rows.items() if trace in ids]
        return detail.row.confirmed, verdict, (await store.views.totals()).deviating

    two = [a_finding("Paid", 5), a_finding("Shipped", 6)]
    trace = await place(store, "e1", KEY, said=Said(two, [a_clock()], conforms=False))
    await store.sweep_clocks({"order": at(60)}, at(60), 10)
    assert await shown() == (0, "checking", 0)
    await store.confirm_findings({"order": at(5)}, at(100), 10)
    assert await shown() == (1, "deviating", 1)
    await store.confirm_findings({"order": at(60)}, at(100), 10)  # the other, and the breach
    assert await shown() == (2, "deviating", 1)
    await place(store, "e2", KEY, said=Said(None, conforms=False))
    assert await shown() == (2, "deviating", 1)
    await tell(store, [KEY], Said([two[0], a_finding("Packed", 7)], conforms=False))
    assert await shown() == (1, "deviating", 1)
    await tell(store, [KEY], Said([a_finding("Packed", 7)], conforms=False))
    assert await shown() == (0, "checking", 0)
    await tell(store, [KEY], Said([]))
    assert await shown() == (0, "conforming", 0)


async def test_absorbed_trace_deviates_no_more(store: SqlStore) -> None:
    await place(store, "e1", ("payment", "p-1"), time=at(5), said=Said([a_finding()], conforms=False))
    await store.confirm_findings({"order": at(60)}, at(100), 10)
    assert (await store.views.totals()).deviating == 1
    await place(store, "e2", KEY, time=at(1))
    await place(store, "e3", KEY, ("payment", "p-1"), time=at(6))
    assert (await store.views.totals()).deviating == 0


async def test_confirming_beside_batches_counts_right(store_url: str, store: SqlStore) -> None:
    """Findings are confirmed while batches retract and find others: the counts are what is stored."""
    other = await open_store(store_url, now=TickingClock())
    keys = [("order", f"o-{number}") for number in range(6)]
    for number, key in enumerate(keys):
        await place(store, f"a{number}", key, said=Said([a_finding("A")], conforms=False))
    busy = True

    async def batches() -> None:
        nonlocal busy
        for turn in range(12):
            for key in keys:
                names = ("A", f"B{turn}") if turn % 2 else ("A",)
                await tell(store, [key], Said([a_finding(name) for name in names], conforms=False))
        busy = False

    async def confirmations() -> None:
        while busy:
            await other.confirm_findings({"order": at(99)}, at(99), 4)

    async with asyncio.timeout(60):
        await asyncio.gather(batches(), confirmations(), confirmations())
    await other.close()
    rows = (await store.views.traces(TraceFilter())).rows
    for row in rows:
        detail = await store.views.trace(row.id)
        assert detail is not None
        assert row.confirmed == sum(one.state is CONFIRMED for one in detail.findings)
    totals = await store.views.totals()
    assert totals.deviating == sum(row.confirmed > 0 for row in rows) > 0


async def test_untold_findings_stay(store: SqlStore) -> None:
    trace = await place(store, "e1", KEY, said=Said([a_finding("A"), a_finding("B")]))
    await tell(store, [KEY], Said(None))
    await tell(store, [KEY], Said([a_finding("A"), a_finding("C")], reason="why"))
    states = {name: row.state for (_, name), row in (await findings_of(store, trace)).items()}
    assert states == {"A": PROVISIONAL, "B": RETRACTED, "C": PROVISIONAL}


async def test_merge_retracts_and_stops_clocks_of_the_absorbed(store: SqlStore) -> None:
    said = Said([a_finding("Placed")], [a_clock()])
    late = await place(store, "e1", ("payment", "p-1"), time=at(5), said=said)
    early = await place(store, "e2", KEY, time=at(1))
    await place(store, "e3", KEY, ("payment", "p-1"), time=at(6))
    gone = await store.views.trace(late)
    assert gone is not None
    assert gone.merged_into == early
    assert [row.state for row in gone.findings] == [RETRACTED]
    assert gone.clocks == ()
    assert await store.sweep_clocks({"order": at(99)}, at(99), 10) == []


async def test_clock_is_at_risk_then_breached(store: SqlStore) -> None:
    trace = await place(store, "e1", KEY, said=Said([], [a_clock()]))
    assert await store.sweep_clocks({"order": at(7.9)}, at(50), 10) == []
    (risk,) = await store.sweep_clocks({"order": at(8)}, at(50), 10)
    assert (risk.trace, risk.trace_key, risk.flow, risk.previous, risk.clock) == (
        trace,
        "o-1",
        "order",
        ClockState.RUNNING,
        a_clock(ClockState.AT_RISK),
    )
    assert await store.sweep_clocks({"order": at(8)}, at(50), 10) == []
    found = await findings_of(store, trace)
    assert found["sla_at_risk", "Ship"].state is PROVISIONAL
    assert (await store.views.totals()).at_risk == 1

    (breach,) = await store.sweep_clocks({"order": at(10)}, at(51), 10)
    assert (breach.previous, breach.clock.state) == (ClockState.AT_RISK, ClockState.BREACHED)
    found = await findings_of(store, trace)
    assert found["sla_at_risk", "Ship"].state is RETRACTED
    assert found["sla_breach", "Ship"].state is PROVISIONAL
    totals = await store.views.totals()
    assert (totals.at_risk, totals.breached) == (0, 1)
    (row,) = (await store.views.traces(TraceFilter(sla="breached"))).rows
    assert (row.id, row.sla) == (trace, "breached")
    assert await store.sweep_clocks({"order": at(1000)}, at(52), 10) == []


async def test_sweep_may_go_straight_to_breached(store: SqlStore) -> None:
    await place(store, "e1", KEY, said=Said([], [a_clock()]))
    (one,) = await store.sweep_clocks({"order": at(60)}, at(60), 10)
    assert (one.previous, one.clock.state) == (ClockState.RUNNING, ClockState.BREACHED)


async def test_what_time_brought_about_stays(store: SqlStore) -> None:
    """The checker knows no watermark: told as running again, a breached clock is still breached."""
    trace = await place(store, "e1", KEY, said=Said([], [a_clock()]))
    await store.sweep_clocks({"order": at(60)}, at(60), 10)
    await tell(store, [KEY], Said(None, [a_clock()]))
    detail = await store.views.trace(trace)
    assert detail is not None
    assert [clock.state for clock in detail.clocks] == [ClockState.BREACHED]
    assert detail.row.sla == "breached"
    assert (await findings_of(store, trace))["sla_breach", "Ship"].state is PROVISIONAL

    await tell(store, [KEY], Said(None, [a_clock(ClockState.MISSED, ended=at(20))]))
    assert (await findings_of(store, trace))["sla_breach", "Ship"].state is PROVISIONAL
    assert (await store.views.totals()).breached == 0

    await tell(store, [KEY], Said(None, [a_clock(ClockState.MET, ended=at(9))], reason="It was in time."))
    assert (await findings_of(store, trace))["sla_breach", "Ship"].state is RETRACTED


async def test_postponed_clock_is_armed_again(store: SqlStore) -> None:
    trace = await place(store, "e1", KEY, said=Said([], [a_clock()]))
    await store.sweep_clocks({"order": at(60)}, at(60), 10)
    await tell(store, [KEY], Said(None, [a_clock(due=at(100), at_risk=None)], reason="It was paused."))
    assert (await findings_of(store, trace))["sla_breach", "Ship"].state is RETRACTED
    assert await store.sweep_clocks({"order": at(99)}, at(99), 10) == []
    assert len(await store.sweep_clocks({"order": at(100)}, at(100), 10)) == 1


async def test_vanished_clock_is_never_due(store: SqlStore) -> None:
    trace = await place(store, "e1", KEY, said=Said([], [a_clock(), a_clock(occurrence=1)]))
    await tell(store, [KEY], Said(None, [a_clock(occurrence=1)]))
    (one,) = await store.sweep_clocks({"order": at(99)}, at(99), 10)
    assert (one.trace, one.clock.occurrence) == (trace, 1)


async def test_limit_is_shared_among_flows(store: SqlStore) -> None:
    for flow in ("order", "returns"):
        for number in range(6):
            clock = a_clock(due=at(number), at_risk=None)
            await place(store, f"{flow}{number}", ("order", f"{number}"), flow=flow, said=Said([], [clock]))
    marks = {"order": at(99), "returns": at(99), "unknown": at(99)}
    taken = [[one.flow for one in await store.sweep_clocks(marks, at(99), 5)] for _ in range(4)]
    assert [len(flows) for flows in taken] == [5, 5, 2, 0]
    assert {"order", "returns"} == set(taken[0]) == set(taken[1])
    only = await store.sweep_clocks({"order": at(99)}, at(99), 100)
    assert only == []


async def test_two_sweepers_claim_each_clock_once(store_url: str, store: SqlStore) -> None:
    for number in range(40):
        clocks_ = [a_clock(occurrence=n) for n in range(3)]
        await place(store, f"e{number}", ("order", f"o-{number}"), said=Said([], clocks_))
    other = await open_store(store_url, now=TickingClock())
    claimed: list[tuple[int, int]] = []

    async def sweep(sweeper: SqlStore) -> None:
        idle = 0
        while idle < 3:
            due = await sweeper.sweep_clocks({"order": at(99)}, at(99), 7)
            claimed.extend((one.trace, one.clock.occurrence) for one in due)
            idle = 0 if due else idle + 1

    await asyncio.gather(sweep(store), sweep(other), sweep(store))
    await other.close()
    assert len(claimed) == 120
    assert len(set(claimed)) == 120
    assert (await store.views.totals()).breached == 40


async def test_bad_row_is_put_off_and_does_not_stop_the_others(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    bad = await place(store, "e1", ("order", "bad"), said=Said([], [a_clock()]))
    good = await place(store, "e2", ("order", "good"), said=Said([], [a_clock()]))
    async with store.ingest() as batch:
        await batch._transaction.execute(
            update(clocks).where(clocks.c.trace_id == bad).values(state="no such state")
        )
    now = at(60)
    assert [one.trace for one in await store.sweep_clocks({"order": now}, now, 10)] == [good]
    assert "put off" in caplog.text
    assert await store.sweep_clocks({"order": now}, now, 10) == []
    later = now + timedelta(hours=2)
    caplog.clear()
    assert await store.sweep_clocks({"order": later}, later, 10) == []
    assert "put off" in caplog.text
    (notice,) = await store.notices()  # one, however often it is tried
    assert (notice.kind, notice.subject) == (NoticeKind.UNREADABLE_CLOCK, "order/Ship")
    assert "no such state" in notice.message


async def test_sweep_and_batches_at_once_lose_nothing(store_url: str, store: SqlStore) -> None:
    """A sweep beside batches of the same traces: every breach is found once, every event counted."""
    for number in range(10):
        await place(store, f"a{number}", ("order", f"o-{number}"), said=Said([], [a_clock()]))
    other = await open_store(store_url, now=TickingClock())
    swept: list[int] = []

    async def batches() -> None:
        for number in range(10):
            await place(store, f"b{number}", ("order", f"o-{number}"), said=Said(None, [a_clock()]))

    async def sweeps() -> None:
        while len(swept) < 10:
            swept.extend(one.trace for one in await other.sweep_clocks({"order": at(99)}, at(99), 3))
            await other.confirm_findings({"order": at(99)}, at(99), 5)

    async with asyncio.timeout(60):
        await asyncio.gather(batches(), sweeps())
    await other.close()
    assert sorted(swept) == sorted(set(swept))
    rows = (await store.views.traces(TraceFilter())).rows
    assert [(row.events, row.sla) for row in rows] == [(2, "breached")] * 10
    found = (await store.views.findings(FindingFilter(kind=FindingKind.SLA_BREACH))).rows
    assert len(found) == 10
    assert all(row.state is not RETRACTED and row.time == NOON + timedelta(minutes=10) for row in found)

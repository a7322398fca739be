"""What a batch changes of the findings and clocks of its traces.

Stored findings and clocks are compared with what holds now, and only differences are written: new findings
begin provisional, those that no longer hold are retracted, those that hold again begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, select

from monitor.domain.verdict import Clock, ClockState, Finding, FindingState
from monitor.sla.findings import clock_finding, subject
from monitor.storage import findings
from monitor.storage.base import TraceUpdate
from monitor.storage.findings import Owner, StoredFinding
from monitor.storage.tables import clocks
from monitor.storage.transaction import Transaction

_BY_TIME = {ClockState.RUNNING: 0, ClockState.AT_RISK: 1, ClockState.BREACHED: 2}
_WORST_FIRST = (
    ClockState.BREACHED,
    ClockState.MISSED,
    ClockState.AT_RISK,
    ClockState.RUNNING,
    ClockState.MET,
    ClockState.CANCELLED,
)
AFTER_RISK = {
    ClockState.BREACHED: "It was not met by the time it was due.",
    ClockState.MISSED: "It was not met by the time it was due.",
    ClockState.MET: "It was met in time.",
    ClockState.CANCELLED: "The path no longer leads there.",
}
DISPROVED = "What came in since disproves it."


def worst(states: Iterable[str]) -> str | None:
    """The state a trace's clocks amount to; None without any clock."""
    there = set(states)
    return next((state.value for state in _WORST_FIRST if state in there), None)


def carried_on(stored: Clock | None, computed: Clock) -> Clock:
    """A clock as it holds now: what time alone has brought about (a breach the sweep found) stays so while
    the clock is the same and still open, since the watermark never moves back."""
    if (
        stored is not None
        and _BY_TIME.get(stored.state, -1) > _BY_TIME.get(computed.state, 3)
        and (stored.started, stored.due, stored.at_risk) == (computed.started, computed.due, computed.at_risk)
    ):
        return replace(computed, state=stored.state)
    return computed


def clock_values(trace_id: int, flow: str, clock: Clock) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    return (
        trace_id,
        clock.sla,
        clock.occurrence,
        flow,
        clock.state.value,
        clock.started,
        clock.due,
        clock.at_risk,
        clock.ended,
        clock.severity,
        clock.element,
        clock.next_change(),
    )


def stored_clock(row: Row[Any]) -> Clock:
    return Clock(
        sla=row.sla,
        occurrence=row.occurrence,
        state=ClockState(row.state),
        started=row.started,
        due=row.due,
        at_risk=row.at_risk,
        ended=row.ended,
        severity=row.severity,
        element=row.element,
    )


class Judged(NamedTuple):
    """What lists show of traces, by id. ``slas``: the worst clock state, where clocks were told.
    ``confirmed``: how many confirmed deviations hold, where findings were told."""

    slas: dict[int, str | None]
    confirmed: dict[int, int]


async def write(transaction: Transaction, updates: Sequence[TraceUpdate], now: datetime) -> Judged:
    """Store the findings and clocks of ``updates``."""
    told = [one for one in updates if one.findings is not None or one.clocks is not None]
    stored = await findings.load(transaction, (one.trace.id for one in told if one.trace.stored))
    holding = await _write_clocks(transaction, [one for one in updates if one.clocks is not None])
    changed: list[StoredFinding] = []
    confirmed: dict[int, int] = {}
    for update in told:
        trace = update.trace
        owner, known = Owner(trace.id, trace.key, trace.flow), stored.get(trace.id, {})
        reason = update.reason or DISPROVED
        if update.findings is not None:
            known_deviations = {key: one for key, one in known.items() if one.is_deviation}
            changed += _differences(owner, known_deviations, update.findings, {}, reason, now)
            going_on = {finding.key() for finding in update.findings} & known_deviations.keys()
            confirmed[trace.id] = sum(
                known_deviations[key].state == FindingState.CONFIRMED for key in going_on
            )
        if update.clocks is not None:
            known_slas = {key: one for key, one in known.items() if not one.is_deviation}
            hold = [
                one for clock in holding[trace.id] if (one := clock_finding(clock, trace.key)) is not None
            ]
            why = {subject(clock): AFTER_RISK.get(clock.state, reason) for clock in holding[trace.id]}
            changed += _differences(owner, known_slas, hold, why, reason, now)
    await findings.write(transaction, changed)
    slas = {trace_id: worst(clock.state for clock in told) for trace_id, told in holding.items()}
    return Judged(slas, confirmed)


async def dissolve(transaction: Transaction, gone: Mapping[int, str], now: datetime) -> None:
    """Of traces that hold nothing any more (by id, each with the reason): stop the clocks, retract the
    findings."""
    if not gone:
        return
    await transaction.execute(delete(clocks).where(transaction.among(clocks.c.trace_id, gone)))
    stored = await findings.load(transaction, gone)
    await findings.write(
        transaction,
        [
            one.retract(now, gone[trace_id])
            for trace_id, known in stored.items()
            for one in known.values()
            if one.is_active
        ],
    )


def _differences(
    owner: Owner,
    stored: Mapping[bytes, StoredFinding],
    holding: Sequence[Finding],
    why: Mapping[str, str],
    reason: str,
    now: datetime,
) -> list[StoredFinding]:
    """The rows to write so that exactly ``holding`` is active. ``why`` gives reasons by the finding's
    subject, ``reason`` all others."""
    hold = {one.key(): one for one in holding}
    begun = [findings.holds(owner, one, stored.get(key), now) for key, one in hold.items()]
    changed = [row for row in begun if row != stored.get(row.key)]
    return changed + [
        row.retract(now, why.get(row.subject, reason))
        for key, row in stored.items()
        if row.is_active and key not in hold
    ]


async def _write_clocks(transaction: Transaction, timed: Sequence[TraceUpdate]) -> dict[int, list[Clock]]:
    """Store the clocks that hold; returns them by trace."""
    of = clocks.c
    before: dict[int, dict[tuple[str, int], Clock]] = {}
    known = [update.trace.id for update in timed if update.trace.stored]
    if known:
        asked = select(clocks).where(transaction.among(of.trace_id, known))
        for row in await transaction.rows(asked):
            before.setdefault(row.trace_id, {})[row.sla, row.occurrence] = stored_clock(row)
    holding: dict[int, list[Clock]] = {}
    changed: list[tuple[Any, ...]] = []
    vanished: list[tuple[Any, ...]] = []
    for update in timed:
        trace, stored = update.trace, before.get(update.trace.id, {})
        now_holds = {(one.sla, one.occurrence): one for one in update.clocks or ()}
        final = {at: carried_on(stored.get(at), clock) for at, clock in now_holds.items()}
        changed += [
            clock_values(trace.id, trace.flow, clock)
            for at, clock in final.items()
            if stored.get(at) != clock
        ]
        vanished += [(trace.id, *at) for at in stored.keys() - final.keys()]
        holding[trace.id] = list(final.values())
    await transaction.upsert(clocks, list(of), changed)
    await transaction.delete(clocks, [of.trace_id, of.sla, of.occurrence], vanished)
    return holding

"""What a batch changes of the findings and clocks of its traces.

Stored findings and clocks are compared with what holds now, and only differences are written: new findings
begin provisional, those that no longer hold are retracted, those that hold again begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, delete, or_, select

from monitor.domain.verdict import Clock, ClockKind, ClockState, Finding, FindingState
from monitor.sla.findings import clock_finding, subject
from monitor.storage import alerts, findings
from monitor.storage.alerts import WORSE
from monitor.storage.base import TraceUpdate
from monitor.storage.findings import Owner, StoredFinding
from monitor.storage.tables import clocks
from monitor.storage.tally import Tally
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
_TELLING = frozenset({ClockState.AT_RISK, ClockState.BREACHED, ClockState.MISSED})
"""States of which a finding tells; of a trace without such a clock, now and before, none can hold."""

AFTER_RISK = {
    ClockState.BREACHED: WORSE,
    ClockState.MISSED: WORSE,
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
        and (stored.state is not ClockState.BREACHED or computed.breaches)
        and (stored.started, stored.due, stored.at_risk) == (computed.started, computed.due, computed.at_risk)
    ):
        return computed._replace(state=stored.state, unverified=stored.unverified)
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
        clock.kind.value,
        clock.paused,
        clock.sure,
        clock.unverified,
    )


CLOCK = [clocks.c[name] for name in Clock._fields]
"""The columns of a clock, in its order."""

_STATES = {state.value: state for state in ClockState}
_KINDS = {kind.value: kind for kind in ClockKind}


def stored_clock(row: Row[Any]) -> Clock:
    """From a whole row of the table."""
    return clock_of(*(getattr(row, name) for name in Clock._fields))


def clock_of(
    sla: str,
    occurrence: int,
    state: str,
    started: datetime,
    due: datetime,
    at_risk: datetime | None,
    ended: datetime | None,
    severity: str,
    element: str | None,
    kind: str,
    *rest: Any,
) -> Clock:
    """From values of :data:`CLOCK`. Raises ValueError for a state or kind nobody knows."""
    known, of_kind = _STATES.get(state) or ClockState(state), _KINDS.get(kind) or ClockKind(kind)
    return Clock(sla, occurrence, known, started, due, at_risk, ended, severity, element, of_kind, *rest)


class Judged(NamedTuple):
    """What lists show of traces, by id. ``slas``: the worst clock state, where clocks were told.
    ``confirmed``: how many confirmed deviations hold, where all findings were told; ``disproved``: how many
    no longer do, where some were."""

    slas: dict[int, str | None]
    confirmed: dict[int, int]
    disproved: dict[int, int]


async def write(
    transaction: Transaction, updates: Sequence[TraceUpdate], now: datetime, tally: Tally
) -> Judged:
    """Store the findings and clocks of ``updates``."""
    timed = [one for one in updates if one.clocks is not None]
    before = await _load_clocks(transaction, [one for one in timed if one.trace.stored])
    holding = await _write_clocks(transaction, timed, before, tally)
    telling = {
        trace_id
        for trace_id, several in holding.items()
        if any(one.state in _TELLING for one in (*several, *before.get(trace_id, {}).values()))
    }
    told = [one for one in updates if one.findings is not None or one.trace.id in telling]
    stored = await _load_findings(transaction, [one for one in told if one.trace.stored])
    changed: list[StoredFinding] = []
    confirmed: dict[int, int] = {}
    disproved: dict[int, int] = {}
    for update in told:
        trace = update.trace
        owner, known = Owner(trace.id, trace.key, trace.flow, update.watched), stored.get(trace.id, {})
        reason = update.reason or DISPROVED
        if update.findings is not None:
            known_deviations = {key: one for key, one in known.items() if one.is_deviation}
            changed += _differences(owner, known_deviations, update.findings, {}, reason, now)
            hold_on = {finding.key() for finding in update.findings}
            were = {key for key, one in known_deviations.items() if one.state == FindingState.CONFIRMED}
            if update.is_whole:
                confirmed[trace.id] = len(were & hold_on)
            else:
                disproved[trace.id] = len(were - hold_on)
        if trace.id in telling:
            known_slas = {
                key: one
                for key, one in known.items()
                if not one.is_deviation and not _is_settled(one, update.settled)
            }
            hold = [
                one for clock in holding[trace.id] if (one := clock_finding(clock, trace.key)) is not None
            ]
            why = {subject(clock): AFTER_RISK.get(clock.state, reason) for clock in holding[trace.id]}
            changed += _differences(owner, known_slas, hold, why, reason, now)
    await findings.write(transaction, changed)
    ends = {
        (trace_id, subject(clock)): clock.ended for trace_id, several in holding.items() for clock in several
    }
    await alerts.follow(transaction, changed, ends, now)
    slas = {
        update.trace.id: worst(
            [
                *(clock.state for clock in holding[update.trace.id]),
                *await _settled_states(transaction, update.trace.id, update.settled),
            ]
        )
        for update in timed
    }
    return Judged(slas, confirmed, disproved)


async def _load_findings(
    transaction: Transaction, told: Sequence[TraceUpdate]
) -> dict[int, dict[bytes, StoredFinding]]:
    """What findings are compared with: of traces judged in part only what stands in those parts."""
    in_part = {one.trace.id for one in told if one.trace.cut and not one.is_whole}
    found = await findings.load(transaction, (one.trace.id for one in told if one.trace.id not in in_part))
    for update in told:
        if update.trace.id in in_part:
            spans = () if update.findings is None else update.spans
            found[update.trace.id] = await findings.load_parts(
                transaction, update.trace.id, spans, with_slas=update.clocks is not None
            )
    return found


def _is_settled(finding: StoredFinding, settled: Mapping[str, int]) -> bool:
    """Whether it is about a clock that came before those told of."""
    sla, _, occurrence = finding.subject.rpartition("#")
    return int(occurrence) < settled.get(sla, 0)


async def _settled_states(transaction: Transaction, trace_id: int, settled: Mapping[str, int]) -> list[str]:
    """The states of the clocks before those told of."""
    of = clocks.c
    before = [and_(of.sla == sla, of.occurrence < count) for sla, count in settled.items() if count]
    if not before:
        return []
    asked = select(of.state).where(of.trace_id == trace_id, or_(*before)).distinct()
    return [row.state for row in await transaction.rows(asked)]


async def dissolve(transaction: Transaction, gone: Mapping[int, str], now: datetime, tally: Tally) -> None:
    """Of traces that hold nothing any more (by id, each with the reason): stop the clocks, retract the
    findings."""
    if not gone:
        return
    theirs = transaction.among(clocks.c.trace_id, gone)
    for row in await transaction.rows(select(clocks).where(theirs)):
        tally.clock(row.flow, stored_clock(row), None)
    await transaction.execute(delete(clocks).where(theirs))
    stored = await findings.load(transaction, gone)
    retracted = [
        one.retract(now, gone[trace_id])
        for trace_id, known in stored.items()
        for one in known.values()
        if one.is_active
    ]
    await findings.write(transaction, retracted)
    await alerts.follow(transaction, retracted, {}, now)


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


async def _load_clocks(
    transaction: Transaction, stored_ones: Sequence[TraceUpdate]
) -> dict[int, dict[tuple[str, int], Clock]]:
    """The clocks that those of ``stored_ones`` take the place of, by trace."""
    of = clocks.c
    before: dict[int, dict[tuple[str, int], Clock]] = {}
    wanted = []
    if known := [update.trace.id for update in stored_ones if not any(update.settled.values())]:
        wanted.append(transaction.among(of.trace_id, known))
    wanted += [
        and_(
            of.trace_id == update.trace.id,
            *(or_(of.sla != sla, of.occurrence >= count) for sla, count in update.settled.items()),
        )
        for update in stored_ones
        if any(update.settled.values())
    ]
    for condition in wanted:
        for trace_id, *values in await transaction.rows(select(of.trace_id, *CLOCK).where(condition)):
            clock = clock_of(*values)
            before.setdefault(trace_id, {})[clock.sla, clock.occurrence] = clock
    return before


async def _write_clocks(
    transaction: Transaction,
    timed: Sequence[TraceUpdate],
    before: Mapping[int, Mapping[tuple[str, int], Clock]],
    tally: Tally,
) -> dict[int, list[Clock]]:
    """Store the clocks that hold, given those that were there ``before``; returns them by trace."""
    of = clocks.c
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
        for at in stored.keys() | final.keys():
            tally.clock(trace.flow, stored.get(at), final.get(at))
        holding[trace.id] = list(final.values())
    await transaction.upsert(clocks, list(of), changed)
    await transaction.delete(clocks, [of.trace_id, of.sla, of.occurrence], vanished)
    return holding

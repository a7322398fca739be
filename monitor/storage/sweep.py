"""What time alone brings about, claimed row by row so that any number of sweepers may run."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, case, select, tuple_

from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.verdict import Clock, ClockState, FindingKind, FindingState
from monitor.sla.clocks import at
from monitor.sla.findings import clock_finding, subject
from monitor.storage import alerts, notices
from monitor.storage import findings as stored_findings
from monitor.storage.base import DueClock
from monitor.storage.findings import Owner, StoredFinding
from monitor.storage.judgements import AFTER_RISK, DISPROVED, stored_clock, worst
from monitor.storage.tables import PROVISIONAL, UNVERIFIED, clocks, findings, traces
from monitor.storage.tally import Counted, Tally
from monitor.storage.transaction import Transaction

log = logging.getLogger("choreoscope.storage")

_PUT_OFF = timedelta(hours=1)
_PROVISIONAL = FindingState.PROVISIONAL.value


class _Due(NamedTuple):
    row: Row[Any]
    clock: Clock
    previous: ClockState


async def sweep_clocks(
    transaction: Transaction,
    watermarks: Mapping[str, datetime],
    now: datetime,
    limit: int,
    tally: Tally,
    verified: Mapping[str, datetime | None],
    watched: Mapping[str, datetime],
) -> list[DueClock]:
    """See :meth:`monitor.storage.base.Store.sweep_clocks`. The chain's first trace is locked before anything
    else of it, as a batch does; chains a batch holds just now are left for the next sweep."""
    rows = await _due(transaction, watermarks, limit)
    judged: list[_Due] = []
    put_off: list[Row[Any]] = []
    for row in rows:
        try:
            judged.append(_moved_on(row, watermarks[row.flow], verified.get(row.flow, watermarks[row.flow])))
        except (ValueError, OverflowError) as error:
            log.exception("clock %r of trace %s cannot be read and is put off", row.sla, row.trace_id)
            put_off.append(row)
            await notices.begin(transaction, _unreadable(row, error, now), tally)
    claimed = await _claim(transaction, judged, put_off, now)
    if not claimed:
        return []
    for due in claimed:
        tally.clock(due.row.flow, due.clock._replace(state=due.previous), due.clock)
    owners = await _settle(transaction, claimed, now, tally, watched)
    return [
        DueClock(due.row.trace_id, owners[due.row.trace_id], due.row.flow, due.clock, due.previous)
        for due in claimed
    ]


async def _due(transaction: Transaction, watermarks: Mapping[str, datetime], limit: int) -> list[Row[Any]]:
    """Clocks whose armed instant has passed, the longest overdue of each flow first, flows in fair shares."""
    of = clocks.c
    first = traces.alias("first")
    found: list[Row[Any]] = []
    hungry = sorted(watermarks)
    last: dict[str, tuple[datetime, int, str, int]] = {}
    while hungry and len(found) < limit:
        share = -(-(limit - len(found)) // len(hungry))
        still: list[str] = []
        for flow in hungry:
            take = min(share, limit - len(found))
            if take <= 0:
                break
            asked = (
                select(clocks)
                .join_from(clocks, traces, traces.c.id == of.trace_id)
                .join(first, first.c.id == traces.c.chain_id)
                .where(of.flow == flow, of.next_at <= watermarks[flow])
                .order_by(of.next_at, of.trace_id, of.sla, of.occurrence)
                .limit(take)
                .with_for_update(of=first, skip_locked=True)
            )
            if flow in last:
                asked = asked.where(tuple_(of.next_at, of.trace_id, of.sla, of.occurrence) > last[flow])
            rows = await transaction.rows(asked)
            found += rows
            if len(rows) == take:
                still.append(flow)
                row = rows[-1]
                last[flow] = (row.next_at, row.trace_id, row.sla, row.occurrence)
        hungry = still
    return found


def _moved_on(row: Row[Any], watermark: datetime, verified: datetime | None) -> _Due:
    clock = stored_clock(row)
    moved = at(clock, watermark)
    unverified = moved.state is not clock.state and (verified is None or at(clock, verified) != moved)
    moved = moved._replace(unverified=unverified)
    clock_finding(moved, "")  # what cannot be told is put off too
    return _Due(row, moved, clock.state)


def _unreadable(row: Row[Any], error: Exception, now: datetime) -> Notice:
    return Notice(
        kind=NoticeKind.UNREADABLE_CLOCK,
        subject=f"{row.flow}/{row.sla}",
        message=(
            f"The clock of “{row.sla}” of trace {row.trace_id} cannot be read, and is tried again every"
            f" hour: {error}. Other clocks go on."
        ),
        since=now,
        noticed=now,
        flow=row.flow,
    )


async def _claim(
    transaction: Transaction, due: Sequence[_Due], put_off: Sequence[Row[Any]], now: datetime
) -> list[_Due]:
    """Move the clocks on, unless another has done so between our look and our lock."""
    of = clocks.c
    wanted = {(one.row.trace_id, one.row.sla, one.row.occurrence): one for one in due}
    moved = await transaction.update_returning(
        clocks,
        [of.trace_id, of.sla, of.occurrence, of.next_at, of.state],
        [of.state, of.next_at, of.unverified],
        [
            (
                *key,
                one.row.next_at,
                one.previous.value,
                one.clock.state.value,
                one.clock.next_change(),
                one.clock.unverified,
            )
            for key, one in sorted(wanted.items())
        ],
        [of.trace_id, of.sla, of.occurrence],
    )
    await transaction.update(
        clocks,
        [of.trace_id, of.sla, of.occurrence],
        [of.next_at],
        [(row.trace_id, row.sla, row.occurrence, now + _PUT_OFF) for row in put_off],
    )
    return [wanted[key] for key in sorted(moved)]


async def _settle(
    transaction: Transaction,
    claimed: Sequence[_Due],
    now: datetime,
    tally: Tally,
    watched: Mapping[str, datetime],
) -> dict[int, str]:
    """Write what the claimed clocks mean for their traces. Returns the traces' keys."""
    of = traces.c
    states: dict[int, list[str]] = {}
    for due in claimed:
        states.setdefault(due.row.trace_id, []).append(due.clock.state.value)
    tally.touched(states)
    asked = select(of.id, of.key, of.flow, of.complete, of.confirmed, of.sla)
    rows = {row.id: row for row in await transaction.rows(asked.where(transaction.among(of.id, states)))}
    changed: list[tuple[int, str | None, datetime]] = []
    for trace_id, row in rows.items():
        sla = worst([*states[trace_id], *([row.sla] if row.sla else [])])
        if sla != row.sla:
            before = Counted(row.flow, row.complete, row.confirmed, row.sla)
            tally.move(before, before._replace(sla=sla))
            changed.append((trace_id, sla, now))
    await transaction.update(traces, [of.id], [of.sla, of.updated], sorted(changed))
    stored = await stored_findings.load(transaction, sorted(states))
    written: dict[int, dict[bytes, StoredFinding]] = {}
    for due in claimed:
        row = rows[due.row.trace_id]
        known = stored.get(row.id, {})
        ours = written.setdefault(row.id, {})
        finding = clock_finding(due.clock, row.key)
        if finding is not None:
            key = finding.key()
            ours[key] = stored_findings.holds(
                Owner(row.id, row.key, row.flow, watched.get(row.flow)), finding, known.get(key), now
            )
        for key, one in known.items():
            over = one.is_active and not one.is_deviation and one.subject == subject(due.clock)
            if over and key not in ours:
                ours[key] = one.retract(now, AFTER_RISK.get(due.clock.state, DISPROVED))
    changed_findings = [one for ours in written.values() for one in ours.values()]
    await stored_findings.write(transaction, changed_findings)
    ends = {(due.row.trace_id, subject(due.clock)): due.clock.ended for due in claimed}
    await alerts.follow(transaction, changed_findings, ends, now)
    tally.changed()
    return {row.id: row.key for row in rows.values()}


async def verify_clocks(
    transaction: Transaction, until: Mapping[str, datetime], now: datetime, limit: int, tally: Tally
) -> int:
    """See :meth:`monitor.storage.base.Store.verify_clocks`. Locks as :func:`sweep_clocks` does."""
    of = clocks.c
    first = traces.alias("first")
    found: list[Row[Any]] = []
    for flow, instant in sorted(until.items()):
        asked = (
            select(clocks)
            .join_from(clocks, traces, traces.c.id == of.trace_id)
            .join(first, first.c.id == traces.c.chain_id)
            .where(UNVERIFIED, of.flow == flow, _judged_at <= instant)
            .order_by(of.due, of.trace_id, of.sla, of.occurrence)
            .limit(limit - len(found))
            .with_for_update(of=first, skip_locked=True)
        )
        found += await transaction.rows(asked)
        if len(found) >= limit:
            break
    key = [of.trace_id, of.sla, of.occurrence]
    still = {(row.trace_id, row.sla, row.occurrence): row for row in found}
    verified = await transaction.update_returning(  # an event may have moved it between our look and our lock
        clocks,
        [*key, of.state, of.unverified],
        [of.unverified],
        [(*at_, row.state, True, False) for at_, row in sorted(still.items())],
        key,
    )
    settled = [still[at_] for at_ in sorted(verified)]
    due = [
        _Due(row, clock._replace(unverified=False), clock.state)
        for row, clock in ((row, stored_clock(row)) for row in settled)
    ]
    if due:
        await _settle(transaction, due, now, tally, {})
    return len(due)


_judged_at = case((clocks.c.state == ClockState.AT_RISK.value, clocks.c.at_risk), else_=clocks.c.due)


async def confirm_findings(
    transaction: Transaction, until: Mapping[str, datetime], now: datetime, limit: int, tally: Tally
) -> int:
    """See :meth:`monitor.storage.base.Store.confirm_findings`. Locks as :func:`sweep_clocks` does."""
    of = findings.c
    first = traces.alias("first")
    due: list[Row[Any]] = []
    for flow, instant in sorted(until.items()):
        if len(due) >= limit:
            break
        asked = (
            select(of.trace_id, of.key, of.time, of.kind)
            .join_from(findings, traces, traces.c.id == of.trace_id)
            .join(first, first.c.id == traces.c.chain_id)
            .where(PROVISIONAL, of.flow == flow, of.time <= instant)
            .order_by(of.time)
            .limit(limit - len(due))
            .with_for_update(of=first, skip_locked=True)
        )
        due += await transaction.rows(asked)
    confirmed = (
        await transaction.update_returning(  # what was retracted between our look and our lock stays so
            findings,
            [of.trace_id, of.key, of.time, of.state],
            [of.state, of.confirmed],
            [
                (row.trace_id, row.key, row.time, _PROVISIONAL, FindingState.CONFIRMED.value, now)
                for row in sorted(due, key=lambda row: (row.trace_id, row.key))
            ],
            alerts.STATED,
        )
    )
    if confirmed:
        stated = [dict(zip((one.name for one in alerts.STATED), row, strict=True)) for row in confirmed]
        await alerts.begin(transaction, stated, now)
        deviations = Counter(row["trace_id"] for row in stated if FindingKind(row["kind"]).is_deviation)
        await _count_confirmed(transaction, deviations, now, tally)
        tally.changed()
    return len(confirmed)


async def _count_confirmed(
    transaction: Transaction, deviations: Mapping[int, int], now: datetime, tally: Tally
) -> None:
    """So many more deviations of these traces are confirmed."""
    if not deviations:
        return
    tally.touched(deviations)
    of = traces.c
    asked = select(of.id, of.flow, of.complete, of.confirmed, of.sla)
    changed: list[tuple[int, int, datetime]] = []
    for row in await transaction.rows(asked.where(transaction.among(of.id, deviations))):
        before = Counted(row.flow, row.complete, row.confirmed, row.sla)
        after = before._replace(confirmed=row.confirmed + deviations[row.id])
        tally.move(before, after)
        changed.append((row.id, after.confirmed, now))
    await transaction.update(traces, [of.id], [of.confirmed, of.updated], sorted(changed))

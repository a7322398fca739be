"""Alerts as rows: each begins and ends in the transaction of what it tells of, so that none is lost
and none is false. ``pending`` rows are the outbox for routing (:mod:`monitor.storage.alert_routing`).

Only confirmed findings alert, and no historic ones. A batch that changes no confirmed finding asks nothing
here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, update

from monitor.alerts.born import Born, Stated, finding_id, notice_id, of_finding, of_notice, sentence
from monitor.domain.notice import Notice
from monitor.domain.verdict import Clock, FindingKind, FindingState
from monitor.storage.findings import StoredFinding
from monitor.storage.tables import LASTS, alerts, clocks
from monitor.storage.tables import findings as finding_table
from monitor.storage.transaction import Transaction
from monitor.storage.types import exact_json, strings

FIRING, RESOLVED = "firing", "resolved"

_COLUMNS = list(alerts.c)
_f = finding_table.c
STATED = [
    _f.trace_id,
    _f.key,
    _f.trace_key,
    _f.flow,
    _f.kind,
    _f.severity,
    _f.element,
    _f.name,
    _f.message,
    _f.expected,
    _f.time,
    _f.found,
    _f.subject,
    _f.historic,
    _f.acknowledged,
    _f.acknowledged_by,
    _f.acknowledged_note,
]
"""What is needed of a finding that is confirmed, for :func:`begin`."""

Ends = Mapping[tuple[int, str], datetime | None]
"""By trace and a finding's subject: when the clock it is about ended; None while it runs."""


async def begin(
    transaction: Transaction, confirmed: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, int]:
    """Alerts about findings that are confirmed now (:data:`STATED` of each). Returns how many by name."""
    alerting = [row for row in confirmed if not row["historic"]]
    known = await _clocks(transaction, alerting)
    rows: list[tuple[Any, ...]] = []
    count: dict[str, int] = {}
    for row in alerting:
        clock = known.get((row["trace_id"], row["subject"]))
        born = of_finding(_stated(row), clock)
        taken = (row["acknowledged"], row["acknowledged_by"], row["acknowledged_note"])
        rows.append(_values(born, now, taken))
        count[born.name] = count.get(born.name, 0) + 1
    await transaction.upsert(alerts, _COLUMNS, sorted(rows, key=lambda row: row[0]))
    return count


def _stated(row: Mapping[str, Any]) -> Stated:
    return Stated(
        trace=row["trace_id"],
        key=row["key"],
        trace_key=row["trace_key"],
        flow=row["flow"],
        kind=FindingKind(row["kind"]),
        severity=row["severity"],
        element=row["element"],
        name=row["name"],
        message=row["message"],
        expected=strings(row["expected"]),
        time=row["time"],
        found=row["found"],
    )


async def _clocks(
    transaction: Transaction, confirmed: Sequence[Mapping[str, Any]]
) -> dict[tuple[int, str], Clock]:
    """The clocks SLA findings are about, by trace and the finding's subject."""
    of = clocks.c
    wanted = []
    for row in confirmed:
        if not FindingKind(row["kind"]).is_deviation:
            sla, _, occurrence = row["subject"].rpartition("#")
            wanted.append((row["trace_id"], sla, int(occurrence)))
    asked = [of.trace_id, of.sla, of.occurrence]
    told = [*asked, of.state, of.started, of.due, of.ended, of.element]
    found = await transaction.look_up(clocks, asked, sorted(set(wanted)), told)
    return {
        (trace, f"{sla}#{occurrence}"): Clock(
            sla, occurrence, state, started, due, ended=ended, element=element
        )
        for trace, sla, occurrence, state, started, due, ended, element in found
    }


async def follow(
    transaction: Transaction, written: Sequence[StoredFinding], ends: Ends, now: datetime
) -> None:
    """What was written of findings, followed by their alerts: one of a finding that is retracted ends, as
    does one of a breach once its clock has ended; what goes on goes on in the finding's words."""
    of = alerts.c
    changed: list[tuple[Any, ...]] = []
    for row in written:
        if row.confirmed is None or row.historic:
            continue
        id_ = finding_id(row.trace_id, row.key, row.found)
        if row.state == FindingState.RETRACTED:
            tells_end, said = row.reason != WORSE, sentence(row.message)
            changed.append((id_, RESOLVED, now, row.reason, tells_end, said, True, now))
            continue
        ended = ends.get((row.trace_id, row.subject)) if not row.is_deviation else None
        status = FIRING if ended is None else RESOLVED
        reason = None if ended is None else "It came, but late."
        changed.append((id_, status, ended, reason, True, sentence(row.message), True, now))
    await transaction.update(
        alerts,
        [of.id],
        [of.status, of.ends_at, of.reason, of.tells_end, of.summary, of.pending, of.updated],
        sorted(changed, key=lambda one: one[0]),
    )


async def forget(transaction: Transaction, gone: Collection[int], now: datetime) -> None:
    """These traces are deleted, and what their clocks stood at with them: no event can end that any more."""
    ending = update(alerts).where(LASTS, transaction.among(alerts.c.trace_id, gone))
    told = {"status": RESOLVED, "ends_at": now, "reason": FORGOTTEN, "pending": True, "updated": now}
    await transaction.execute(ending.values(told))


FORGOTTEN = "Its trace is no longer kept."

WORSE = "It was not met by the time it was due."
"""Why what was at risk no longer is, where that is no good news: the breach tells it."""


async def notice_begins(transaction: Transaction, notice: Notice, now: datetime) -> None:
    await transaction.upsert(alerts, _COLUMNS, [_values(of_notice(notice), now)])


async def notice_changes(transaction: Transaction, row: Row[Any], notice: Notice, now: datetime) -> None:
    """``row``: the notice as it was stored so far. How severe it was at first stays its label."""
    of = alerts.c
    id_ = notice_id(row.kind, row.subject, row.noticed)
    said = sentence(notice.message)
    await transaction.update(alerts, [of.id], [of.summary, of.updated], [(id_, said, now)])


async def notice_ends(transaction: Transaction, row: Row[Any], now: datetime) -> None:
    of = alerts.c
    id_ = notice_id(row.kind, row.subject, row.noticed)
    await transaction.update(
        alerts,
        [of.id],
        [of.status, of.ends_at, of.pending, of.updated],
        [(id_, RESOLVED, now, True, now)],
    )


async def acknowledge(
    transaction: Transaction,
    finding: tuple[int, bytes, datetime],
    taken: tuple[datetime | None, str | None, str | None],
) -> None:
    """Who takes care of a finding (its trace, key, and when it was found) takes care of its alert, too."""
    of = alerts.c
    await transaction.update(
        alerts,
        [of.id],
        [of.acknowledged, of.acknowledged_by, of.acknowledged_note],
        [(finding_id(*finding), *taken)],
    )


def _values(
    born: Born,
    now: datetime,
    taken: tuple[datetime | None, str | None, str | None] = (None, None, None),
) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    return (
        born.id,
        born.name,
        FIRING if born.ends_at is None else RESOLVED,
        born.lasting,
        born.tells_end,
        True,
        born.trace,
        born.finding,
        born.flow,
        born.severity,
        exact_json(born.labels),
        exact_json(born.annotations),
        born.summary,
        born.reason,
        born.starts_at,
        born.ends_at,
        now,
        now,
        *taken,
    )

"""Findings as rows: when one begins, holds on, is retracted, or begins again.

A finding's key says what it says (see :meth:`monitor.domain.verdict.Finding.key`), so within a trace the
same statement is always the same row, and writing one twice is harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_, select

from monitor.domain.checkpoint import Span
from monitor.domain.verdict import Finding, FindingKind, FindingState
from monitor.storage.tables import findings
from monitor.storage.transaction import Transaction
from monitor.storage.types import strings_json

_SLA_KINDS = [kind.value for kind in FindingKind if not kind.is_deviation]


class StoredFinding(NamedTuple):
    """A row of ``findings``, column by column in the table's order."""

    trace_id: int
    key: bytes
    trace_key: str
    flow: str
    kind: str
    state: str
    severity: str
    element: str | None
    name: str
    message: str
    expected: str
    subject: str
    event: str | None
    identity: bytes | None
    time: datetime
    found: datetime
    confirmed: datetime | None
    retracted: datetime | None
    reason: str | None
    historic: bool
    acknowledged: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_note: str | None = None

    @property
    def is_active(self) -> bool:
        return self.state != FindingState.RETRACTED

    @property
    def is_deviation(self) -> bool:
        return FindingKind(self.kind).is_deviation

    def retract(self, now: datetime, reason: str) -> StoredFinding:
        return self._replace(state=FindingState.RETRACTED.value, retracted=now, reason=reason)


class Owner(NamedTuple):
    """The trace a finding is about. What happened before ``watched`` is history."""

    trace_id: int
    trace_key: str
    flow: str
    watched: datetime | None = None


def holds(owner: Owner, finding: Finding, stored: StoredFinding | None, now: datetime) -> StoredFinding:
    """The row of a finding that holds now. It begins provisional, and again so after a retraction (``found``
    is then when it was found again); as long as it just goes on, only its wording may change."""
    goes_on = stored if stored is not None and stored.is_active else None
    return StoredFinding(
        trace_id=owner.trace_id,
        key=finding.key(),
        trace_key=owner.trace_key,
        flow=owner.flow,
        kind=finding.kind.value,
        state=goes_on.state if goes_on else FindingState.PROVISIONAL.value,
        severity=finding.severity,
        element=finding.element,
        name=finding.name,
        message=finding.message,
        expected=strings_json(finding.expected),
        subject=finding.subject,
        event=finding.event,
        identity=finding.identity,
        time=finding.time,
        found=goes_on.found if goes_on else now,
        confirmed=goes_on.confirmed if goes_on else None,
        retracted=None,
        reason=None,
        historic=goes_on.historic if goes_on else _is_history(owner, finding),
        acknowledged=goes_on.acknowledged if goes_on else None,
        acknowledged_by=goes_on.acknowledged_by if goes_on else None,
        acknowledged_note=goes_on.acknowledged_note if goes_on else None,
    )


def _is_history(owner: Owner, finding: Finding) -> bool:
    return owner.watched is not None and finding.time < owner.watched


async def load(transaction: Transaction, trace_ids: Iterable[int]) -> dict[int, dict[bytes, StoredFinding]]:
    """All findings of these traces, by trace and key, locked: the sweep may be confirming some."""
    wanted = list(trace_ids)
    found: dict[int, dict[bytes, StoredFinding]] = {}
    if wanted:
        asked = select(findings).where(transaction.among(findings.c.trace_id, wanted))
        ordered = asked.order_by(findings.c.trace_id, findings.c.key).with_for_update()
        for row in await transaction.rows(ordered):
            one = StoredFinding(*row)
            found.setdefault(one.trace_id, {})[one.key] = one
    return found


async def load_parts(
    transaction: Transaction, trace_id: int, spans: Sequence[Span], *, with_slas: bool
) -> dict[bytes, StoredFinding]:
    """As :func:`load` for one trace: the deviations in ``spans`` and, if asked for, what SLAs say."""
    of = findings.c
    wanted: list[ColumnElement[bool]] = [
        and_(
            of.kind.not_in(_SLA_KINDS),
            *(() if span.since is None else (of.time >= span.since,)),
            *(() if span.until is None else (of.time < span.until,)),
        )
        for span in spans
    ]
    if with_slas:
        wanted.append(of.kind.in_(_SLA_KINDS))
    asked = select(findings).where(of.trace_id == trace_id, or_(false(), *wanted))
    rows = await transaction.rows(asked.order_by(of.key).with_for_update())
    return {row.key: StoredFinding(*row) for row in rows}


async def write(transaction: Transaction, rows: Sequence[StoredFinding]) -> None:
    await transaction.upsert(findings, list(findings.c), rows)

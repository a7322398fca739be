"""The list of findings, newest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from monitor.domain.verdict import FindingKind, FindingState
from monitor.storage import keyset
from monitor.storage.tables import RETRACTED, findings
from monitor.storage.transaction import Transaction
from monitor.storage.types import strings
from monitor.storage.views import FindingRow, Page

_of = findings.c
_KEYS = (_of.found, _of.trace_id, _of.key)


async def list_findings(
    transaction: Transaction,
    flow: str | None,
    kind: FindingKind | None,
    state: FindingState | None,
    cursor: str | None,
    limit: int,
) -> Page[FindingRow]:
    asked = select(findings)
    if flow:
        asked = asked.where(_of.flow == flow)
    if kind:
        asked = asked.where(_of.kind == kind.value)
    if state is FindingState.RETRACTED:
        asked = asked.where(RETRACTED)  # to the letter, so that the index of its own is used
    elif state:
        asked = asked.where(_of.state == state.value)
    beyond = keyset.after(_KEYS, cursor)
    if beyond is not None:
        asked = asked.where(beyond)
    rows = await transaction.rows(asked.order_by(*(key.desc() for key in _KEYS)).limit(limit + 1))
    return keyset.page(rows, limit, finding_row, lambda row: (row.found, row.trace_id, row.key))


def finding_row(row: Row[Any]) -> FindingRow:
    return FindingRow(
        trace=row.trace_id,
        trace_key=row.trace_key,
        flow=row.flow,
        key=row.key.hex(),
        kind=FindingKind(row.kind),
        state=FindingState(row.state),
        severity=row.severity,
        element=row.element,
        name=row.name,
        message=row.message,
        expected=strings(row.expected),
        event=row.event,
        identity=row.identity,
        time=row.time,
        found=row.found,
        confirmed=row.confirmed,
        retracted=row.retracted,
        reason=row.reason,
        historic=row.historic,
        acknowledged=row.acknowledged,
        acknowledged_by=row.acknowledged_by,
        acknowledged_note=row.acknowledged_note,
    )

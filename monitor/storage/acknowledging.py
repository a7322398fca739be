"""Somebody takes care of a finding, until they no longer do, or it no longer holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from monitor.domain.audit import FINDING_ACKNOWLEDGE, FINDING_RESUME, Entry
from monitor.domain.verdict import FindingState
from monitor.storage import alerts, audit
from monitor.storage.tables import findings
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction

LONGEST_NOTE = 2000


async def acknowledge(
    transaction: Transaction, trace_id: int, key: bytes, who: str, note: str, now: datetime, tally: Tally
) -> bool:
    """See :meth:`monitor.storage.base.Store.acknowledge`."""
    row = await _held(transaction, trace_id, key)
    if row is None:
        return False
    note = note[:LONGEST_NOTE]
    if (row.acknowledged_by, row.acknowledged_note) != (who, note or None):
        values = {"acknowledged": now, "acknowledged_by": who, "acknowledged_note": note or None}
        await _change(transaction, row, values, tally)
        entry = Entry(who, FINDING_ACKNOWLEDGE, _subject(row), _detail(row) | {"note": note})
        await audit.write(transaction, [entry], now)
    return True


async def resume(
    transaction: Transaction, trace_id: int, key: bytes, who: str, now: datetime, tally: Tally
) -> bool:
    """See :meth:`monitor.storage.base.Store.resume`."""
    row = await _held(transaction, trace_id, key)
    if row is None:
        return False
    if row.acknowledged is not None:
        nothing = dict.fromkeys(("acknowledged", "acknowledged_by", "acknowledged_note"))
        await _change(transaction, row, nothing, tally)
        await audit.write(transaction, [Entry(who, FINDING_RESUME, _subject(row), _detail(row))], now)
    return True


async def _held(transaction: Transaction, trace_id: int, key: bytes) -> Row[Any] | None:
    """The finding, locked, where it still holds."""
    of = findings.c
    asked = select(findings).where(
        of.trace_id == trace_id, of.key == key, of.state != FindingState.RETRACTED.value
    )
    rows = await transaction.rows(asked.with_for_update())
    return rows[0] if rows else None


async def _change(transaction: Transaction, row: Row[Any], values: dict[str, Any], tally: Tally) -> None:
    of = findings.c
    changing = update(findings).where(of.trace_id == row.trace_id, of.key == row.key).values(values)
    await transaction.execute(changing)
    taken = (values["acknowledged"], values["acknowledged_by"], values["acknowledged_note"])
    await alerts.acknowledge(transaction, (row.trace_id, row.key, row.found), taken)
    tally.changed()


def _subject(row: Row[Any]) -> str:
    return f"{row.flow} {row.trace_key}: {row.message}"


def _detail(row: Row[Any]) -> dict[str, Any]:
    return {"trace": row.trace_id, "finding": row.key.hex(), "kind": row.kind}

"""The audit: rows that are only ever added, each in the transaction whose change it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from monitor.domain.audit import Audited, Entry
from monitor.storage import keyset
from monitor.storage.tables import audit
from monitor.storage.transaction import Transaction
from monitor.storage.types import shown_json
from monitor.storage.views import Page

LONGEST_SUBJECT = 500

_COLUMNS = [column for column in audit.c if column.name != "id"]


async def write(transaction: Transaction, entries: Sequence[Entry], now: datetime) -> None:
    rows = [
        (now, entry.who, entry.action, entry.subject[:LONGEST_SUBJECT], shown_json(entry.detail))
        for entry in entries
    ]
    await transaction.append(audit, _COLUMNS, rows)


async def entries(
    transaction: Transaction, action: str | None, cursor: str | None, limit: int
) -> Page[Audited]:
    """The newest first. ``action``: only of this kind, or of those below it (``inbox``)."""
    asked = select(audit)
    if action is not None:
        asked = asked.where(
            (audit.c.action == action) | audit.c.action.startswith(f"{action}.", autoescape=True)
        )
    beyond = keyset.after([audit.c.id], cursor)
    if beyond is not None:
        asked = asked.where(beyond)
    rows = await transaction.rows(asked.order_by(audit.c.id.desc()).limit(limit + 1))
    return keyset.page(rows, limit, lambda row: Audited(*row), lambda row: (row.id,))

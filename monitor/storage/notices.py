"""Notices as rows: of one kind and subject at most one lasts (see :class:`monitor.domain.notice.Notice`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from monitor.domain.notice import Notice, NoticeKind
from monitor.storage import alerts
from monitor.storage.tables import LASTING, notices
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction


async def begin(transaction: Transaction, notice: Notice, tally: Tally) -> bool:
    """Store a notice, or of one that lasts already what is new in it. Returns whether it begins now."""
    of = notices.c
    same = (LASTING, of.kind == notice.kind.value, of.subject == notice.subject)
    rows = await transaction.rows(select(notices).where(*same).with_for_update())
    if not rows:
        await transaction.execute(insert(notices).values(_values(notice)))
        await alerts.notice_begins(transaction, notice, notice.noticed)
        tally.changed()
        return True
    (row,) = rows
    if (row.message, row.severity) != (notice.message, notice.severity):
        told = {"message": notice.message, "severity": notice.severity}
        await transaction.execute(update(notices).where(of.id == row.id).values(told))
        await alerts.notice_changes(transaction, row, notice, notice.noticed)
        tally.changed()
    return False


async def end(transaction: Transaction, kind: NoticeKind, subject: str, now: datetime, tally: Tally) -> bool:
    """The trouble is over. Returns whether there was a notice of it."""
    of = notices.c
    same = (LASTING, of.kind == kind.value, of.subject == subject)
    rows = await transaction.rows(select(notices).where(*same).with_for_update())
    if not rows:
        return False
    (row,) = rows
    await transaction.execute(update(notices).where(of.id == row.id).values(ended=now))
    await alerts.notice_ends(transaction, row, now)
    tally.changed()
    return True


async def lasting(transaction: Transaction, kind: NoticeKind | None = None) -> list[Notice]:
    """Those that last, the newest first; of one kind or of all."""
    of = notices.c
    asked = select(notices).where(LASTING).order_by(of.noticed.desc(), of.id.desc())
    if kind is not None:
        asked = asked.where(of.kind == kind.value)
    return [notice_of(row) for row in await transaction.rows(asked)]


def notice_of(row: Row[Any]) -> Notice:
    return Notice(
        kind=NoticeKind(row.kind),
        subject=row.subject,
        message=row.message,
        since=row.since,
        noticed=row.noticed,
        flow=row.flow,
        severity=row.severity,
        ended=row.ended,
    )


def _values(notice: Notice) -> dict[str, Any]:
    return {
        "kind": notice.kind.value,
        "subject": notice.subject,
        "flow": notice.flow,
        "severity": notice.severity,
        "message": notice.message,
        "since": notice.since,
        "noticed": notice.noticed,
        "ended": notice.ended,
    }

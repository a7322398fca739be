"""What is put down beside alerts, and what is let go of."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, and_, delete, or_, select, update

from monitor.domain.audit import ALERT_ACKNOWLEDGE, ALERT_RESUME, Entry
from monitor.storage import audit
from monitor.storage.tables import (
    ACTIVE,
    FIRING,
    IDLE,
    alert_groups,
    alert_marks,
    alert_members,
    alerts,
    attempts,
    notifications,
    notified_alerts,
)
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction

LONGEST_NOTE = 2000


async def mark(transaction: Transaction, name: str, every: timedelta, now: datetime) -> bool:
    """See :meth:`monitor.storage.alerting.Alerting.mark`."""
    of = alert_marks.c
    done = await transaction.claim(alert_marks, list(of), [(name, "", now)])
    if done:
        return True
    again = update(alert_marks).where(of.name == name, of.at <= now - every)
    return bool((await transaction.execute(again.values(at=now))).rowcount)


async def acknowledge(
    transaction: Transaction, alert: bytes, who: str, note: str | None, now: datetime, tally: Tally
) -> bool:
    """``note``: None lets it go again. See :meth:`monitor.storage.alerting.Alerting.acknowledge`."""
    of = alerts.c
    asked = select(alerts).where(FIRING, of.id == alert, of.finding.is_(None)).with_for_update()
    row = next(iter(await transaction.rows(asked)), None)
    if row is None:
        return False
    taken = (now, who, note[:LONGEST_NOTE] or None) if note is not None else (None, None, None)
    if (row.acknowledged_by, row.acknowledged_note) != taken[1:]:
        changing = update(alerts).where(of.id == alert)
        values = dict(zip(("acknowledged", "acknowledged_by", "acknowledged_note"), taken, strict=True))
        await transaction.execute(changing.values(values))
        action = ALERT_RESUME if note is None else ALERT_ACKNOWLEDGE
        await audit.write(transaction, [Entry(who, action, row.summary, {"alert": alert.hex()})], now)
        tally.changed()
    return True


async def purge(transaction: Transaction, before: datetime, limit: int) -> int:
    """See :meth:`monitor.storage.alerting.Alerting.purge`. An alert a group still has to do with stays."""
    of, done = alerts.c, notifications.c
    busy = select(alert_members.c.alert_id).where(ACTIVE, alert_members.c.alert_id == of.id)
    over = or_(of.status == "resolved", of.lasting.is_(False))
    asked = (
        select(of.id)
        .where(of.born < before, of.updated < before, over, of.pending.is_(False), ~busy.exists())
        .order_by(of.born)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = [row.id for row in await transaction.rows(asked)]
    old = select(done.id).where(done.created < before, done.next_at.is_(None)).order_by(done.created)
    sent = [row.id for row in await transaction.rows(old.limit(limit).with_for_update(skip_locked=True))]
    if gone:
        await _delete(transaction, alerts, of.id.in_(gone))
        await _delete(transaction, alert_members, alert_members.c.alert_id.in_(gone))
        await _delete(transaction, notified_alerts, notified_alerts.c.alert_id.in_(gone))
    if sent:
        for table, column in (
            (notifications, done.id),
            (attempts, attempts.c.notification_id),
            (notified_alerts, notified_alerts.c.notification_id),
        ):
            await _delete(transaction, table, transaction.among(column, sent))
    await _delete(transaction, alert_groups, _empty(before))
    return max(len(gone), len(sent))


def _empty(before: datetime) -> ColumnElement[bool]:
    of = alert_groups.c
    members = select(alert_members.c.group_id).where(alert_members.c.group_id == of.id)
    return and_(IDLE, of.not_before < before, ~members.exists())


async def _delete(transaction: Transaction, table: Table, where: ColumnElement[bool]) -> None:
    await transaction.execute(delete(table).where(where))

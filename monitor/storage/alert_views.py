"""Alerts, notifications and receivers as people see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from monitor.alerts.base import Alert, Notification
from monitor.storage import keyset
from monitor.storage.alert_delivery import notification_of
from monitor.storage.alert_flush import muting_of, texts
from monitor.storage.alerting import (
    AlertDetail,
    AlertFilter,
    AlertRow,
    AttemptRow,
    MemberRow,
    NotificationRow,
    ReceiverRow,
)
from monitor.storage.tables import (
    HAPPENED,
    LASTS,
    RESOLVED,
    UNDELIVERED,
    alert_groups,
    alert_members,
    alerts,
    attempts,
    inbox,
    notifications,
    notified_alerts,
    receivers,
)
from monitor.storage.transaction import Transaction
from monitor.storage.views import Page

MOST_NOTIFICATIONS = 200
"""Of one alert, the latest, that are shown."""


async def page(
    transaction: Transaction, wanted: AlertFilter, cursor: str | None, limit: int
) -> Page[AlertRow]:
    """The newest first."""
    of = alerts.c
    asked = select(alerts)
    if wanted.state is not None:
        asked = asked.where({"firing": LASTS, "facts": HAPPENED, "resolved": RESOLVED}[wanted.state])
    for column, value in (
        (of.name, wanted.name),
        (of.flow, wanted.flow),
        (of.severity, wanted.severity),
        (of.trace_id, wanted.trace),
    ):
        if value is not None:
            asked = asked.where(column == value)
    if wanted.acknowledged is not None:
        is_so = of.acknowledged.is_not(None) if wanted.acknowledged else of.acknowledged.is_(None)
        asked = asked.where(is_so)
    beyond = keyset.after([of.born, of.id], cursor)
    if beyond is not None:
        asked = asked.where(beyond)
    rows = await transaction.rows(asked.order_by(of.born.desc(), of.id.desc()).limit(limit + 1))
    return keyset.page(rows, limit, alert_row, lambda row: (row.born, row.id))


async def detail(transaction: Transaction, alert: bytes) -> AlertDetail | None:
    rows = await transaction.rows(select(alerts).where(alerts.c.id == alert))
    if not rows:
        return None
    members = await transaction.rows(
        select(alert_members, alert_groups)
        .join_from(alert_members, alert_groups, alert_groups.c.id == alert_members.c.group_id)
        .where(alert_members.c.alert_id == alert)
        .order_by(alert_groups.c.receiver, alert_groups.c.id)
    )
    told = await transaction.rows(
        select(notifications)
        .join_from(notified_alerts, notifications, notifications.c.id == notified_alerts.c.notification_id)
        .where(notified_alerts.c.alert_id == alert)
        .order_by(notifications.c.id.desc())
        .limit(MOST_NOTIFICATIONS)
    )
    tries: dict[int, list[AttemptRow]] = {row.id: [] for row in told}
    if tries:
        asked = select(attempts).where(transaction.among(attempts.c.notification_id, tries))
        for row in await transaction.rows(asked.order_by(attempts.c.notification_id, attempts.c.number)):
            tries[row.notification_id].append(attempt_row(row))
    return AlertDetail(
        row=alert_row(rows[0]),
        members=[_member_row(row) for row in members],
        notifications=[notification_row(row) for row in told],
        attempts=tries,
    )


async def receiver_rows(transaction: Transaction) -> Sequence[ReceiverRow]:
    of = notifications.c
    waiting = select(of.receiver, func.count().label("waiting"), func.min(of.created).label("oldest"))
    counted = await transaction.rows(waiting.where(UNDELIVERED).group_by(of.receiver))
    counts = {row.receiver: row for row in counted}
    rows = await transaction.rows(select(receivers).order_by(receivers.c.name))
    return [
        ReceiverRow(
            name=row.name,
            disabled=row.disabled,
            reason=row.reason,
            failing=row.failing,
            sent=row.sent,
            waiting=counts[row.name].waiting if row.name in counts else 0,
            oldest=counts[row.name].oldest if row.name in counts else None,
        )
        for row in rows
    ]


async def misfits(transaction: Transaction, since: datetime) -> dict[str, int]:
    """See :meth:`monitor.storage.alerting.Alerting.misfits`."""
    counted = select(inbox.c.source, func.count()).where(inbox.c.received >= since)
    rows = await transaction.rows(counted.group_by(inbox.c.source))
    return {source: int(count) for source, count in rows}


async def notification_page(
    transaction: Transaction, receiver: str | None, cursor: str | None, limit: int
) -> Page[NotificationRow]:
    """The newest first."""
    of = notifications.c
    asked = select(notifications)
    if receiver is not None:
        asked = asked.where(of.receiver == receiver)
    beyond = keyset.after([of.id], cursor)
    if beyond is not None:
        asked = asked.where(beyond)
    rows = await transaction.rows(asked.order_by(of.id.desc()).limit(limit + 1))
    return keyset.page(rows, limit, notification_row, lambda row: (row.id,))


async def notification(
    transaction: Transaction, number: int, external_url: str
) -> tuple[NotificationRow, Notification, Sequence[AttemptRow]] | None:
    rows = await transaction.rows(select(notifications).where(notifications.c.id == number))
    if not rows:
        return None
    asked = select(attempts).where(attempts.c.notification_id == number).order_by(attempts.c.number)
    tries = [attempt_row(row) for row in await transaction.rows(asked)]
    return notification_row(rows[0]), notification_of(rows[0], external_url), tries


def alert_row(row: Row[Any]) -> AlertRow:
    annotations = {**texts(row.annotations), "summary": row.summary}
    if row.reason:
        annotations["reason"] = row.reason
    return AlertRow(
        alert=Alert(
            id=row.id.hex(),
            status=row.status,
            labels=texts(row.labels),
            annotations=annotations,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            trace=row.trace_id,
            finding=None if row.finding is None else row.finding.hex(),
        ),
        lasting=row.lasting,
        tells_end=row.tells_end,
        severity=row.severity,
        flow=row.flow,
        born=row.born,
        updated=row.updated,
        reason=row.reason,
        acknowledged=row.acknowledged,
        acknowledged_by=row.acknowledged_by,
        acknowledged_note=row.acknowledged_note,
    )


def attempt_row(row: Row[Any]) -> AttemptRow:
    return AttemptRow(row.number, row.worker, row.started, row.finished, row.outcome, row.said)


def notification_row(row: Row[Any]) -> NotificationRow:
    return NotificationRow(
        id=row.id,
        uid=row.uid,
        receiver=row.receiver,
        kind=row.kind,
        group_key=row.group_key,
        status=row.status,
        firing=row.firing,
        resolved=row.resolved,
        truncated=row.truncated,
        created=row.created,
        next_at=row.next_at,
        attempts=row.attempts,
        done=row.done,
        said=row.said,
    )


def _member_row(row: Row[Any]) -> MemberRow:
    return MemberRow(
        receiver=row.receiver,
        route=row.route,
        labels=texts(row.labels),
        told=row.told,
        told_at=row.told_at,
        muted=muting_of(row.muted),
        muted_at=row.muted_at,
        active=row.active,
        next_flush=row.next_flush,
    )

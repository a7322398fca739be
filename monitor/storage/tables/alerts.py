"""Alerts, who is told of them, and each attempt to tell."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    and_,
    literal_column,
)

from monitor.storage.tables.base import Id, metadata
from monitor.storage.types import SafeText, UtcTime

alerts = Table(
    "alerts",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("name", SafeText, nullable=False),
    Column("status", SafeText, nullable=False),
    Column("lasting", Boolean, nullable=False),
    Column("tells_end", Boolean, nullable=False),
    Column("pending", Boolean, nullable=False),
    Column("trace_id", BigInteger),
    Column("finding", LargeBinary),
    Column("flow", SafeText),
    Column("severity", SafeText, nullable=False),
    Column("labels", SafeText, nullable=False),
    Column("annotations", SafeText, nullable=False),
    Column("summary", SafeText, nullable=False),
    Column("reason", SafeText),
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime),
    Column("born", UtcTime, nullable=False),
    Column("updated", UtcTime, nullable=False),
    Column("acknowledged", UtcTime),
    Column("acknowledged_by", SafeText),
    Column("acknowledged_note", SafeText),
)
PENDING = alerts.c.pending.is_(True)
FIRING = alerts.c.status == literal_column("'firing'")
LASTS = and_(FIRING, alerts.c.lasting.is_(True))
HAPPENED = and_(FIRING, alerts.c.lasting.is_(False))
RESOLVED = alerts.c.status == literal_column("'resolved'")
OF_TRACE = alerts.c.trace_id.is_not(None)
_a = alerts.c
Index("ix_alerts_pending", _a.born, _a.id, postgresql_where=PENDING, sqlite_where=PENDING)
Index("ix_alerts_firing", _a.name, _a.born, _a.id, postgresql_where=FIRING, sqlite_where=FIRING)
Index("ix_alerts_trace_id", _a.trace_id, postgresql_where=OF_TRACE, sqlite_where=OF_TRACE)
Index("ix_alerts_born", _a.born, _a.id)
Index("ix_alerts_lasts", _a.born, _a.id, postgresql_where=LASTS, sqlite_where=LASTS)
Index("ix_alerts_happened", _a.born, _a.id, postgresql_where=HAPPENED, sqlite_where=HAPPENED)
Index("ix_alerts_resolved", _a.born, _a.id, postgresql_where=RESOLVED, sqlite_where=RESOLVED)
Index("ix_alerts_flow", _a.flow, _a.born, _a.id)
Index("ix_alerts_name", _a.name, _a.born, _a.id)

alert_groups = Table(
    "alert_groups",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("receiver", SafeText, nullable=False),
    Column("route", SafeText, nullable=False),
    Column("labels", SafeText, nullable=False),
    Column("next_flush", UtcTime),
    Column("not_before", UtcTime),
    Column("notified", UtcTime),
    Column("flushes", BigInteger, nullable=False),
)
SCHEDULED = alert_groups.c.next_flush.is_not(None)
Index(
    "ix_alert_groups_next_flush",
    alert_groups.c.next_flush,
    postgresql_where=SCHEDULED,
    sqlite_where=SCHEDULED,
)
IDLE = alert_groups.c.next_flush.is_(None)
Index("ix_alert_groups_idle", alert_groups.c.not_before, postgresql_where=IDLE, sqlite_where=IDLE)

alert_members = Table(
    "alert_members",
    metadata,
    Column("group_id", LargeBinary, primary_key=True),
    Column("alert_id", LargeBinary, primary_key=True),
    Column("active", Boolean, nullable=False),
    Column("told", SafeText),
    Column("told_at", UtcTime),
    Column("muted", SafeText),
    Column("muted_at", UtcTime),
)
ACTIVE = alert_members.c.active.is_(True)
Index("ix_alert_members_active", alert_members.c.group_id, postgresql_where=ACTIVE, sqlite_where=ACTIVE)
Index("ix_alert_members_alert_id", alert_members.c.alert_id)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", SafeText, nullable=False),
    Column("receiver", SafeText, nullable=False),
    Column("kind", SafeText, nullable=False),
    Column("group_id", LargeBinary),
    Column("group_key", SafeText, nullable=False),
    Column("group_labels", SafeText, nullable=False),
    Column("status", SafeText, nullable=False),
    Column("firing", Integer, nullable=False),
    Column("resolved", Integer, nullable=False),
    Column("alerts", SafeText, nullable=False),
    Column("truncated", Integer, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("next_at", UtcTime),
    Column("attempts", Integer, nullable=False),
    Column("done", UtcTime),
    Column("said", SafeText),
    sqlite_autoincrement=True,
)
UNDELIVERED = notifications.c.next_at.is_not(None)
_n = notifications.c
Index("uq_notifications_uid", _n.uid, unique=True)
Index(
    "ix_notifications_undelivered",
    _n.receiver,
    _n.next_at,
    postgresql_where=UNDELIVERED,
    sqlite_where=UNDELIVERED,
)
Index("ix_notifications_waiting", _n.group_id, postgresql_where=UNDELIVERED, sqlite_where=UNDELIVERED)
Index("ix_notifications_receiver", _n.receiver, _n.id)
Index("ix_notifications_created", _n.created)

notified_alerts = Table(
    "notified_alerts",
    metadata,
    Column("alert_id", LargeBinary, primary_key=True),
    Column("notification_id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", SafeText, nullable=False),
)
Index("ix_notified_alerts_notification_id", notified_alerts.c.notification_id)

attempts = Table(
    "attempts",
    metadata,
    Column("notification_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("worker", SafeText, nullable=False),
    Column("started", UtcTime, nullable=False),
    Column("finished", UtcTime),
    Column("outcome", SafeText),
    Column("said", SafeText),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Id, primary_key=True),
    Column("matchers", SafeText, nullable=False),
    Column("starts", UtcTime, nullable=False),
    Column("ends", UtcTime, nullable=False),
    Column("comment", SafeText, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("created_by", SafeText, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_silences_ends", silences.c.ends, silences.c.id)

receivers = Table(
    "receivers",
    metadata,
    Column("name", SafeText, primary_key=True),
    Column("settings", SafeText, nullable=False),
    Column("disabled", UtcTime),
    Column("reason", SafeText),
    Column("failing", UtcTime),
    Column("sent", UtcTime),
)

alert_marks = Table(
    "alert_marks",
    metadata,
    Column("name", SafeText, primary_key=True),
    Column("value", SafeText, nullable=False),
    Column("at", UtcTime, nullable=False),
)

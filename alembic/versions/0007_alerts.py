"""Alerts, the groups they are told in, messages with each attempt to deliver them, silences, receivers."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SafeText = sa.TEXT(collation="C").with_variant(sa.Text(), "sqlite")
UtcTime = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _where(name: str, table: str, columns: list[str], postgresql: str, sqlite: str | None = None) -> None:
    op.create_index(
        name, table, columns, postgresql_where=sa.text(postgresql), sqlite_where=sa.text(sqlite or postgresql)
    )


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("name", SafeText, nullable=False),
        sa.Column("status", SafeText, nullable=False),
        sa.Column("lasting", sa.Boolean(), nullable=False),
        sa.Column("tells_end", sa.Boolean(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("trace_id", sa.BigInteger(), nullable=True),
        sa.Column("finding", sa.LargeBinary(), nullable=True),
        sa.Column("flow", SafeText, nullable=True),
        sa.Column("severity", SafeText, nullable=False),
        sa.Column("labels", SafeText, nullable=False),
        sa.Column("annotations", SafeText, nullable=False),
        sa.Column("summary", SafeText, nullable=False),
        sa.Column("reason", SafeText, nullable=True),
        sa.Column("starts_at", UtcTime, nullable=False),
        sa.Column("ends_at", UtcTime, nullable=True),
        sa.Column("born", UtcTime, nullable=False),
        sa.Column("updated", UtcTime, nullable=False),
        sa.Column("acknowledged", UtcTime, nullable=True),
        sa.Column("acknowledged_by", SafeText, nullable=True),
        sa.Column("acknowledged_note", SafeText, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    _where("ix_alerts_pending", "alerts", ["born", "id"], "pending IS true", "pending IS 1")
    _where("ix_alerts_firing", "alerts", ["name", "born", "id"], "status = 'firing'")
    _where("ix_alerts_trace_id", "alerts", ["trace_id"], "trace_id IS NOT NULL")
    op.create_index("ix_alerts_born", "alerts", ["born", "id"])
    for name, condition in (
        ("lasts", "status = 'firing' AND lasting IS {true}"),
        ("happened", "status = 'firing' AND lasting IS {false}"),
        ("resolved", "status = 'resolved'"),
    ):
        where = condition.format(true="true", false="false"), condition.format(true="1", false="0")
        _where(f"ix_alerts_{name}", "alerts", ["born", "id"], *where)
    op.create_index("ix_alerts_flow", "alerts", ["flow", "born", "id"])
    op.create_index("ix_alerts_name", "alerts", ["name", "born", "id"])
    op.create_table(
        "alert_groups",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("receiver", SafeText, nullable=False),
        sa.Column("route", SafeText, nullable=False),
        sa.Column("labels", SafeText, nullable=False),
        sa.Column("next_flush", UtcTime, nullable=True),
        sa.Column("not_before", UtcTime, nullable=True),
        sa.Column("notified", UtcTime, nullable=True),
        sa.Column("flushes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_groups"),
    )
    _where("ix_alert_groups_next_flush", "alert_groups", ["next_flush"], "next_flush IS NOT NULL")
    _where("ix_alert_groups_idle", "alert_groups", ["not_before"], "next_flush IS NULL")
    op.create_table(
        "alert_members",
        sa.Column("group_id", sa.LargeBinary(), nullable=False),
        sa.Column("alert_id", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("told", SafeText, nullable=True),
        sa.Column("told_at", UtcTime, nullable=True),
        sa.Column("muted", SafeText, nullable=True),
        sa.Column("muted_at", UtcTime, nullable=True),
        sa.PrimaryKeyConstraint("group_id", "alert_id", name="pk_alert_members"),
    )
    _where("ix_alert_members_active", "alert_members", ["group_id"], "active IS true", "active IS 1")
    op.create_index("ix_alert_members_alert_id", "alert_members", ["alert_id"])
    op.create_table(
        "notifications",
        sa.Column("id", Id, nullable=False),
        sa.Column("uid", SafeText, nullable=False),
        sa.Column("receiver", SafeText, nullable=False),
        sa.Column("kind", SafeText, nullable=False),
        sa.Column("group_id", sa.LargeBinary(), nullable=True),
        sa.Column("group_key", SafeText, nullable=False),
        sa.Column("group_labels", SafeText, nullable=False),
        sa.Column("status", SafeText, nullable=False),
        sa.Column("firing", sa.Integer(), nullable=False),
        sa.Column("resolved", sa.Integer(), nullable=False),
        sa.Column("alerts", SafeText, nullable=False),
        sa.Column("truncated", sa.Integer(), nullable=False),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("next_at", UtcTime, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done", UtcTime, nullable=True),
        sa.Column("said", SafeText, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_notifications_uid", "notifications", ["uid"], unique=True)
    _where("ix_notifications_undelivered", "notifications", ["receiver", "next_at"], "next_at IS NOT NULL")
    _where("ix_notifications_waiting", "notifications", ["group_id"], "next_at IS NOT NULL")
    op.create_index("ix_notifications_receiver", "notifications", ["receiver", "id"])
    op.create_index("ix_notifications_created", "notifications", ["created"])
    op.create_table(
        "notified_alerts",
        sa.Column("alert_id", sa.LargeBinary(), nullable=False),
        sa.Column("notification_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", SafeText, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "notification_id", name="pk_notified_alerts"),
    )
    op.create_index("ix_notified_alerts_notification_id", "notified_alerts", ["notification_id"])
    op.create_table(
        "attempts",
        sa.Column("notification_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("worker", SafeText, nullable=False),
        sa.Column("started", UtcTime, nullable=False),
        sa.Column("finished", UtcTime, nullable=True),
        sa.Column("outcome", SafeText, nullable=True),
        sa.Column("said", SafeText, nullable=True),
        sa.PrimaryKeyConstraint("notification_id", "number", name="pk_attempts"),
    )
    op.create_table(
        "silences",
        sa.Column("id", Id, nullable=False),
        sa.Column("matchers", SafeText, nullable=False),
        sa.Column("starts", UtcTime, nullable=False),
        sa.Column("ends", UtcTime, nullable=False),
        sa.Column("comment", SafeText, nullable=False),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("created_by", SafeText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_silences"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_silences_ends", "silences", ["ends", "id"])
    op.create_table(
        "receivers",
        sa.Column("name", SafeText, nullable=False),
        sa.Column("settings", SafeText, nullable=False),
        sa.Column("disabled", UtcTime, nullable=True),
        sa.Column("reason", SafeText, nullable=True),
        sa.Column("failing", UtcTime, nullable=True),
        sa.Column("sent", UtcTime, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_receivers"),
    )
    op.create_table(
        "alert_marks",
        sa.Column("name", SafeText, nullable=False),
        sa.Column("value", SafeText, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_alert_marks"),
    )


def downgrade() -> None:
    for table in (
        "alert_marks",
        "receivers",
        "silences",
        "attempts",
        "notified_alerts",
        "notifications",
        "alert_members",
        "alert_groups",
        "alerts",
    ):
        op.drop_table(table)

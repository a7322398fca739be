"""Corrective commands: what was asked for, each attempt to send it, how brokers' circuits stand, and the kill
switch. Findings are found by when they were confirmed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SafeText = sa.TEXT(collation="C").with_variant(sa.Text(), "sqlite")
UtcTime = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        postgresql_where=sa.text(where),
        sqlite_where=sa.text(where),
    )


def upgrade() -> None:
    op.create_table(
        "commands",
        sa.Column("id", Id, nullable=False),
        sa.Column("message_id", SafeText, nullable=False),
        sa.Column("once", SafeText, nullable=True),
        sa.Column("name", SafeText, nullable=False),
        sa.Column("title", SafeText, nullable=False),
        sa.Column("flow", SafeText, nullable=False),
        sa.Column("trace_id", sa.BigInteger(), nullable=False),
        sa.Column("trace_key", SafeText, nullable=False),
        sa.Column("finding", SafeText, nullable=True),
        sa.Column("reason", SafeText, nullable=False),
        sa.Column("mode", SafeText, nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("status", SafeText, nullable=False),
        sa.Column("type", SafeText, nullable=False),
        sa.Column("kind", SafeText, nullable=False),
        sa.Column("broker", SafeText, nullable=False),
        sa.Column("place", SafeText, nullable=False),
        sa.Column("key", SafeText, nullable=False),
        sa.Column("headers", SafeText, nullable=False),
        sa.Column("content_type", SafeText, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("requested", UtcTime, nullable=False),
        sa.Column("requested_by", SafeText, nullable=False),
        sa.Column("note", SafeText, nullable=False),
        sa.Column("approved", UtcTime, nullable=True),
        sa.Column("approved_by", SafeText, nullable=True),
        sa.Column("expires", UtcTime, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcTime, nullable=True),
        sa.Column("published", UtcTime, nullable=True),
        sa.Column("told", SafeText, nullable=True),
        sa.Column("expect", SafeText, nullable=True),
        sa.Column("within", sa.BigInteger(), nullable=True),
        sa.Column("tolerance", sa.BigInteger(), nullable=True),
        sa.Column("since", UtcTime, nullable=True),
        sa.Column("due", UtcTime, nullable=True),
        sa.Column("effect", UtcTime, nullable=True),
        sa.Column("effect_event", SafeText, nullable=True),
        sa.Column("settled", UtcTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_commands_message_id", "commands", ["message_id"], unique=True)
    _index("uq_commands_once", "commands", ["once"], "once IS NOT NULL", unique=True)
    _index("ix_commands_next_at", "commands", ["next_at", "id"], "next_at IS NOT NULL")
    op.create_index("ix_commands_trace_id", "commands", ["trace_id", "id"])
    op.create_index("ix_commands_name", "commands", ["name", "requested"])
    op.create_index("ix_commands_status", "commands", ["status", "id"])
    op.create_table(
        "command_attempts",
        sa.Column("command_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("worker", SafeText, nullable=False),
        sa.Column("began", UtcTime, nullable=False),
        sa.Column("ended", UtcTime, nullable=True),
        sa.Column("outcome", SafeText, nullable=True),
        sa.Column("detail", SafeText, nullable=True),
        sa.PrimaryKeyConstraint("command_id", "number", name="pk_command_attempts"),
    )
    op.create_table(
        "command_brokers",
        sa.Column("broker", SafeText, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", UtcTime, nullable=True),
        sa.Column("trying", UtcTime, nullable=True),
        sa.Column("told", SafeText, nullable=True),
        sa.PrimaryKeyConstraint("broker", name="pk_command_brokers"),
    )
    op.create_table(
        "command_switch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("by", SafeText, nullable=False),
        sa.Column("since", UtcTime, nullable=False),
        sa.Column("note", SafeText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_command_switch"),
    )
    _index("ix_findings_confirmed", "findings", ["flow", "confirmed"], "confirmed IS NOT NULL")


def downgrade() -> None:
    op.drop_index("ix_findings_confirmed", "findings")
    for table in ("command_switch", "command_brokers", "command_attempts", "commands"):
        op.drop_table(table)

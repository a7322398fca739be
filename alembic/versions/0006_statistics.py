"""What the dashboard asks of many traces: statistics by flow version, variants, late clocks, kept attributes
to search by; the audit; acknowledged findings. The list by version takes the place of the one by flow.

Traces that are there are counted by the sweep, little by little, after the upgrade; clocks that run at once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SafeText = sa.TEXT(collation="C").with_variant(sa.Text(), "sqlite")
UtcTime = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def upgrade() -> None:
    op.add_column("findings", sa.Column("acknowledged", UtcTime, nullable=True))
    op.add_column("findings", sa.Column("acknowledged_by", SafeText, nullable=True))
    op.add_column("findings", sa.Column("acknowledged_note", SafeText, nullable=True))
    op.drop_index("ix_traces_last", "traces")
    _index("ix_traces_last", "traces", ["flow_id", "last", "id"], "merged_into IS NULL")
    _index("ix_clocks_overdue", "clocks", ["flow", "sla", "due"], "state = 'breached'")
    op.create_table(
        "trace_attributes",
        sa.Column("flow", SafeText, nullable=False),
        sa.Column("name", SafeText, nullable=False),
        sa.Column("value", SafeText, nullable=False),
        sa.Column("trace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("flow", "name", "value", "trace_id", name="pk_trace_attributes"),
    )
    op.create_index("ix_trace_attributes_value", "trace_attributes", ["value", "trace_id"])
    op.create_index("ix_trace_attributes_trace_id", "trace_attributes", ["trace_id"])
    op.create_table(
        "changed_traces",
        sa.Column("id", Id, sa.Identity(), nullable=False),
        sa.Column("trace_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_changed_traces"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "trace_statistics",
        sa.Column("trace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("flow", SafeText, nullable=False),
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("variant", SafeText, nullable=True),
        sa.Column("duration", sa.BigInteger(), nullable=True),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("trace_id", name="pk_trace_statistics"),
    )
    timed = ["flow", "duration", "trace_id"]
    _index("ix_trace_statistics_duration", "trace_statistics", timed, "duration IS NOT NULL")
    of_variant = ["flow_id", "variant", "trace_id"]
    _index("ix_trace_statistics_variant", "trace_statistics", of_variant, "variant IS NOT NULL")
    op.create_table(
        "statistics",
        sa.Column("flow_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("measure", SafeText, nullable=False),
        sa.Column("element", SafeText, nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flow_id", "day", "measure", "element", "bucket", name="pk_statistics"),
        postgresql_with={"fillfactor": 70},
    )
    _index("ix_statistics_whole", "statistics", ["flow_id", "measure", "day"], "element = ''")
    op.create_table(
        "variants",
        sa.Column("flow_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("variant", SafeText, nullable=False),
        sa.Column("labels", SafeText, nullable=False),
        sa.Column("traces", sa.BigInteger(), nullable=False),
        sa.Column("deviating", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flow_id", "variant", name="pk_variants"),
    )
    op.create_index("ix_variants_traces", "variants", ["flow_id", "traces"])
    op.create_table(
        "late_clocks",
        sa.Column("trace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sla", SafeText, nullable=False),
        sa.Column("occurrence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flow", SafeText, nullable=False),
        sa.Column("over", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("trace_id", "sla", "occurrence", name="pk_late_clocks"),
    )
    op.create_index("ix_late_clocks_over", "late_clocks", ["flow", "sla", "over"])
    op.create_table(
        "audit",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("who", SafeText, nullable=False),
        sa.Column("action", SafeText, nullable=False),
        sa.Column("subject", SafeText, nullable=False),
        sa.Column("detail", SafeText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.execute("INSERT INTO changed_traces (trace_id) SELECT id FROM traces WHERE merged_into IS NULL")
    running = sa.text(
        'INSERT INTO tallies (what, "of", slot, amount)'
        " SELECT 'clock_' || state, flow || :unit || sla, 0, count(*) FROM clocks"
        " WHERE state IN ('running', 'at_risk', 'breached') GROUP BY state, flow, sla"
    )
    op.execute(running.bindparams(sa.bindparam("unit", "\x1f", literal_execute=True)))


def downgrade() -> None:
    op.execute("DELETE FROM tallies WHERE what LIKE 'clock%'")
    for table in (
        "audit",
        "late_clocks",
        "variants",
        "statistics",
        "trace_statistics",
        "changed_traces",
        "trace_attributes",
    ):
        op.drop_table(table)
    op.drop_index("ix_clocks_overdue", "clocks")
    op.drop_index("ix_traces_last", "traces")
    _index("ix_traces_last", "traces", ["flow", "last", "id"], "merged_into IS NULL")
    for column in ("acknowledged_note", "acknowledged_by", "acknowledged"):
        op.drop_column("findings", column)

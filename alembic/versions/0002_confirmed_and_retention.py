"""Confirmed deviations are counted per trace; what retention and abandoned shards need."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UtcTime = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def _index(name: str, table: str, columns: list[str], where: str | None = None) -> None:
    options = {}
    if where:
        options["postgresql_where"] = sa.text(where)
        # SQLite takes an index only for a condition of the very same words, and SQLAlchemy says IS 0 there
        options["sqlite_where"] = sa.text(where.replace("IS false", "IS 0").replace("IS true", "IS 1"))
    op.create_index(name, table, columns, **options)


def upgrade() -> None:
    op.add_column("traces", sa.Column("confirmed", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "observations", sa.Column("shared", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("seen", sa.Column("forget", UtcTime, nullable=True))
    op.add_column("source_shards", sa.Column("unclaimed", UtcTime, nullable=True))
    op.execute(
        "UPDATE traces SET confirmed = (SELECT count(*) FROM findings WHERE findings.trace_id = traces.id"
        " AND findings.state = 'confirmed' AND findings.kind NOT IN ('sla_at_risk', 'sla_breach'))"
        " WHERE merged_into IS NULL AND NOT conforms"
    )
    op.execute(
        "UPDATE observations SET shared = true WHERE event IN"
        " (SELECT event FROM observations GROUP BY event HAVING count(*) > 1)"
    )
    op.drop_index("ix_traces_deviating", "traces")
    _index("ix_traces_astray", "traces", ["flow", "last", "id"], "merged_into IS NULL AND conforms IS false")
    _index("ix_traces_deviating", "traces", ["flow", "last", "id"], "merged_into IS NULL AND confirmed > 0")
    _index(
        "ix_traces_checking",
        "traces",
        ["flow", "last", "id"],
        "merged_into IS NULL AND conforms IS false AND confirmed = 0",
    )
    _index("ix_traces_complete", "traces", ["last", "id"], "merged_into IS NULL AND complete IS true")
    _index("ix_observations_shared", "observations", ["event"], "shared IS true")
    _index("ix_seen_forget", "seen", ["forget"], "forget IS NOT NULL")
    _index("ix_inbox_received", "inbox", ["received", "id"])
    _recount("confirmed > 0")


def downgrade() -> None:
    for name, table in (
        ("ix_inbox_received", "inbox"),
        ("ix_seen_forget", "seen"),
        ("ix_observations_shared", "observations"),
        ("ix_traces_complete", "traces"),
        ("ix_traces_checking", "traces"),
        ("ix_traces_deviating", "traces"),
        ("ix_traces_astray", "traces"),
    ):
        op.drop_index(name, table)
    for table, column in (
        ("source_shards", "unclaimed"),
        ("seen", "forget"),
        ("observations", "shared"),
        ("traces", "confirmed"),
    ):
        op.drop_column(table, column)
    # not a state that 0001 knows
    op.execute("DELETE FROM source_shards WHERE state = 'abandoned'")
    _index(
        "ix_traces_deviating", "traces", ["flow", "last", "id"], "merged_into IS NULL AND conforms IS false"
    )
    _recount("NOT conforms")


def _recount(deviating: str) -> None:
    op.execute("DELETE FROM tallies WHERE what = 'deviating'")
    traces = sa.table("traces", sa.column("flow"), sa.column("merged_into"))
    counted = (
        sa.select(sa.literal_column("'deviating'"), traces.c.flow, sa.literal_column("0"), sa.func.count())
        .where(traces.c.merged_into.is_(None), sa.text(deviating))
        .group_by(traces.c.flow)
    )
    columns = [sa.column(name) for name in ("what", "of", "slot", "amount")]
    op.execute(sa.table("tallies", *columns).insert().from_select(columns, counted))

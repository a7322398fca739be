"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SafeText = sa.TEXT(collation="C").with_variant(sa.Text(), "sqlite")
UtcTime = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def _index(
    name: str,
    table: str,
    columns: list[str],
    *,
    unique: bool = False,
    where: str | None = None,
    using: str | None = None,
) -> None:
    options: dict[str, Any] = {}
    if where:
        options["postgresql_where"] = sa.text(where)
        # SQLite takes an index only for a condition of the very same words, and SQLAlchemy says IS 0 there
        options["sqlite_where"] = sa.text(where.replace("IS false", "IS 0").replace("IS true", "IS 1"))
    if using:
        options["postgresql_using"] = using
    op.create_index(name, table, columns, unique=unique, **options)


def upgrade() -> None:
    op.create_table(
        "clocks",
        sa.Column("trace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sla", SafeText, nullable=False),
        sa.Column("occurrence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flow", SafeText, nullable=False),
        sa.Column("state", SafeText, nullable=False),
        sa.Column("started", UtcTime, nullable=False),
        sa.Column("due", UtcTime, nullable=False),
        sa.Column("at_risk", UtcTime, nullable=True),
        sa.Column("ended", UtcTime, nullable=True),
        sa.Column("severity", SafeText, nullable=False),
        sa.Column("element", SafeText, nullable=True),
        sa.Column("next_at", UtcTime, nullable=True),
        sa.PrimaryKeyConstraint("trace_id", "sla", "occurrence", name="pk_clocks"),
    )
    _index("ix_clocks_armed", "clocks", ["flow", "next_at"], where="next_at IS NOT NULL")
    op.create_table(
        "events",
        sa.Column("id", Id, sa.Identity(always=False, increment=100), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("event_id", SafeText, nullable=True),
        sa.Column("type", SafeText, nullable=False),
        sa.Column("producer", SafeText, nullable=True),
        sa.Column("subject", SafeText, nullable=True),
        sa.Column("time", UtcTime, nullable=False),
        sa.Column("time_origin", SafeText, nullable=False),
        sa.Column("received", UtcTime, nullable=False),
        sa.Column("source", SafeText, nullable=False),
        sa.Column("channel", SafeText, nullable=False),
        sa.Column("partition", sa.Integer(), nullable=True),
        sa.Column("offset", sa.BigInteger(), nullable=True),
        sa.Column("exchange", SafeText, nullable=True),
        sa.Column("routing_key", SafeText, nullable=True),
        sa.Column("message_key", sa.LargeBinary(), nullable=True),
        sa.Column("headers", SafeText, nullable=False),
        sa.Column("attributes", SafeText, nullable=False),
        sa.Column("data", SafeText, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "findings",
        sa.Column("trace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("trace_key", SafeText, nullable=False),
        sa.Column("flow", SafeText, nullable=False),
        sa.Column("kind", SafeText, nullable=False),
        sa.Column("state", SafeText, nullable=False),
        sa.Column("severity", SafeText, nullable=False),
        sa.Column("element", SafeText, nullable=True),
        sa.Column("name", SafeText, nullable=False),
        sa.Column("message", SafeText, nullable=False),
        sa.Column("expected", SafeText, nullable=False),
        sa.Column("subject", SafeText, nullable=False),
        sa.Column("event", SafeText, nullable=True),
        sa.Column("identity", sa.LargeBinary(), nullable=True),
        sa.Column("time", UtcTime, nullable=False),
        sa.Column("found", UtcTime, nullable=False),
        sa.Column("confirmed", UtcTime, nullable=True),
        sa.Column("retracted", UtcTime, nullable=True),
        sa.Column("reason", SafeText, nullable=True),
        sa.PrimaryKeyConstraint("trace_id", "key", name="pk_findings"),
    )
    _index("ix_findings_flow", "findings", ["flow", "found", "trace_id", "key"])
    _index("ix_findings_found", "findings", ["found", "trace_id", "key"])
    _index("ix_findings_kind", "findings", ["kind", "found", "trace_id", "key"])
    _index("ix_findings_provisional", "findings", ["flow", "time"], where="state = 'provisional'")
    _index("ix_findings_retracted", "findings", ["found", "trace_id", "key"], where="state = 'retracted'")
    op.create_table(
        "flows",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", SafeText, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", SafeText, nullable=False),
        sa.Column("name", SafeText, nullable=False),
        sa.Column("file", SafeText, nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("options", SafeText, nullable=False),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_flows"),
    )
    _index("uq_flows_key_hash", "flows", ["key", "hash"], unique=True)
    _index("uq_flows_key_version", "flows", ["key", "version"], unique=True)
    op.create_table(
        "inbox",
        sa.Column("id", Id, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("reason", SafeText, nullable=False),
        sa.Column("type", SafeText, nullable=True),
        sa.Column("detail", SafeText, nullable=False),
        sa.Column("mend", SafeText, nullable=False),
        sa.Column("source", SafeText, nullable=False),
        sa.Column("channel", SafeText, nullable=False),
        sa.Column("partition", sa.Integer(), nullable=True),
        sa.Column("offset", sa.BigInteger(), nullable=True),
        sa.Column("exchange", SafeText, nullable=True),
        sa.Column("routing_key", SafeText, nullable=True),
        sa.Column("message_key", sa.LargeBinary(), nullable=True),
        sa.Column("received", UtcTime, nullable=False),
        sa.Column("content_type", SafeText, nullable=True),
        sa.Column("content_encoding", SafeText, nullable=True),
        sa.Column("headers", SafeText, nullable=False),
        sa.Column("properties", SafeText, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sqlite_autoincrement=True,
    )
    _index("ix_inbox_content", "inbox", ["content"])
    _index("ix_inbox_reason", "inbox", ["reason", "id"])
    _index("ix_inbox_type", "inbox", ["type", "id"])
    _index("uq_inbox_digest", "inbox", ["digest"], unique=True)
    op.create_table(
        "inbox_groups",
        sa.Column("reason", SafeText, nullable=False),
        sa.Column("type", SafeText, nullable=False),
        sa.Column("source", SafeText, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last", UtcTime, nullable=False),
        sa.Column("detail", SafeText, nullable=False),
        sa.PrimaryKeyConstraint("reason", "type", "source", "slot", name="pk_inbox_groups"),
    )
    op.create_table(
        "observations",
        sa.Column("trace_id", sa.BigInteger(), nullable=False),
        sa.Column("time", UtcTime, nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("label", SafeText, nullable=False),
        sa.Column("event_id", SafeText, nullable=True),
        sa.Column("producer", SafeText, nullable=True),
        sa.Column("lane", SafeText, nullable=True),
        sa.Column("offset", sa.BigInteger(), nullable=True),
        sa.Column("sequence", SafeText, nullable=True),
        sa.Column("cause", SafeText, nullable=True),
        sa.Column("attributes", SafeText, nullable=True),
    )
    _index(
        "ix_observations_event_id", "observations", ["event_id"], where="event_id IS NOT NULL", using="hash"
    )
    _index("ix_observations_trace_id_time", "observations", ["trace_id", "time"])
    op.create_table(
        "seen",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("plain", sa.Boolean(), nullable=False),
        sa.Column("received", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_seen"),
        sqlite_with_rowid=False,
    )
    _index("ix_seen_content", "seen", ["content"], where="plain IS true")
    op.create_table(
        "source_shards",
        sa.Column("source", SafeText, nullable=False),
        sa.Column("shard", SafeText, nullable=False),
        sa.Column("owner", SafeText, nullable=False),
        sa.Column("kind", SafeText, nullable=False),
        sa.Column("worker", SafeText, nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("state", SafeText, nullable=False),
        sa.Column("watermark", UtcTime, nullable=True),
        sa.Column("lag", sa.BigInteger(), nullable=True),
        sa.Column("position", SafeText, nullable=False),
        sa.Column("last_message", UtcTime, nullable=True),
        sa.Column("error", SafeText, nullable=True),
        sa.Column("updated", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("source", "shard", "owner", name="pk_source_shards"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "source_ticks",
        sa.Column("source", SafeText, nullable=False),
        sa.Column("tick", UtcTime, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "tick", "slot", name="pk_source_ticks"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "tallies",
        sa.Column("what", SafeText, nullable=False),
        sa.Column("of", SafeText, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("what", "of", "slot", name="pk_tallies"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "trace_keys",
        sa.Column("flow", SafeText, nullable=False),
        sa.Column("name", SafeText, nullable=False),
        sa.Column("value", SafeText, nullable=False),
        sa.Column("trace_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "name", "value", name="pk_trace_keys"),
    )
    _index("ix_trace_keys_trace_id", "trace_keys", ["trace_id"])
    _index("ix_trace_keys_value", "trace_keys", ["value", "trace_id"])
    op.create_table(
        "traces",
        sa.Column("id", Id, sa.Identity(always=False, increment=100), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("flow", SafeText, nullable=False),
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("key", SafeText, nullable=False),
        sa.Column("state", SafeText, nullable=True),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("first", UtcTime, nullable=True),
        sa.Column("last", UtcTime, nullable=True),
        sa.Column("conforms", sa.Boolean(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("undecided", sa.Boolean(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("deviations", sa.Integer(), nullable=False),
        sa.Column("open_clocks", sa.Boolean(), nullable=False),
        sa.Column("sla", SafeText, nullable=True),
        sa.Column("expected", SafeText, nullable=False),
        sa.Column("standing", SafeText, nullable=False),
        sa.Column("visited", SafeText, nullable=True),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_traces"),
        postgresql_with={"fillfactor": 80},
        sqlite_autoincrement=True,
    )
    _index("ix_traces_chain_id", "traces", ["chain_id"], where="id != chain_id")
    _index(
        "ix_traces_deviating",
        "traces",
        ["flow", "last", "id"],
        where="merged_into IS NULL AND conforms IS false",
    )
    _index("ix_traces_events", "traces", ["flow", "events", "id"], where="merged_into IS NULL")
    _index("ix_traces_first", "traces", ["flow", "first", "id"], where="merged_into IS NULL")
    _index("ix_traces_last", "traces", ["flow", "last", "id"], where="merged_into IS NULL")
    _index(
        "ix_traces_open", "traces", ["flow", "last", "id"], where="merged_into IS NULL AND complete IS false"
    )
    _index("ix_traces_sla", "traces", ["flow", "sla", "last", "id"], where="sla IS NOT NULL")


def downgrade() -> None:
    for table in (
        "clocks",
        "events",
        "findings",
        "flows",
        "inbox",
        "inbox_groups",
        "observations",
        "seen",
        "source_shards",
        "source_ticks",
        "tallies",
        "trace_keys",
        "traces",
    ):
        op.drop_table(table)

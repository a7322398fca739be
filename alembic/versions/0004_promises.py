"""Clocks that pause, remind or are not sure; notices, outcomes of clocks for objectives, and history."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
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
        # SQLite takes an index only for a condition of the very same words, and SQLAlchemy says IS 1 there
        sqlite_where=sa.text(where.replace("IS true", "IS 1")),
    )


def upgrade() -> None:
    op.add_column("findings", sa.Column("historic", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("clocks", sa.Column("kind", SafeText, server_default="limit", nullable=False))
    op.add_column("clocks", sa.Column("paused", UtcTime, nullable=True))
    op.add_column("clocks", sa.Column("sure", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("clocks", sa.Column("unverified", sa.Boolean(), server_default=sa.false(), nullable=False))
    _index("ix_clocks_unverified", "clocks", ["flow", "due"], "unverified IS true")
    op.create_table(
        "outcomes",
        sa.Column("flow", SafeText, nullable=False),
        sa.Column("sla", SafeText, nullable=False),
        sa.Column("tick", UtcTime, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("met", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "sla", "tick", "slot", name="pk_outcomes"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "notices",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", SafeText, nullable=False),
        sa.Column("subject", SafeText, nullable=False),
        sa.Column("flow", SafeText, nullable=True),
        sa.Column("severity", SafeText, nullable=False),
        sa.Column("message", SafeText, nullable=False),
        sa.Column("since", UtcTime, nullable=False),
        sa.Column("noticed", UtcTime, nullable=False),
        sa.Column("ended", UtcTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sqlite_autoincrement=True,
    )
    _index("uq_notices_lasting", "notices", ["kind", "subject"], "ended IS NULL", unique=True)
    op.create_index("ix_notices_noticed", "notices", ["noticed", "id"])
    op.create_table(
        "watched",
        sa.Column("source", SafeText, nullable=False),
        sa.Column("since", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_watched"),
    )


def downgrade() -> None:
    op.drop_table("watched")
    op.drop_table("notices")
    op.drop_table("outcomes")
    op.drop_index("ix_clocks_unverified", "clocks")
    for column in ("unverified", "sure", "paused", "kind"):
        op.drop_column("clocks", column)
    op.drop_column("findings", "historic")

"""Long traces are cut: their checkpoints, and findings by the time they speak of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SafeText = sa.TEXT(collation="C").with_variant(sa.Text(), "sqlite")
UtcTime = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    op.add_column("traces", sa.Column("cut", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("ix_findings_trace_id_time", "findings", ["trace_id", "time"])
    op.create_table(
        "checkpoints",
        sa.Column("trace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", UtcTime, nullable=False),
        sa.Column("text", SafeText, nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("beyond", sa.Integer(), nullable=False),
        sa.Column("deviations", sa.Integer(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("trace_id", "time", name="pk_checkpoints"),
    )


def downgrade() -> None:
    op.drop_table("checkpoints")
    op.drop_index("ix_findings_trace_id_time", "findings")
    op.drop_column("traces", "cut")

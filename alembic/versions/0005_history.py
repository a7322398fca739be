"""Findings of a past that was read in later, to be counted."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_findings_historic",
        "findings",
        ["flow", "found"],
        postgresql_where=sa.text("historic IS true"),
        sqlite_where=sa.text("historic IS 1"),
    )


def downgrade() -> None:
    op.drop_index("ix_findings_historic", "findings")

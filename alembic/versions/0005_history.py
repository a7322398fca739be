"""Findings of a past that was read in later, to be counted. Sources that were read before were always
watched: what fell due during the upgrade is no history."""

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
    known = "SELECT DISTINCT source, {} FROM source_shards WHERE source NOT IN (SELECT source FROM watched)"
    epoch = "0" if op.get_bind().dialect.name == "sqlite" else "TIMESTAMPTZ 'epoch'"
    op.execute("INSERT INTO watched (source, since) " + known.format(epoch))


def downgrade() -> None:
    op.drop_index("ix_findings_historic", "findings")

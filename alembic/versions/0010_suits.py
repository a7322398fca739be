"""Which versions the schema suits, besides the one that made it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SafeText = sa.TEXT(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "schema_suits",
        sa.Column("since", SafeText, nullable=False),
        sa.PrimaryKeyConstraint("since", name="pk_schema_suits"),
    )
    op.execute("INSERT INTO schema_suits (since) VALUES ('0010')")


def downgrade() -> None:
    op.drop_table("schema_suits")

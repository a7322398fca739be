"""Who may log in, who is logged in, tokens of programs, and what several dashboards share."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SafeText = sa.TEXT(collation="C").with_variant(sa.Text(), "sqlite")
UtcTime = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", SafeText, nullable=False),
        sa.Column("issuer", SafeText, nullable=True),
        sa.Column("subject", SafeText, nullable=True),
        sa.Column("password", SafeText, nullable=True),
        sa.Column("role", SafeText, nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("last_login", UtcTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_users_name", "users", ["name"], unique=True)
    op.create_index("uq_users_identity", "users", ["issuer", "subject"], unique=True)
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("seen", UtcTime, nullable=False),
        sa.Column("expires", UtcTime, nullable=False),
        sa.Column("address", SafeText, nullable=False),
        sa.Column("agent", SafeText, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires", "sessions", ["expires"])
    op.create_table(
        "api_tokens",
        sa.Column("id", Id, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", SafeText, nullable=False),
        sa.Column("begins", SafeText, nullable=False),
        sa.Column("role", SafeText, nullable=False),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("created_by", SafeText, nullable=False),
        sa.Column("expires", UtcTime, nullable=True),
        sa.Column("used", UtcTime, nullable=True),
        sa.Column("revoked", UtcTime, nullable=True),
        sa.Column("revoked_by", SafeText, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_api_tokens_digest", "api_tokens", ["digest"], unique=True)
    valid = sa.text("revoked IS NULL")
    op.create_index(
        "uq_api_tokens_name", "api_tokens", ["name"], unique=True, postgresql_where=valid, sqlite_where=valid
    )
    op.create_table(
        "login_attempts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last", UtcTime, nullable=False),
        sa.Column("until", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_login_attempts"),
    )
    op.create_index("ix_login_attempts_last", "login_attempts", ["last"])
    op.create_table(
        "secrets",
        sa.Column("name", SafeText, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
    )


def downgrade() -> None:
    for table in ("secrets", "login_attempts", "api_tokens", "sessions", "users"):
        op.drop_table(table)

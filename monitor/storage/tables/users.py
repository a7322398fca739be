"""Who may log in, who is logged in, tokens of programs, and what several dashboards share."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table

from monitor.storage.tables.base import Id, metadata
from monitor.storage.types import SafeText, UtcTime

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", SafeText, nullable=False),
    Column("issuer", SafeText),
    Column("subject", SafeText),
    Column("password", SafeText),
    Column("role", SafeText, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("last_login", UtcTime),
    sqlite_autoincrement=True,
)
Index("uq_users_name", users.c.name, unique=True)
Index("uq_users_identity", users.c.issuer, users.c.subject, unique=True)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("seen", UtcTime, nullable=False),
    Column("expires", UtcTime, nullable=False),
    Column("address", SafeText, nullable=False),
    Column("agent", SafeText, nullable=False),
)
Index("ix_sessions_user_id", sessions.c.user_id)
Index("ix_sessions_expires", sessions.c.expires)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("name", SafeText, nullable=False),
    Column("begins", SafeText, nullable=False),
    Column("role", SafeText, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("created_by", SafeText, nullable=False),
    Column("expires", UtcTime),
    Column("used", UtcTime),
    Column("revoked", UtcTime),
    Column("revoked_by", SafeText),
    sqlite_autoincrement=True,
)
VALID = api_tokens.c.revoked.is_(None)
Index("uq_api_tokens_digest", api_tokens.c.digest, unique=True)
Index("uq_api_tokens_name", api_tokens.c.name, unique=True, postgresql_where=VALID, sqlite_where=VALID)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
)
Index("ix_login_attempts_last", login_attempts.c.last)

secrets = Table(
    "secrets",
    metadata,
    Column("name", SafeText, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("created", UtcTime, nullable=False),
)

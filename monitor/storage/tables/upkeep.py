"""What could not be placed, how far sources are read, counts, and notices."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, SmallInteger, Table

from monitor.storage.tables.base import Id, metadata
from monitor.storage.types import SafeText, UtcTime

inbox = Table(
    "inbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("reason", SafeText, nullable=False),
    Column("type", SafeText),
    Column("detail", SafeText, nullable=False),
    Column("mend", SafeText, nullable=False),
    Column("source", SafeText, nullable=False),
    Column("channel", SafeText, nullable=False),
    Column("partition", Integer),
    Column("offset", BigInteger),
    Column("exchange", SafeText),
    Column("routing_key", SafeText),
    Column("message_key", LargeBinary),
    Column("received", UtcTime, nullable=False),
    Column("content_type", SafeText),
    Column("content_encoding", SafeText),
    Column("headers", SafeText, nullable=False),
    Column("properties", SafeText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index("uq_inbox_digest", inbox.c.digest, unique=True)
Index("ix_inbox_content", inbox.c.content)
Index("ix_inbox_reason", inbox.c.reason, inbox.c.id)
Index("ix_inbox_type", inbox.c.type, inbox.c.id)
Index("ix_inbox_received", inbox.c.received, inbox.c.id)

inbox_groups = Table(
    "inbox_groups",
    metadata,
    Column("reason", SafeText, primary_key=True),
    Column("type", SafeText, primary_key=True),
    Column("source", SafeText, primary_key=True),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("last", UtcTime, nullable=False),
    Column("detail", SafeText, nullable=False),
)

source_shards = Table(
    "source_shards",
    metadata,
    Column("source", SafeText, primary_key=True),
    Column("shard", SafeText, primary_key=True),
    Column("owner", SafeText, primary_key=True),
    Column("kind", SafeText, nullable=False),
    Column("worker", SafeText, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("state", SafeText, nullable=False),
    Column("watermark", UtcTime),
    Column("lag", BigInteger),
    Column("position", SafeText, nullable=False),
    Column("last_message", UtcTime),
    Column("error", SafeText),
    Column("updated", UtcTime, nullable=False),
    Column("unclaimed", UtcTime),
    postgresql_with={"fillfactor": 50},
)

tallies = Table(
    "tallies",
    metadata,
    Column("what", SafeText, primary_key=True),
    Column("of", SafeText, primary_key=True),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    Column("amount", BigInteger, nullable=False),
    postgresql_with={"fillfactor": 50},
)

source_ticks = Table(
    "source_ticks",
    metadata,
    Column("source", SafeText, primary_key=True),
    Column("tick", UtcTime, primary_key=True),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    Column("events", BigInteger, nullable=False),
    postgresql_with={"fillfactor": 50},
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("flow", SafeText, primary_key=True),
    Column("sla", SafeText, primary_key=True),
    Column("tick", UtcTime, primary_key=True),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    Column("met", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    postgresql_with={"fillfactor": 50},
)

notices = Table(
    "notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", SafeText, nullable=False),
    Column("subject", SafeText, nullable=False),
    Column("flow", SafeText),
    Column("severity", SafeText, nullable=False),
    Column("message", SafeText, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("noticed", UtcTime, nullable=False),
    Column("ended", UtcTime),
    sqlite_autoincrement=True,
)
LASTING = notices.c.ended.is_(None)
Index(
    "uq_notices_lasting",
    notices.c.kind,
    notices.c.subject,
    unique=True,
    postgresql_where=LASTING,
    sqlite_where=LASTING,
)
Index("ix_notices_noticed", notices.c.noticed, notices.c.id)

watched = Table(
    "watched",
    metadata,
    Column("source", SafeText, primary_key=True),
    Column("since", UtcTime, nullable=False),
)

schema_suits = Table(
    "schema_suits",
    metadata,
    Column("since", SafeText, primary_key=True),  # one row: versions that need this revision or a later one
)

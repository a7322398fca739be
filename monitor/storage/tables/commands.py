"""Corrective commands: each with its message to the byte, the attempts to send it, how the circuit breakers
of brokers stand, and the kill switch."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table

from monitor.storage.tables.base import Id, metadata
from monitor.storage.types import SafeText, UtcTime

commands = Table(
    "commands",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", SafeText, nullable=False),
    Column("once", SafeText),
    Column("name", SafeText, nullable=False),
    Column("title", SafeText, nullable=False),
    Column("flow", SafeText, nullable=False),
    Column("trace_id", BigInteger, nullable=False),
    Column("trace_key", SafeText, nullable=False),
    Column("finding", SafeText),
    Column("reason", SafeText, nullable=False),
    Column("mode", SafeText, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("status", SafeText, nullable=False),
    Column("type", SafeText, nullable=False),
    Column("kind", SafeText, nullable=False),
    Column("broker", SafeText, nullable=False),
    Column("place", SafeText, nullable=False),
    Column("key", SafeText, nullable=False),
    Column("headers", SafeText, nullable=False),
    Column("content_type", SafeText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("requested", UtcTime, nullable=False),
    Column("requested_by", SafeText, nullable=False),
    Column("note", SafeText, nullable=False),
    Column("approved", UtcTime),
    Column("approved_by", SafeText),
    Column("expires", UtcTime),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcTime),
    Column("published", UtcTime),
    Column("told", SafeText),
    Column("expect", SafeText),
    Column("within", BigInteger),
    Column("tolerance", BigInteger),
    Column("since", UtcTime),
    Column("due", UtcTime),
    Column("effect", UtcTime),
    Column("effect_event", SafeText),
    Column("settled", UtcTime),
    sqlite_autoincrement=True,
)
_c = commands.c
Index("uq_commands_message_id", _c.message_id, unique=True)
ONCE = _c.once.is_not(None)
Index("uq_commands_once", _c.once, unique=True, postgresql_where=ONCE, sqlite_where=ONCE)
DUE = _c.next_at.is_not(None)
Index("ix_commands_next_at", _c.next_at, _c.id, postgresql_where=DUE, sqlite_where=DUE)
Index("ix_commands_trace_id", _c.trace_id, _c.id)
Index("ix_commands_name", _c.name, _c.requested)
Index("ix_commands_status", _c.status, _c.id)

command_attempts = Table(
    "command_attempts",
    metadata,
    Column("command_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("worker", SafeText, nullable=False),
    Column("began", UtcTime, nullable=False),
    Column("ended", UtcTime),
    Column("outcome", SafeText),
    Column("detail", SafeText),
)

command_brokers = Table(
    "command_brokers",
    metadata,
    Column("broker", SafeText, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", UtcTime),
    Column("trying", UtcTime),
    Column("told", SafeText),
)

command_switch = Table(
    "command_switch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("stopped", Boolean, nullable=False),
    Column("by", SafeText, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("note", SafeText, nullable=False),
)

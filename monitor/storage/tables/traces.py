"""Flows, events and the traces they make up, with what is said of them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    and_,
    false,
    literal_column,
    true,
)

from monitor.domain.verdict import ClockState, FindingState
from monitor.storage.tables.base import BLOCK, Id, metadata
from monitor.storage.types import SafeText, UtcTime

flows = Table(
    "flows",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", SafeText, nullable=False),
    Column("version", Integer, nullable=False),
    Column("hash", SafeText, nullable=False),
    Column("name", SafeText, nullable=False),
    Column("file", SafeText, nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("options", SafeText, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("active", Boolean, nullable=False),
)
Index("uq_flows_key_version", flows.c.key, flows.c.version, unique=True)
Index("uq_flows_key_hash", flows.c.key, flows.c.hash, unique=True)

seen = Table(
    "seen",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("plain", Boolean, nullable=False),
    Column("received", UtcTime, nullable=False),
    Column("forget", UtcTime),
    sqlite_with_rowid=False,
)
PLAIN = seen.c.plain.is_(True)
Index("ix_seen_content", seen.c.content, postgresql_where=PLAIN, sqlite_where=PLAIN)
FORGOTTEN = seen.c.forget.is_not(None)
Index("ix_seen_forget", seen.c.forget, postgresql_where=FORGOTTEN, sqlite_where=FORGOTTEN)

events = Table(
    "events",
    metadata,
    Column("id", Id, Identity(increment=BLOCK), primary_key=True),
    Column("identity", LargeBinary, nullable=False),
    Column("event_id", SafeText),
    Column("type", SafeText, nullable=False),
    Column("producer", SafeText),
    Column("subject", SafeText),
    Column("time", UtcTime, nullable=False),
    Column("time_origin", SafeText, nullable=False),
    Column("received", UtcTime, nullable=False),
    Column("source", SafeText, nullable=False),
    Column("channel", SafeText, nullable=False),
    Column("partition", Integer),
    Column("offset", BigInteger),
    Column("exchange", SafeText),
    Column("routing_key", SafeText),
    Column("message_key", LargeBinary),
    Column("headers", SafeText, nullable=False),
    Column("attributes", SafeText, nullable=False),
    Column("data", SafeText),
    sqlite_autoincrement=True,
)

trace_keys = Table(
    "trace_keys",
    metadata,
    Column("flow", SafeText, primary_key=True),
    Column("name", SafeText, primary_key=True),
    Column("value", SafeText, primary_key=True),
    Column("trace_id", BigInteger, nullable=False),
)
Index("ix_trace_keys_value", trace_keys.c.value, trace_keys.c.trace_id)
Index("ix_trace_keys_trace_id", trace_keys.c.trace_id)

traces = Table(
    "traces",
    metadata,
    Column("id", Id, Identity(increment=BLOCK), primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("flow", SafeText, nullable=False),
    Column("flow_id", BigInteger, nullable=False),
    Column("key", SafeText, nullable=False),
    Column("state", SafeText),
    Column("events", Integer, nullable=False),
    Column("first", UtcTime),
    Column("last", UtcTime),
    Column("conforms", Boolean, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("undecided", Boolean, nullable=False),
    Column("exact", Boolean, nullable=False),
    Column("cost", Integer, nullable=False),
    Column("deviations", Integer, nullable=False),
    Column("open_clocks", Boolean, nullable=False),
    Column("sla", SafeText),
    Column("expected", SafeText, nullable=False),
    Column("standing", SafeText, nullable=False),
    Column("visited", SafeText),
    Column("merged_into", BigInteger),
    Column("revision", Integer, nullable=False),
    Column("updated", UtcTime, nullable=False),
    Column("confirmed", Integer, nullable=False, server_default="0"),
    Column("cut", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,
    postgresql_with={"fillfactor": 80},
)
_NONE: ColumnElement[int] = literal_column("0")  # a parameter would hide the partial index from SQLite
LATER_IN_CHAIN = traces.c.id != traces.c.chain_id
LISTED = traces.c.merged_into.is_(None)
OPEN = and_(LISTED, traces.c.complete.is_(False))
COMPLETE = and_(LISTED, traces.c.complete.is_(True))
ASTRAY = and_(LISTED, traces.c.conforms.is_(False))
DEVIATING = and_(LISTED, traces.c.confirmed > _NONE)
CHECKING = and_(ASTRAY, traces.c.confirmed == _NONE)
WITH_SLA = traces.c.sla.is_not(None)
_t = traces.c
Index("ix_traces_chain_id", _t.chain_id, postgresql_where=LATER_IN_CHAIN, sqlite_where=LATER_IN_CHAIN)
Index("ix_traces_last", _t.flow_id, _t.last, _t.id, postgresql_where=LISTED, sqlite_where=LISTED)
Index("ix_traces_first", _t.flow, _t.first, _t.id, postgresql_where=LISTED, sqlite_where=LISTED)
Index("ix_traces_events", _t.flow, _t.events, _t.id, postgresql_where=LISTED, sqlite_where=LISTED)
Index("ix_traces_open", _t.flow, _t.last, _t.id, postgresql_where=OPEN, sqlite_where=OPEN)
Index("ix_traces_astray", _t.flow, _t.last, _t.id, postgresql_where=ASTRAY, sqlite_where=ASTRAY)
Index("ix_traces_deviating", _t.flow, _t.last, _t.id, postgresql_where=DEVIATING, sqlite_where=DEVIATING)
Index("ix_traces_checking", _t.flow, _t.last, _t.id, postgresql_where=CHECKING, sqlite_where=CHECKING)
Index("ix_traces_complete", _t.last, _t.id, postgresql_where=COMPLETE, sqlite_where=COMPLETE)
Index("ix_traces_sla", _t.flow, _t.sla, _t.last, _t.id, postgresql_where=WITH_SLA, sqlite_where=WITH_SLA)

observations = Table(
    "observations",
    metadata,
    Column("trace_id", BigInteger, nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("event", BigInteger, nullable=False),
    Column("identity", LargeBinary, nullable=False),
    Column("label", SafeText, nullable=False),
    Column("event_id", SafeText),
    Column("producer", SafeText),
    Column("lane", SafeText),
    Column("offset", BigInteger),
    Column("sequence", SafeText),
    Column("cause", SafeText),
    Column("attributes", SafeText),
    Column("shared", Boolean, nullable=False, server_default=false()),
)
SHARED = observations.c.shared.is_(True)
Index("ix_observations_shared", observations.c.event, postgresql_where=SHARED, sqlite_where=SHARED)
Index("ix_observations_trace_id_time", observations.c.trace_id, observations.c.time)
_WITH_ID = observations.c.event_id.is_not(None)
Index(
    "ix_observations_event_id",
    observations.c.event_id,
    postgresql_using="hash",
    postgresql_where=_WITH_ID,
    sqlite_where=_WITH_ID,
)

findings = Table(
    "findings",
    metadata,
    Column("trace_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, primary_key=True),
    Column("trace_key", SafeText, nullable=False),
    Column("flow", SafeText, nullable=False),
    Column("kind", SafeText, nullable=False),
    Column("state", SafeText, nullable=False),
    Column("severity", SafeText, nullable=False),
    Column("element", SafeText),
    Column("name", SafeText, nullable=False),
    Column("message", SafeText, nullable=False),
    Column("expected", SafeText, nullable=False),
    Column("subject", SafeText, nullable=False),
    Column("event", SafeText),
    Column("identity", LargeBinary),
    Column("time", UtcTime, nullable=False),
    Column("found", UtcTime, nullable=False),
    Column("confirmed", UtcTime),
    Column("retracted", UtcTime),
    Column("reason", SafeText),
    Column("historic", Boolean, nullable=False, server_default=false()),
    Column("acknowledged", UtcTime),
    Column("acknowledged_by", SafeText),
    Column("acknowledged_note", SafeText),
)
PROVISIONAL = findings.c.state == FindingState.PROVISIONAL.value
RETRACTED = findings.c.state == FindingState.RETRACTED.value
_f = findings.c
_newest = (_f.found, _f.trace_id, _f.key)
Index("ix_findings_found", *_newest)
Index("ix_findings_flow", _f.flow, *_newest)
Index("ix_findings_kind", _f.kind, *_newest)
Index("ix_findings_retracted", *_newest, postgresql_where=RETRACTED, sqlite_where=RETRACTED)
Index("ix_findings_provisional", _f.flow, _f.time, postgresql_where=PROVISIONAL, sqlite_where=PROVISIONAL)
CONFIRMED = _f.confirmed.is_not(None)
Index("ix_findings_confirmed", _f.flow, _f.confirmed, postgresql_where=CONFIRMED, sqlite_where=CONFIRMED)
HISTORIC = _f.historic.is_(True)
Index("ix_findings_historic", _f.flow, _f.found, postgresql_where=HISTORIC, sqlite_where=HISTORIC)
Index("ix_findings_trace_id_time", _f.trace_id, _f.time)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("trace_id", BigInteger, primary_key=True, autoincrement=False),
    Column("time", UtcTime, primary_key=True),
    Column("text", SafeText, nullable=False),
    Column("events", Integer, nullable=False),
    Column("cost", Integer, nullable=False),
    Column("beyond", Integer, nullable=False),
    Column("deviations", Integer, nullable=False),
    Column("exact", Boolean, nullable=False),
)

clocks = Table(
    "clocks",
    metadata,
    Column("trace_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sla", SafeText, primary_key=True),
    Column("occurrence", Integer, primary_key=True, autoincrement=False),
    Column("flow", SafeText, nullable=False),
    Column("state", SafeText, nullable=False),
    Column("started", UtcTime, nullable=False),
    Column("due", UtcTime, nullable=False),
    Column("at_risk", UtcTime),
    Column("ended", UtcTime),
    Column("severity", SafeText, nullable=False),
    Column("element", SafeText),
    Column("next_at", UtcTime),
    Column("kind", SafeText, nullable=False, server_default="limit"),
    Column("paused", UtcTime),
    Column("sure", Boolean, nullable=False, server_default=true()),
    Column("unverified", Boolean, nullable=False, server_default=false()),
)
ARMED = clocks.c.next_at.is_not(None)
Index("ix_clocks_armed", clocks.c.flow, clocks.c.next_at, postgresql_where=ARMED, sqlite_where=ARMED)
OVERDUE = clocks.c.state == literal_column(f"'{ClockState.BREACHED.value}'")
Index(
    "ix_clocks_overdue",
    clocks.c.flow,
    clocks.c.sla,
    clocks.c.due,
    postgresql_where=OVERDUE,
    sqlite_where=OVERDUE,
)
UNVERIFIED = clocks.c.unverified.is_(True)
Index(
    "ix_clocks_unverified", clocks.c.flow, clocks.c.due, postgresql_where=UNVERIFIED, sqlite_where=UNVERIFIED
)

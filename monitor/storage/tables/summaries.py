"""What the dashboard asks of many traces, written by the sweep; attributes to search by; the audit."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, Table, literal_column

from monitor.storage.tables.base import Id, metadata
from monitor.storage.types import SafeText, UtcTime

trace_attributes = Table(
    "trace_attributes",
    metadata,
    Column("flow", SafeText, primary_key=True),
    Column("name", SafeText, primary_key=True),
    Column("value", SafeText, primary_key=True),
    Column("trace_id", BigInteger, primary_key=True, autoincrement=False),
)
Index("ix_trace_attributes_value", trace_attributes.c.value, trace_attributes.c.trace_id)
Index("ix_trace_attributes_trace_id", trace_attributes.c.trace_id)

changed_traces = Table(
    "changed_traces",
    metadata,
    Column("id", Id, Identity(), primary_key=True),
    Column("trace_id", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

trace_statistics = Table(
    "trace_statistics",
    metadata,
    Column("trace_id", BigInteger, primary_key=True, autoincrement=False),
    Column("flow", SafeText, nullable=False),
    Column("flow_id", BigInteger, nullable=False),
    Column("variant", SafeText),
    Column("duration", BigInteger),
    Column("cells", LargeBinary, nullable=False),
)
_s = trace_statistics.c
TIMED = _s.duration.is_not(None)
Index(
    "ix_trace_statistics_duration",
    _s.flow,
    _s.duration,
    _s.trace_id,
    postgresql_where=TIMED,
    sqlite_where=TIMED,
)
OF_VARIANT = _s.variant.is_not(None)
Index(
    "ix_trace_statistics_variant",
    _s.flow_id,
    _s.variant,
    _s.trace_id,
    postgresql_where=OF_VARIANT,
    sqlite_where=OF_VARIANT,
)

statistics = Table(
    "statistics",
    metadata,
    Column("flow_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("measure", SafeText, primary_key=True),
    Column("element", SafeText, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("amount", BigInteger, nullable=False),
    postgresql_with={"fillfactor": 70},
)
OF_TRACES = statistics.c.element == literal_column("''")
Index(
    "ix_statistics_whole",
    statistics.c.flow_id,
    statistics.c.measure,
    statistics.c.day,
    postgresql_where=OF_TRACES,
    sqlite_where=OF_TRACES,
)

variants = Table(
    "variants",
    metadata,
    Column("flow_id", BigInteger, primary_key=True, autoincrement=False),
    Column("variant", SafeText, primary_key=True),
    Column("labels", SafeText, nullable=False),
    Column("traces", BigInteger, nullable=False),
    Column("deviating", BigInteger, nullable=False),
    Column("duration", BigInteger, nullable=False),
)
Index("ix_variants_traces", variants.c.flow_id, variants.c.traces)

late_clocks = Table(
    "late_clocks",
    metadata,
    Column("trace_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sla", SafeText, primary_key=True),
    Column("occurrence", Integer, primary_key=True, autoincrement=False),
    Column("flow", SafeText, nullable=False),
    Column("over", BigInteger, nullable=False),
)
Index("ix_late_clocks_over", late_clocks.c.flow, late_clocks.c.sla, late_clocks.c.over)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("who", SafeText, nullable=False),
    Column("action", SafeText, nullable=False),
    Column("subject", SafeText, nullable=False),
    Column("detail", SafeText, nullable=False),
    sqlite_autoincrement=True,
)

"""What the tables hold, copied: other ids, keys and identities, a little earlier each.

Copy k of a row has its keys' ``K000-`` as k says, ids moved by k times the base's own range, times moved back
by k parts of the time between two orders. All copies together are as many orders, evenly over the same month;
what was under way, late or stuck is so in every copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
from sqlalchemy import Table

from benchmarks.dataset.story import PREFIX
from monitor.storage import tables
from monitor.storage.types import UtcTime

MOST_COPIES = 999
_AT_ONCE = 10

Told = Callable[[str], None]


def _key(column: str) -> str:
    return f"replace(b.{column}, '{PREFIX}', 'K' || lpad(k::text, 3, '0') || '-')"


def _key_bytes(column: str) -> str:
    return f"convert_to({_key(f'key_{column}')}, 'UTF8')".replace(
        f"b.key_{column}", f"convert_from(b.{column}, 'UTF8')"
    )


def _digest(column: str) -> str:
    return f"substring(sha256(b.{column} || int4send(k)) FROM 1 FOR 16)"


def _event_id(column: str) -> str:
    """Producers' ids are UUIDs: the first four digits are the copy's."""
    return f"lpad(to_hex(k), 4, '0') || substr(b.{column}, 5)"


def _trace(column: str) -> str:
    return f"b.{column} + k * %(traces)s::bigint"


def _event(column: str) -> str:
    return f"b.{column} + k * %(events)s::bigint"


def _offset(column: str) -> str:
    return f'b."{column}" + k * 10000000000000::bigint'


Change = Callable[[str], str]

CHANGES: Mapping[Table, Mapping[str, Change]] = {
    tables.seen: {"digest": _digest, "content": _digest},
    tables.events: {
        "id": _event,
        "identity": _digest,
        "event_id": _event_id,
        "subject": _key,
        "offset": _offset,
        "message_key": _key_bytes,
        "headers": _key,
        "attributes": _key,
    },
    tables.trace_keys: {"value": _key, "trace_id": _trace},
    tables.traces: {"id": _trace, "chain_id": _trace, "key": _key, "merged_into": _trace},
    tables.observations: {
        "trace_id": _trace,
        "event": _event,
        "identity": _digest,
        "event_id": _event_id,
        "offset": _offset,
    },
    tables.findings: {
        "trace_id": _trace,
        "trace_key": _key,
        "message": _key,
        "event": _event_id,
        "identity": _digest,
    },
    tables.checkpoints: {"trace_id": _trace},
    tables.clocks: {"trace_id": _trace},
    tables.late_clocks: {"trace_id": _trace},
    tables.trace_attributes: {"trace_id": _trace},
    tables.trace_statistics: {"trace_id": _trace},
    tables.inbox: {
        "id": lambda column: f"b.{column} + k * %(inbox)s::bigint",
        "digest": _digest,
        "content": _digest,
    },
}
"""What is other in a copy, besides its times."""


@dataclass(frozen=True, slots=True)
class Index:
    """How one is made again, and how it is dropped."""

    table: str
    name: str
    drop: str
    make: str


def multiply(url: str, copies: int, every: timedelta, told: Told) -> None:
    """Make ``copies`` of one: the base is the first of them."""
    if not 1 <= copies <= MOST_COPIES:
        raise ValueError(f"{copies} copies: it may be up to {MOST_COPIES}")
    with psycopg.connect(url, autocommit=True) as database:
        for setting in ("maintenance_work_mem = '1GB'", "synchronous_commit = off", "jit = off"):
            database.execute(_sql(f"SET {setting}"))
        if copies > 1:
            _copy(database, copies, every, told)
        for table in tables.metadata.sorted_tables:
            told(f"VACUUM ANALYZE {table.name}")
            database.execute(_sql(f"VACUUM (ANALYZE) {table.name}"))


def _copy(database: psycopg.Connection[Any], copies: int, every: timedelta, told: Told) -> None:
    values: dict[str, Any] = {
        "traces": _stride(database, "traces"),
        "events": _stride(database, "events"),
        "inbox": _stride(database, "inbox"),
        "apart": every / copies,
    }
    indexes = list(_indexes(database))
    database.execute("CREATE SCHEMA base")
    for table in CHANGES:
        database.execute(_sql(f"CREATE UNLOGGED TABLE base.{table.name} AS TABLE public.{table.name}"))
        database.execute(_sql(f"ANALYZE base.{table.name}"))
    for index in indexes:
        database.execute(_sql(index.drop))
    for table, changes in CHANGES.items():
        copying = _copying(table, changes)
        for first in range(1, copies, _AT_ONCE):
            last = min(copies, first + _AT_ONCE) - 1
            made = database.execute(_sql(copying), {**values, "first": first, "last": last})
            told(f"{table.name}: copy {last + 1} of {copies}, {made.rowcount:,} rows")
    database.execute("DROP SCHEMA base CASCADE")
    for index in indexes:
        told(f"index {index.name} of {index.table}")
        database.execute(_sql(index.make))
    for name in ("traces", "events", "inbox"):
        following = values[name] * copies + 1
        database.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", (name, following))
    told("what is kept rather than counted")
    for counted in _COUNTED:
        database.execute(_sql(counted), {"copies": copies})


def _copying(table: Table, changes: Mapping[str, Change]) -> str:
    columns = {f'"{column.name}"': _value(column, changes) for column in table.columns}
    return (
        f"INSERT INTO public.{table.name} ({', '.join(columns)}) SELECT {', '.join(columns.values())}"
        f" FROM generate_series(%(first)s::int, %(last)s::int) k, base.{table.name} b"
    )


def _value(column: Any, changes: Mapping[str, Change]) -> str:
    if column.name in changes:
        return changes[column.name](column.name)
    moved = f'b."{column.name}"'
    return f"{moved} - k * %(apart)s::interval" if isinstance(column.type, UtcTime) else moved


def _stride(database: psycopg.Connection[Any], table: str) -> int:
    """By how much ids of one copy go beyond those of the one before; whole blocks of them."""
    row = database.execute(_sql(f"SELECT coalesce(max(id), 0) FROM {table}")).fetchone()
    assert row is not None
    return -(-int(row[0]) // tables.BLOCK) * tables.BLOCK


def _indexes(database: psycopg.Connection[Any]) -> Iterator[Index]:
    """Those of the tables that are copied. An index that is made over rows that are there takes a fraction
    of the time."""
    rows = database.execute(
        """
        SELECT t.relname, i.relname, c.conname, pg_get_indexdef(x.indexrelid), pg_get_constraintdef(c.oid)
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
        LEFT JOIN pg_constraint c ON c.conindid = i.oid AND c.contype IN ('p', 'u')
        WHERE t.relnamespace = 'public'::regnamespace AND t.relname = ANY(%s)
        ORDER BY t.relname, i.relname
        """,
        ([table.name for table in CHANGES],),
    )
    for table, name, constraint, index, definition in rows.fetchall():
        if constraint is None:
            yield Index(table, name, f"DROP INDEX {name}", index)
        else:
            yield Index(
                table,
                name,
                f"ALTER TABLE {table} DROP CONSTRAINT {constraint}",
                f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}",
            )


_COUNTED = (
    "UPDATE tallies SET amount = amount * %(copies)s WHERE what <> 'changes'",
    "UPDATE inbox_groups SET count = count * %(copies)s",
    "UPDATE statistics SET amount = amount * %(copies)s",
    "UPDATE variants SET traces = traces * %(copies)s, deviating = deviating * %(copies)s,"
    " duration = duration * %(copies)s",
    "TRUNCATE outcomes",
    """
    INSERT INTO outcomes (flow, sla, tick, slot, met, failed)
    SELECT flow, sla, date_bin('5 minutes', decided, 'epoch'), slot, sum(met), sum(1 - met)
    FROM (
        SELECT flow, sla, CASE WHEN state = 'met' THEN ended ELSE due END AS decided,
            (state = 'met')::int AS met, trace_id / 100 %% 16 AS slot
        FROM clocks WHERE kind = 'limit' AND state IN ('met', 'breached', 'missed') AND %(copies)s > 0
    ) one
    GROUP BY 1, 2, 3, 4
    """,
)
"""Days and variants are the same in every copy; ticks of five minutes are not."""


def _sql(text: str) -> LiteralString:
    """Made of our own words only."""
    return text

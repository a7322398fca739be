"""What it costs to drop a day of a large database: ``python -m benchmarks retention``.

The oldest day's traces are deleted as the sweep does it, batch after batch. Beside that a bare DELETE of the
very same rows by their keys, in one transaction that is rolled back. **The day is gone afterwards.**
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any, cast

import psycopg

from benchmarks.dataset.server import SERVING, answered, ask_where
from monitor.storage.migrate import upgrade
from monitor.storage.sql import open_store
from monitor.sweep import PURGE_BATCH

OF_TRACES = (
    "observations",
    "findings",
    "clocks",
    "checkpoints",
    "trace_statistics",
    "late_clocks",
    "trace_keys",
    "trace_attributes",
)
STATEMENTS = 12

_OLD = "SELECT id FROM traces WHERE merged_into IS NULL AND complete AND last < %s"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks retention", description=__doc__)
    ask_where(parser, "directory that `dataset` made", "URL of a database that `dataset` filled")
    parser.add_argument("--hours", type=float, default=24, help="how much is dropped (default: %(default)s)")
    parser.add_argument("--statements", action="store_true", help="tell which statements took how long")
    given = parser.parse_args(arguments)
    with answered(given, SERVING) as url:
        upgrade(url)
        asyncio.run(measure(url, timedelta(hours=given.hours), statements=given.statements))


async def measure(url: str, much: timedelta, *, statements: bool) -> None:
    with psycopg.connect(url, autocommit=True) as database:
        (oldest,) = _one(database, "SELECT min(last) FROM traces WHERE merged_into IS NULL AND complete")
        before = oldest + much
        events, size = _standing(database)
        rows, bare = _bare(database, before)
        print(
            f"{events:,} events, {size:.1f} GB; all traces whose last event is before {before:%Y-%m-%d %H:%M}"
        )
        print(f"bare DELETE by key: {sum(rows.values()):,} rows in {bare:.1f} s: {_counts(rows)}")
        if statements:
            database.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            database.execute("SELECT pg_stat_statements_reset()")
        took = await _purged(url, before)
        after, _ = _standing(database)
        whole = sum(took.seconds)
        print(
            f"retention: {took.traces:,} traces, {events - after:,} events in {whole:.1f} s"
            f" ({(events - after) / whole:,.0f} events/s, {whole / bare:.2f} times the bare DELETE);"
            f" a batch {1000 * median(took.seconds):.0f} ms at the median,"
            f" {1000 * max(took.seconds):.0f} at most"
        )
        for line in _statements(database) if statements else ():
            print(line)
        begin = perf_counter()
        database.execute("VACUUM")
        vacuumed = perf_counter() - begin
        print(f"VACUUM afterwards: {vacuumed:.1f} s; the database has {_standing(database)[1]:.1f} GB")


class _Took:
    def __init__(self) -> None:
        self.traces = 0
        self.seconds: list[float] = []


async def _purged(url: str, before: datetime) -> _Took:
    """As the sweep does it."""
    took = _Took()
    store = await open_store(url)
    now = datetime.now(UTC)
    try:
        while True:
            begin = perf_counter()
            count = await store.purge_traces(now - before, now, PURGE_BATCH)
            took.seconds.append(perf_counter() - begin)
            took.traces += count
            if count < PURGE_BATCH:
                return took
    finally:
        await store.close()


def _bare(database: psycopg.Connection[Any], before: datetime) -> tuple[dict[str, int], float]:
    """Rows by table, and seconds; nothing of it stays. Which rows is found out before: that also brings them
    into memory, as it does for what is compared."""
    rows: dict[str, int] = {}
    with database.transaction(force_rollback=True):
        database.execute(f"CREATE TEMP TABLE old ON COMMIT DROP AS {_OLD}", [before])
        database.execute(
            "CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT DISTINCT o.event AS id, e.identity"
            " FROM old JOIN observations o ON o.trace_id = old.id JOIN events e ON e.id = o.event"
            " WHERE NOT o.shared"
        )
        database.execute("ANALYZE old")
        database.execute("ANALYZE gone")
        for table in OF_TRACES:
            asked = f"SELECT count(t.*) FROM {table} t JOIN old ON t.trace_id = old.id"
            database.execute(cast("Any", asked))
        begin = perf_counter()
        for table in OF_TRACES:
            asked = f"DELETE FROM {table} t USING old WHERE t.trace_id = old.id"
            rows[table] = database.execute(cast("Any", asked)).rowcount
        rows["events"] = database.execute("DELETE FROM events t USING gone WHERE t.id = gone.id").rowcount
        rows["seen"] = database.execute(
            "DELETE FROM seen t USING gone WHERE t.digest = gone.identity"
        ).rowcount
        rows["traces"] = database.execute("DELETE FROM traces t USING old WHERE t.id = old.id").rowcount
        took = perf_counter() - begin
    return rows, took


def _standing(database: psycopg.Connection[Any]) -> tuple[int, float]:
    events, size = _one(
        database,
        "SELECT sum(amount), pg_database_size(current_database()) / 1e9 FROM tallies WHERE what = 'events'",
    )
    return int(events), float(size)


def _one(database: psycopg.Connection[Any], asked: str) -> tuple[Any, ...]:
    row = database.execute(cast("Any", asked)).fetchone()
    assert row is not None
    return cast("tuple[Any, ...]", row)


def _counts(rows: dict[str, int]) -> str:
    return ", ".join(f"{table} {count:,}" for table, count in rows.items() if count)


def _statements(database: psycopg.Connection[Any]) -> list[str]:
    told = database.execute(
        "SELECT total_exec_time / 1000, calls, rows, query FROM pg_stat_statements"
        " ORDER BY total_exec_time DESC LIMIT %s",
        [STATEMENTS],
    )
    return [
        f"{s:8.1f} s {calls:7} calls {rows:9} rows  {' '.join(q.split())[:110]}" for s, calls, rows, q in told
    ]

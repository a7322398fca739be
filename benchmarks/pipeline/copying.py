"""The bare reference: a COPY of the very rows that a run of the pipeline left, with all indexes in place."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import psycopg
from psycopg import sql

from benchmarks.usage import Usage
from monitor.storage.tables import metadata

_SETTINGS = frozenset({"flows", "watched"})
"""What a worker writes once, at its start."""


@dataclass(frozen=True, slots=True)
class Copied:
    """``seconds``: of a COPY of blocks that were formatted before, in one transaction; ``database``:
    processor seconds of it."""

    rows: int
    bytes: int
    seconds: float
    database: float


def copied(url: str, server: int) -> Copied:
    """Take out what is in the tables, empty them, copy it back."""
    tables = [one.name for one in metadata.sorted_tables if one.name not in _SETTINGS]
    with psycopg.connect(url) as database:
        blocks = {name: _taken(database, name) for name in tables}
        rows = 0
        for name in tables:
            found = database.execute(
                sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
            ).fetchone()
            rows += int(found[0]) if found else 0
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        database.execute(sql.SQL("TRUNCATE {}").format(names))
        database.commit()
        before, begin = Usage.of({"database": server}), perf_counter()
        for name, several in blocks.items():
            into = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(sql.Identifier(name))
            with database.cursor() as cursor, cursor.copy(into) as copy:
                for block in several:
                    copy.write(block)
        database.commit()
        took = perf_counter() - begin
        after = Usage.of({"database": server})
    size = sum(len(block) for several in blocks.values() for block in several)
    return Copied(rows, size, took, after.cpu["database"] - before.cpu["database"])


def _taken(database: psycopg.Connection[tuple[object, ...]], name: str) -> list[bytes]:
    out = sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(name))
    with database.cursor() as cursor, cursor.copy(out) as copy:
        blocks = [bytes(block) for block in copy]
    whole = b"".join(blocks)
    return [whole[at : at + (1 << 16)] for at in range(0, len(whole), 1 << 16)]

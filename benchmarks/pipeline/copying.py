"""The bare reference: a COPY of the very rows that a run of the pipeline left, with all indexes in place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

import psycopg
from psycopg import sql

from benchmarks.usage import Usage
from monitor.storage.tables import metadata

_SETTINGS = frozenset({"flows", "schema_suits", "watched"})
"""What is written once, by an upgrade or at a worker's start."""


@dataclass(frozen=True, slots=True)
class Copied:
    """``blocks``: seconds of a COPY of blocks that were formatted before, in one transaction, and
    ``database``: processor seconds of it; ``by_row``: seconds where psycopg formats each row, as a worker
    must."""

    rows: int
    bytes: int
    blocks: float
    database: float
    by_row: float


def copied(url: str, server: int) -> Copied:
    """Take out what is in the tables, empty them, copy it back; twice."""
    tables = [one for one in metadata.sorted_tables if one.name not in _SETTINGS]
    with psycopg.connect(url) as database:
        blocks = {one.name: _taken(database, one.name) for one in tables}
        rows = {one.name: _rows(database, one.name) for one in tables}
        _empty(database, blocks)
        before, begin = Usage.of({"database": server}), perf_counter()
        for name, several in blocks.items():
            with database.cursor() as cursor, cursor.copy(_INTO.format(sql.Identifier(name))) as copy:
                for block in several:
                    copy.write(block)
        database.commit()
        took = perf_counter() - begin
        after = Usage.of({"database": server})
        _empty(database, blocks)
        begin = perf_counter()
        for name, (types, lines) in rows.items():
            with database.cursor() as cursor, cursor.copy(_INTO.format(sql.Identifier(name))) as copy:
                copy.set_types(types)
                for line in lines:
                    copy.write_row(line)
        database.commit()
        by_row = perf_counter() - begin
    number = sum(len(lines) for _, lines in rows.values())
    size = sum(len(block) for several in blocks.values() for block in several)
    return Copied(number, size, took, after.cpu["database"] - before.cpu["database"], by_row)


_INTO = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)")
_Connection = psycopg.Connection[tuple[object, ...]]


def _empty(database: _Connection, names: Iterable[str]) -> None:
    database.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, names))))
    database.commit()


def _rows(database: _Connection, name: str) -> tuple[list[int], list[tuple[object, ...]]]:
    """Types of the columns, and the rows."""
    cursor = database.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))
    assert cursor.description is not None
    return [one.type_code for one in cursor.description], cursor.fetchall()


def _taken(database: _Connection, name: str) -> list[bytes]:
    out = sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(name))
    with database.cursor() as cursor, cursor.copy(out) as copy:
        blocks = [bytes(block) for block in copy]
    whole = b"".join(blocks)
    return [whole[at : at + (1 << 16)] for at in range(0, len(whole), 1 << 16)]

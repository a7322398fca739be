"""Copies of a template database, lent to one test after the other: to empty one takes a tenth of the time
that making and dropping one does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from tests.services.databases import fresh_database

_GROWN = 1_000_000
"""Bytes by which a copy may have grown: what was deleted still takes its room in pages and indexes."""

_PATIENCE = "5s"

_SHAPE = """
SELECT (SELECT md5(string_agg(
                 concat_ws(' ', relname, relkind, relacl, reloptions, attname, atttypid, attnotnull,
                           indisvalid),
                 ',' ORDER BY relname, attnum))
          FROM pg_class c
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid
          LEFT JOIN pg_index i ON i.indexrelid = c.oid
         WHERE relnamespace = 'public'::regnamespace),
       (SELECT md5(string_agg(concat_ws(' ', conname, pg_get_constraintdef(oid)), ',' ORDER BY conname))
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_trigger),
       (SELECT count(*) FROM pg_extension),
       (SELECT count(*) FROM pg_stats WHERE schemaname = 'public'),
       (SELECT count(*) FROM pg_db_role_setting)
"""
"""What tests may have changed beside rows. Statistics count, too: plans depend on them."""


@dataclass(frozen=True)
class _State:
    """What makes a database what it is. ``kept``: the rows of the tables that are not empty, as a digest."""

    shape: tuple[Any, ...]
    kept: dict[str, str]
    sequences: dict[str, tuple[int, bool]]
    size: int


@dataclass(frozen=True)
class _Copy:
    url: str
    was: _State
    made: ExitStack


class Copies:
    """The copies of one process. Close it to drop them."""

    def __init__(self, server: str, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[_Copy] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._free:
            self._free.pop().made.close()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of a database that is as the template is."""
        copy = self._free.pop() if self._free else self._new()
        with ExitStack() as dropped:
            dropped.push(copy.made)
            yield copy.url
            if _restored(copy.url, copy.was):
                dropped.pop_all()
                self._free.append(copy)

    def _new(self) -> _Copy:
        made = ExitStack()
        url = made.enter_context(fresh_database(self._server, self._template))
        return _Copy(url, _state(url), made)


def _state(url: str) -> _State:
    with psycopg.connect(url, autocommit=True) as database:
        tables = _tables(database)
        filled = [table for table in tables if _row(database, "SELECT EXISTS (SELECT FROM {})", table)[0]]
        return _State(_shape(database), _digests(database, filled), _sequences(database), _size(database))


def _restored(url: str, was: _State) -> bool:
    """Whether it could be made what it was. Whoever is still connected is not any more."""
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        database.execute(f"SET lock_timeout = '{_PATIENCE}'")
        if _size(database) > was.size + _GROWN or _shape(database) != was.shape:
            return False
        if _digests(database, list(was.kept)) != was.kept:
            return False
        database.execute("SET session_replication_role = replica")  # in any order, whatever refers to what
        try:
            for table in _tables(database):
                if table not in was.kept:
                    database.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        except psycopg.errors.LockNotAvailable:  # somebody takes long to be gone
            return False
        for name, (value, called) in was.sequences.items():
            database.execute("SELECT setval(%s::regclass, %s, %s)", [f'"{name}"', value, called])
        return True


def _row(database: psycopg.Connection[Any], query: str, table: str) -> tuple[Any, ...]:
    row = database.execute(sql.SQL(query).format(sql.Identifier(table))).fetchone()
    assert row is not None
    return tuple(row)


def _tables(database: psycopg.Connection[Any]) -> list[str]:
    listed = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    return [name for (name,) in database.execute(listed)]


def _digests(database: psycopg.Connection[Any], tables: list[str]) -> dict[str, str]:
    whole = "SELECT coalesce(md5(string_agg(one::text, ',' ORDER BY one::text)), '') FROM {} one"
    return {table: _row(database, whole, table)[0] for table in tables}


def _shape(database: psycopg.Connection[Any]) -> tuple[Any, ...]:
    shape = database.execute(_SHAPE).fetchone()
    assert shape is not None
    return tuple(shape)


def _sequences(database: psycopg.Connection[Any]) -> dict[str, tuple[int, bool]]:
    listed = (
        "SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences"
    )
    return {name: (value, called) for name, value, called in database.execute(listed)}


def _size(database: psycopg.Connection[Any]) -> int:
    (size,) = database.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    return int(size)

"""How to reach a database, and its errors in our words.

Every process holds two pools: one for writing, one for reading, so that people cannot keep events waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from monitor.errors import (
    ConfigError,
    SchemaOutdated,
    StorageConflict,
    StorageError,
    StorageUnavailable,
)

BUSY_SECONDS = 10
"""How long a SQLite writer waits for another one."""

_POSTGRES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_SQLITE = frozenset({"sqlite", "sqlite+aiosqlite"})


def normalised(url: str) -> URL:
    """The URL as SQLAlchemy's drivers want it. Raises :class:`~monitor.errors.ConfigError` for what is not
    a PostgreSQL or SQLite database."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            "The database URL cannot be read.",
            mend="Like sqlite:///choreoscope.db or postgresql://user@host/name",
        ) from error
    if parsed.drivername in _POSTGRES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in _SQLITE:
        if not parsed.database or parsed.database == ":memory:" or "mode=memory" in parsed.database:
            raise ConfigError(
                "A SQLite database needs a file: several connections share it.",
                mend="Like sqlite:///choreoscope.db",
            )
        return parsed.set(drivername="sqlite+aiosqlite")
    raise ConfigError(
        f"No driver for {parsed.drivername} databases.",
        mend="Use sqlite:///file.db or postgresql://user@host/name",
    )


def write_engine(url: URL) -> AsyncEngine:
    if url.drivername.startswith("sqlite"):
        engine = create_async_engine(url, pool_size=1, max_overflow=0, connect_args={"timeout": BUSY_SECONDS})
        _prepare_sqlite(engine.sync_engine, begin="BEGIN IMMEDIATE")
        return engine
    # a batch is looked up by its keys, whatever the planner thinks of how many there are
    return create_async_engine(
        url, pool_size=4, max_overflow=8, connect_args=_postgres_arguments(url, "-c enable_seqscan=off")
    )


def read_engine(url: URL) -> AsyncEngine:
    if url.drivername.startswith("sqlite"):
        engine = create_async_engine(url, pool_size=4, max_overflow=4, connect_args={"timeout": BUSY_SECONDS})
        _prepare_sqlite(engine.sync_engine, begin="BEGIN")
        return engine
    return create_async_engine(
        url,
        pool_size=4,
        max_overflow=8,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",  # all parts of a page are of one instant
        connect_args=_postgres_arguments(url),
    )


def migration_engine(url: str) -> Engine:
    """A synchronous engine whose transactions take in changes of the schema too."""
    parsed = normalised(url)
    if parsed.drivername.startswith("sqlite"):
        engine = create_engine(parsed.set(drivername="sqlite"), connect_args={"timeout": BUSY_SECONDS})
        _prepare_sqlite(engine, begin="BEGIN IMMEDIATE")
        return engine
    return create_engine(parsed, connect_args=_postgres_arguments(parsed))


_SILENCE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}
"""A server that is gone without a word (its machine, a firewall between) is noticed after 25 seconds; by
default it would be waited for for hours. However long a query takes, the kernels go on answering each other.
(libpq: connection parameters; tcp(7))"""

_LET_GO = " ".join(f"-c tcp_{name.removeprefix('tcp_')}={value}" for name, value in _SILENCE.items())
"""The same for the server: of a worker whose machine is gone it would keep the locks, and others wait."""

_USUAL = {"connect_timeout": 10, "application_name": "choreoscope", **_SILENCE}


def _postgres_arguments(url: URL, options: str = "") -> dict[str, Any]:
    """``options`` for the server, and what the URL itself does not say."""
    given = url.query.get("options", "")
    return {
        **{name: value for name, value in _USUAL.items() if name not in url.query},
        # times come back as UTC; compiling queries by JIT takes longer than running ours
        "options": f"{_LET_GO} {given} -c timezone=UTC -c jit=off {options}".strip(),
    }


def _prepare_sqlite(engine: Engine, begin: str) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # acknowledged means on disk
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA cache_size=-32000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql(begin)


# errors ---------------------------------------------------------------------------------------------------

_CONFLICTS = frozenset({"40001", "40P01", "55P03", "23505"})
_AWAY = frozenset({"25006", "53300", "57P01", "57P02", "57P03", "57P05", "57014"})
_NO_ROOM = frozenset({"53100", "58030"})
"""The server's disk is full or fails: nothing that is in a batch brings that about, so it waits."""

_SQLITE_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})
_NO_SUCH = frozenset({"42P01", "42703", "42704"})
_MIGRATE = "Run: choreoscope db upgrade"


@contextmanager
def wrapped() -> Iterator[None]:
    """Drivers' errors come out as :mod:`monitor.errors`; everything else untouched."""
    try:
        yield
    except DBAPIError as error:
        raise _told(error.orig or error, lost=error.connection_invalidated) from error
    except (psycopg.Error, sqlite3.Error) as error:
        raise _told(error, lost=False) from error
    except (PoolTimeout, PendingRollbackError) as error:
        raise StorageUnavailable("No connection to the database is free or whole.") from error
    except (OverflowError, UnicodeError) as error:
        raise StorageError(f"A value cannot be stored: {error}") from error


def _told(error: BaseException, lost: bool) -> StorageError:
    if isinstance(error, sqlite3.Error):
        return _sqlite(error)
    if isinstance(error, psycopg.Error):
        return _postgres(error, lost)
    return StorageUnavailable() if lost else StorageError(f"The database refused: {_first_line(error)}")


_REFUSALS = ("authentication failed", "does not exist", "no pg_hba.conf entry")
"""How a server that is there says no to a connection: the driver gives no code for it."""


def _postgres(error: psycopg.Error, lost: bool) -> StorageError:
    state = error.sqlstate
    said = _first_line(error)
    if state in _CONFLICTS:
        return StorageConflict()
    if state in _NO_SUCH:
        return SchemaOutdated(f"The database schema is not the one this version needs: {said}", mend=_MIGRATE)
    if state in _NO_ROOM:
        return _no_room(said)
    if lost or state in _AWAY or (state or "").startswith("08"):
        return StorageUnavailable(f"The database is away for now: {said}")
    if state is None and any(refusal in said for refusal in _REFUSALS):
        return StorageError(
            f"The database refused: {said}",
            mend="See that database: in the configuration names the right user, password and database.",
        )
    if state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return StorageUnavailable(f"The database is away for now: {said}")
    return StorageError(f"The database refused: {said}")


def _sqlite(error: sqlite3.Error) -> StorageError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    said = _first_line(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CONSTRAINT):
        return StorageConflict()
    if said.startswith(("no such table", "no such column")) or "has no column named" in said:
        return SchemaOutdated(f"The database schema is not the one this version needs: {said}", mend=_MIGRATE)
    if code in _SQLITE_NO_ROOM:
        return _no_room(said)
    if code == sqlite3.SQLITE_CANTOPEN:
        return StorageError(
            "The database file cannot be opened.", mend="See that its folder is there and may be written to."
        )
    return StorageError(f"The database refused: {said}")


def _no_room(said: str) -> StorageUnavailable:
    return StorageUnavailable(
        f"The database cannot write for now: {said}",
        mend="See that there is room on its disk, and that its files may be written to.",
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__

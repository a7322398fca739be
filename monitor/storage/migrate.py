"""The schema of a database: bring it up to date, say where it stands.

Everything here is synchronous and for the command line and start-up; scripts are in ``alembic/``. An upgrade
goes revision by revision, each in a transaction of its own, and never makes those at work queue for longer
than :data:`LOCK_SECONDS`: a lock that is not had by then is let go of and tried for again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic import command
from sqlalchemy import Connection, Engine, delete, insert, text
from sqlalchemy.exc import DBAPIError

from monitor.errors import StorageError
from monitor.storage.engine import migration_engine, wrapped
from monitor.storage.revisions import Revision, Standing, between, compare, config_of, head, stands_at, suits
from monitor.storage.tables import schema_suits
from monitor.storage.watching import Watch, watching

__all__ = ["check", "compare", "current", "downgrade", "head", "stands_at", "upgrade"]

_LOCK = 4_870_213_377
"""PostgreSQL's advisory lock under which databases are migrated: any number, as long as it is ours alone."""

LOCK_SECONDS = 2.0
"""So long a revision may wait for a lock, and others behind it. More than PostgreSQL's deadlock_timeout
(1 s), after which an autovacuum that is in the way is called off."""

PATIENCE_SECONDS = 600.0
"""So long an upgrade tries for the locks it needs before it gives up."""

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 10.0
_IN_THE_WAY = frozenset({"55P03", "40P01"})  # a lock was not had in time; a deadlock

Told = Callable[[str], None]


def upgrade(
    url: str,
    revision: str = "head",
    *,
    told: Told = lambda _line: None,
    stopped: bool = True,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Bring the database at ``url`` (made if it is SQLite) to ``revision``. Does nothing where it already
    is; several processes may do it at once, and others work meanwhile. What of it was done when an error
    comes stays done, each revision whole or not at all; tables are made where there are none all at once.
    ``told`` hears what is done and what is waited for. Unless ``stopped``, raises StorageError before
    anything is done where a revision does not suit versions from before it."""
    until = head() if revision == "head" else revision
    engine = migration_engine(url)
    try:
        with wrapped(), _alone(engine, told) as watch:
            with engine.begin() as connection:
                found = stands_at(connection)
                if found.revision is None:
                    _scripts(connection, until)
            if found.revision is None or (revision == "head" and suits(found)):
                return
            pending = between(found.revision, until)
            if not stopped:
                _refuse_to_surprise(pending)
            for one in pending:
                _do(engine, one, told, watch, patience)
    finally:
        engine.dispose()


def downgrade(url: str, revision: str) -> None:
    """Take the database back to ``revision`` (``base``: no tables at all). Data is lost."""
    engine = migration_engine(url)
    try:
        with wrapped(), _alone(engine, lambda _line: None), engine.begin() as connection:
            config = config_of()
            config.attributes["connection"] = connection
            command.downgrade(config, revision)
    finally:
        engine.dispose()


def current(url: str) -> str | None:
    """The revision the database stands at; None where it was never migrated."""
    return _standing(url).revision


def check(url: str) -> str | None:
    """The revision the database stands at. Raises :class:`~monitor.errors.SchemaOutdated` unless this
    version can work on it: it is the one it needs, or a later one that suits it."""
    found = _standing(url)
    compare(found, head())
    return found.revision


def _standing(url: str) -> Standing:
    engine = migration_engine(url)
    try:
        with wrapped(), engine.connect() as connection:
            return stands_at(connection)
    finally:
        engine.dispose()


@contextmanager
def _alone(engine: Engine, told: Told) -> Iterator[Watch]:
    """One process at a time migrates a database on a server."""
    if engine.dialect.name != "postgresql":
        yield Watch()
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # never one statement that waits: an index made concurrently waits for all statements that run
        waiting = False
        while not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar():
            if not waiting:
                told("Another upgrade of this database is at work and is waited for.")
            waiting = True
            time.sleep(0.2)
        with watching(connection, told) as watch:
            yield watch


def _refuse_to_surprise(pending: list[Revision]) -> None:
    for one in pending:
        if one.needs_stop:
            raise StorageError(
                f"Revision {one.name} ({one.doing}) does not suit versions from before it, and some of them"
                " may be at work. Nothing was done.",
                mend="Stop every ingest, sweep and dashboard, then run: choreoscope db upgrade --stopped",
            )


def _do(engine: Engine, one: Revision, told: Told, watch: Watch, patience: float) -> None:
    begun = time.monotonic()
    told(f"{one.name}: {one.doing}.")
    pause = _FIRST_PAUSE
    while True:
        try:
            done = _concurrently(engine, one, watch) if one.concurrently else _whole(engine, one, watch)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _IN_THE_WAY:
                raise
            wait = pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
            if time.monotonic() + wait - begun > patience:
                raise StorageError(
                    f"Revision {one.name} did not get the locks it needs within {patience:.0f} s (in the way:"
                    f" {watch.in_the_way or 'others'}). The revisions before it stay done.",
                    mend="See who is at it (SELECT * FROM pg_stat_activity WHERE state <> 'idle' ORDER BY"
                    " xact_start), and run it again.",
                ) from error
            told(f"{one.name}: waits for {watch.in_the_way or 'a lock'}; tried again in {wait:.0f} s.")
            time.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)
        else:
            spent = (
                f"done in {time.monotonic() - begun:.1f} s" if done else "done by another process meanwhile"
            )
            told(f"{one.name}: {spent}.")
            return


def _whole(engine: Engine, one: Revision, watch: Watch) -> bool:
    """All of a revision or none. Returns whether there was anything to do."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS * 1000:.0f}ms'"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        if stands_at(connection).revision != one.after:  # on SQLite others may have been quicker
            return False
        with watch.over(connection, one.name):
            _scripts(connection, one.name)
        if one.needs_stop:
            connection.execute(delete(schema_suits))
            connection.execute(insert(schema_suits).values(since=one.name))
    return True


def _concurrently(engine: Engine, one: Revision, watch: Watch) -> bool:
    """Each statement for itself. It may wait for long, but holds up nobody who reads or writes."""
    if engine.dialect.name != "postgresql":
        return _whole(engine, one, watch)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting in ("lock_timeout", "statement_timeout"):
            connection.execute(text(f"SET {setting} = 0"))
        with watch.over(connection, one.name):
            _scripts(connection, one.name)
    return True


def _scripts(connection: Connection, revision: str) -> None:
    config = config_of()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)

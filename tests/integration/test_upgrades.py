"""``db upgrade`` beside those at work: nobody queues behind it, and what it does not suit it says before."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from monitor.errors import SchemaOutdated, StorageError
from monitor.resources import migrations
from monitor.storage import migrate, revisions
from tests.support.revisions import grown

COLUMN = 'op.execute("ALTER TABLE tallies ADD COLUMN note TEXT")'
INDEX = 'ddl.create_index("ix_tallies_amount", "tallies", ["amount"])'
ADD = "INSERT INTO tallies (what, \"of\", slot, amount) VALUES ('test', %s, 0, 1)"

Grow = Callable[..., None]


@pytest.fixture
def grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grow:
    """This program is a later version, with these revisions more."""

    def grow(*bodies: str, marks: str = "") -> None:
        folder = grown(tmp_path / f"alembic-{time.time_ns()}", bodies, marks)
        monkeypatch.setattr(revisions, "migrations", lambda: folder)

    return grow


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.7)
    monkeypatch.setattr(migrate, "_FIRST_PAUSE", 0.4)


class Writing:
    """Somebody who inserts all the time. ``longest``: seconds, of one insert."""

    def __init__(self) -> None:
        self.count = 0
        self.longest = 0.0


@contextmanager
def writing(url: str) -> Iterator[Writing]:
    found, done, failed = Writing(), threading.Event(), list[BaseException]()

    def write() -> None:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                while not done.wait(0.002):
                    begun = time.monotonic()
                    connection.execute(ADD, [str(found.count)])
                    found.longest = max(found.longest, time.monotonic() - begun)
                    found.count += 1
        except psycopg.Error as error:
            failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
    assert failed == []


@contextmanager
def upgrading(url: str, told: list[str]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=lambda: migrate.upgrade(url, told=told.append))
    thread.start()
    try:
        yield thread
    finally:
        thread.join(30)
        assert not thread.is_alive()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_writers_do_not_queue_behind_an_upgrade_that_waits(migrated_postgres_url: str, grow: Grow) -> None:
    """Somebody reads a table in a long transaction. A column for it waits, in short tries."""
    grow(COLUMN)
    told: list[str] = []
    with (
        psycopg.connect(migrated_postgres_url, application_name="long-report") as reader,
        writing(migrated_postgres_url) as writer,
    ):
        reader.execute("SELECT count(*) FROM tallies")
        with upgrading(migrated_postgres_url, told):
            until(lambda: sum("tried again" in line for line in told) >= 3)
            written = writer.count
            until(lambda: writer.count > written + 20)
            reader.rollback()
    assert writer.longest < 0.7 + 0.8  # a try, and a busy machine
    assert told[0] == "0901: What version 901 wants."
    assert re.fullmatch(
        r"0901: waits for process \d+ \(long-report, in a transaction for \d+ s\); tried again in \d s\.",
        told[1],
    )
    assert re.fullmatch(r"0901: done in \d+\.\d s\.", told[-1])
    migrate.check(migrated_postgres_url)
    with psycopg.connect(migrated_postgres_url) as connection:
        connection.execute("SELECT note FROM tallies LIMIT 1")


def test_an_upgrade_gives_up_and_says_who_is_in_the_way(migrated_postgres_url: str, grow: Grow) -> None:
    grow('op.execute("CREATE TABLE first (id BIGINT)")', COLUMN)
    with psycopg.connect(migrated_postgres_url, application_name="long-report") as reader:
        reader.execute("SELECT count(*) FROM tallies")
        with pytest.raises(StorageError, match=r"0902 did not get the locks.*long-report") as caught:
            migrate.upgrade(migrated_postgres_url, patience=1.5)
    assert "pg_stat_activity" in (caught.value.mend or "")
    assert migrate.current(migrated_postgres_url) == "0901"
    migrate.upgrade(migrated_postgres_url)
    assert migrate.current(migrated_postgres_url) == "0902"


def test_an_index_is_made_while_others_write(migrated_postgres_url: str, grow: Grow) -> None:
    """One that writes in a long transaction is waited for; nobody waits for that."""
    grow(INDEX, marks="concurrently = True")
    told: list[str] = []
    with (
        psycopg.connect(migrated_postgres_url) as slow,
        psycopg.connect(migrated_postgres_url, autocommit=True) as beside,
        writing(migrated_postgres_url) as writer,
    ):
        slow.execute(ADD, ["slow"])
        with upgrading(migrated_postgres_url, told), upgrading(migrated_postgres_url, []):
            until(lambda: _index(beside) == "unfinished")
            written = writer.count
            until(lambda: writer.count > written + 200)
            assert _index(beside) == "unfinished"
            slow.commit()
        assert _index(beside) == "whole"
    assert writer.longest < 0.5
    assert migrate.current(migrated_postgres_url) == "0901"


def test_an_index_that_was_left_unfinished_is_made_anew(migrated_postgres_url: str, grow: Grow) -> None:
    grow(INDEX, marks="concurrently = True")
    with psycopg.connect(migrated_postgres_url, autocommit=True) as server:
        server.execute("CREATE INDEX ix_tallies_amount ON tallies (slot)")
        server.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_tallies_amount'::regclass"
        )
        migrate.upgrade(migrated_postgres_url)
        assert _index(server) == "whole"
        (made,) = server.execute("SELECT pg_get_indexdef('ix_tallies_amount'::regclass)").fetchone() or ("",)
    assert "(amount)" in made


def _index(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    row = connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_tallies_amount')"
    ).fetchone()
    return "none" if row is None else "whole" if row[0] else "unfinished"


@pytest.fixture(params=["sqlite", "postgres"])
def made_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database as this version makes it."""
    if request.param == "postgres":
        found: str = request.getfixturevalue("migrated_postgres_url")
        return found
    url = f"sqlite:///{tmp_path}/schema.db"
    migrate.upgrade(url)
    return url


def test_this_version_works_on_a_later_schema_that_only_grew(
    made_url: str, grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = migrate.current(made_url)
    with monkeypatch.context() as later:
        folder = migrations()
        grow('op.execute("ALTER TABLE tallies ADD COLUMN note TEXT")', INDEX)
        migrate.upgrade(made_url, stopped=False)
        later.setattr(revisions, "migrations", lambda: folder)
        assert migrate.check(made_url) == "0902"
        migrate.upgrade(made_url)  # as the start script of a container does
        assert migrate.current(made_url) == "0902"
        assert migrate.head() == now


def test_a_revision_that_needs_a_stop_is_refused_before_anything_is_done(
    made_url: str, grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, folder = migrate.current(made_url), migrations()
    grow('op.execute("ALTER TABLE tallies RENAME COLUMN amount TO total")', marks="needs_stop = True")
    with pytest.raises(StorageError, match=r"0901 \(What version 901 wants\) does not suit") as caught:
        migrate.upgrade(made_url, stopped=False)
    assert "choreoscope db upgrade --stopped" in (caught.value.mend or "")
    assert migrate.current(made_url) == now
    migrate.upgrade(made_url)
    migrate.check(made_url)
    monkeypatch.setattr(revisions, "migrations", lambda: folder)
    with pytest.raises(SchemaOutdated, match="later version"):
        migrate.check(made_url)
    with pytest.raises(SchemaOutdated, match="later version"):
        migrate.upgrade(made_url)


def test_a_database_without_tables_needs_no_stop(postgres_url: str, grow: Grow) -> None:
    grow(COLUMN, INDEX, marks="needs_stop = True\nconcurrently = True")
    told: list[str] = []
    migrate.upgrade(postgres_url, told=told.append, stopped=False)
    migrate.check(postgres_url)
    assert told == []

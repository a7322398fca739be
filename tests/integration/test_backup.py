"""Backup and restore as docs/operations.md has them: all stands as before, and repeats are known as such."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.landscape.plan import Pace, plan
from monitor.storage import migrate
from monitor.storage.sql import open_store
from tests.services.databases import fresh_database
from tests.support.shop import LIMITS, NOON, Said, sent, shop, start, stored

PACE = Pace(every=timedelta(minutes=1), step=timedelta(minutes=10))
DELIVERIES = [sent(number, one) for number, one in enumerate(plan(5, 20, NOON, PACE).emissions)]


async def filled(url: str) -> list[Said]:
    store = await open_store(url)
    try:
        await (await start(store, shop(LIMITS))).process(DELIVERIES)
        return await stored(store)
    finally:
        await store.close()


async def found_again(url: str) -> list[Said]:
    """What a restored database says, once all was delivered to it a second time."""
    migrate.check(url)
    store = await open_store(url)
    try:
        outcome = await (await start(store, shop(LIMITS))).process(DELIVERIES)
        assert outcome.stored == 0
        return await stored(store)
    finally:
        await store.close()


async def test_postgresql(migrated_postgres_url: str, postgres_server_url: str, tmp_path: Path) -> None:
    if shutil.which("pg_dump") is None:
        pytest.fail("pg_dump is not installed; it comes with PostgreSQL")
    before = await filled(migrated_postgres_url)
    assert before
    dump = tmp_path / "choreoscope.dump"
    run("pg_dump", "--format=custom", f"--file={dump}", migrated_postgres_url)
    with fresh_database(postgres_server_url) as restored:
        run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={restored}", str(dump))
        assert await found_again(restored) == before


async def test_sqlite_while_it_is_open(tmp_path: Path) -> None:
    source, copy = tmp_path / "choreoscope.db", tmp_path / "choreoscope-backup.db"
    migrate.upgrade(f"sqlite:///{source}")
    before = await filled(f"sqlite:///{source}")
    assert before
    store = await open_store(f"sqlite:///{source}")
    try:
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    finally:
        await store.close()
    assert await found_again(f"sqlite:///{copy}") == before


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr

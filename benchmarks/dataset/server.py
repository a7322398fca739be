"""A PostgreSQL of our own whose data stays in a directory."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.postgres import LocalPostgres

_MEMORY = {
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "maintenance_work_mem": "1GB",
    "random_page_cost": "1.1",  # as for solid-state disks
    "effective_io_concurrency": "100",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
}

FILLING = {
    **_MEMORY,
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "synchronous_commit": "off",
}
"""For making the data: what is lost with the machine is made again."""

SERVING = {**_MEMORY, "fsync": "on", "full_page_writes": "on", "max_wal_size": "4GB"}
"""For measuring: as safe as PostgreSQL is by default."""


def kept(directory: Path, settings: dict[str, str]) -> LocalPostgres:
    """A context manager; the data outlives it."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    return LocalPostgres(directory, settings)


def ask_where(parser: argparse.ArgumentParser, data: str, database: str) -> None:
    """``--data`` or ``--database``, with what each is said to be."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, help=data)
    where.add_argument("--database", help=database)


@contextmanager
def answered(given: argparse.Namespace, settings: dict[str, str]) -> Iterator[str]:
    """The URL of the database that was asked for by :func:`ask_where`, ours or theirs."""
    if given.data is None:
        yield given.database
        return
    with kept(given.data.absolute(), settings) as service:
        yield service.address

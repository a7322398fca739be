"""``python -m benchmarks dataset``: make the database that ``reading`` reads."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter

import psycopg

from benchmarks.dataset.base import Month
from benchmarks.dataset.multiply import multiply
from benchmarks.dataset.server import FILLING, answered, ask_where
from benchmarks.dataset.story import DAYS
from monitor.storage.migrate import upgrade

ORDERS = 4_000
"""Orders of the base at most; each has a parcel, which is another trace."""

_REPORT = (
    ("traces", "SELECT count(*) FROM traces WHERE merged_into IS NULL"),
    ("open", "SELECT count(*) FROM traces WHERE merged_into IS NULL AND NOT complete"),
    ("deviating", "SELECT count(*) FROM traces WHERE merged_into IS NULL AND confirmed > 0"),
    ("breached", "SELECT count(*) FROM traces WHERE sla = 'breached'"),
    ("at risk", "SELECT count(*) FROM traces WHERE sla = 'at_risk'"),
    ("events", "SELECT count(*) FROM events"),
    ("findings", "SELECT count(*) FROM findings"),
    ("clocks", "SELECT count(*) FROM clocks"),
    ("in the inbox", "SELECT count(*) FROM inbox"),
    ("flow versions", "SELECT count(*) FROM flows"),
    ("days", "SELECT extract(epoch FROM max(last) - min(first)) / 86400 FROM traces"),
    ("GB", "SELECT pg_database_size(current_database()) / 1e9"),
)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks dataset", description=__doc__)
    parser.add_argument("--traces", type=int, default=1_000_000, help="how many (default: %(default)s)")
    ask_where(parser, "directory of a PostgreSQL of our own, made there", "URL of an empty database")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    with answered(given, FILLING) as url:
        make(url, given.traces, given.seed)


def make(url: str, traces: int, seed: int) -> None:
    """Raises SystemExit for a database that is not empty."""
    begun = perf_counter()

    def told(what: str) -> None:
        print(f"{perf_counter() - begun:7.1f} s  {what}", flush=True)

    copies = max(1, round(traces / 2 / ORDERS))
    orders = round(traces / 2 / copies) + DAYS  # one a day is left out, see story.orders
    every = timedelta(days=DAYS) / orders
    upgrade(url)
    with psycopg.connect(url) as database:
        if database.execute("SELECT 1 FROM events LIMIT 1").fetchone():
            raise SystemExit("There is data in this database already; name an empty one.")
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=DAYS)
    month = Month(url, begin)
    told(f"{orders:,} orders and as many parcels, from {begin:%Y-%m-%d} on, through the pipeline")
    messages = asyncio.run(month.live(seed, every, told))
    told(f"{messages:,} messages; now {copies} copies of them")
    multiply(url, copies, every, told)
    with psycopg.connect(url) as database:
        for name, asked in _REPORT:
            row = database.execute(asked.encode()).fetchone()
            assert row is not None
            print(f"{name:>16} {float(row[0]):>14,.0f}" if name != "GB" else f"{name:>16} {row[0]:>14.1f}")
    told("done")

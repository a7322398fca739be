"""Millions of messages through one worker: what it holds in memory meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from time import perf_counter, sleep
from uuid import uuid4

import psycopg

from benchmarks.pipeline import configuration
from benchmarks.pipeline.from_kafka import TOPIC, preload, publish
from benchmarks.pipeline.messages import START, Message, messages
from benchmarks.pipeline.worker import workers
from benchmarks.soak.samples import of_process
from monitor.storage.migrate import upgrade
from tests.services import private
from tests.services.databases import fresh_database

PART = 250_000
"""Messages at a time: they have to be made and sent before."""

_PATIENCE = 600.0


def over_millions(postgres: str, folder: Path, number: int, open_orders: int) -> None:
    """Print what the worker holds after each part."""
    with private("kafka") as kafka, fresh_database(postgres) as url:
        upgrade(url)
        asyncio.run(preload(kafka.address, TOPIC, ()))
        source = configuration.kafka(kafka.address, TOPIC, f"bench-{uuid4().hex[:8]}")
        config = configuration.write(folder / "memory.yaml", configuration.configuration(url, source))
        with workers([config], folder) as (worker,), psycopg.connect(url, autocommit=True) as database:
            for sent in range(0, number, PART):
                asyncio.run(publish(kafka.address, TOPIC, _part(sent, open_orders)))
                begun = perf_counter()
                while (done := worker.done()) < sent + PART:
                    if perf_counter() - begun > _PATIENCE:
                        raise SystemExit(f"not done after {_PATIENCE:.0f} s:\n{worker.process.tail()}")
                    sleep(0.5)
                held = of_process("worker", worker.process.pid)
                open_, size = database.execute(
                    "SELECT (SELECT count(*) FROM traces WHERE NOT complete),"
                    " pg_database_size(current_database()) / 1e9"
                ).fetchone() or (0, 0.0)
                print(
                    f"  {done:10,} messages: {held['worker.uss']:6.1f} MB of its own,"
                    f" {held['worker.rss']:6.1f} in all, {held['worker.files']:.0f} files;"
                    f" {open_:7,} traces open in a database of {size:5.2f} GB",
                    flush=True,
                )


def _part(sent: int, open_orders: int) -> list[Message]:
    """As if the orders went on where those of the part before ended."""
    first = sent // 5
    return messages(PART, open_orders, first, START + timedelta(seconds=first))

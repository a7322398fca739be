"""A real process is killed between a broker's confirmation and the record of it; two race for one command."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest
import yaml
from aiokafka import AIOKafkaConsumer

from monitor.commanding import item_of
from monitor.commands.base import Command, Message, Outcome, Request, Status
from monitor.settings import load
from monitor.storage.sql import SqlStore, open_store
from tests.contract.source_harnesses import make_topic

ROOT = Path(__file__).parents[2]

DIES = """
import os, signal, sys
from monitor.commands.publishers import kafka, rabbitmq

def dies_after(publisher):
    real = publisher.publish
    async def publish(self, message):
        await real(self, message)
        os.kill(os.getpid(), signal.SIGKILL)
    publisher.publish = publish

dies_after(kafka.KafkaPublisher)
dies_after(rabbitmq.RabbitmqPublisher)
from monitor.cli import main
main()
"""
"""The program itself, but that it is killed (by itself, as nobody else could hit that instant) once the
broker has confirmed."""


@contextmanager
def sweeping(config: Path, *, dies: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    program = ["-c", DIES] if dies else ["-m", "monitor.cli"]
    command = [sys.executable, *program, "sweep", "-c", str(config), "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"migrated_{request.param}_url")
    return found


@pytest.fixture
async def store(database: str) -> AsyncIterator[SqlStore]:
    opened = await open_store(database)
    yield opened
    await opened.close()


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:10]}"


def configured(tmp_path: Path, database: str, target: dict[str, Any], **more: Any) -> Path:
    item = {
        "name": "release",
        "title": "Release the order",
        "flow": "order",
        "target": target,
        "type": "com.shop.ReleaseOrder",
        "limits": {"per_trace": None, "per_hour": None},
    }
    shown = database if database.startswith("postgres") else f"sqlite:////{tmp_path}/store.db"
    said = {
        "database": shown,
        "sources": [{"name": "shop", "kind": "memory"}],
        "models": [{"file": str(ROOT / "models" / "order-fulfilment.bpmn"), "key": "order"}],
        "commands": {"enabled": True, "dry_run": False, "items": [item], **more},
    }
    config = tmp_path / "choreoscope.yaml"
    config.write_text(yaml.safe_dump(said))
    return config


async def asked_for(store: SqlStore, config: Path, trace: int = 1) -> Command:
    settings = load(config, {})
    item = item_of(settings.commands.items[0], settings.commands)
    target = item.target
    id_ = str(uuid.uuid4())
    prefix = "cloudEvents_" if target.kind == "rabbitmq" else "ce_"
    headers = {f"{prefix}id": id_}
    message = Message(
        id_, item.type, target.kind, target.broker, target.place, target.key.text, headers, "", b"{}"
    )
    request = Request(item, message, trace, "o-1", None, "", "ann", "", Status.QUEUED)
    return await store.commands.request(request, datetime.now(UTC))


async def outcomes(store: SqlStore, id: int) -> list[Outcome | None]:
    return [one.outcome for one in reversed(await store.commands.attempts(id))]


async def until(holds: Callable[[], Any], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, "it has not happened"
        await asyncio.sleep(0.05)


async def killed_and_again(store: SqlStore, config: Path) -> Command:
    """A command whose sender is killed once the broker has it, and which another sender takes up."""
    command = await asked_for(store, config)
    with sweeping(config, dies=True) as process:
        assert await asyncio.to_thread(process.wait, 40) == -signal.SIGKILL
    assert await outcomes(store, command.id) == [None]
    stands = await store.commands.command(command.id)
    assert stands is not None
    assert (stands.status, stands.published) == (Status.PUBLISHING, None)
    # nobody touches it before the lease is over; then the clock of whoever comes next says that it is
    assert stands.next_at is not None
    assert stands.next_at > datetime.now(UTC)
    await lease_over(store, command.id)

    async def recorded() -> bool:
        return await outcomes(store, command.id) == [None, Outcome.PUBLISHED]

    with sweeping(config):
        await until(recorded)
    return command


async def lease_over(store: SqlStore, id: int) -> None:
    from sqlalchemy import update

    from monitor.storage.tables import commands

    async with store._write() as transaction:  # a test of hours would be the other way
        past = datetime.now(UTC) - timedelta(seconds=1)
        await transaction.execute(update(commands).where(commands.c.id == id).values(next_at=past))


async def test_rabbitmq_gets_it_twice_by_the_same_id_and_never_not_at_all(
    store: SqlStore, database: str, tmp_path: Path, rabbitmq_url: str, name: str
) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(name, exclusive=True)
        target = {"kind": "rabbitmq", "url": rabbitmq_url, "routing_key": name}
        command = await killed_and_again(store, configured(tmp_path, database, target))
        got = [await queue.get(no_ack=True), await queue.get(no_ack=True)]
        assert [one.message_id for one in got] == [command.message.id] * 2
        assert await queue.get(no_ack=True, fail=False) is None


async def test_kafka_gets_it_twice_by_the_same_id_and_never_not_at_all(
    store: SqlStore, database: str, tmp_path: Path, kafka_bootstrap: str, name: str
) -> None:
    await make_topic(kafka_bootstrap, name, 1)
    target = {"kind": "kafka", "bootstrap_servers": kafka_bootstrap, "topic": name}
    command = await killed_and_again(store, configured(tmp_path, database, target))
    async with AIOKafkaConsumer(
        name, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        got = [await asyncio.wait_for(consumer.getone(), 20) for _ in range(2)]
        assert [dict(one.headers)["ce_id"].decode() for one in got] == [command.message.id] * 2
        assert not await consumer.getmany(timeout_ms=500)


async def test_two_sweepers_send_each_command_once(
    store: SqlStore, database: str, tmp_path: Path, rabbitmq_url: str, name: str
) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(name, exclusive=True)
        target = {"kind": "rabbitmq", "url": rabbitmq_url, "routing_key": name}
        config = configured(tmp_path, database, target)
        with sweeping(config), sweeping(config):
            made: list[Command] = []
            workers: set[str] = set()

            async def both_sent() -> bool:
                made.append(await asked_for(store, config, len(made)))
                for one in made[-5:]:
                    workers.update(each.worker for each in await store.commands.attempts(one.id))
                return len(made) >= 40 and len(workers) == 2

            async def all_sent() -> bool:
                page = await store.commands.commands(limit=10_000)
                return all(one.status is Status.PUBLISHED for one in page.rows)

            await until(both_sent)
            await until(all_sent)
        got: list[str | None] = []
        while (one := await queue.get(no_ack=True, fail=False)) is not None:
            got.append(one.message_id)
        assert sorted(map(str, got)) == sorted(one.message.id for one in made)

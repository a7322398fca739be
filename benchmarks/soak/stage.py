"""Servers, and the monitor's processes on them, for one soak."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from urllib.error import URLError
from urllib.request import urlopen

import aio_pika
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.dataset.server import SERVING, kept
from benchmarks.soak import configuration
from benchmarks.soak.landscape import TOPICS
from monitor.landscape.wire import EXCHANGE
from monitor.storage.migrate import upgrade
from tests.services import Service, private
from tests.services.processes import Process, free_port

ROOT = Path(__file__).parent.parent.parent
READY_SECONDS = 60.0
PARTITIONS = 2
POSTGRES = {**SERVING, "log_autovacuum_min_duration": "0", "log_line_prefix": "%m "}
"""As PostgreSQL is by default but for its memory; it writes down what its vacuums did."""

_KEPT_BY_KAFKA = {"retention.ms": "900000", "segment.bytes": "67108864"}


@dataclass(slots=True)
class Stage:
    """``folder``: for logs and the configuration."""

    folder: Path
    database: Service
    rabbitmq: Service
    kafka: Service
    ports: dict[str, int]
    config: Path

    @contextmanager
    def role(self, name: str) -> Iterator[Process]:
        """As ``choreoscope NAME -c ...`` runs it; returns when it answers."""
        probes = [] if name == "dashboard" else ["--probes", f"127.0.0.1:{self.ports[name]}"]
        with self.process(
            name, ["-m", "monitor.cli", name, "-c", str(self.config), "--log-level", "info", *probes]
        ) as process:
            _answers(f"{self.address(name)}/livez", process)
            yield process

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    @contextmanager
    def landscape(self, rate: float, backlog: float, prefix: str) -> Iterator[Process]:
        where = [self.rabbitmq.address, self.kafka.address, self.database.address]
        asked = ["-m", "benchmarks.soak.publish", *where, str(rate), str(backlog), prefix]
        with self.process("landscape", asked) as process:
            yield process

    @contextmanager
    def process(self, name: str, arguments: list[str]) -> Iterator[Process]:
        process = Process(
            [sys.executable, *arguments],
            log=self.folder / f"{name}.log",
            environment={"PYTHONPATH": str(ROOT)},
        )
        try:
            yield process
        finally:
            process.stop()


@contextmanager
def stage(folder: Path, webhook: str, keep: float) -> Iterator[Stage]:
    """Everything of its own, in ``folder``, which must be empty or not there: data, logs, configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty: a soak begins with an empty database.")
    folder.chmod(0o755)
    with ExitStack() as stack:
        database: Service = stack.enter_context(kept(folder / "postgres", POSTGRES))
        rabbitmq, kafka = (stack.enter_context(private(name)) for name in ("rabbitmq", "kafka"))
        upgrade(database.address)
        asyncio.run(_prepared(rabbitmq.address, kafka.address))
        ports = {name: free_port() for name in ("ingest", "sweep", "dashboard")}
        config = configuration.write(
            folder / "choreoscope.yaml",
            database=database.address,
            rabbitmq=rabbitmq.address,
            kafka=kafka.address,
            webhook=webhook,
            port=ports["dashboard"],
            keep=keep,
        )
        yield Stage(folder, database, rabbitmq, kafka, ports, config)


async def _prepared(rabbitmq: str, kafka: str) -> None:
    """What the landscape's owners have made: the monitor makes none of it."""
    async with await aio_pika.connect(rabbitmq) as connection:
        channel = await connection.channel()
        await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(name, PARTITIONS, 1, topic_configs=_KEPT_BY_KAFKA) for name in TOPICS]
        )
    finally:
        await admin.close()


def _answers(address: str, process: Process) -> None:
    deadline = perf_counter() + READY_SECONDS
    while perf_counter() < deadline and process.running():
        try:
            urlopen(address, timeout=1).close()
        except (URLError, OSError):
            sleep(0.2)
        else:
            return
    raise SystemExit(f"It does not answer at {address}:\n{process.tail()}")


def commit() -> str:
    """What is measured, with a mark where it was changed since."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"

"""SIGTERM in the middle of work: each role ends well within seconds, and what was begun is done whole or not
at all."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import orjson
import psycopg
import yaml

from tests.support.flows import bpmn, tasks
from tests.support.serving import command, environment

ORDERS = 3000
SECONDS = 10.0
"""In which a role must have ended."""

MODEL = bpmn(f'<startEvent id="s"/>{tasks("Placed", "Paid")}<endEvent id="e"/>\ns -> Placed -> Paid -> e')


class Role:
    def __init__(self, role: str, config: Path, log: Path) -> None:
        self._log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command(role, "-c", config), stdout=out, stderr=out, env=environment()
            )

    def log(self) -> str:
        return self._log.read_text("utf-8")[-4000:]

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not condition():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.005)

    def stop(self) -> None:
        begun = time.monotonic()
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log()
        assert time.monotonic() - begun < SECONDS
        assert "Traceback" not in self.log()


class Shop:
    """An exchange of the test's own, and a configuration that listens to it."""

    def __init__(self, folder: Path, database: str, rabbitmq_url: str) -> None:
        self._url = rabbitmq_url
        mark = uuid.uuid4().hex[:8]
        self.exchange = f"stopping-{mark}"
        (folder / "order.bpmn").write_bytes(MODEL)
        self.config = folder / "choreoscope.yaml"
        source = {
            "name": "shop",
            "kind": "rabbitmq",
            "url": rabbitmq_url,
            "queue": f"choreoscope.{self.exchange}",
            "bindings": [{"exchange": self.exchange, "routing_key": "#"}],
        }
        slas = [{"name": "Paid soon", "from": "Placed", "to": "Paid", "within": "PT1H"}]
        said: dict[str, Any] = {
            "database": database,
            "sources": [source],
            "events": [{"match": {"type": "*"}, "keys": {"order": "data.order"}}],
            "models": [{"file": "order.bpmn", "key": "order", "slas": slas}],
            "ingest": {"batch_size": 100},
            "dashboard": {"port": 0},
        }
        self.config.write_text(yaml.safe_dump(said), "utf-8")

    async def open(self) -> None:
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel()
            await channel.declare_exchange(self.exchange, "topic", durable=True)

    async def orders(self) -> None:
        """Placed two hours ago, and never paid for."""
        placed = datetime.now(UTC) - timedelta(hours=2)
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel(publisher_confirms=False)
            exchange = await channel.get_exchange(self.exchange)
            for number in range(ORDERS):
                event = {
                    "specversion": "1.0", "id": f"e-{number}", "source": "/shop", "type": "Placed",
                    "time": placed.isoformat(), "data": {"order": f"o-{number:05}"},
                }  # fmt: skip
                message = aio_pika.Message(orjson.dumps(event), content_type="application/cloudevents+json")
                await exchange.publish(message, "orders")


@contextmanager
def started(role: str, config: Path) -> Iterator[Role]:
    running = Role(role, config, config.with_name(f"{role}.log"))
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait(10)


async def test_each_role_stops_in_the_middle_of_its_work(
    tmp_path: Path, migrated_postgres_url: str, rabbitmq_url: str
) -> None:
    shop = Shop(tmp_path, migrated_postgres_url, rabbitmq_url)
    await shop.open()
    with psycopg.connect(migrated_postgres_url, autocommit=True) as database:

        def count(query: str) -> int:
            row = database.execute(query).fetchone()
            assert row is not None
            return int(row[0])

        def stored() -> int:
            return count("SELECT count(*) FROM events")

        def breached() -> int:
            return count("SELECT count(*) FROM clocks WHERE state = 'breached'")

        with started("ingest", shop.config) as ingest:
            ingest.until(lambda: "reads choreoscope." in ingest.log())
            publishing = asyncio.create_task(shop.orders())
            await asyncio.to_thread(ingest.until, lambda: stored() >= 200)
            ingest.stop()
        await publishing
        cut = stored()
        assert 200 <= cut < ORDERS
        with started("ingest", shop.config) as ingest:
            ingest.until(lambda: stored() > cut + 500)
            ingest.stop()
        assert stored() < ORDERS
        with started("ingest", shop.config) as ingest, started("sweep", shop.config) as sweep:
            ingest.until(lambda: stored() >= ORDERS)
            sweep.until(lambda: breached() > 0)
            sweep.stop()
            cut = breached()
            with started("sweep", shop.config) as sweep:
                sweep.until(lambda: breached() >= ORDERS)
                sweep.stop()
            ingest.stop()
        assert cut < ORDERS
        assert stored() == ORDERS == count("SELECT count(*) FROM observations")
        assert count("SELECT count(*) FROM traces") == ORDERS
        assert count("SELECT count(*) FROM clocks") == ORDERS
        breaches = "SELECT count(*) FROM findings WHERE kind = 'sla_breach'"
        assert count(breaches) == ORDERS
        assert count("SELECT count(*) FROM inbox") == 0


async def test_a_dashboard_stops_while_pages_are_open(tmp_path: Path, migrated_postgres_url: str) -> None:
    """One listens for changes, others load all the time."""
    shop = Shop(tmp_path, migrated_postgres_url, "amqp://unused.invalid/")
    with started("dashboard", shop.config) as dashboard:
        dashboard.until(lambda: "dashboard is at" in dashboard.log())
        address = dashboard.log().partition("dashboard is at ")[2].split()[0]
        async with httpx.AsyncClient(base_url=address, timeout=SECONDS) as client:
            answers: list[int] = []

            async def load() -> None:
                with contextlib.suppress(httpx.TransportError):
                    while True:
                        answers.append((await client.get("/traces")).status_code)

            async with client.stream("GET", "/events/stream") as live:
                assert live.status_code == 200
                loading = [asyncio.create_task(load()) for _ in range(4)]
                await asyncio.to_thread(dashboard.until, lambda: len(answers) >= 20)
                await asyncio.to_thread(dashboard.stop)
                await asyncio.gather(*loading)
        assert set(answers) <= {200, 503}

"""An upgrade as docs/operations.md says it, with events coming in all the time: two versions side by side on
one schema, nothing lost, nothing twice, nothing called late that was not."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from monitor.landscape import demo
from monitor.landscape.plan import Order, Pace, in_order, stream
from monitor.landscape.publish import brokers, live
from monitor.landscape.story import Limits, Truth
from monitor.landscape.wire import Emission
from tests.e2e.test_landscape import _breaches, _difference, _expected, _found, _reading, _shards
from tests.services.processes import free_port
from tests.support.revisions import grown
from tests.support.serving import ROOT, written

pytestmark = pytest.mark.usefixtures("landscape_alone")

PACE = Pace(every=timedelta(seconds=0.1), step=timedelta(seconds=0.4))
FAULTS = {"slow": 0.2, "stuck": 0.1, "missing": 0.1, "repeated": 0.1, "redelivered": 0.1}
PATIENCE = 180.0
SLACK = 0.3
"""Seconds: an order that is not late is in time by more than that."""
Said = dict[str, Any]
COLUMN = 'op.execute("ALTER TABLE events ADD COLUMN note TEXT")'
INDEX = 'ddl.create_index("ix_observations_label", "observations", ["label"])'


class Process:
    """A role of a version. ``home``: the folder that holds the version's code."""

    def __init__(self, home: Path, role: str, config: Path, log: Path) -> None:
        self.probes = f"127.0.0.1:{free_port()}"
        self._log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command(role, "-c", config, "--probes", self.probes),
                stdout=out,
                stderr=out,
                cwd=home,
                env=environment(home),
            )

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return httpx.get(f"http://{self.probes}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """By SIGTERM: it ends well, and soon."""
        begun = time.monotonic()
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log()
        assert time.monotonic() - begun < 10

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def log(self) -> str:
        return self._log.read_text("utf-8")[-4000:]


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "monitor.cli", *map(str, arguments)]


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(home)}


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """A version to come: this one's code, and two revisions more."""
    home = tmp_path / "later"
    home.mkdir()
    shutil.copytree(ROOT / "monitor", home / "monitor")
    for folder in ("templates", "models"):
        (home / folder).symlink_to(ROOT / folder)
    grown(home / "alembic", [COLUMN, INDEX])
    index = home / "alembic" / "versions" / "0902_to_come.py"
    index.write_text(index.read_text("utf-8") + "\n\nconcurrently = True\n", "utf-8")
    return home


@pytest.fixture
def config(tmp_path: Path, postgres_url: str, rabbitmq_url: str, kafka_bootstrap: str) -> Path:
    mark = f"{time.time_ns()}"
    rabbit = {
        "name": demo.RABBIT,
        "kind": "rabbitmq",
        "url": rabbitmq_url,
        "queue": f"choreoscope.upgrade.{mark}",
        "bindings": [{"exchange": "shop", "routing_key": "#"}],
    }
    kafka = {
        "name": demo.KAFKA,
        "kind": "kafka",
        "bootstrap_servers": kafka_bootstrap,
        "topics": ["warehouse", "shipping", "billing"],
        "group": f"choreoscope-upgrade-{mark}",
        "start": "latest",
        "session_timeout": "PT6S",
    }
    return written(
        tmp_path / "choreoscope.yaml",
        postgres_url,
        [rabbit, kafka],
        Limits.of(PACE.step),
    )


class Landscape(threading.Thread):
    """Orders as they happen, until told to end. ``truths``: of all that were begun. ``lags``: by how many
    seconds a message of each was sent too late, at most."""

    def __init__(self, rabbitmq_url: str, bootstrap: str) -> None:
        super().__init__(name="landscape")
        self.truths: list[Truth] = []
        self.lags: dict[str, float] = {}
        self._brokers = rabbitmq_url, bootstrap
        self._ended = threading.Event()

    def run(self) -> None:
        asyncio.run(self._publish())

    def end(self) -> dict[str, Said]:
        """Begin no more orders, and see those through that were. Returns what a monitor must find."""
        self._ended.set()
        self.join(PATIENCE)
        assert not self.is_alive()
        dues = [clock.due for truth in self.truths for clock in truth.clocks]
        told = [truth.to_json(max(dues) + timedelta(seconds=1)) for truth in self.truths]
        return {str(one["order"]): _expected(one) for one in told}

    async def _publish(self) -> None:
        async with brokers(*self._brokers) as send:

            async def timed(message: Emission) -> None:
                await send(message)
                lag = (datetime.now(UTC) - message.at).total_seconds()
                self.lags[message.order] = max(lag, self.lags.get(message.order, 0.0))

            await live(in_order(self._orders()), timed)

    def _orders(self) -> Iterator[Order]:
        for order in stream(5, datetime.now(UTC), PACE, FAULTS, prefix=f"U{time.time_ns()}-"):
            if self._ended.is_set():
                return
            self.truths.append(order.truth)
            yield order


def until(condition: Callable[[], bool], why: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, why()
        time.sleep(0.1)


def test_an_upgrade_without_a_gap(
    tmp_path: Path, later: Path, config: Path, postgres_url: str, rabbitmq_url: str, kafka_bootstrap: str
) -> None:
    def run(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments, "-c", config),
            cwd=home,
            env=environment(home),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    with ExitStack() as stack:

        def start(home: Path, role: str) -> Process:
            started = Process(home, role, config, tmp_path / f"{home.name}-{role}.log")
            stack.callback(started.kill)
            return started

        database = stack.enter_context(psycopg.connect(postgres_url, autocommit=True))
        assert run(ROOT, "db", "upgrade").returncode == 0
        warm_up = ["--every", "1", "--orders", "1", "--prefix", "warm-up-"]
        brokers = ["--rabbitmq", rabbitmq_url, "--kafka", kafka_bootstrap]
        subprocess.run(command("landscape", *brokers, *warm_up), check=True, cwd=ROOT, timeout=PATIENCE)
        ingest, sweep = start(ROOT, "ingest"), start(ROOT, "sweep")
        until(lambda: _reading(database), lambda: _shards(database))

        def stored() -> int:
            row = database.execute("SELECT count(*) FROM events").fetchone()
            assert row is not None
            return int(row[0])

        landscape = Landscape(rabbitmq_url, kafka_bootstrap)
        landscape.start()
        stack.callback(landscape.end)
        until(lambda: stored() > 50, lambda: stored())

        early = run(later, "ingest")
        assert early.returncode == 2
        assert "choreoscope db upgrade" in early.stderr
        upgraded = run(later, "db", "upgrade")
        assert upgraded.returncode == 0, upgraded.stderr
        assert "0902: done in" in upgraded.stderr
        during = stored()

        ingest.kill()  # whoever looks after it starts it again, on the new schema
        ingest = start(ROOT, "ingest")
        until(lambda: ingest.is_ready() and stored() > during, ingest.log)

        new_ingest, new_sweep = start(later, "ingest"), start(later, "sweep")
        until(lambda: new_ingest.is_ready() and new_sweep.is_ready(), new_ingest.log)
        before = stored()
        until(lambda: stored() > before + 50, new_ingest.log)  # events still come
        ingest.stop()
        sweep.stop()
        before = stored()
        until(lambda: stored() > before + 50, new_ingest.log)

        expected = landscape.end()
        until(lambda: _found(database) == expected, lambda: _difference(_found(database), expected))
        events = sum(one["events"] for one in expected.values())
        assert stored() == events
        assert _one(database, "SELECT count(DISTINCT (producer, event_id)) FROM events") == events
        assert _one(database, "SELECT count(*) FROM observations") == events
        late = sum(state in ("breached", "missed") for one in expected.values() for _, state in one["slas"])
        assert late >= 5
        until(lambda: _settled(database) == late, lambda: (_breaches(database), late))
        # on a machine that is too slow to send in time, messages may rightly have been missed for a while
        sent_late = {order for order, lag in landscape.lags.items() if lag > SLACK}
        assert _taken_back(database) <= sent_late
        new_ingest.stop()
        new_sweep.stop()


def _settled(database: psycopg.Connection[Any]) -> int | None:
    """How many breaches there are for good; None while some may still be taken back."""
    states = _breaches(database)
    return None if states["provisional"] else states["confirmed"]


def _taken_back(database: psycopg.Connection[Any]) -> set[str]:
    """Orders that were called late, and were not."""
    query = "SELECT trace_key FROM findings WHERE kind = 'sla_breach' AND state = 'retracted'"
    return {key for (key,) in database.execute(query)}


def _one(database: psycopg.Connection[Any], query: str) -> int:
    row = database.execute(query).fetchone()
    assert row is not None
    return int(row[0])

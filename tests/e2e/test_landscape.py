"""The main job on real brokers: five services, known faults, a monitor that is killed meanwhile, or whose
consumers are away while deadlines pass. ``CHOREOSCOPE_ORDERS`` makes it more orders, ``CHOREOSCOPE_AWAY``
more seconds."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from monitor.landscape import demo
from monitor.landscape.plan import Pace
from monitor.landscape.story import Limits
from monitor.resources import models

pytestmark = pytest.mark.usefixtures("landscape_alone")

MODEL = models() / "order-fulfilment.bpmn"
ORDERS = int(os.environ.get("CHOREOSCOPE_ORDERS", "400"))
PACE = Pace(every=timedelta(milliseconds=50), step=timedelta(seconds=1.5))
KILL_AT = (0.15, 0.4, 0.7)
"""Shares of all events stored at which the monitor is killed with SIGKILL."""

AWAY = float(os.environ.get("CHOREOSCOPE_AWAY", "30"))
"""Seconds without consumers. Most deadlines pass after nine and after twelve."""

PATIENCE = 240.0

Said = dict[str, Any]


@pytest.fixture
def config(tmp_path: Path, postgres_url: str, rabbitmq_url: str, kafka_bootstrap: str) -> Path:
    mark = f"{time.time_ns()}"
    limits = Limits.of(PACE.step)
    said = {
        "database": postgres_url,
        "sources": [
            {
                "name": demo.RABBIT,
                "kind": "rabbitmq",
                "url": rabbitmq_url,
                "queue": f"choreoscope.e2e.{mark}",
                "bindings": [{"exchange": "shop", "routing_key": "#"}],
            },
            {
                "name": demo.KAFKA,
                "kind": "kafka",
                "bootstrap_servers": kafka_bootstrap,
                "topics": ["warehouse", "shipping", "billing"],
                "group": f"choreoscope-e2e-{mark}",
                "start": "latest",
                "session_timeout": "PT6S",
            },
        ],
        "events": list(demo.EVENTS),
        "models": [
            {
                "file": str(MODEL),
                "key": "order",
                "timers": False,
                "slas": [{name: _plain(value) for name, value in sla.items()} for sla in demo.slas(limits)],
            }
        ],
        "ingest": {"batch_size": 200},
        "dashboard": {"port": 0},
    }
    path = tmp_path / "choreoscope.yaml"
    path.write_text(yaml.safe_dump(said), "utf-8")
    return path


def _plain(value: object) -> object:
    return f"PT{value.total_seconds()}S" if isinstance(value, timedelta) else value


def choreoscope(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "monitor.cli", *map(str, arguments)]


class Monitor:
    """``choreoscope run``, or one role, as its own process, to be killed and started again."""

    def __init__(self, config: Path, log: Path, role: str = "run") -> None:
        self._config = config
        self._role = role
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                choreoscope(self._role, "-c", self._config), stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, self._log.read_text("utf-8")
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.kills += 1

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)

    def address(self) -> str:
        """Where its dashboard listens now."""
        found = re.findall(r"http://127\.0\.0\.1:\d+", self._log.read_text("utf-8"))
        return str(found[-1])

    def alive(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, self._log.read_text("utf-8")[-4000:]


@contextmanager
def running(config: Path, log: Path, role: str = "run") -> Iterator[Monitor]:
    monitor = Monitor(config, log, role)
    monitor.start()
    try:
        yield monitor
    finally:
        if monitor.process is not None and monitor.process.poll() is None:
            monitor.process.kill()
            monitor.process.wait(10)


def until(condition: Callable[[], bool], monitor: Monitor, why: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        monitor.alive()
        assert time.monotonic() < end, why()
        time.sleep(0.2)


def test_every_fault_is_found_and_nothing_else(
    tmp_path: Path, config: Path, postgres_url: str, rabbitmq_url: str, kafka_bootstrap: str
) -> None:
    subprocess.run(choreoscope("db", "upgrade", "-c", config), check=True, timeout=60)
    truth_file, log_file = tmp_path / "truth.jsonl", tmp_path / "log.jsonl"
    landscape = choreoscope(
        "landscape", "--rabbitmq", rabbitmq_url, "--kafka", kafka_bootstrap,
        "--every", str(PACE.every.total_seconds()), "--step", str(PACE.step.total_seconds()),
    )  # fmt: skip
    # Exchanges and topics belong to the services: they are there before anybody listens.
    subprocess.run([*landscape, "--orders", "1", "--prefix", "warm-up-"], check=True, timeout=60)

    with running(config, tmp_path / "monitor.log") as monitor, psycopg.connect(postgres_url) as database:
        database.autocommit = True

        def count(query: str) -> int:
            row = database.execute(query).fetchone()
            assert row is not None
            return int(row[0])

        until(lambda: _reading(database), monitor, lambda: _shards(database))
        publishing = subprocess.Popen(
            [*landscape, "--orders", str(ORDERS), "--seed", "7", "--truth", truth_file, "--log", log_file]
        )
        try:
            until(truth_file.exists, monitor, lambda: "the landscape did not begin")
            truths = _truths(truth_file)
            events = sum(truth["events"] for truth in truths)
            for share in KILL_AT:
                until(
                    lambda: count("SELECT count(*) FROM events") >= share * events,  # noqa: B023
                    monitor,
                    lambda: (share, count("SELECT count(*) FROM events"), events),  # noqa: B023
                )
                monitor.kill()
                monitor.start()
            assert publishing.wait(PATIENCE) == 0
        finally:
            publishing.kill()
            publishing.wait()
        until(
            lambda: count("SELECT count(*) FROM events") >= events,
            monitor,
            lambda: (count("SELECT count(*) FROM events"), events, _shards(database)),
        )
        expected = {truth["order"]: _expected(truth) for truth in truths}
        until(lambda: _found(database) == expected, monitor, lambda: _difference(_found(database), expected))

        assert monitor.kills == 3
        assert count("SELECT count(*) FROM events") == events
        assert count("SELECT count(DISTINCT (producer, event_id)) FROM events") == events
        assert count("SELECT count(*) FROM observations") == events
        unplaced = Counter(reason for truth in truths for reason in truth["inbox"])
        assert dict(database.execute("SELECT reason, count(*) FROM inbox GROUP BY 1").fetchall()) == unplaced

        _pages_show_it(monitor.address(), expected)
        _check_agrees(config, log_file, expected)
        assert monitor.stop() == 0


def test_nothing_is_blamed_while_the_consumers_are_stopped(
    tmp_path: Path, config: Path, postgres_url: str, rabbitmq_url: str, kafka_bootstrap: str
) -> None:
    """For long enough that deadlines pass; the sweep goes on all the time, and knows that it is blind."""
    said = yaml.safe_load(config.read_text("utf-8"))
    config.write_text(yaml.safe_dump({**said, "blindness": {"after": "PT10S"}}), "utf-8")
    subprocess.run(choreoscope("db", "upgrade", "-c", config), check=True, timeout=60)
    truth_file = tmp_path / "truth.jsonl"
    landscape = choreoscope(
        "landscape", "--rabbitmq", rabbitmq_url, "--kafka", kafka_bootstrap,
        "--every", "0.4", "--step", str(PACE.step.total_seconds()),
    )  # fmt: skip
    orders = str(int(AWAY / 0.4))  # begun before and after the consumers go, and going on when they are back
    subprocess.run([*landscape, "--orders", "1", "--prefix", "warm-up-"], check=True, timeout=60)

    with (
        running(config, tmp_path / "ingest.log", "ingest") as consumers,
        running(config, tmp_path / "sweep.log", "sweep") as sweep,
        psycopg.connect(postgres_url) as database,
    ):
        database.autocommit = True
        until(lambda: _reading(database), consumers, lambda: _shards(database))
        begin = datetime.now(UTC)
        publishing = subprocess.Popen(
            [
                *landscape, "--orders", orders, "--seed", "11", "--truth", truth_file,
                "--start", begin.isoformat(), "--rate", "1",
                "--fault", "slow=0.2", "--fault", "stuck=0.15", "--fault", "missing=0.1",
            ]
        )  # fmt: skip
        try:
            time.sleep(12)
            consumers.kill()
            time.sleep(3)
            before = _breaches(database)
            time.sleep(AWAY - 3)
            sweep.alive()
            assert _breaches(database) == before
            assert sorted(_spells(database)) == [(demo.KAFKA, False), (demo.RABBIT, False)]
            consumers.start()
            assert publishing.wait(PATIENCE) == 0
        finally:
            publishing.kill()
            publishing.wait()
        expected = {truth["order"]: _expected(truth) for truth in _truths(truth_file)}
        until(lambda: _found(database) == expected, sweep, lambda: _difference(_found(database), expected))

        late = sum(state == "breached" for one in expected.values() for _, state in one["slas"])
        missed = sum(state == "missed" for one in expected.values() for _, state in one["slas"])
        assert late >= 5  # one order in seven gets stuck; which of them depends on the hour it begins
        settled = {"provisional": 0, "confirmed": late + missed, "retracted": 0}
        until(lambda: _breaches(database) == settled, sweep, lambda: _breaches(database))
        over = [(demo.KAFKA, True), (demo.RABBIT, True)]
        until(lambda: sorted(_spells(database)) == over, sweep, lambda: _spells(database))


def _breaches(database: psycopg.Connection[Any]) -> dict[str, int]:
    """How many findings of a breach are in each state."""
    found = dict.fromkeys(("provisional", "confirmed", "retracted"), 0)
    rows = database.execute("SELECT state, count(*) FROM findings WHERE kind = 'sla_breach' GROUP BY 1")
    return found | {state: int(count) for state, count in rows}


def _spells(database: psycopg.Connection[Any]) -> list[tuple[str, bool]]:
    """Each spell of blindness: whose it was, and whether it is over."""
    return database.execute("SELECT subject, ended IS NOT NULL FROM notices WHERE kind = 'blind'").fetchall()


def _truths(path: Path) -> list[Said]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _shards(database: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return database.execute(
        "SELECT source, shard, state, lag, error, watermark FROM source_shards"
    ).fetchall()


def _reading(database: psycopg.Connection[Any]) -> bool:
    states = [row[2] for row in _shards(database)]
    return len(states) >= 4 and all(state == "caught_up" for state in states)


def _expected(truth: Said) -> Said:
    return {
        "complete": truth["complete"],
        "events": truth["events"],
        "deviations": sorted((one["kind"], one["name"]) for one in truth["deviations"]),
        "slas": sorted((one["name"], one["state"]) for one in truth["slas"]),
    }


def _found(database: psycopg.Connection[Any]) -> dict[str, Said]:
    """What the service holds of every order, in the words of the truth; only confirmed findings count. All of
    it as of one instant, for the service goes on writing."""
    with database.transaction():
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return _held(database)


def _held(database: psycopg.Connection[Any]) -> dict[str, Said]:
    found: dict[str, Said] = {
        key: {"complete": complete, "events": events, "deviations": [], "slas": []}
        for key, complete, events in database.execute(
            "SELECT key, complete, events FROM traces WHERE merged_into IS NULL"
        )
    }
    for key, kind, name in database.execute(
        "SELECT t.key, f.kind, f.name FROM findings f JOIN traces t ON t.id = f.trace_id"
        " WHERE f.state = 'confirmed' AND f.kind NOT LIKE 'sla%' ORDER BY f.kind, f.name"
    ):
        found[key]["deviations"].append((kind, name))
    for key, sla, state in database.execute(
        "SELECT t.key, c.sla, c.state FROM clocks c JOIN traces t ON t.id = c.trace_id ORDER BY 2, 3"
    ):
        found[key]["slas"].append((sla, state))
    return found


def _difference(found: dict[str, Said], expected: dict[str, Said]) -> object:
    keys = sorted(set(found) | set(expected))
    return [(key, found.get(key), expected.get(key)) for key in keys if found.get(key) != expected.get(key)][
        :5
    ]


def _pages_show_it(address: str, expected: dict[str, Said]) -> None:
    """The deviating orders can be found by number, and their pages name what is wrong."""
    deviating = [order for order, said in expected.items() if said["deviations"]][:5]
    with httpx.Client(base_url=address, timeout=10) as client:
        for order in deviating:
            rows = client.get("/api/v1/traces", params={"q": order}).raise_for_status().json()
            (row,) = [row for row in rows["items"] if row["key"] == order]
            page = client.get(f"/traces/{row['id']}").raise_for_status().text
            for _, name in expected[order]["deviations"]:
                assert name in page
            assert "<svg" in page


def _check_agrees(config: Path, log: Path, expected: dict[str, Said]) -> None:
    """``check`` on the recorded log says what the service stored."""
    done = subprocess.run(
        choreoscope("check", "--model", MODEL, "-c", config, "--now", "now", "--format", "json", log),
        stdout=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    said = json.loads(done.stdout)
    checked = {
        trace["key"]: {
            "complete": trace["complete"],
            "events": trace["events"],
            "deviations": sorted((one["kind"], one["name"]) for one in trace["findings"]),
            "slas": sorted((one["name"], one["state"]) for one in trace["slas"]),
        }
        for trace in said["traces"]
    }
    assert checked == expected

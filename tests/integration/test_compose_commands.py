"""The commands of docker-compose.yml, run as they stand, but for the addresses of the services."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

pytestmark = pytest.mark.usefixtures("landscape_alone")

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    return found


def put(text: str, addresses: dict[str, str]) -> str:
    """The text with the network's addresses put in place of the containers'."""
    for pattern, address in addresses.items():
        text = address.join(re.split(pattern, text))
    return text


def choreoscope(command: list[str], addresses: dict[str, str], config: Path) -> list[str]:
    arguments = [put(argument, addresses) for argument in command]
    named = [] if command[0] == "landscape" else ["--config", str(config)]
    return [sys.executable, "-m", "monitor.cli", *arguments, *named]


def test_schema_monitor_and_landscape_work_together(
    tmp_path: Path, postgres_url: str, rabbitmq_url: str, kafka_bootstrap: str
) -> None:
    addresses = {
        r"postgresql://choreoscope:\$\{POSTGRES_PASSWORD\}@postgres:5432/choreoscope": postgres_url,
        r"amqp://shop:\$\{RABBITMQ_PASSWORD(?::-shop)?\}@rabbitmq/": rabbitmq_url,
        r"kafka:9092": kafka_bootstrap,
        r"host: 0\.0\.0\.0": "port: 0",
        r"--probes=127\.0\.0\.1:9321": "--probes=127.0.0.1:0",
        r"file: \.\./models": f"file: {ROOT / 'models'}",
    }
    config = tmp_path / "choreoscope.yaml"
    text = (ROOT / "docker" / "choreoscope.yaml").read_text("utf-8")
    mine = f"choreoscope.compose.{time.time_ns()}"
    text = put(text, addresses).replace("    bindings:", f"    queue: {mine}\n    bindings:")
    text = text.replace("    topics:", f"    group: {mine}\n    topics:")
    config.write_text(text.replace("  external_url: http://localhost:8321\n", ""), "utf-8")
    commands = {
        name: choreoscope(service["command"], addresses, config)
        for name, service in services().items()
        if name in ("schema", "choreoscope", "ingest", "sweep", "landscape")
    }

    assert subprocess.run(commands["schema"], timeout=PATIENCE, check=False).returncode == 0
    logs = {name: tmp_path / f"{name}.log" for name in commands if name != "schema"}
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, log in logs.items():
            with log.open("wb") as out:
                running[name] = subprocess.Popen(commands[name], stdout=out, stderr=out)
        address = _address(logs["choreoscope"])
        end = time.monotonic() + PATIENCE
        totals: dict[str, int] = {}
        while totals.get("events", 0) < 20 or totals.get("traces", 0) < 3:
            for name, process in running.items():
                assert process.poll() is None, (name, logs[name].read_text("utf-8"))
            assert time.monotonic() < end, (totals, logs["ingest"].read_text("utf-8")[-2000:])
            totals = httpx.get(f"{address}/api/v1/overview").raise_for_status().json()["totals"]
            time.sleep(0.5)
        assert httpx.get(f"{address}/readyz").status_code == 200
        for name in ("ingest", "sweep"):
            probes = _address(logs[name])
            assert httpx.get(f"{probes}/livez").json() == {"status": "alive"}
            ready = httpx.get(f"{probes}/readyz")  # a topic may not be there yet, which it says
            assert ready.status_code == 200 or "source shop-kafka" in ready.json()["reason"], name
        metrics = httpx.get(f"{_address(logs['ingest'])}/metrics").text
        assert "choreoscope_events_stored_total{source=" in metrics
        assert 'choreoscope_batch_seconds_count{stage="check"}' in metrics
        assert (
            'choreoscope_sweep_done_timestamp_seconds{task="clocks"}'
            in httpx.get(f"{_address(logs['sweep'])}/metrics").text
        )
        for name in ("choreoscope", "ingest", "sweep"):
            running[name].send_signal(signal.SIGTERM)
            assert running[name].wait(20) == 0, name
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def _address(log: Path) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = re.search(r"http://[\d.]+:\d+", log.read_text("utf-8"))
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))

"""``choreoscope`` as a process of its own, and how to wait for what it does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from monitor.landscape import demo
from monitor.landscape.story import Limits
from monitor.resources import models

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds; a busy machine is slow."""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "monitor.cli", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def written(path: Path, database: str, sources: list[dict[str, Any]], limits: Limits, **more: Any) -> Path:
    """A configuration file for the landscape's orders."""
    slas = [
        {name: f"PT{value.total_seconds()}S" if name == "within" else value for name, value in sla.items()}  # type: ignore[attr-defined]
        for sla in demo.slas(limits)
    ]
    file = models() / "order-fulfilment.bpmn"
    model = {"file": str(file), "key": "order", "slas": slas, "timers": False}
    said = {
        "database": database,
        "sources": sources,
        "events": list(demo.EVENTS),
        "models": [model],
        "dashboard": {"port": 0},
        **more,
    }
    path.write_text(yaml.safe_dump(said), "utf-8")
    return path


class Serving:
    """A running ``choreoscope run``."""

    def __init__(self, config: Path, log: Path) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command("run", "-c", config), stdout=out, stderr=out, env=environment()
            )

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    @property
    def address(self) -> str:
        """Where it listens, or did last."""
        found = re.findall(r"dashboard is at (http://\S+)", self.log)
        return str(found[-1])

    def get(self, path: str, **how: Any) -> httpx.Response:
        return httpx.get(self.address + path, timeout=15, **how)

    def post(self, path: str, **what: Any) -> httpx.Response:
        return httpx.post(self.address + path, timeout=15, **what)

    def sources(self) -> dict[str, Any]:
        """The sources of ``/api/v1/sources`` by name."""
        listed = self.get("/api/v1/sources").raise_for_status().json()["items"]
        return {one["name"]: one for one in listed}

    def until(self, condition: Callable[[], bool], why: Callable[[], object] | None = None) -> None:
        """Wait for a condition, as long as the process lives."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.log[-4000:]
            assert time.monotonic() < end, (why() if why else "", self.log[-4000:])
            time.sleep(0.1)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


@contextmanager
def serving(config: Path, log: Path) -> Iterator[Serving]:
    """Started, and listening."""
    monitor = Serving(config, log)
    try:
        monitor.until(lambda: "dashboard is at" in monitor.log)
        yield monitor
    finally:
        if monitor.process.poll() is None:
            monitor.process.kill()
            monitor.process.wait(10)

"""Looking at everything every ten seconds, and writing it down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import orjson
import psycopg

from benchmarks.soak import samples
from benchmarks.soak.people import People
from benchmarks.soak.stage import Stage
from benchmarks.usage import postmaster
from tests.services.processes import Process

EVERY_SECONDS = 10.0
BROKERS = ("kafka", "rabbitmq")


class Landscape:
    """What the landscape has told of itself in its log."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.sent = 0.0
        self.behind = 0.0
        self.lost = 0.0
        self.took: dict[str, list[float]] = {name: [] for name in BROKERS}
        self._at = 0

    def read(self) -> None:
        with self.log.open("rb") as file:
            file.seek(self._at)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.splitlines():
            if line.startswith(b'{"at"'):
                said = orjson.loads(line)
                self.sent, self.behind, self.lost = said["sent"], said["behind"], said["lost"]
                for name in BROKERS:
                    self.took[name] += said[name]

    def figures(self) -> samples.Figures:
        self.read()
        found = {
            "landscape.sent": float(self.sent),
            "landscape.behind": float(self.behind),
            "landscape.lost": float(self.lost),
        }
        for name, took in self.took.items():
            if took:
                found |= {f"stored.{name}": median(took), f"stored.{name}.most": max(took)}
        self.took = {name: [] for name in BROKERS}
        return found


class Watch:
    """``found``: the samples so far; each is also a line of ``file``."""

    def __init__(
        self, on: Stage, roles: Mapping[str, Process], landscape: Process, people: People, file: Path
    ) -> None:
        self.on = on
        self.roles = roles
        self.people = people
        self.file = file
        self.landscape = Landscape(landscape.log)
        self.processes = {"landscape": landscape, **roles}
        self.found: list[samples.Figures] = []
        self._server = postmaster(on.database.address)
        self._begin = perf_counter()

    async def look(self, until: float) -> None:
        """Until ``perf_counter()`` says so, and as long as all of it runs."""
        with (
            psycopg.connect(self.on.database.address, autocommit=True) as database,
            self.file.open("ab") as file,
        ):
            due = perf_counter() + EVERY_SECONDS
            while due < until:
                await asyncio.sleep(due - perf_counter())
                due = max(due + EVERY_SECONDS, perf_counter())
                sample = await asyncio.to_thread(self.sample, database)
                self.found.append(sample)
                file.write(orjson.dumps({name: round(value, 6) for name, value in sample.items()}) + b"\n")
                file.flush()

    def sample(self, database: psycopg.Connection) -> samples.Figures:
        figures: samples.Figures = {"at": perf_counter() - self._begin}
        for name, process in self.processes.items():
            if not process.running():
                raise SystemExit(f"{name} ended:\n{process.tail()}")
            figures |= samples.of_process(name, process.pid)
        figures |= samples.of_tree("postgres", self._server)
        figures |= samples.of_database(database)
        figures |= samples.of_ingest(samples.metrics(self.on.address("ingest")))
        figures |= samples.of_sweep(samples.metrics(self.on.address("sweep")))
        figures |= self.landscape.figures()
        figures |= samples.of_machine()
        figures |= self._pages()
        return figures

    def drained(self, seconds: float) -> tuple[float, float]:
        """Messages sent, and dealt with; once they are the same, or time is up."""
        deadline = perf_counter() + seconds
        while True:
            self.landscape.read()
            dealt = samples.of_ingest(samples.metrics(self.on.address("ingest")))["ingest.dealt"]
            if dealt == self.landscape.sent or perf_counter() > deadline:
                return self.landscape.sent, dealt
            sleep(1)

    def _pages(self) -> samples.Figures:
        seconds = sorted(self.people.take())
        if not seconds:
            return {}
        return {
            "page.p50": 1000 * seconds[len(seconds) // 2],
            "page.p95": 1000 * seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))],
            "page.most": 1000 * seconds[-1],
        }

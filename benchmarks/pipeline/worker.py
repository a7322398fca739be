"""``choreoscope ingest``, watched from outside: what it has stored by now, and what that took."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.usage import Usage
from tests.services.processes import Process, free_port

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 170.0
"""Seconds until a run that does not end is given up."""

_PAUSE = 0.05
_DONE = (
    "choreoscope_events_stored_total",
    "choreoscope_duplicates_total",
    "choreoscope_ignored_total",
    "choreoscope_misfits_total",
)


class Worker:
    """One process. ``done``: messages it is through with, whatever became of them."""

    def __init__(self, config: Path, log: Path) -> None:
        self.port = free_port()
        command = ["-m", "monitor.cli", "ingest", "-c", str(config), "--probes", f"127.0.0.1:{self.port}"]
        self.process = Process([sys.executable, *command], log=log, environment={"PYTHONPATH": str(ROOT)})

    def done(self) -> int:
        if not self.process.running():
            raise SystemExit(f"the worker ended:\n{self.process.tail()}")
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                said = answer.read().decode()
        except OSError:
            return 0  # it is not there yet
        samples = (one for family in text_string_to_metric_families(said) for one in family.samples)
        return int(sum(one.value for one in samples if one.name in _DONE))


@dataclass(frozen=True, slots=True)
class Taken:
    """``messages`` in ``seconds`` on the clock, from the first batch on; ``cpu``: processor seconds
    meanwhile, of all workers and of the database."""

    messages: int
    seconds: float
    cpu: Mapping[str, float]

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    def each(self, name: str) -> float:
        """Microseconds of processor time per message."""
        return self.cpu[name] / self.messages * 1e6


@contextmanager
def workers(configs: Sequence[Path], folder: Path) -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        started = []
        for number, config in enumerate(configs):
            worker = Worker(config, folder / f"worker-{number}.log")
            stack.callback(worker.process.stop)
            started.append(worker)
        yield started


def drained(configs: Sequence[Path], folder: Path, messages: int, server: int) -> Taken:
    """Start a worker for each of ``configs`` on so many messages that wait for them; from when each has
    stored something until all is stored. ``server``: the process id of the database."""
    with workers(configs, folder) as started:
        deadline = perf_counter() + PATIENCE
        watched = {"worker": 0, "database": server} | {
            f"{n}": one.process.pid for n, one in enumerate(started)
        }
        while not all(one.done() for one in started):
            if sum(one.done() for one in started) >= messages:
                raise SystemExit("Some workers found nothing left to do: give more --messages.")
            _patient(deadline, started)
        before, first = Usage.of(watched), sum(one.done() for one in started)
        at, done = perf_counter(), first
        while done < messages:
            _patient(deadline, started)
            done, at = sum(one.done() for one in started), perf_counter()
        after = Usage.of(watched)
    spent = {name: after.cpu[name] - before.cpu[name] for name in watched}
    database = spent.pop("database")
    return Taken(messages - first, at - before.at, {"worker": sum(spent.values()), "database": database})


def _patient(deadline: float, started: Sequence[Worker]) -> None:
    if perf_counter() > deadline:
        said = "\n".join(one.process.tail(5) for one in started)
        raise SystemExit(f"not done after {PATIENCE:.0f} s:\n{said}")
    sleep(_PAUSE)

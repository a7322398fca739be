"""The pages on a large database, while events are read: ``python -m benchmarks reading``.

First one reader alone, asking for each kind of page in turn; then so many readers at once, with a worker
that reads events, and the sweep. Each is a process of its own, as in service. Beside each kind of page stand,
from the same minutes, an answer of the same server that asks no database (``/livez``) and a bare SELECT of a
trace by its id.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import psycopg

from benchmarks.dataset.configuration import write
from benchmarks.dataset.server import SERVING, answered, ask_where
from benchmarks.reading_load import LOOK_SECONDS, Answer, Client, Listener, read
from benchmarks.reading_mix import Mix, mix
from benchmarks.usage import Usage, postmaster
from monitor.storage.migrate import upgrade
from tests.services.processes import Process, free_port

ROOT = Path(__file__).parent.parent
WARM_SECONDS = 20.0
WARM, ALONE = 3, 20
"""How often each kind of page is asked for by one reader."""

LIVEZ, SELECT = "/livez", "bare SELECT by id"
TARGET = 0.1


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks reading", description=__doc__)
    ask_where(parser, "directory that `dataset` made", "URL of a database that `dataset` filled")
    parser.add_argument("--readers", type=int, default=50, help="default: %(default)s")
    parser.add_argument(
        "--look", type=float, default=LOOK_SECONDS, help="seconds a page is looked at (default: %(default)s)"
    )
    parser.add_argument("--rate", type=float, default=500, help="events a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=120, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slowest", type=int, default=0, help="tell so many of the slowest addresses")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        url = stack.enter_context(answered(given, SERVING))
        server = 0 if given.data is None else postmaster(url)
        upgrade(url)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="choreoscope-reading-")))
        Run(url, server, folder, given).tell()


class Run:
    def __init__(self, url: str, server: int, folder: Path, given: argparse.Namespace) -> None:
        self.url = url
        self.server = server
        self.folder = folder
        self.given = given
        self.port = free_port()
        self.config = write(folder / "choreoscope.yaml", url, self.port)

    def tell(self) -> None:
        with self.role("dashboard") as dashboard:
            self._reached(dashboard)
            self._describe()
            chosen = mix(self.url, self.given.seed)
            alone = asyncio.run(self.alone(chosen, dashboard.pid))
            with self.role("sweep") as sweep, self.ingest() as ingest:
                self._begun(ingest)
                watched = {
                    "dashboard": dashboard.pid,
                    "ingest": ingest.pid,
                    "sweep": sweep.pid,
                    "database": self.server,
                    "readers": os.getpid(),
                }
                loaded = asyncio.run(self.loaded(chosen, watched))
            for name, process in (("ingest", ingest), ("sweep", sweep)):
                if said := process.tail(3):
                    print(f"{name}: {said}")
        report(alone, loaded, self.given)

    # processes ----------------------------------------------------------------------------------------

    @contextmanager
    def role(self, name: str) -> Iterator[Process]:
        """As ``choreoscope NAME -c ...`` runs it."""
        yield from self._process(name, ["-m", "monitor.cli", name, "-c", str(self.config)])

    @contextmanager
    def ingest(self) -> Iterator[Process]:
        """The first events take a while to come."""
        asked = [self.url, str(self.given.rate), str(self.given.seconds + 2 * WARM_SECONDS)]
        yield from self._process("ingest", ["-m", "benchmarks.reading_ingest", *asked])

    def _process(self, name: str, arguments: Sequence[str]) -> Iterator[Process]:
        process = Process(
            [sys.executable, *arguments],
            log=self.folder / f"{name}.log",
            environment={"PYTHONPATH": str(ROOT)},
        )
        try:
            yield process
            if not process.running():
                raise SystemExit(f"{name} ended:\n{process.tail()}")
        finally:
            process.stop()

    def _reached(self, dashboard: Process) -> None:
        deadline = perf_counter() + 60
        while perf_counter() < deadline and dashboard.running():
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                sleep(0.2)
            else:
                return
        raise SystemExit(f"The dashboard does not answer:\n{dashboard.tail()}")

    def _begun(self, ingest: Process) -> None:
        while ingest.running() and "begins" not in ingest.tail():
            sleep(0.2)

    def _describe(self) -> None:
        with psycopg.connect(self.url) as database:
            row = database.execute(
                "SELECT (SELECT sum(amount) FROM tallies WHERE what = 'traces'),"
                " (SELECT sum(amount) FROM tallies WHERE what = 'events'),"
                " pg_database_size(current_database()) / 1e9, now() - (SELECT max(received) FROM events"
                " WHERE id > (SELECT max(id) FROM events) - 10000), current_setting('shared_buffers')"
            ).fetchone()
        assert row is not None
        print(f"{row[0]:,} traces, {row[1]:,} events, {row[2]:.1f} GB, the newest {row[3]} old;")
        print(f"PostgreSQL with shared_buffers = {row[4]}; {os.cpu_count()} cores")

    # readers ------------------------------------------------------------------------------------------

    async def alone(self, chosen: Mix, dashboard: int) -> Alone:
        """One reader and nothing else."""
        random, client, found = Random(self.given.seed), Client(self.port), Answers()
        watched = {"dashboard": dashboard, "database": self.server}
        cost: dict[str, tuple[float, float]] = {}
        for kind in (*chosen.kinds, LIVEZ):
            asked = [LIVEZ if kind == LIVEZ else chosen.address(kind, random) for _ in range(WARM + ALONE)]
            for address in asked[:WARM]:  # which warm what is cached
                chosen.met(await client.get(kind, address))
            before = Usage.of(watched)
            for address in asked[WARM:]:
                found.told(await client.get(kind, address))
            after = Usage.of(watched)
            dashboard_, database = ((after.cpu[one] - before.cpu[one]) / ALONE for one in watched)
            cost[kind] = (dashboard_, database)
        client.close()
        asking = asyncio.create_task(self._select(found, pause=0.005))
        await asyncio.sleep(1.0)
        asking.cancel()
        found.complain()
        return Alone(found.seconds, cost)

    async def loaded(self, chosen: Mix, watched: Mapping[str, int]) -> Loaded:
        given = self.given
        begin = perf_counter() + WARM_SECONDS
        end = begin + given.seconds
        found = Answers(begin)

        def told(answer: Answer) -> None:
            chosen.met(answer)
            found.told(answer)

        listeners = [Listener(self.port) for _ in range(given.readers)]
        listening = [asyncio.create_task(one.listen()) for one in listeners]
        reading = [
            asyncio.create_task(read(self.port, chosen.choose, number, end, told, given.look))
            for number in range(given.readers)
        ]
        beside = [asyncio.create_task(self._select(found, 0.2)), asyncio.create_task(self._livez(found, 0.2))]
        await asyncio.sleep(begin - perf_counter())
        before, events = Usage.of(watched), self._events()
        await asyncio.gather(*reading)
        after = Usage.of(watched)
        for task in (*beside, *listening):
            task.cancel()
        found.complain()
        took = after.at - before.at
        return Loaded(
            found,
            took,
            cores={name: (after.cpu[name] - before.cpu[name]) / took for name in watched if watched[name]},
            others=(after.whole - before.whole - sum(after.cpu.values()) + sum(before.cpu.values())) / took,
            memory=after.memory,
            events=(self._events() - events) / took,
            heard=min(one.heard for one in listeners),
        )

    async def _livez(self, found: Answers, pause: float) -> None:
        client = Client(self.port)
        while True:
            found.told(await client.get(LIVEZ, LIVEZ))
            await asyncio.sleep(pause)

    async def _select(self, found: Answers, pause: float) -> None:
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as database:
            random = Random(self.given.seed)
            (most,) = await (await database.execute("SELECT max(id) FROM traces")).fetchone() or (1,)
            while True:
                begin = perf_counter()
                asked = await database.execute(
                    "SELECT * FROM traces WHERE id = %s", [random.randint(1, most)]
                )
                await asked.fetchall()
                found.told(Answer(SELECT, "", perf_counter() - begin, 200, b""))
                await asyncio.sleep(pause)

    def _events(self) -> int:
        with psycopg.connect(self.url) as database:
            row = database.execute("SELECT sum(amount) FROM tallies WHERE what = 'events'").fetchone()
        return int(row[0]) if row else 0


@dataclass(slots=True)
class Answers:
    """Those that came after ``since``."""

    since: float = 0.0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    all: list[Answer] = field(default_factory=list)
    wrong: list[Answer] = field(default_factory=list)

    def told(self, answer: Answer) -> None:
        if perf_counter() - answer.seconds < self.since:
            return
        self.seconds.setdefault(answer.kind, []).append(answer.seconds)
        self.all.append(answer)
        if answer.status not in (200, 303):
            self.wrong.append(answer)

    def complain(self) -> None:
        """Figures of error pages say nothing."""
        if self.wrong:
            shown = "\n".join(f"  {one.status} {one.path}" for one in self.wrong[:20])
            raise SystemExit(f"{len(self.wrong)} answers are no pages:\n{shown}")


@dataclass(frozen=True, slots=True)
class Alone:
    """``cost``: for each kind of page the processor seconds of one, in the dashboard and in the database."""

    seconds: Mapping[str, Sequence[float]]
    cost: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """``cores``: how many each process kept busy; ``others``: what else ran on the machine."""

    answers: Answers
    took: float
    cores: Mapping[str, float]
    others: float
    memory: Mapping[str, float]
    events: float
    heard: int


def at(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def _milliseconds(*seconds: float) -> str:
    return "".join(f"{one * 1000:8.1f}" for one in seconds)


def report(alone: Alone, loaded: Loaded, given: argparse.Namespace) -> None:
    found = loaded.answers.seconds
    pages = [kind for kind in found if kind not in (LIVEZ, SELECT)]
    number = sum(len(found[kind]) for kind in pages)
    print(
        f"{given.readers} readers, {number / loaded.took:.1f} pages/s for {loaded.took:.0f} s,"
        f" {loaded.events:.0f} events/s stored; live updates heard by each: {loaded.heard}"
    )
    print("cores: " + ", ".join(f"{name} {cores:.2f}" for name, cores in loaded.cores.items()), end="; ")
    print(f"whatever else runs here {loaded.others:.2f}; load {os.getloadavg()[0]:.1f}")
    print("memory: " + ", ".join(f"{name} {size:.0f} MB" for name, size in loaded.memory.items()))
    print(
        f"{'milliseconds':24}|{'alone: p50':>12}{'p95':>8}{'cpu':>8}{'of db':>8} |"
        f"{'loaded: p50':>13}{'p95':>8}{'p99':>8}{'max':>8}{'n':>6}"
    )
    groups = sorted({kind.partition(",")[0] for kind in pages})
    rows: list[tuple[str, list[str]]] = [(kind, [kind]) for kind in sorted(pages)]
    for group in groups:
        several = [kind for kind in pages if kind.partition(",")[0] == group]
        if len(several) > 1:
            rows.append((f"{group}: all", several))
    rows += [("EVERY PAGE", pages), (LIVEZ, [LIVEZ]), (SELECT, [SELECT])]
    for name, kinds in rows:
        single = [one for kind in kinds for one in alone.seconds.get(kind, ())]
        cost = [alone.cost[kind] for kind in kinds for _ in found.get(kind, ()) if kind in alone.cost]
        many = [one for kind in kinds for one in found.get(kind, ())]
        if single and many:
            mean = [sum(of) / len(cost) for of in zip(*cost, strict=True)]
            by_one = _milliseconds(median(single), at(single, 0.95), *mean)
            by_many = _milliseconds(median(many), *(at(many, share) for share in (0.95, 0.99, 1)))
            missed = "" if at(many, 0.95) <= TARGET else "  > 100"
            print(f"{name:24}|{'    ' + by_one:<36} |{by_many:>37}{len(many):6}{missed}")
    for one in sorted(loaded.answers.all, key=lambda one: -one.seconds)[: given.slowest]:
        print(f"{one.seconds * 1000:8.1f} ms  {one.path}  ({len(one.body):,} bytes)")

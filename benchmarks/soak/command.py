"""An hour at half of the peak rate, and whether anything grows: ``python -m benchmarks soak``.

RabbitMQ, Kafka and PostgreSQL of its own, one ``ingest``, one ``sweep``, one ``dashboard`` with a few
readers, a receiver of webhooks, and a landscape without end. Everything is kept for minutes, so that all of
it is dropped again and again. Every ten seconds all is looked at; at the end each series is judged: flat, or
not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, sleep

import orjson

from benchmarks.soak import report, samples, series
from benchmarks.soak.people import People, Receiver
from benchmarks.soak.stage import Stage, commit, stage
from benchmarks.soak.watch import Landscape, Watch
from tests.services.processes import Process, free_port

KEEP_SECONDS = 480.0
READERS = 5
PEAK_RATE, PEAK_BACKLOG_SECONDS, PEAK_MESSAGES = 1000.0, 240.0, 120_000
"""What waits in the brokers for a minute of unthrottled reading, of orders that began so long ago."""

PEAK_WARM_SECONDS, PEAK_SECONDS = 10.0, 60.0
DRAIN_SECONDS = 60.0


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--data", type=Path, help="a new directory for data, logs and samples")
    parser.add_argument(
        "--minutes", type=float, default=60, help="0: only find the peak (default: %(default)s)"
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=0,
        help="messages a second; 0 (the default): half of what a minute of unthrottled reading shows",
    )
    parser.add_argument("--keep", type=float, default=KEEP_SECONDS, help="seconds (default: %(default)s)")
    parser.add_argument("--readers", type=int, default=READERS, help="default: %(default)s")
    parser.add_argument("--tell", type=Path, help="only tell what these samples (a JSONL file) say")
    given = parser.parse_args(arguments)
    if given.tell is not None:
        tell([orjson.loads(line) for line in given.tell.read_bytes().splitlines()], given.tell.parent)
        return
    if given.data is None:
        parser.error("--data is required")
    data = given.data.absolute()
    rate = given.rate or peak(data / "peak", given.keep) / 2
    if given.minutes:
        tell(soak(data / "soak", rate, given), data)


def peak(folder: Path, keep: float) -> float:
    """Messages a second that one ingest takes from full brokers, the sweep and the dashboard beside."""
    with ExitStack() as stack:
        on = stack.enter_context(stage(folder, "http://127.0.0.1:9/", keep))
        with on.landscape(PEAK_RATE, PEAK_BACKLOG_SECONDS, "P") as landscape:
            _filled(Landscape(landscape.log), PEAK_MESSAGES, landscape)
        for role in ("sweep", "dashboard", "ingest"):
            stack.enter_context(on.role(role))
        sleep(PEAK_WARM_SECONDS)
        begin, before = perf_counter(), _dealt(on)
        sleep(PEAK_SECONDS)
        took, after = perf_counter() - begin, samples.of_ingest(samples.metrics(on.address("ingest")))
        found = (after["ingest.dealt"] - before) / took
        left = after["lag.kafka"], after["lag.rabbitmq"]
    print(
        f"peak: {found:,.0f} messages/s for {took:.0f} s; still waiting then: Kafka %.0f, RabbitMQ %.0f"
        % left
    )
    return found


def _filled(landscape: Landscape, wanted: float, process: Process) -> None:
    while landscape.sent < wanted:
        if not process.running():
            raise SystemExit(f"The landscape ended:\n{process.tail()}")
        sleep(1)
        landscape.read()


def _dealt(on: Stage) -> float:
    return samples.of_ingest(samples.metrics(on.address("ingest")))["ingest.dealt"]


def soak(folder: Path, rate: float, given: argparse.Namespace) -> list[samples.Figures]:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}, {os.cpu_count()} cores")
    print(f"{rate:,.0f} messages/s for {given.minutes:g} minutes, kept for {given.keep:g} s", flush=True)
    receiver = Receiver()
    receiver.port = free_port()
    with ExitStack() as stack:
        on = stack.enter_context(stage(folder, f"http://127.0.0.1:{receiver.port}/", given.keep))
        roles = {name: stack.enter_context(on.role(name)) for name in series.ROLES}
        landscape = stack.enter_context(on.landscape(rate, 0, "S"))
        people = People(on.ports["dashboard"], given.readers)
        watch = Watch(on, roles, landscape, people, folder.parent / "samples.jsonl")
        end = perf_counter() + given.minutes * 60

        async def run() -> None:
            await receiver.open()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(people.live(end))
                    tasks.create_task(watch.look(end))
            finally:
                receiver.close()

        asyncio.run(run())
        landscape.stop()
        print(
            f"{people.pages} pages, {people.gone} more of traces that were gone;"
            f" live updates heard by each: {people.heard}"
        )
        if people.wrong:
            print(f"{len(people.wrong)} answers were no pages: {people.wrong[:5]}", file=sys.stderr)
        print(f"{receiver.deliveries} webhooks, {receiver.again} of an id that had come before")
        sent, dealt = watch.drained(DRAIN_SECONDS)
        same = "all" if sent == dealt else "**not the same**"
        print(f"{sent:,.0f} messages sent, {dealt:,.0f} dealt with: {same}")
        for name, process in roles.items():
            if not process.running():
                raise SystemExit(f"{name} ended:\n{process.tail()}")
        return watch.found


def tell(found: Sequence[samples.Figures], folder: Path) -> None:
    made = series.every(found)
    text = report.table(made)
    (folder / "report.md").write_text(text + "\n", "utf-8")
    (folder / "soak.svg").write_text(report.picture(made), "utf-8")
    print(text)
    print(series.dropping(found))
    grown = report.growing(made)
    print("not flat: " + ", ".join(grown) if grown else "everything is flat")

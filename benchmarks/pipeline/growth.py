"""How the cost of an event grows: with open traces, with a trace's length, with what is stored already."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time

from benchmarks.dataset.configuration import settings as of_dataset
from benchmarks.dataset.server import SERVING, kept
from benchmarks.long_traces import LOOP
from benchmarks.pipeline import configuration
from benchmarks.pipeline.messages import START, deliveries, messages
from benchmarks.pipeline.stages import SOURCE, Measured, measured
from monitor.domain.event import Delivery, Position
from monitor.settings import Settings
from monitor.storage.migrate import upgrade
from tests.services.databases import fresh_database

OPEN = (10, 100, 1_000, 10_000)
LENGTHS = (10, 100, 1_000)
TRACES = 100
"""That go on at the same time where their length is what counts; a batch holds an event of each."""

FURTHER = 20
"""Events of each trace that are measured."""

MEASURED = 10_000
SOME_STORED = 5_000


def by_open(postgres: str) -> None:
    """Orders that go on at the same time: the more, the fewer of a batch's messages are of one order."""
    for open_orders in OPEN:
        before = max(SOME_STORED, 8 * open_orders)
        sent = list(deliveries(messages(before + MEASURED, open_orders), SOURCE["name"], datetime.now(UTC)))
        with fresh_database(postgres) as url:
            upgrade(url)
            chosen = Settings.model_validate(configuration.configuration(url, SOURCE))
            found = asyncio.run(measured(url, chosen, sent[:before], sent[before:]))
        _tell(f"{open_orders:,} open", found)


def by_length(postgres: str, folder: Path) -> None:
    """Events in order, of traces that are so long already: of such that fit, and with one event too many."""
    model = folder / "loop.bpmn"
    model.write_bytes(LOOP)
    flow = {"file": str(model), "key": "loop", "name": "Loop"}
    for deviating in (False, True):
        for length in LENGTHS:
            sent = list(_loops(length + FURTHER, deviating=deviating))
            before = length * TRACES
            with fresh_database(postgres) as url:
                upgrade(url)
                events = [{"match": {"type": "*"}, "keys": {"loop": "subject"}}]
                chosen = Settings.model_validate(configuration.configuration(url, SOURCE, flow, events))
                found = asyncio.run(measured(url, chosen, sent[:before], sent[before:], batch=TRACES))
            _tell(f"{length:,} events, {'one too many' if deviating else 'fitting'}", found)


def by_history(postgres: str, data: Sequence[Path]) -> None:
    """The same messages on an empty database, and on those that ``dataset`` has filled."""
    with fresh_database(postgres) as url:
        upgrade(url)
        _tell("nothing stored before", asyncio.run(_further(url)))
    for directory in data:
        with kept(directory.absolute(), SERVING) as server:
            upgrade(server.address)
            _tell(str(directory), asyncio.run(_further(server.address)))


async def _further(url: str) -> Measured:
    # far enough from those of a run before that no order is met again
    number, begin = int(time()) * 10_000, datetime.now(UTC) - timedelta(days=1)
    sent = messages(SOME_STORED + MEASURED, 500, number, begin)
    told = list(deliveries(sent, SOURCE["name"], datetime.now(UTC), first=number * 100_000))
    return await measured(url, of_dataset(url), told[:SOME_STORED], told[SOME_STORED:])


def _loops(length: int, *, deviating: bool) -> Iterator[Delivery]:
    """Events of :data:`TRACES` traces in turn; of one that deviates the third event comes twice."""
    for at in range(length):
        label = "ABC"[(at - 1 if deviating and at > 2 else at) % 3]
        said = {"specversion": "1.0", "source": "loop", "type": label}
        said["time"] = (START + timedelta(seconds=at)).isoformat()
        for trace in range(TRACES):
            body = json.dumps({**said, "id": f"{trace}-{at}", "subject": f"t-{trace}"}).encode()
            place = Position("loop", 0, at * TRACES + trace)
            yield Delivery(SOURCE["name"], body, place, START, content_type="application/cloudevents+json")


def _tell(what: str, found: Measured) -> None:
    judging = found.stages["judge"] / found.messages * 1e6
    loading = found.stages["load history"] / found.messages * 1e6
    print(
        f"  {what:34} {found.worker:8.0f} µs of the worker's processor time each (judging {judging:.0f},"
        f" reading history {loading:.0f}), {found.of_database:.0f} µs of the database's",
        flush=True,
    )

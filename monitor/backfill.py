"""``replay --into-store``: a recorded past becomes part of the history, trace by trace.

All events of a trace are stored in one transaction, so that nobody judges half of it: what was met then is
met, whenever it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor import correlate
from monitor.app import App
from monitor.checking import deliveries_of
from monitor.domain.event import Delivery, Event, Misfit
from monitor.pipeline import Pipeline

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What became of a log's events."""

    stored: int
    duplicates: int
    unplaced: int
    ignored: int


async def backfill(
    app: App,
    paths: Sequence[Path],
    source: str,
    now: datetime | None,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> Backfilled:
    """Store the events of logs as if ``source`` had delivered them; what is stored already is recognised.
    ``now``: up to when they are complete, to judge what is missing or late in them; without it the running
    service does so. ``told`` hears how many of how many are done. Raises InvalidInput."""
    pipeline = app.pipeline()
    reader = app.reader(app.handed_over(source), pipeline)
    traces = list(_by_trace(pipeline, list(deliveries_of(paths, source))))
    every = sum(map(len, traces))
    done = 0
    for batch in _batches(traces):
        await reader.store_batch(batch)
        done += len(batch)
        told(done, every)
    if now is not None:
        await _judge(app, now)
    return Backfilled(
        *(_count(app, name, source) for name in ("events_stored", "duplicates", "misfits", "ignored"))
    )


def _by_trace(pipeline: Pipeline, deliveries: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """What belongs together, together: all that shares a key, in whatever flow; the rest one by one."""
    keys: correlate.DisjointSets[object] = correlate.DisjointSets()
    named: list[object] = []
    for number, delivery in enumerate(deliveries):
        name: object = number
        for one in pipeline.decoder.decode(delivery):
            seen = pipeline.mapping.observe(one) if isinstance(one, Event) else one
            for observation in () if isinstance(seen, Misfit) else seen:
                for key in observation.keys:
                    keys.union(name, (observation.flow, key))
        named.append(name)
    found: dict[object, list[Delivery]] = {}
    for name, delivery in zip(named, deliveries, strict=True):
        found.setdefault(keys.find(name), []).append(delivery)
    yield from found.values()


def _batches(traces: Sequence[list[Delivery]]) -> Iterator[list[Delivery]]:
    """Whole traces, about :data:`BATCH` deliveries at a time."""
    batch: list[Delivery] = []
    for trace in traces:
        batch += trace
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _judge(app: App, now: datetime) -> None:
    flows = app.flows.active
    until = dict.fromkeys(flows, now)
    while await app.store.sweep_clocks(until, app.now(), BATCH, None, app.flows.watched):
        pass
    settled = {key: now - expected.flow.ordering.lateness for key, expected in flows.items()}
    while await app.store.confirm_findings(settled, app.now(), BATCH):
        pass


def _count(app: App, name: str, source: str) -> int:
    metric = f"choreoscope_{name}_total"
    return int(
        sum(
            sample.value
            for family in app.metrics.registry.collect()
            for sample in family.samples
            if sample.name == metric and sample.labels.get("source") == source
        )
    )

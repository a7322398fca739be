"""What one trace adds to the sums of its flow version, as it stands now.

Times are those of one run of the flow (:mod:`monitor.timing`), so a step after parallel branches has waited
since the last of them ended. Of a deviating trace the steps its alignment counts are timed: what should not
have happened adds no time, and a skipped step has none.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.conformance.checker import Aligned
from monitor.domain.event import Observation
from monitor.domain.verdict import Clock, ClockKind, ClockState, FindingKind
from monitor.statistics.sums import (
    KINDS,
    STILL_RUNNING,
    Cell,
    Measure,
    bucket_of,
    day_of,
    share_of,
)
from monitor.timing import Step

MOST_EVENTS = 500
"""Traces of more events are counted, but neither their steps nor their variant are."""


@dataclass(frozen=True, slots=True)
class Stands:
    """A trace as it is stored: ``observations`` in trace order (none of one with more than
    :data:`MOST_EVENTS`, or that could not be decided), ``deviations`` are the confirmed ones that hold, each
    with its element."""

    flow: str
    flow_id: int
    first: datetime
    last: datetime
    complete: bool
    standing: tuple[str, ...]
    observations: tuple[Observation, ...]
    deviations: tuple[tuple[str | None, FindingKind], ...]
    clocks: tuple[Clock, ...]


class Late(NamedTuple):
    """A clock that ended ``over`` after it was due."""

    sla: str
    occurrence: int
    over: timedelta


@dataclass(frozen=True, slots=True)
class Contribution:
    """``variant`` and ``duration`` of a complete trace; ``labels`` are what the variant stands for."""

    flow: str
    flow_id: int
    day: int
    cells: Mapping[Cell, int]
    late: tuple[Late, ...]
    deviating: bool
    variant: str | None = None
    labels: tuple[str, ...] = ()
    duration: timedelta | None = None


def contribution(trace: Stands, counted: Sequence[Aligned], steps: Sequence[Step]) -> Contribution:
    """``counted``: the steps of the trace's alignment; ``steps``: what each did in one run of them (none
    where nobody asked)."""
    cells = Counter[Cell]()
    cells[Cell(Measure.TRACES, "", 0)] = 1
    if trace.deviations:
        cells[Cell(Measure.DEVIATING, "", 0)] = 1
    for element, kind in trace.deviations:
        cells[Cell(Measure.DEVIATION, element or "", KINDS.index(kind))] += 1
    _add_steps(cells, counted, steps)
    _add_clocks(cells, trace.clocks)
    duration = variant = None
    labels: tuple[str, ...] = ()
    if trace.complete:
        duration = max(trace.last - trace.first, timedelta(0))
        cells[Cell(Measure.COMPLETE, "", 0)] = 1
        cells[Cell(Measure.DURATION, "", bucket_of(duration))] = 1
        labels = tuple(observation.label for observation in trace.observations)
        variant = variant_of(labels) if labels else None
    else:
        cells.update(Cell(Measure.STANDING, element, 0) for element in set(trace.standing))
    return Contribution(
        flow=trace.flow,
        flow_id=trace.flow_id,
        day=day_of(trace.first),
        cells=cells,
        late=_late(trace.clocks),
        deviating=bool(trace.deviations),
        variant=variant,
        labels=labels,
        duration=duration,
    )


def variant_of(labels: Sequence[str]) -> str:
    """A short name for the labels in their order."""
    said = "\x1f".join(labels).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=8).hexdigest()


def _add_steps(cells: Counter[Cell], counted: Sequence[Aligned], steps: Sequence[Step]) -> None:
    times = [None if one.observation is None else one.observation.time for one in counted]
    reached: set[str] = set()
    for step, time in zip(steps, times, strict=False):
        if time is None:
            continue
        reached.update(step.elements)
        since = _since(step.after, steps, times)
        begun = None if step.began is None else times[step.began]
        for element in step.elements:
            if not step.is_start:
                cells[Cell(Measure.PASSED, element, 0)] += 1
            if begun is not None:
                cells[Cell(Measure.WORKED, element, bucket_of(time - begun))] += 1
            elif since is not None:
                cells[Cell(Measure.WAITED, element, bucket_of(time - since))] += 1
    cells.update(Cell(Measure.REACHED, element, 0) for element in reached)


def _since(after: int | None, steps: Sequence[Step], times: Sequence[datetime | None]) -> datetime | None:
    """When a step became possible: the time of its cause, or of that one's where it was skipped."""
    while after is not None and times[after] is None:
        after = steps[after].after
    return None if after is None else times[after]


def _add_clocks(cells: Counter[Cell], clocks: Sequence[Clock]) -> None:
    for clock in clocks:
        if clock.kind is not ClockKind.LIMIT:
            continue
        if clock.state is ClockState.BREACHED:
            cells[Cell(Measure.SHARE, clock.sla, STILL_RUNNING)] += 1
        elif clock.state in (ClockState.MET, ClockState.MISSED) and clock.ended is not None:
            share = share_of(clock.ended - clock.started, clock.due - clock.started)
            cells[Cell(Measure.SHARE, clock.sla, share)] += 1


def _late(clocks: Sequence[Clock]) -> tuple[Late, ...]:
    return tuple(
        Late(clock.sla, clock.occurrence, clock.ended - clock.due)
        for clock in clocks
        if clock.state is ClockState.MISSED and clock.kind is ClockKind.LIMIT and clock.ended is not None
    )

"""Which observations of a trace have a known order (DESIGN 3.2).

A trace is ordered by event time. Observations at most ``tolerance`` apart are concurrent, unless one
producer's own order says otherwise: the same partition, its sequence numbers, or one naming the other as
its cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from monitor.domain.event import Observation

_by_time = attrgetter("time", "label", "identity")


class Window(NamedTuple):
    """Observations no gap in time separates. ``before[i]`` are the observations of the window (as bits of
    their index) known to come before ``observations[i]``."""

    observations: tuple[Observation, ...]
    before: tuple[int, ...]


def sort_key(observation: Observation) -> tuple[datetime, str, bytes]:
    """The canonical order: time first, then what does not depend on arrival."""
    return (observation.time, observation.label, observation.identity)


def windows(observations: Sequence[Observation], tolerance: timedelta) -> list[Window]:
    """Cut a trace wherever two neighbours are further apart than ``tolerance``: what stands in different
    windows is ordered; inside one, ``before`` tells."""
    ordered = sorted(observations, key=_by_time)
    cut: list[Window] = []
    start = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or ordered[at].time - ordered[at - 1].time > tolerance:
            group = tuple(ordered[start:at])
            cut.append(Window(group, (0,) if len(group) == 1 else _known_order(group, tolerance)))
            start = at
    return cut


def _known_order(group: tuple[Observation, ...], tolerance: timedelta) -> tuple[int, ...]:
    before = [0] * len(group)
    for late, b in enumerate(group):
        for early, a in enumerate(group):
            if a is not b and _precedes(a, b, tolerance):
                before[late] |= 1 << early
    _drop_cycles(before)
    return tuple(before)


def _precedes(a: Observation, b: Observation, tolerance: timedelta) -> bool:
    if b.time - a.time > tolerance:
        return True
    if a.time - b.time > tolerance:
        return False
    if b.cause is not None and b.cause == a.event_id:
        return True
    if a.producer != b.producer:
        return False
    if a.sequence is not None and b.sequence is not None and a.producer is not None:
        return a.sequence < b.sequence
    if a.lane is not None and a.lane == b.lane and a.offset is not None and b.offset is not None:
        return a.offset < b.offset
    return False


def _drop_cycles(before: list[int]) -> None:
    """Producers may contradict each other or the clock: observations caught in a circle have no known
    order among themselves."""
    closure = list(before)
    for middle in range(len(closure)):
        for at in range(len(closure)):
            if closure[at] >> middle & 1:
                closure[at] |= closure[middle]
    for at, reached in enumerate(closure):
        if reached >> at & 1:
            for other in range(len(closure)):
                if closure[at] >> other & 1 and closure[other] >> at & 1:
                    before[at] &= ~(1 << other)

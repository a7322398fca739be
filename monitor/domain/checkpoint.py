"""Cuts in long traces, and what the segments between them amount to (docs/adr/0006-long-traces.md)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Sum(NamedTuple):
    """What segments amount to. ``beyond``: the cost of those after the first. ``exact``: each is aligned
    within the bounds on work."""

    events: int = 0
    cost: int = 0
    beyond: int = 0
    deviations: int = 0
    exact: bool = True

    @property
    def optimal(self) -> bool:
        """Whether no alignment of the whole trace can cost less: cuts cost nothing where only the first
        segment deviates, or one change is all."""
        return self.exact and (self.beyond == 0 or self.cost == 1)


def total(sums: Iterable[Sum]) -> Sum:
    events = cost = beyond = deviations = 0
    exact = True
    for one in sums:
        events += one.events
        cost += one.cost
        beyond += one.beyond
        deviations += one.deviations
        exact = exact and one.exact
    return Sum(events, cost, beyond, deviations, exact)


class Checkpoint(NamedTuple):
    """A cut. ``time`` is that of the first event after it, ``text`` what to go on from, ``segment`` what
    the segment before it amounts to."""

    time: datetime
    text: str
    segment: Sum


class Span(NamedTuple):
    """A part of a trace that was judged again, from its cut at ``since`` (None: from its beginning) to its
    cut at ``until`` (None: to its end). ``checkpoints`` are the cuts after ``since``, ``until`` included."""

    since: datetime | None = None
    until: datetime | None = None
    checkpoints: tuple[Checkpoint, ...] = ()

    @property
    def is_whole(self) -> bool:
        return self.since is None and self.until is None

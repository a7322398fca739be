"""Histograms of :mod:`monitor.statistics` as columns of a chart. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.dashboard import words
from monitor.dashboard.charts import Column
from monitor.statistics import LEAST, SHARES, STILL_RUNNING, Histogram, edges

MOST_COLUMNS = 32
_TICKS = 5
_LIMIT = 20
"""The first bucket of shares past the whole time there was."""


@dataclass(frozen=True, slots=True)
class Durations:
    """``columns`` on a scale on which equal steps multiply the time; each is ``group`` buckets wide, the
    first begins with bucket ``first``."""

    columns: Sequence[Column]
    first: int
    group: int

    def at(self, span: timedelta) -> float:
        """Where a duration is, in columns from the left."""
        seconds = span.total_seconds()
        bucket = max(LEAST + 1, 4 * math.log2(seconds)) if seconds >= 0.001 else LEAST
        return (bucket - self.first) / self.group


def durations(histogram: Histogram, noun: str) -> Durations:
    """How long things took; as many buckets are drawn as one column as makes the chart fit. ``noun``: what is
    counted, in the singular."""
    counted = {bucket: count for bucket, count in histogram.items() if count > 0}
    if not counted:
        return Durations((), LEAST, 1)
    group = 1
    while max(counted) // group - min(counted) // group >= MOST_COLUMNS:
        group *= 2
    first, last = min(counted) // group, max(counted) // group
    every = max(1, math.ceil((last - first + 1) / _TICKS))
    columns = []
    for at in range(first, last + 1):
        low, high = edges(at * group)[0], edges(at * group + group - 1)[1]
        value = sum(counted.get(at * group + inside, 0) for inside in range(group))
        columns.append(
            Column(
                f"{_said(low)} to {_said(high)}",
                value,
                words.count(value, noun),
                tick=_said(low) if (at - first) % every == 0 else "",
            )
        )
    return Durations(columns, first * group, group)


def _said(seconds: float) -> str:
    return words.duration(timedelta(seconds=seconds))


def clock_shares(histogram: Histogram) -> list[Column]:
    """Clocks of an SLA by how much of their time they took, in steps of 5 %; the limit is at column 20. The
    last column is of clocks that are past due and still run, where there are any. Nothing where nothing was
    counted."""
    if not any(histogram.values()):
        return []
    columns = []
    for bucket in range(SHARES):
        value = histogram.get(bucket, 0)
        label = f"{bucket * 5} % to {bucket * 5 + 5} % of the time"
        if bucket == SHARES - 1:
            label = "twice the time and more"
        tick = f"{bucket * 5} %" if bucket % 10 == 0 else ""
        tone = "ok" if bucket < _LIMIT else "bad"
        columns.append(Column(label, value, words.count(value, "clock"), tone, tick))
    running = histogram.get(STILL_RUNNING, 0)
    if running:
        columns.append(Column("past due, still running", running, words.count(running, "clock"), "warn"))
    return columns

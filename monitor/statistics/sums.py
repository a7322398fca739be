"""The sums of statistics, and what is read from them.

Statistics count traces by the day they began (UTC), so that a funnel, a variant or a comparison of versions
speaks of the same traces throughout. Durations are counted in buckets, four for each doubling (edges lie
19 % apart), because buckets add up and can be taken off again when a late event changes a trace.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

Histogram = Mapping[int, int]
"""Bucket to how many are in it."""

_PER_DOUBLING = 4
LEAST = -41
"""The bucket of whatever took less than a millisecond."""

_MOST = 160

SHARES = 41
"""Buckets of :attr:`Measure.SHARE`: steps of 5 % of the time there was; the last one is twice the time and
more."""

STILL_RUNNING = SHARES
"""The bucket of clocks that are past due and have not ended."""


class Measure(StrEnum):
    """What a sum counts, and of which element. ``element`` is empty where it is about whole traces.

    ``TRACES``, ``COMPLETE``, ``DEVIATING`` (a confirmed deviation holds): traces. ``DURATION``: of complete
    ones, from the first event to the last. ``REACHED``: traces that got to an element, ``PASSED``: how often
    they did. ``WAITED``: from when an event became possible to when it came (of an activity whose start is
    seen: until it started), ``WORKED``: from start to end. ``STANDING``: open traces that wait there now.
    ``SHARE``: ended or overdue clocks of an SLA (``element`` is its name) by the share of the time used.
    ``DEVIATION``: confirmed deviations at an element, the bucket being the place of the kind in
    :data:`KINDS`."""

    TRACES = "traces"
    COMPLETE = "complete"
    DEVIATING = "deviating"
    DURATION = "duration"
    REACHED = "reached"
    PASSED = "passed"
    WAITED = "waited"
    WORKED = "worked"
    STANDING = "standing"
    SHARE = "share"
    DEVIATION = "deviation"


KINDS = (
    "out_of_order",
    "missing",
    "duplicate",
    "unexpected",
    "unknown",
    "after_end",
    "too_early",
    "condition",
)
"""Kinds of deviations by their place, which is stored: new ones go to the end."""


class Cell(NamedTuple):
    measure: Measure
    element: str
    bucket: int


def bucket_of(span: timedelta) -> int:
    """The bucket of a duration; of a negative one, that of nothing."""
    seconds = span.total_seconds()
    if seconds < 0.001:
        return LEAST
    return min(_MOST, max(LEAST + 1, math.floor(_PER_DOUBLING * math.log2(seconds))))


def edges(bucket: int) -> tuple[float, float]:
    """From which duration on, and below which, a bucket counts, in seconds."""
    if bucket <= LEAST:
        return 0.0, 0.001
    return 2 ** (bucket / _PER_DOUBLING), 2 ** ((bucket + 1) / _PER_DOUBLING)


def share_of(passed: timedelta, limit: timedelta) -> int:
    """The bucket of how much of its time a clock took."""
    if limit <= timedelta(0):
        return SHARES - 1
    return min(SHARES - 1, max(0, math.floor(passed / limit * 20)))


def quantile(histogram: Histogram, share: float) -> timedelta | None:
    """The duration that ``share`` (0 to 1) of what was counted does not exceed; within a bucket as if all of
    it lay evenly between its edges, so at most 19 % off. None where nothing was counted."""
    total = sum(histogram.values())
    if total <= 0:
        return None
    wanted = share * total
    below = 0
    for bucket in sorted(histogram):
        count = histogram[bucket]
        if count > 0 and below + count >= wanted:
            low, high = edges(bucket)
            inside = max(0.0, min(1.0, (wanted - below) / count))
            return timedelta(seconds=low + (high - low) * inside)
        below += count
    return timedelta(seconds=edges(max(histogram))[1])


def day_of(time: datetime) -> int:
    """Days since 1970-01-01, UTC; negative before."""
    return math.floor(time.timestamp() / 86_400)

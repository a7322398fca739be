"""Whether a series of samples grows. Pure.

A series is taken from where it has settled, and its slope is that of Theil and Sen: the median of the slopes
between all pairs of samples. Half of the samples may be as wild as they like (a backlog after a checkpoint, a
table before its vacuum) without changing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

SETTLED = 0.25
"""The share of a run after which things are as they will be."""

MOST = 400
"""Samples that pairs are made of; of more, evenly spread ones."""

Samples = Sequence[tuple[float, float]]
"""When, in seconds, and how much."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A series is flat if from where it has settled to the end it grows by no more than ``share`` of its
    median, or by no more than ``least`` of its unit, whichever is more."""

    share: float
    least: float


@dataclass(frozen=True, slots=True)
class Quarter:
    least: float
    middle: float
    most: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """``growth``: over the settled part, by its slope, in the unit of the series; ``allowed``: its bound."""

    quarters: tuple[Quarter, ...]
    middle: float
    growth: float
    allowed: float

    @property
    def flat(self) -> bool:
        return self.growth <= self.allowed


def slope(samples: Samples) -> float:
    """Growth a second. Raises ValueError for fewer than two instants."""
    step = max(1, -(-len(samples) // MOST))
    slopes = [
        (later - earlier) / (after - before)
        for (before, earlier), (after, later) in combinations(samples[::step], 2)
        if after != before
    ]
    if not slopes:
        raise ValueError("a slope needs samples of two instants")
    return median(slopes)


def judge(samples: Samples, bound: Bound) -> Verdict:
    """``samples`` by when they were taken. Raises ValueError where there are too few."""
    begin, end = samples[0][0], samples[-1][0]
    settled = [one for one in samples if one[0] >= begin + SETTLED * (end - begin)]
    middle = median(value for _, value in settled)
    growth = slope(settled) * (settled[-1][0] - settled[0][0])
    return Verdict(_quarters(samples), middle, growth, max(bound.share * abs(middle), bound.least))


def _quarters(samples: Samples) -> tuple[Quarter, ...]:
    begin, end = samples[0][0], samples[-1][0]
    parts: list[list[float]] = [[] for _ in range(4)]
    for at, value in samples:
        parts[min(3, int(4 * (at - begin) / (end - begin)))].append(value)
    return tuple(Quarter(min(part), median(part), max(part)) for part in parts if part)

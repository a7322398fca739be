"""Points and lines. y grows downwards; lengths are pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from monitor.bpmn.document import Bounds

Point = tuple[float, float]

FARTHEST = 100_000.0
"""Coordinates beyond this count as not given."""


def usable(bounds: Bounds) -> bool:
    return (
        all(math.isfinite(value) and abs(value) <= FARTHEST for value in bounds)
        and bounds.width >= 1
        and bounds.height >= 1
    )


def within_reach(point: Point) -> bool:
    return all(math.isfinite(value) and abs(value) <= FARTHEST for value in point)


def middle(bounds: Bounds) -> Point:
    return bounds.x + bounds.width / 2, bounds.y + bounds.height / 2


def straightened(path: Sequence[Point]) -> list[Point]:
    """Without points that lie on each other, or on an upright or level line between their neighbours."""
    clean: list[Point] = []
    for point in path:
        if clean and _same(clean[-1][0], point[0]) and _same(clean[-1][1], point[1]):
            continue
        if len(clean) > 1 and any(
            _same(clean[-2][axis], clean[-1][axis]) and _same(clean[-1][axis], point[axis]) for axis in (0, 1)
        ):
            clean.pop()
        clean.append(point)
    return clean if len(clean) > 1 else [*clean, *path[-1:]]


def nearest(one: Bounds, other: Bounds) -> tuple[Point, Point]:
    """The ends of a straight line between two boxes: upright or level if they face each other."""
    x1, x2 = _facing(one.x, one.width, other.x, other.width)
    y1, y2 = _facing(one.y, one.height, other.y, other.height)
    return (x1, y1), (x2, y2)


def elbow(one: Bounds, other: Bounds) -> tuple[Point, ...]:
    """A right-angled line from one box to another, for edges nobody drew: to the right if it can."""
    (x1, y1), (x2, y2) = middle(one), middle(other)
    if one.x + one.width < other.x:
        start, end = one.x + one.width, other.x
        turn = (start + end) / 2
        return tuple(straightened([(start, y1), (turn, y1), (turn, y2), (end, y2)]))
    if abs(x1 - x2) < 1 or one.y + one.height < other.y or other.y + other.height < one.y:
        down = y2 > y1
        start, end = (one.y + one.height, other.y) if down else (one.y, other.y + other.height)
        turn = (start + end) / 2
        return tuple(straightened([(x1, start), (x1, turn), (x2, turn), (x2, end)]))
    low = max(one.y + one.height, other.y + other.height) + 20
    return (x1, one.y + one.height), (x1, low), (x2, low), (x2, other.y + other.height)


def distance(one: Point, other: Point) -> float:
    return float(((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5)


def towards(start: Point, end: Point, length: float) -> Point:
    """The point ``length`` from ``start`` in the direction of ``end`` (``start`` if they are the same)."""
    far = distance(start, end)
    if far < 1e-6:
        return start
    part = length / far
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _same(one: float, other: float) -> bool:
    return abs(one - other) < 0.01


def _facing(start: float, length: float, other_start: float, other_length: float) -> tuple[float, float]:
    low, high = max(start, other_start), min(start + length, other_start + other_length)
    if low <= high:
        return (low + high) / 2, (low + high) / 2
    if start + length < other_start:
        return start + length, other_start
    return start, other_start + other_length

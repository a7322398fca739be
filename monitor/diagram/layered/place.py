"""Stage 3: heights. Hops are made straight, the longest path first, as far as straight ones do not cross;
what straight hops join is a block with one height. Blocks are then pulled towards their neighbours."""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from monitor.diagram.layered.graph import Vertex

CELL_GAP = 30.0
BEND_GAP = 16.0
LANE_GAP = 18.0
LANE_LEAST = 90.0
_ROUNDS = 12


class Pull(NamedTuple):
    """Two vertices that want the same height. Only neighbours in rank can be made ``straight``."""

    left: Vertex
    right: Vertex
    strength: int
    straight: bool = True


def place(layers: Sequence[Sequence[Vertex]], pulls: Sequence[Pull]) -> None:
    """Sets every vertex's ``y``; ``pulls`` in the order in which they shall be made straight."""
    for layer in layers:
        for index, vertex in enumerate(layer):
            vertex.position = float(index)
    blocks = _blocks(layers, pulls)
    heights = _Heights(layers, pulls, blocks)
    heights.settle(blocks[_anchor(layers, pulls)])
    for vertex, block in blocks.items():
        vertex.y = heights.y[block]


def _anchor(layers: Sequence[Sequence[Vertex]], pulls: Sequence[Pull]) -> Vertex:
    """The vertex the drawing is built around: on the first hop that joins two cells."""
    for pull in pulls:
        if pull.left.cell and pull.right.cell:
            return pull.left
    return next(vertex for layer in layers for vertex in layer)


def _blocks(layers: Sequence[Sequence[Vertex]], pulls: Sequence[Pull]) -> dict[Vertex, int]:
    right_of: dict[Vertex, Vertex] = {}
    taken: set[Vertex] = set()
    straight: dict[int, list[tuple[float, float]]] = {}
    for pull in pulls:
        if not pull.straight or pull.left in right_of or pull.right in taken:
            continue
        hop = (pull.left.position, pull.right.position)
        lane = straight.setdefault(pull.left.rank, [])
        at = bisect_left(lane, hop)
        if (at and lane[at - 1][1] >= hop[1]) or (at < len(lane) and lane[at][1] <= hop[1]):
            continue
        insort(lane, hop)
        right_of[pull.left] = pull.right
        taken.add(pull.right)
    blocks: dict[Vertex, int] = {}
    count = 0
    for layer in layers:
        for vertex in layer:
            if vertex in taken:
                continue
            here: Vertex | None = vertex
            while here is not None:
                blocks[here] = count
                here = right_of.get(here)
            count += 1
    return blocks


class _Heights:
    """The height of each block under the distances that neighbours in a rank must keep."""

    def __init__(
        self, layers: Sequence[Sequence[Vertex]], pulls: Sequence[Pull], blocks: dict[Vertex, int]
    ) -> None:
        count = max(blocks.values(), default=-1) + 1
        self.y = [0.0] * count
        self._above: list[dict[int, float]] = [{} for _ in range(count)]
        self._below: list[dict[int, float]] = [{} for _ in range(count)]
        self._drawn: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for layer in layers:
            for upper, lower in itertools.pairwise(layer):
                self._keep(blocks[upper], blocks[lower], _distance(upper, lower))
        for pull in pulls:
            left, right = blocks[pull.left], blocks[pull.right]
            if left != right:
                self._drawn[left].append((right, pull.strength))
                self._drawn[right].append((left, pull.strength))
        self._order = self._topological(count)

    def _keep(self, upper: int, lower: int, distance: float) -> None:
        distance = max(distance, self._below[upper].get(lower, 0.0))
        self._below[upper][lower] = distance
        self._above[lower][upper] = distance

    def _topological(self, count: int) -> list[int]:
        missing = [len(above) for above in self._above]
        ready = [block for block in range(count) if not missing[block]]
        order: list[int] = []
        while ready:
            here = ready.pop()
            order.append(here)
            for lower in self._below[here]:
                missing[lower] -= 1
                if not missing[lower]:
                    ready.append(lower)
        return order

    def settle(self, anchor: int) -> None:
        self._spread(anchor)
        for round_ in range(_ROUNDS):
            for block in self._order if round_ % 2 else reversed(self._order):
                if block != anchor and self._drawn[block]:
                    self._pull(block)

    def _spread(self, anchor: int) -> None:
        """A first drawing that keeps all distances: the anchor at 0, what must be below it packed from
        there downwards, all the rest packed upwards."""
        under = {anchor}
        for block in self._order:
            if block != anchor and not under.isdisjoint(self._above[block]):
                under.add(block)
                self.y[block] = max(self.y[up] + gap for up, gap in self._above[block].items() if up in under)
        for block in reversed(self._order):
            if block not in under and self._below[block]:
                self.y[block] = min(self.y[low] - gap for low, gap in self._below[block].items())

    def _pull(self, block: int) -> None:
        """As near as the neighbours in the ranks allow to where the sum of the pulls is least."""
        wanted = sorted((self.y[other], strength) for other, strength in self._drawn[block])
        half = sum(strength for _, strength in wanted) / 2
        passed = 0.0
        lowest = highest = wanted[-1][0]
        for height, strength in wanted:
            passed += strength
            if passed >= half:
                lowest = height
                highest = next((h for h, _ in wanted if h > height), height) if passed == half else height
                break
        target = min(max(self.y[block], lowest), highest)
        least = max((self.y[up] + gap for up, gap in self._above[block].items()), default=-inf)
        most = min((self.y[low] - gap for low, gap in self._below[block].items()), default=inf)
        self.y[block] = min(max(target, least), most)


def _distance(upper: Vertex, lower: Vertex) -> float:
    if upper.separator and lower.separator:
        return LANE_LEAST
    if upper.separator or lower.separator:
        gap = LANE_GAP
    else:
        gap = CELL_GAP if upper.cell and lower.cell else BEND_GAP
    return upper.down + gap + lower.up

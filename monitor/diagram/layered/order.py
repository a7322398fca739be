"""Stage 2: the order within each rank, so that few links cross (barycentres, then exchanging neighbours)."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence

from monitor.diagram.layered.graph import Vertex

Hops = Mapping[Vertex, Sequence[tuple[Vertex, float]]]
"""Neighbours of a vertex on one side. The number shifts the near end, so that ports keep their order."""

_SWEEPS = 16
_EFFORT = 60_000  # vertices visited in all sweeps together: what bounds the time for very large graphs
_EXCHANGES = 6
_EXCHANGE_LIMIT = 60  # ranks with more vertices are left to the barycentres


class Hopping:
    """The hops between neighbouring ranks, seen from both sides. ``shift`` is that of the left end."""

    def __init__(self) -> None:
        self.right: dict[Vertex, list[tuple[Vertex, float]]] = {}
        self.left: dict[Vertex, list[tuple[Vertex, float]]] = {}
        self._between: dict[int, list[tuple[Vertex, float, Vertex]]] = {}

    def add(self, left: Vertex, right: Vertex, shift: float = 0.0) -> None:
        self.right.setdefault(left, []).append((right, shift))
        self.left.setdefault(right, []).append((left, shift))
        self._between.setdefault(left.rank, []).append((left, shift, right))

    def crossings(self, rank: int) -> int:
        """How often hops between this rank and the next cross."""
        ends = sorted(
            (left.position + shift, right.position) for left, shift, right in self._between.get(rank, ())
        )
        seen: list[float] = []
        count = 0
        for _, end in ends:
            count += len(seen) - bisect_right(seen, end)
            insort(seen, end)
        return count


def order(layers: list[list[Vertex]], hops: Hopping) -> None:
    """Sorts each layer in place; vertices of one lane stay together, lanes in ascending order."""
    _number(layers)
    best = [list(layer) for layer in layers]
    fewest = _total(layers, hops)
    visits = sum(len(layer) for layer in layers)
    for sweep in range(max(1, min(_SWEEPS, _EFFORT // max(1, visits)))):
        if not fewest:
            break
        _sweep(layers, hops, rightwards=sweep % 2 == 0)
        _exchange(layers, hops)
        count = _total(layers, hops)
        if count < fewest:
            fewest, best = count, [list(layer) for layer in layers]
    layers[:] = best
    _number(layers)


def _number(layers: Sequence[Sequence[Vertex]]) -> None:
    for layer in layers:
        for index, vertex in enumerate(layer):
            vertex.position = float(index)


def _total(layers: Sequence[Sequence[Vertex]], hops: Hopping) -> int:
    return sum(hops.crossings(rank) for rank in range(len(layers) - 1))


def _sweep(layers: Sequence[list[Vertex]], hops: Hopping, rightwards: bool) -> None:
    near = hops.left if rightwards else hops.right
    for layer in layers if rightwards else reversed(layers):
        centre = {vertex: _barycentre(vertex, near, rightwards) for vertex in layer}
        layer.sort(key=lambda vertex: (vertex.lane, centre[vertex]))
        for index, vertex in enumerate(layer):
            vertex.position = float(index)


def _barycentre(vertex: Vertex, near: Hops, leftwards: bool) -> float:
    around = near.get(vertex)
    if not around:
        return vertex.position
    total = sum(other.position + (shift if leftwards else 0.0) for other, shift in around)
    return total / len(around)


def _exchange(layers: Sequence[list[Vertex]], hops: Hopping) -> None:
    """Swaps neighbours where that leaves fewer crossings, until none does or enough was tried."""
    for _ in range(_EXCHANGES):
        swapped = False
        for layer in layers:
            if len(layer) > _EXCHANGE_LIMIT:
                continue
            for index in range(len(layer) - 1):
                above, below = layer[index], layer[index + 1]
                if above.lane == below.lane and _gain(above, below, hops) > 0:
                    layer[index], layer[index + 1] = below, above
                    above.position, below.position = below.position, above.position
                    swapped = True
        if not swapped:
            return


def _gain(above: Vertex, below: Vertex, hops: Hopping) -> int:
    """Crossings saved by exchanging two neighbours of one rank."""
    gain = 0
    for side, leftwards in ((hops.left, True), (hops.right, False)):
        upper = [other.position + (shift if leftwards else 0.0) for other, shift in side.get(above, ())]
        lower = [other.position + (shift if leftwards else 0.0) for other, shift in side.get(below, ())]
        for mine in upper:
            for theirs in lower:
                gain += (mine > theirs) - (mine < theirs)
    return gain

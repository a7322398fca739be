"""The vertical pieces of routes in one channel between two columns, put side by side on tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_NEAR = 6.0
_OVERLAP = 50  # two lines drawn over each other are worse than this many crossings
_IMPROVEMENTS = 4


@dataclass(slots=True, eq=False)
class Piece:
    """A vertical piece; ``left`` and ``right`` are the heights at which horizontal lines come from that
    side. Pieces with the same ``trunk`` share a line."""

    trunk: object
    left: tuple[float, ...]
    right: tuple[float, ...]
    channel: int = 0
    track: int = 0


@dataclass(slots=True, eq=False)
class _Trunk:
    pieces: list[Piece] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    low: float = 0.0
    high: float = 0.0

    def close(self) -> None:
        self.low = min([*self.left, *self.right])
        self.high = max([*self.left, *self.right])


class Tracks:
    """One channel. Add pieces, then :meth:`assign`; ``count`` is then the number of tracks."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._trunks: dict[object, _Trunk] = {}
        self.count = 0

    def add(self, piece: Piece) -> None:
        piece.channel = self._channel
        trunk = self._trunks.setdefault(piece.trunk, _Trunk())
        trunk.pieces.append(piece)
        trunk.left.extend(piece.left)
        trunk.right.extend(piece.right)

    def assign(self) -> None:
        """Tracks from left to right such that few lines cross and none lie on each other."""
        trunks = list(self._trunks.values())
        for trunk in trunks:
            trunk.close()
        placed: list[tuple[_Trunk, int]] = []
        for trunk in _sorted(trunks):
            track = max((at + 1 for other, at in placed if _touch(other, trunk)), default=0)
            placed.append((trunk, track))
            for piece in trunk.pieces:
                piece.track = track
            self.count = max(self.count, track + 1)


def _sorted(trunks: Sequence[_Trunk]) -> list[_Trunk]:
    """Inserted one by one where it costs least, then neighbours exchanged while that helps."""
    order: list[_Trunk] = []
    for trunk in sorted(trunks, key=lambda trunk: (trunk.low, trunk.high)):
        cost = best = sum(_cost(trunk, other) for other in order)
        at = 0
        for index, other in enumerate(order):
            cost += _cost(other, trunk) - _cost(trunk, other)
            if cost < best:
                best, at = cost, index + 1
        order.insert(at, trunk)
    for _ in range(_IMPROVEMENTS):
        swapped = False
        for index in range(len(order) - 1):
            first, second = order[index], order[index + 1]
            if _cost(second, first) < _cost(first, second):
                order[index], order[index + 1] = second, first
                swapped = True
        if not swapped:
            break
    return order


def _cost(left: _Trunk, right: _Trunk) -> int:
    """What it costs to have one trunk left of the other."""
    cost = sum(right.low < y < right.high for y in left.right)
    cost += sum(left.low < y < left.high for y in right.left)
    cost += _OVERLAP * sum(abs(y - other) < _NEAR for y in left.right for other in right.left)
    return cost


def _touch(one: _Trunk, other: _Trunk) -> bool:
    """Whether the two may not share a track."""
    return one.low - _NEAR < other.high and other.low - _NEAR < one.high

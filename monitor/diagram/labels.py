"""Where labels go, and how wide they may be. Used by the layout and, for diagrams that do not say, by
the drawing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from monitor.bpmn.document import Bounds
from monitor.diagram.geometry import Point, distance
from monitor.diagram.text import Block, measure, wrap

Beginning = tuple[int, int, int, int]

SIZE = 11.0
GAP = 5.0
NODE_WIDTH = 92.0
EDGE_WIDTH = 100.0
MOST_LINES = 8
_WORD_WIDTH = 160.0
_LOOKED_AT = 1000  # characters
_AWAY = 16.0  # from the start of an upright piece
_LIFT = 5.0  # above a line: clear of the slash of a default flow


def node_label(name: str) -> Block:
    """The name of an event, gateway or data object, which stands outside of it."""
    return unbroken(name, NODE_WIDTH)


def edge_label(name: str) -> Block:
    return unbroken(name, EDGE_WIDTH)


def unbroken(name: str, width: float) -> Block:
    """Wrapped to a width, but wider rather than with a word broken, within reason; the end of what is very
    long is only told."""
    longest = max((measure(word, SIZE) for word in name[:_LOOKED_AT].split()), default=0.0)
    return wrap(name, max(width, min(longest, _WORD_WIDTH)), SIZE, MOST_LINES)


def below(shape: Bounds, block: Block) -> Bounds:
    left = shape.x + shape.width / 2 - block.width / 2
    return Bounds(left, shape.y + shape.height + GAP, block.width, block.height)


def beside_flows(shape: Bounds, block: Block, ends: Collection[tuple[int, int]]) -> Bounds:
    """Below a shape, else above it, else aside of what leaves there: where no flow of those that end at
    ``ends`` (to the pixel) runs through it."""
    x = shape.x + shape.width / 2
    under, over = below(shape, block), above(shape, block)
    if _untouched(x, shape.y + shape.height, ends):
        return under
    if _untouched(x, shape.y, ends):
        return over
    return Bounds(x - 8 - block.width, under.y - 4, block.width, block.height)


def _untouched(x: float, y: float, ends: Collection[tuple[int, int]]) -> bool:
    return not any((round(x) + dx, round(y) + dy) in ends for dx in (-1, 0, 1) for dy in (-1, 0, 1))


def above(shape: Bounds, block: Block) -> Bounds:
    left = shape.x + shape.width / 2 - block.width / 2
    return Bounds(left, shape.y - GAP - block.height, block.width, block.height)


def on_edge(points: Sequence[Point], block: Block, *, shared: bool = False) -> Bounds:
    """Above the first level piece long enough for it, near where that begins; else right of the longest
    upright one, near where that begins; else above the longest level piece. ``shared``: the first piece is
    another edge's, too, so that a label there would be about neither."""
    pieces = list(pairwise(points))
    if shared and len(pieces) > 1:
        pieces = pieces[1:]
    level = [(a, b) for a, b in pieces if abs(a[1] - b[1]) < 1 and abs(a[0] - b[0]) > 1]
    roomy = [piece for piece in level if abs(piece[0][0] - piece[1][0]) >= block.width + GAP]
    if roomy:
        return _at(*roomy[0], block)
    upright = max(pieces, key=lambda piece: abs(piece[0][1] - piece[1][1]))
    if not level or abs(upright[0][1] - upright[1][1]) > _AWAY + block.height + GAP:
        return _at(*upright, block)
    return _at(*max(level, key=lambda piece: abs(piece[0][0] - piece[1][0])), block)


def shared_beginnings(routes: Iterable[Sequence[Point]]) -> frozenset[Beginning]:
    """Where several edges begin along one line, so that their first pieces lie on each other."""
    begun = Counter(beginning(route) for route in routes)
    return frozenset(begin for begin, count in begun.items() if count > 1)


def beginning(points: Sequence[Point]) -> Beginning:
    """Where an edge begins, to the pixel, and in which direction it goes: -1, 0 or 1 along each axis."""
    (x1, y1), (x2, y2) = points[0], points[1]
    return round(x1), round(y1), _direction(x2 - x1), _direction(y2 - y1)


def _direction(along: float) -> int:
    return 0 if abs(along) < 1 else 1 if along > 0 else -1


def on_longest(points: Sequence[Point], block: Block) -> Bounds:
    """At the longest piece, near where it begins."""
    return _at(*max(pairwise(points), key=lambda piece: distance(*piece)), block)


def _at(start: Point, end: Point, block: Block) -> Bounds:
    """Above a level piece or right of an upright one, near its start."""
    (x1, y1), (x2, y2) = start, end
    if abs(y1 - y2) > abs(x1 - x2):
        top = y1 + _AWAY if y1 < y2 else y1 - _AWAY - block.height
        return Bounds(x1 + GAP, top, block.width, block.height)
    left = x1 + GAP if x1 < x2 else x1 - GAP - block.width
    return Bounds(left, y1 - block.height - _LIFT, block.width, block.height)

"""Stage 4: columns, and right-angled routes. Vertical pieces run on tracks in the channels between the
columns; at diamonds and where loops turn they run in the column itself, from top or bottom, if it is free."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from monitor.diagram.geometry import Point, straightened
from monitor.diagram.layered.graph import Arrangement, Chain, Vertex
from monitor.diagram.layered.tracks import Piece, Tracks

_CHANNEL_LEAST = 50.0
_TRACK = 12.0
_LEAVE = 18.0  # from a column's right side to the first track
_ENTER = 26.0  # from the last track to the next column: room for an arrow head
_CLEAR = 10.0  # what a vertical piece in a column keeps from what it passes
_LEVEL = 0.5  # heights closer than this are the same


class _Column(NamedTuple):
    """An x coordinate not known yet: ``offset`` from the middle of a rank's column."""

    rank: int
    offset: float = 0.0


_Where: TypeAlias = _Column | Piece


@dataclass(slots=True)
class _Plan:
    """A route in the making, in the link's direction: it starts at ``start``, ``height``; each turn goes
    straight up or down at an x to a height; it ends at the x ``end``."""

    start: _Column
    height: float
    end: _Column
    turns: list[tuple[_Where, float]] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.now = self.height

    def turn(self, where: _Where, height: float) -> None:
        self.turns.append((where, height))
        self.now = height


class Router:
    """Draws the links of vertices whose heights are set."""

    def __init__(
        self,
        layers: Sequence[Sequence[Vertex]],
        chains: Sequence[Chain],
        separators: Sequence[Sequence[Vertex]],
    ) -> None:
        self._layers = layers
        self._chains = chains
        self._separators = separators
        self._claims: dict[int, list[tuple[float, float, object]]] = {}
        # channel i lies left of rank i, the last one right of the last rank
        self._channels = [Tracks(channel) for channel in range(len(layers) + 1)]
        self._leaving = Counter(chain.link.source for chain in chains if not chain.link.port)
        self._entering = Counter(chain.link.target for chain in chains)
        self._rooms: dict[int, float] = {}
        for chain in chains:
            if not chain.back:
                channel = chain.source.rank + 1
                self._rooms[channel] = max(self._rooms.get(channel, 0.0), chain.link.room)

    def draw(self) -> Arrangement:
        """Loops claim tops and bottoms first: they have the bends beside their cells."""
        plans: dict[str, _Plan] = {}
        for chain in sorted(self._chains, key=lambda chain: not chain.back):
            plans[chain.link.id] = self._loop(chain) if chain.back else self._forward(chain)
        for channel in self._channels:
            channel.assign()
        columns, starts = self._columns()
        top = min(v.y - v.up for layer in self._layers for v in layer)
        bottom = max(v.y + v.down for layer in self._layers for v in layer)
        routes: dict[str, tuple[Point, ...]] = {}
        for chain in self._chains:
            plan = plans[chain.link.id]
            routes[chain.link.id] = tuple((x, y - top) for x, y in _points(plan, columns, starts))
        return Arrangement(
            width=starts[-1] - _LEAVE + self._width(len(self._channels) - 1),
            height=bottom - top,
            centres={
                v.cell.id: (columns[v.rank], v.y - top) for layer in self._layers for v in layer if v.cell
            },
            routes=routes,
            lanes=tuple(border[0].y - top for border in self._separators),
        )

    # -- how a link leaves, passes and enters

    def _forward(self, chain: Chain) -> _Plan:
        path = chain.vertices
        plan = self._leave(chain, path[1].y)
        for left, right in itertools.pairwise(path):
            if abs(right.y - plan.now) < _LEVEL:
                continue
            if right is chain.target and self._fork(right, plan.now, "in", self._entering):
                self._enter_vertically(plan, right)
                break
            trunk = self._trunk(chain, left is chain.source, right is chain.target)
            self._through_channel(plan, right.rank, trunk, right.y)
        return plan

    def _leave(self, chain: Chain, height: float) -> _Plan:
        source, cell = chain.source, chain.source.cell
        end = self._left_side(chain.target)
        assert cell is not None
        if chain.link.port:
            return self._leave_port(chain, chain.vertices[0].y)
        if self._fork(source, height, "out", self._leaving):
            plan = _Plan(_Column(source.rank), _border(source, height), end)
            plan.turn(_Column(source.rank), height)
        else:
            plan = _Plan(_Column(source.rank, cell.half_width), source.y, end)
        return plan

    def _leave_port(self, chain: Chain, height: float) -> _Plan:
        source, cell = chain.source, chain.source.cell
        assert cell is not None
        port = _Column(source.rank, cell.ports[chain.link.port - 1])
        plan = _Plan(port, source.y + cell.half_height + cell.port_reach, self._left_side(chain.target))
        plan.turn(port, height)
        return plan

    def _loop(self, chain: Chain) -> _Plan:
        """Right to left: up or down to the loop's height, left along it, and in."""
        source, target, key = chain.source, chain.target, chain.link.id
        assert source.cell is not None
        path = chain.vertices[::-1]
        end = self._left_side(target)
        if chain.link.port:
            plan = self._leave_port(chain, path[0].y)
        elif self._claim(source, path[0].y, "out", path[0]):
            plan = _Plan(_Column(source.rank), _border(source, path[0].y), end)
            plan.turn(_Column(source.rank), path[0].y)
        else:
            plan = _Plan(_Column(source.rank, source.cell.half_width), source.y, end)
            piece = Piece(key, left=(source.y, path[0].y), right=())
            self._channels[source.rank + 1].add(piece)
            plan.turn(piece, path[0].y)
        for right, left in itertools.pairwise(path):
            if abs(left.y - plan.now) >= _LEVEL:
                piece = Piece(key, left=(left.y,), right=(plan.now,))
                self._channels[right.rank].add(piece)
                plan.turn(piece, left.y)
        if source is not target and self._claim(target, plan.now, "in", path[-1]):
            self._enter_vertically(plan, target)
        else:
            piece = Piece((key, "in"), left=(), right=(plan.now, target.y))
            self._channels[target.rank].add(piece)
            plan.turn(piece, target.y)
        return plan

    def _through_channel(self, plan: _Plan, channel: int, trunk: object, height: float) -> None:
        piece = Piece(trunk, left=(plan.now,), right=(height,))
        self._channels[channel].add(piece)
        plan.turn(piece, height)

    def _enter_vertically(self, plan: _Plan, target: Vertex) -> None:
        plan.end = _Column(target.rank)
        plan.turn(plan.end, _border(target, plan.now))

    def _left_side(self, target: Vertex) -> _Column:
        assert target.cell is not None
        return _Column(target.rank, -target.cell.half_width)

    def _trunk(self, chain: Chain, first: bool, last: bool) -> object:
        """Links fanning out of one cell, or into one, share a vertical line there."""
        link = chain.link
        if first and not link.port and (self._leaving[link.source] > 1 or not last):
            return ("out", link.source)
        if last and self._entering[link.target] > 1:
            return ("in", link.target)
        return (link.id, "hop")

    # -- tops and bottoms

    def _fork(self, vertex: Vertex, height: float, way: str, count: Counter[str]) -> bool:
        cell = vertex.cell
        return (
            cell is not None
            and cell.forks
            and count[cell.id] > 1
            and abs(height - vertex.y) > cell.half_height + _CLEAR / 2
            and self._claim(vertex, height, way, None)
        )

    def _claim(self, vertex: Vertex, height: float, way: str, own: Vertex | None) -> bool:
        """Takes the vertical line from a cell's top or bottom to ``height``, if nothing is in its way: no
        cell, no bend at that height, no other line. Links of one cell and way share theirs."""
        cell = vertex.cell
        upwards = height < vertex.y
        if cell is None or not (cell.top_free if upwards else cell.bottom_free):
            return False
        low, high = min(height, vertex.y), max(height, vertex.y)
        for other in self._layers[vertex.rank]:
            if other is vertex or other is own or other.separator:
                continue
            if other.cell is None:
                if abs(other.y - height) < _CLEAR:
                    return False
            elif other.y - other.up - _CLEAR < high and low < other.y + other.down + _CLEAR:
                return False
        owner = (way, cell.id, upwards)
        claims = self._claims.setdefault(vertex.rank, [])
        if any(a < high and low < b and owner != by for a, b, by in claims):
            return False
        claims.append((low, high, owner))
        return True

    # -- columns and channels

    def _width(self, channel: int) -> float:
        count = self._channels[channel].count
        inner = 0 < channel < len(self._layers)
        if not inner:
            return count * _TRACK + _LEAVE if count else 0.0
        room = self._room(channel)
        least = _CHANNEL_LEAST if not room else _LEAVE + room + 12.0
        return max(least + max(0, count - 1) * _TRACK, _LEAVE + max(0, count - 1) * _TRACK + _ENTER)

    def _room(self, channel: int) -> float:
        """Width of the widest label at the links that leave the column left of the channel."""
        return self._rooms.get(channel, 0.0)

    def _columns(self) -> tuple[list[float], list[float]]:
        """The middle of each column, and the x of the first track of each channel."""
        middles: list[float] = []
        starts: list[float] = []
        x = 0.0
        for rank, layer in enumerate(self._layers):
            starts.append(x + self._first_track(rank))
            x += self._width(rank)
            width = max((vertex.cell.width for vertex in layer if vertex.cell), default=0.0)
            middles.append(x + width / 2)
            x += width
        starts.append(x + _LEAVE)
        return middles, starts

    def _first_track(self, channel: int) -> float:
        """Tracks stand in the middle, or left where a label needs the room to their right."""
        if channel == 0 or self._room(channel):
            return _LEAVE if channel else 0.0
        used = max(0, self._channels[channel].count - 1) * _TRACK
        return (self._width(channel) - used) / 2


def _border(vertex: Vertex, height: float) -> float:
    """The height of the cell's top or bottom, whichever faces ``height``."""
    assert vertex.cell is not None
    half = vertex.cell.half_height
    return vertex.y - half if height < vertex.y else vertex.y + half


def _points(plan: _Plan, columns: Sequence[float], starts: Sequence[float]) -> list[Point]:
    def x_of(where: _Where) -> float:
        if isinstance(where, _Column):
            return columns[where.rank] + where.offset
        return starts[where.channel] + where.track * _TRACK

    path: list[Point] = [(x_of(plan.start), plan.height)]
    height = plan.height
    for where, to in plan.turns:
        path.extend(((x_of(where), height), (x_of(where), to)))
        height = to
    path.append((x_of(plan.end), height))
    return straightened(path)

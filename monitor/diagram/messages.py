"""Routes of message flows between pools that lie one below the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from monitor.bpmn.document import Bounds, Edge, MessageFlow
from monitor.diagram import labels
from monitor.diagram.geometry import Point, elbow, straightened

TRACK = 22.0
_APART = 18.0
_CLEAR = 6.0
_STEP = 12.0
_COLUMN = 200.0
_MANY_POOLS = 16


class Ground(NamedTuple):
    """Where things are: all shapes, the shapes that are pools (top to bottom), the pool each message flow
    end lies in, and the ends where a line may only meet the middle (circles and diamonds)."""

    at: Mapping[str, Bounds]
    pools: Sequence[str]
    pool_of: Mapping[str, int]
    round: frozenset[str]
    containers: frozenset[str]


def near(pools: Sequence[str], flows: Iterable[tuple[str, str]]) -> list[str]:
    """Pools in an order in which message flows (pairs of pools) pass few of them: as the file has them,
    single ones moved where that helps. Of very many nothing is moved."""
    order = list(pools)
    exchanged = Counter(flow for flow in flows if flow[0] != flow[1])
    if len(order) > _MANY_POOLS:
        return order

    def passed(tried: Sequence[str]) -> int:
        at = {pool: index for index, pool in enumerate(tried)}
        return sum(abs(at[one] - at[other]) * count for (one, other), count in exchanged.items())

    best = passed(order)
    for _ in range(len(order)):
        moves = (
            [*rest[:to], pool, *rest[to:]]
            for pool in order
            for rest in [[other for other in order if other != pool]]
            for to in range(len(order))
        )
        better = min(moves, key=passed, default=order)
        if passed(better) >= best:
            break
        order, best = better, passed(better)
    return order


def crossings(flows: Iterable[MessageFlow], pool_of: Mapping[str, int]) -> Counter[int]:
    """How many message flows pass the gap below each pool (by its index)."""
    passing: Counter[int] = Counter()
    for flow in flows:
        ends = sorted((pool_of.get(flow.source, 0), pool_of.get(flow.target, 0)))
        passing.update(range(*ends))
    return passing


def route(flows: Sequence[MessageFlow], ground: Ground) -> list[Edge]:
    """Edges for the flows whose ends are drawn."""
    router = _Router(ground, flows)
    edges: list[Edge] = []
    for flow in flows:
        if flow.source in ground.at and flow.target in ground.at:
            points = router.route(flow)
            label = labels.on_longest(points, labels.edge_label(flow.name)) if flow.name else None
            edges.append(Edge(flow.id, points, label))
    return edges


class _Router:
    def __init__(self, ground: Ground, flows: Sequence[MessageFlow]) -> None:
        self._ground = ground
        self._used: Counter[int] = Counter()
        self._upright: list[tuple[float, float, float]] = []
        self._columns: dict[int, list[tuple[str, Bounds]]] = {}  # what stands there, by parts of the width
        for id_, at in ground.at.items():
            if id_ not in ground.containers:
                first, last = int((at.x - _CLEAR) // _COLUMN), int((at.x + at.width + _CLEAR) // _COLUMN)
                for column in range(first, last + 1):
                    self._columns.setdefault(column, []).append((id_, at))
        self._ends: dict[tuple[str, bool], list[str]] = {}
        for flow in flows:
            downwards = self._index(flow.source) < self._index(flow.target)
            self._ends.setdefault((flow.source, downwards), []).append(flow.id)
            self._ends.setdefault((flow.target, not downwards), []).append(flow.id)

    def route(self, flow: MessageFlow) -> tuple[Point, ...]:
        source, target = self._index(flow.source), self._index(flow.target)
        if source == target:
            return elbow(self._ground.at[flow.source], self._ground.at[flow.target])
        downwards = source < target
        is_pool = [end in self._ground.pools for end in (flow.source, flow.target)]
        # one end goes all the way to the other's pool, past what stands in pools between
        between = abs(source - target) > 1
        leave = (
            [] if is_pool[0] else self._escape(flow.source, flow.id, downwards, target if between else source)
        )
        stretch = source if between and is_pool[0] else target
        enter = [] if is_pool[1] else self._escape(flow.target, flow.id, not downwards, stretch)
        if not leave and not enter:
            x = self._pool_x(flow, downwards)
            leave, enter = [(x, self._edge(source, downwards))], [(x, self._edge(target, not downwards))]
        elif not leave:
            leave = [(enter[-1][0], self._edge(source, downwards))]
        elif not enter:
            enter = [(leave[-1][0], self._edge(target, not downwards))]
        points = list(leave)
        if abs(leave[-1][0] - enter[-1][0]) > 0.5:
            gap = (target - 1 if downwards else target) if between else (source if downwards else source - 1)
            level = self._level(gap)
            points += [(leave[-1][0], level), (enter[-1][0], level)]
        return tuple(straightened([*points, *reversed(enter)]))

    def _index(self, element: str) -> int:
        return self._ground.pool_of.get(element, 0)

    def _edge(self, pool: int, lower: bool) -> float:
        bounds = self._ground.at[self._ground.pools[pool]]
        return bounds.y + bounds.height if lower else bounds.y

    def _level(self, gap: int) -> float:
        """The height of the next free track in the gap below a pool."""
        level = self._edge(gap, True) + 24.0 + TRACK * self._used[gap]
        self._used[gap] += 1
        return level

    def _pool_x(self, flow: MessageFlow, downwards: bool) -> float:
        """Between two pools as a whole: spread over their width, past what stands in pools between them."""
        bounds = self._ground.at[flow.source]
        start = self._edge(self._index(flow.source), downwards)
        end = self._edge(self._index(flow.target), not downwards)
        ends = self._ends[(flow.source, downwards)]
        wanted = bounds.x + bounds.width * (ends.index(flow.id) + 1) / (len(ends) + 1)
        for step in range(int(bounds.width / _STEP)):
            x = wanted + _STEP * (step // 2 if step % 2 else -(step // 2))
            if bounds.x < x < bounds.x + bounds.width and self._take(flow.source, x, start, end):
                return x
        return wanted

    def _escape(self, element: str, flow: str, downwards: bool, pool: int) -> list[Point]:
        """From a shape's border towards the border of its ``pool``, or to that of another one, past what
        stands in the way: up or down at one of its own x, else around."""
        bounds = self._ground.at[element]
        border = bounds.y + bounds.height if downwards else bounds.y
        edge = self._edge(pool, downwards if pool == self._index(element) else not downwards)
        wanted = self._wanted(element, flow, downwards, bounds)
        own = [wanted]
        if element not in self._ground.round:
            spread = (-0.25, 0.25, -0.4, 0.4)
            own += [bounds.x + bounds.width * (0.5 + part) for part in spread]
        for x in own:
            if self._take(element, x, border, edge):
                return [(x, border)]
        turn = border + (_STEP if downwards else -_STEP)
        middle = bounds.x + bounds.width / 2
        reach = bounds.width / 2
        for step in range(1, 12):
            for x in (middle + reach + _STEP * step, middle - reach - _STEP * step):
                if self._take(element, x, turn, edge):
                    return [(wanted, border), (wanted, turn), (x, turn)]
        return [(wanted, border)]

    def _wanted(self, element: str, flow: str, downwards: bool, bounds: Bounds) -> float:
        middle = bounds.x + bounds.width / 2
        if element in self._ground.round:
            return middle
        ends = self._ends[(element, downwards)]
        offset = (ends.index(flow) - (len(ends) - 1) / 2) * _APART
        return middle + min(max(offset, -bounds.width / 2 + 8), bounds.width / 2 - 8)

    def _take(self, element: str, x: float, start: float, end: float) -> bool:
        """Takes an upright line from ``element``, unless a shape or another line is in its way."""
        low, high = min(start, end), max(start, end)
        if any(
            abs(x - taken) < _CLEAR and top < high and low < bottom for taken, top, bottom in self._upright
        ):
            return False
        mine = self._ground.at[element]
        for other, at in self._columns.get(int(x // _COLUMN), ()):
            passed = at.x - _CLEAR < x < at.x + at.width + _CLEAR and at.y < high and low < at.y + at.height
            if passed and other != element and not _holds(at, mine):
                return False
        self._upright.append((x, low, high))
        return True


def _holds(outer: Bounds, inner: Bounds) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and outer.x + outer.width >= inner.x + inner.width
        and outer.y + outer.height >= inner.y + inner.height
    )

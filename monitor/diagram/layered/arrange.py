"""From cells and links to a drawing: the stages in order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from monitor.diagram.layered.graph import Arrangement, Cell, Chain, Link, Vertex
from monitor.diagram.layered.order import Hopping, order
from monitor.diagram.layered.place import Pull, place
from monitor.diagram.layered.ranks import backward, ranks, through
from monitor.diagram.layered.route import Router

_LABEL_HEIGHT = 18.0
_FEW = 2


def arrange(cells: Sequence[Cell], links: Sequence[Link], lanes: int = 0) -> Arrangement:
    """Places cells (ids distinct) and routes links (ids distinct, between given cells) from left to right.

    With ``lanes`` > 0 each cell stands in its lane's band; bands lie one below the other. The same input
    gives the same drawing. Time grows with cells plus the ranks that links span.
    """
    if not cells:
        return Arrangement(0.0, 0.0)
    back = backward(cells, links)
    forward = [link for link in links if link.id not in back]
    rank = ranks(cells, forward)
    weight = through(cells, forward)
    at = {cell.id: Vertex(rank[cell.id], cell.lane, cell.up, cell.down, cell) for cell in cells}
    chains = [_chain(link, at, link.id in back, weight.get(link.id, 0)) for link in links]
    layers: list[list[Vertex]] = [[] for _ in range(max(rank.values()) + 1)]
    for vertex in _first_order(chains, at.values()):
        layers[vertex.rank].append(vertex)
    hops = Hopping()
    for chain in chains:
        for index, (left, right) in enumerate(zip(chain.vertices, chain.vertices[1:], strict=False)):
            hops.add(left, right, _port_shift(chain.link, at) if index == 0 else 0.0)
    for layer in layers:
        layer.sort(key=lambda vertex: vertex.lane)
    order(layers, hops)
    _turn(chains, layers, hops)
    separators = _separate(layers, lanes)
    place(layers, _pulls(chains, separators))
    return Router(layers, chains, separators).draw()


def _chain(link: Link, at: dict[str, Vertex], back: bool, weight: int) -> Chain:
    source, target = at[link.source], at[link.target]
    left, right = (target, source) if back else (source, target)
    lane = source.lane if target.cell and target.cell.forks else target.lane
    bends = [Vertex(rank, lane, 0.0, 0.0) for rank in range(left.rank + 1, right.rank)]
    if bends and link.room and not back:
        bends[0].up = _LABEL_HEIGHT
    vertices = [left, *bends, right] if left.rank < right.rank and (bends or not back) else []
    return Chain(link, vertices, source, target, back, weight)


def _port_shift(link: Link, at: dict[str, Vertex]) -> float:
    """Links of bottom ports leave below the cell's own, those of the rightmost port uppermost."""
    cell = at[link.source].cell
    return 0.1 * (1 + len(cell.ports) - link.port) if cell and link.port else 0.0


def _first_order(chains: Sequence[Chain], vertices: Iterable[Vertex]) -> list[Vertex]:
    """Bends of loops first (so on top), then cells and bends as they are met: long paths before shorter
    ones, but of three or more branches one goes above the longest."""
    leaving: dict[Vertex, list[Chain]] = {}
    for chain in sorted(chains, key=lambda chain: -chain.weight):
        leaving.setdefault(chain.source, []).append(chain)
    for branches in leaving.values():
        own = [chain for chain in branches if not chain.link.port and not chain.back]
        if len(own) > _FEW:
            branches.remove(own[1])
            branches.insert(0, own[1])
    found: dict[Vertex, None] = {}
    for chain in chains:
        if chain.back:
            found.update(dict.fromkeys(chain.vertices[1:-1]))
    for start in vertices:
        stack = [start]
        while stack:
            here = stack.pop()
            if here in found:
                continue
            found[here] = None
            for chain in leaving.get(here, ()):
                if not chain.back:
                    found.update(dict.fromkeys(chain.vertices[1:-1]))
            stack.extend(chain.target for chain in reversed(leaving.get(here, ())) if not chain.back)
    return list(found)


def _turn(chains: Sequence[Chain], layers: list[list[Vertex]], hops: Hopping) -> None:
    """Gives loops and bottom ports the bend right above or below the cell they turn at."""
    above: dict[Vertex, list[tuple[float, Vertex]]] = {}
    below: dict[Vertex, list[tuple[float, Vertex]]] = {}
    for chain in chains:
        bends = chain.vertices[1:-1]
        leave = _port_bend(chain, below) if chain.link.port else None
        if chain.back:
            leave = leave or _bend(chain.source, chain.target, bends[-1:], hops.left, above, below)
            chain.vertices = [*bends, leave]
            if chain.source is not chain.target:
                enter = _bend(chain.target, chain.source, bends[:1], hops.right, above, below)
                chain.vertices.insert(0, enter)
        elif leave:
            chain.vertices[0] = leave
    for layer in layers:
        turned: list[Vertex] = []
        for vertex in layer:
            turned.extend(bend for _, bend in sorted(above.get(vertex, ()), key=lambda pair: pair[0]))
            turned.append(vertex)
            turned.extend(bend for _, bend in sorted(below.get(vertex, ()), key=lambda pair: pair[0]))
        layer[:] = turned


def _port_bend(chain: Chain, below: dict[Vertex, list[tuple[float, Vertex]]]) -> Vertex:
    """Where a link turns below a bottom port: the rightmost port's uppermost."""
    up = _LABEL_HEIGHT if chain.link.room else 0.0
    bend = Vertex(chain.source.rank, chain.source.lane, up, 0.0)
    below.setdefault(chain.source, []).append((-1000.0 - chain.link.port, bend))
    return bend


def _bend(
    end: Vertex,
    other_end: Vertex,
    next_bend: Sequence[Vertex],
    near: dict[Vertex, list[tuple[Vertex, float]]],
    above: dict[Vertex, list[tuple[float, Vertex]]],
    below: dict[Vertex, list[tuple[float, Vertex]]],
) -> Vertex:
    """The bend of a loop at ``end``: on the side of the other end's lane, or else on that its next bend
    lies on, above if there is a choice."""
    bend = Vertex(end.rank, end.lane, 0.0, 0.0)
    position = next_bend[0].position if next_bend else -1.0
    others = [other.position for other, _ in near.get(end, ()) if other not in next_bend]
    lower = bool(others) and position > sum(others) / len(others)
    if other_end.lane != end.lane:
        lower = other_end.lane > end.lane
    side = below if lower and end.cell and end.cell.bottom_free else above
    side.setdefault(end, []).append((position if next_bend else 1000.0, bend))
    return bend


def _separate(layers: list[list[Vertex]], lanes: int) -> list[list[Vertex]]:
    """Puts the borders of the lanes into every rank; each border is returned as a list over the ranks."""
    if not lanes:
        return []
    borders = [
        [Vertex(rank, lane, 0.0, 0.0, separator=True) for rank in range(len(layers))]
        for lane in range(lanes + 1)
    ]
    for rank, layer in enumerate(layers):
        parted: list[Vertex] = [borders[0][rank]]
        for lane in range(lanes):
            parted.extend(vertex for vertex in layer if vertex.lane == lane)
            parted.append(borders[lane + 1][rank])
        layer[:] = parted
    return borders


def _pulls(chains: Sequence[Chain], separators: Sequence[Sequence[Vertex]]) -> list[Pull]:
    """Borders are straight before all else; then the longest path; then the inner hops of long links; then
    the rest, longer paths before shorter ones."""
    pulls = [Pull(left, right, 0) for border in separators for left, right in itertools.pairwise(border)]
    longest = max((chain.weight for chain in chains), default=0)
    ranked: list[tuple[tuple[int, int], Pull]] = []
    for chain in chains:
        for left, right in zip(chain.vertices, chain.vertices[1:], strict=False):
            bends = (left.cell is None) + (right.cell is None)
            main = chain.weight == longest and not bends
            ranked.append(
                ((0 if main else 1 if bends == 2 else 2, -chain.weight), Pull(left, right, (1, 2, 4)[bends]))
            )
        for end, bend in _turns(chain):
            ranked.append(((3, 0), Pull(end, bend, 1, straight=False)))
    ranked.sort(key=lambda pair: pair[0])
    return [*pulls, *(pull for _, pull in ranked)]


def _turns(chain: Chain) -> list[tuple[Vertex, Vertex]]:
    if chain.back:
        return [(chain.source, chain.vertices[-1]), (chain.target, chain.vertices[0])]
    return [(chain.source, chain.vertices[0])] if chain.link.port else []

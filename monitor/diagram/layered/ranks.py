"""Stage 1: which links run backwards, and in which rank (column) each cell stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.diagram.layered.graph import Cell, Link


def backward(cells: Sequence[Cell], links: Sequence[Link]) -> frozenset[str]:
    """Ids of the links that close a cycle when the graph is walked depth first, from cells nothing leads to
    and then in the given order. Without them the graph has no cycle. Self loops are among them."""
    outgoing = _by(links, "source")
    entered = {link.target for link in links if link.source != link.target}
    roots = [cell.id for cell in cells if cell.id not in entered] + [cell.id for cell in cells]
    open_cells: set[str] = set()
    done: set[str] = set()
    found: set[str] = set()
    for root in roots:
        if root in done:
            continue
        open_cells.add(root)
        stack = [(root, iter(outgoing.get(root, ())))]
        while stack:
            here, rest = stack[-1]
            link = next(rest, None)
            if link is None:
                stack.pop()
                open_cells.discard(here)
                done.add(here)
            elif link.target in open_cells:
                found.add(link.id)
            elif link.target not in done:
                open_cells.add(link.target)
                stack.append((link.target, iter(outgoing.get(link.target, ()))))
    return frozenset(found)


def topological(cells: Sequence[Cell], links: Sequence[Link]) -> list[str]:
    """Cell ids such that every (forward) link leads from an earlier to a later one."""
    outgoing = _by(links, "source")
    missing = {cell.id: 0 for cell in cells}
    for link in links:
        missing[link.target] += 1
    ready = [cell.id for cell in reversed(cells) if not missing[cell.id]]
    order: list[str] = []
    while ready:
        here = ready.pop()
        order.append(here)
        for link in reversed(outgoing.get(here, ())):
            missing[link.target] -= 1
            if not missing[link.target]:
                ready.append(link.target)
    return order


def ranks(cells: Sequence[Cell], forward: Sequence[Link]) -> dict[str, int]:
    """The rank of each cell from 0: at least one right of all it follows (longest path); cells with more
    links to the right than to the left are then moved right, which shortens the links."""
    order = topological(cells, forward)
    incoming, outgoing = _by(forward, "target"), _by(forward, "source")
    rank: dict[str, int] = {}
    for here in order:
        rank[here] = max((rank[link.source] + 1 for link in incoming.get(here, ())), default=0)
    for here in reversed(order):
        out = outgoing.get(here, ())
        if len(out) > len(incoming.get(here, ())):
            rank[here] = min(rank[link.target] for link in out) - 1
    least = min(rank.values(), default=0)
    _spread(cells, forward, rank)
    return {here: value - least for here, value in rank.items()}


def through(cells: Sequence[Cell], forward: Sequence[Link]) -> dict[str, int]:
    """For each forward link the number of links on the longest path that takes it; one more for those of
    one path among the longest, so that there is always a main path."""
    order = topological(cells, forward)
    incoming, outgoing = _by(forward, "target"), _by(forward, "source")
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    for cell in order:
        before[cell] = max((before[link.source] + 1 for link in incoming.get(cell, ())), default=0)
    for cell in reversed(order):
        after[cell] = max((after[link.target] + 1 for link in outgoing.get(cell, ())), default=0)
    weight = {link.id: before[link.source] + 1 + after[link.target] for link in forward}
    longest = max(weight.values(), default=0)
    here = next((cell for cell in order if outgoing.get(cell) and after[cell] == longest), None)
    while here is not None:
        step = next((link for link in outgoing.get(here, ()) if weight[link.id] == longest), None)
        if step is not None:
            weight[step.id] += 1
        here = step.target if step else None
    return weight


def _spread(cells: Sequence[Cell], forward: Sequence[Link], rank: dict[str, int]) -> None:
    """Cells without any link would all pile up in the first rank: side by side instead, per lane."""
    linked = {link.source for link in forward} | {link.target for link in forward}
    used: dict[int, int] = {}
    for cell in cells:
        if cell.id not in linked:
            rank[cell.id] = used.get(cell.lane, min(rank.values()))
            used[cell.lane] = rank[cell.id] + 1


def _by(links: Sequence[Link], end: str) -> Mapping[str, list[Link]]:
    found: dict[str, list[Link]] = {}
    for link in links:
        found.setdefault(getattr(link, end), []).append(link)
    return found

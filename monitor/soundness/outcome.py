"""What an exploration shows: where runs get stuck or go round for good, and what they never come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.bpmn.flow import Flow, Node, NodeKind
from monitor.conformance.tokens import Marking
from monitor.soundness.explore import Explored


@dataclass(frozen=True, slots=True)
class Outcome:
    """Numbers of markings: ``deadlocks`` are not final and have no step; each of ``circles`` are markings
    that all lead to one another and nowhere else, no final one among them. ``completes``: whether any run
    does; None: not known."""

    deadlocks: tuple[int, ...]
    circles: tuple[tuple[int, ...], ...]
    completes: bool | None


def outcome_of(explored: Explored, alike: Mapping[int, int]) -> Outcome:
    """Certain even where the exploration gave up: what was not followed is taken to lead anywhere, unless it
    goes on like another marking: ``alike``."""
    graph = _Graph(explored, alike)
    open_ends = [
        number for number, edges in enumerate(explored.edges) if edges is None and number not in alike
    ]
    deadlocks = [
        number
        for number, edges in enumerate(explored.edges)
        if edges is not None and not edges and number not in explored.finals
    ]
    explained = graph.leading_to([*explored.finals, *open_ends, *deadlocks])
    lost = [number for number in range(len(explored.markings)) if number not in explained]
    completes = True if explored.finals else None if open_ends else False
    return Outcome(tuple(deadlocks), tuple(graph.last_circles(lost)), completes)


class _Graph:
    """The markings' steps, both ways."""

    def __init__(self, explored: Explored, alike: Mapping[int, int]) -> None:
        self._targets = [[edge.target for edge in edges or ()] for edges in explored.edges]
        for number, other in alike.items():
            self._targets[number].append(other)
        self._sources: list[list[int]] = [[] for _ in self._targets]
        for number, targets in enumerate(self._targets):
            for target in targets:
                self._sources[target].append(number)

    def leading_to(self, goals: Iterable[int]) -> set[int]:
        """The markings from which one of ``goals`` can be reached, these included."""
        return _closure(goals, self._sources)

    def last_circles(self, lost: Iterable[int]) -> Iterator[tuple[int, ...]]:
        """Where runs go round for good, of markings that lead neither out of ``lost`` nor to a dead end."""
        left = dict.fromkeys(lost)
        while left:
            start = next(iter(left))
            circle = _closure([start], self._targets)
            while away := circle - self.leading_to([start]):  # there is no way back from these
                start = min(away)
                circle = _closure([start], self._targets)
            yield tuple(sorted(circle))
            for number in self.leading_to(circle):
                left.pop(number, None)


def _closure(starts: Iterable[int], following: list[list[int]]) -> set[int]:
    found = set(starts)
    waiting = list(found)
    while waiting:
        for number in following[waiting.pop()]:
            if number not in found:
                found.add(number)
                waiting.append(number)
    return found


def standing(flow: Flow, marking: Marking) -> Iterator[tuple[Node, int]]:
    """The nodes where tokens of the marking stand, each with the token's place; those of open subprocesses
    as well (place -1: the subprocess itself)."""
    _, tokens, children = marking
    for place in tokens:
        if place < flow.fired_place(0):
            yield flow.nodes[flow.place_node(place)], place
    for child in children:
        owner = flow.scopes[child[0]].owner
        if owner is not None:
            yield flow.nodes[owner], -1
        yield from standing(flow, child)


def dead(flow: Flow, explored: Explored) -> frozenset[str]:
    """The ids of the elements that no run explored comes to, in no instance of theirs. (A boundary event that
    only marks what its activity is compensated by never happens itself.)"""
    reached = {node.index for marking in explored.markings for node, _ in standing(flow, marking)}
    for at in explored.arcs:
        reached.update((flow.arcs[at].source, flow.arcs[at].target))
    opened = {0, *(flow.nodes[at].inner for at in reached)}
    for scope in flow.scopes:
        if scope.index in opened:
            reached.update(scope.starts)
    markers = {node.index for node in flow.nodes if node.kind is NodeKind.BOUNDARY}
    for node in flow.nodes:
        markers -= {*node.boundaries, node.catcher[1] if node.catcher is not None else -1}
        if node.index in reached:
            reached.update(_beside(flow, node))
            owner = flow.scopes[node.scope].owner
            reached.update(() if owner is None else (owner,))
    alive = {flow.nodes[at].id for at in reached}
    return frozenset(node.id for node in flow.nodes if node.index not in markers) - alive


def _beside(flow: Flow, node: Node) -> Iterator[int]:
    """What may happen where a token is at ``node`` without any sequence flow to show it."""
    if node.kind is NodeKind.RACE:
        yield from (flow.arcs[arc].target for arc in node.outgoing)
    yield from node.boundaries
    if node.catcher is not None:
        yield node.catcher[1]
    yield from (undo for at in node.undoes if (undo := flow.nodes[at].undo) is not None)

"""What a flow waits for: how many of some nodes' events must still come before it goes on, and how many may.

A token that waits at a task waits for its event for sure. One before a choice that no event shows may have
gone any way: only what every way leads to is sure. Which of several events comes first, where the flow
itself waits for any of them (an event-based gateway, an event at a boundary), is no such choice: each of them
is waited for.

Timers count as if they had fired already; :class:`~monitor.bpmn.flow.Sla` says what time that takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from monitor.bpmn.flow import Flow, Node, NodeKind
from monitor.conformance.automaton import Automaton, State
from monitor.conformance.tokens import Marking, TokenGame

MAX_VISITED = 2_000
"""Nodes looked at for one marking; past that nothing is sure."""

MAX_JOINS = 64
"""Inclusive joins fired before looking."""

_UPSETTING = (NodeKind.TERMINATE, NodeKind.THROW, NodeKind.COMPENSATE)


class Awaited(NamedTuple):
    """``sure``: so many must come before the flow goes on; ``most``: so many may, or it went elsewhere."""

    sure: int = 0
    most: int = 0

    def __add__(self, other: object) -> Awaited:
        assert isinstance(other, Awaited)
        return Awaited(self.sure + other.sure, self.most + other.most)


NOTHING = Awaited()
POSSIBLY = Awaited(0, 1)


class _Wanted(NamedTuple):
    nodes: frozenset[int]
    begins: frozenset[int]

    def counts(self, node: Node, *, running: bool = False) -> int:
        to_begin = node.start_label is not None and not running
        return int(node.index in (self.begins if to_begin else self.nodes))


class _TooMany(Exception):
    """The model is too large around a marking."""


class Awaiting:
    """What a flow waits for of ``nodes``: tasks, events, subprocesses (from when they begin until they have
    ended) or event-based gateways. A task that was to be seen to start, and has not been, is waited for only
    where it is among ``begins``."""

    def __init__(self, automaton: Automaton, nodes: Collection[int], begins: Collection[int] = ()) -> None:
        self._automaton = automaton
        self._flow = automaton.flow
        self._wanted = _Wanted(frozenset(nodes), frozenset(begins))
        own = [self._flow.nodes[at] for at in nodes]
        first = [self._flow.nodes[at] for at in begins]
        labels = [*(node.label for node in own), *(node.start_label for node in first)]
        self._labels = frozenset(label for label in labels if label is not None)
        self._joins = any(node.kind is NodeKind.OR for node in self._flow.nodes) and not any(
            node.kind is NodeKind.COMPLEX for node in self._flow.nodes
        )

    def of(self, state: State) -> Awaited:
        if state.undecided or not state.markings:
            return NOTHING
        forbidden = state.forbidden
        game = TokenGame(self._flow, forbidden=forbidden)
        sure: list[int] = []
        most: list[int] = []
        for marking in state.markings:
            try:
                found = _Look(self._flow, game, self._wanted, forbidden).marking(self._joined(game, marking))
            except _TooMany:
                found = POSSIBLY
            sure.append(found.sure)
            most.append(found.most)
        at_most = max(most)
        if min(sure) == 0 and self._labels and self._labels.isdisjoint(self._automaton.labels(state)):
            at_most = 0  # a join in between waits for more
        return Awaited(min(sure), at_most)

    def _joined(self, game: TokenGame, marking: Marking) -> Marking:
        """Once the inclusive joins have fired that wait for nothing more."""
        if self._joins:
            for _ in range(MAX_JOINS):
                step = next((step for step in game.steps(marking, ()) if step.label is None), None)
                if step is None:
                    break
                marking = step.marking
        return marking


class _Look:
    """One look at one marking."""

    def __init__(self, flow: Flow, game: TokenGame, wanted: _Wanted, forbidden: frozenset[int]) -> None:
        self._flow = flow
        self._game = game
        self._wanted = wanted
        self._forbidden = forbidden
        self._visited = 0
        self._open: set[int] = set()

    def marking(self, marking: Marking) -> Awaited:
        scope, tokens, children = marking
        flow = self._flow
        found = NOTHING
        upset = False
        for place in tokens:
            if place >= len(flow.arcs) + 2 * len(flow.nodes):
                continue
            node = flow.nodes[flow.place_node(place)]
            if place < len(flow.arcs):
                found += Awaited(0, self._from(node).most)
            elif node.kind is NodeKind.SUBPROCESS:  # waits for its turn
                found += Awaited(0, self._node(node).most)
            else:
                upset |= node.kind in _UPSETTING and node.label is None
                running = place != flow.node_place(node.index)
                found += self._host(node, NOTHING, running=True) if running else self._from(node)
        for child in children:
            owner = flow.nodes[flow.scopes[child[0]].owner or 0]
            if not self._game.is_final(child):  # else it may have ended already
                found += self._host(owner, self.marking(child))
        if upset or flow.scopes[scope].sequential:
            return Awaited(0, found.most)
        return found

    def _from(self, node: Node) -> Awaited:
        """What a token at ``node`` waits for."""
        self._visited += 1
        if self._visited > MAX_VISITED:
            raise _TooMany
        if node.index in self._open:
            return NOTHING  # around in a circle: nothing that every way leads to
        self._open.add(node.index)
        try:
            return self._node(node)
        finally:
            self._open.discard(node.index)

    def _node(self, node: Node) -> Awaited:
        match node.kind:
            case NodeKind.TASK:
                return self._host(node, NOTHING)
            case NodeKind.SUBPROCESS:
                assert node.inner is not None
                return self._host(node, self._scope(node.inner))
            case NodeKind.PASS:
                entry = self._flow.scopes[node.scope]
                if entry.choice and node.index in entry.starts:
                    return self._starts(node.scope)
                return self._arcs(node.outgoing)
            case NodeKind.AND:
                onward = self._arcs(node.outgoing)
                return onward if len(node.incoming) <= 1 else Awaited(0, min(1, onward.most))
            case NodeKind.OR | NodeKind.COMPLEX:
                return Awaited(0, min(1, self._arcs(node.outgoing).most))
            case NodeKind.XOR:
                return self._either(node.outgoing)
            case NodeKind.RACE:
                return self._race(node)
            case NodeKind.SPAWN:
                return Awaited(0, self._arcs(node.outgoing).most)
            case _:
                own = self._wanted.counts(node) if node.label is not None else 0
                return Awaited(own, own)

    def _host(self, node: Node, inside: Awaited, *, running: bool = False) -> Awaited:
        """An activity at work, and what its boundary events lead to once their timers have fired."""
        own = self._wanted.counts(node, running=running)
        found = inside + Awaited(own, own)
        for at in node.boundaries:
            boundary = self._flow.nodes[at]
            if boundary.label is not None or boundary.receives:
                found += Awaited(0, self._wanted.counts(boundary))
            elif at in self._flow.timers:
                found += self._arcs(boundary.outgoing)
            elif boundary.interrupting:  # it may be over, and nobody would know
                found = Awaited(0, found.most)
        return found

    def _race(self, node: Node) -> Awaited:
        own = self._wanted.counts(node)
        found = Awaited(own, own)
        sure = True
        for arc in node.outgoing:
            target = self._flow.nodes[self._flow.arcs[arc].target]
            if target.label is not None:
                mine = self._wanted.counts(target)
                found += Awaited(mine, mine)
            elif target.index in self._flow.timers:
                found += self._arcs(target.outgoing)
            else:
                sure = False
        return found if sure else Awaited(0, found.most)

    def _starts(self, scope: int) -> Awaited:
        starts = self._flow.scopes[scope].starts
        wanted = sum(self._wanted.counts(self._flow.nodes[at]) for at in starts)
        sure = all(self._flow.nodes[at].label is not None for at in starts)
        return Awaited(wanted if sure else 0, wanted)

    def _scope(self, scope: int) -> Awaited:
        entry = self._flow.scopes[scope]
        if entry.choice:
            return self._starts(scope)
        found = NOTHING
        for at in entry.starts:
            found += self._from(self._flow.nodes[at])
        return Awaited(0, found.most) if entry.sequential else found

    def _arcs(self, arcs: Iterable[int]) -> Awaited:
        found = NOTHING
        for arc in arcs:
            found += self._from(self._flow.nodes[self._flow.arcs[arc].target])
        return found

    def _either(self, arcs: Iterable[int]) -> Awaited:
        ways = [self._arcs((arc,)) for arc in arcs if arc not in self._forbidden]
        if not ways:
            return NOTHING
        return Awaited(min(way.sure for way in ways), max(way.most for way in ways))

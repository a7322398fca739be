"""Which tokens to move next, so that silent steps are tried in few orders.

Steps of different tokens commute, so it is enough to follow one token at a time: what another one does by
itself matters only where the two meet, at a join or at the end of their scope. Once a token waits at one,
only those move on that may complete it, in a fixed order; and no event is looked for until it is complete,
for whatever was possible meanwhile is possible without these steps.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bpmn.flow import Flow, Node, NodeKind
from monitor.conformance.settling import Marking, ending

Movers = frozenset[int]
"""Places of tokens, and marks of subprocesses and handlers, as the ``consumed`` of a step names them."""


class Chains:
    """What leads where in one flow without any event."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._arcs = len(flow.arcs)
        self._marks = self._arcs + 2 * len(flow.nodes)
        self._reach: list[int | None] = [None] * len(flow.nodes)
        self._joins_of_marks = flow.joins_of_marks()
        self._mark_nodes = {
            flow.fired_place(handler.node): handler.start
            for scope in flow.scopes
            for handler in scope.handlers
        }
        self._incoming = {
            node.index: sum(1 << arc for arc in node.incoming)
            for node in flow.nodes
            if node.kind in (NodeKind.AND, NodeKind.OR, NodeKind.COMPLEX)
        }

    def leading(self, movers: Movers, goal: int) -> Movers:
        """Those of ``movers`` that may come to join ``goal``; all where it is the end of a scope, or a
        complex join."""
        if goal < 0 or self.flow.nodes[goal].kind is NodeKind.COMPLEX:
            return movers
        wanted = self._incoming[goal]
        return frozenset(mover for mover in movers if self._reached(self._node(mover)) & wanted)

    def waiting(self, marking: Marking) -> Iterator[int]:
        """Inclusive and complex joins that a token waits at, or that wait to begin anew: what else must come
        or leave depends on all other tokens."""
        _, tokens, children = marking
        for place in tokens:
            if place in self._joins_of_marks:
                yield self._joins_of_marks[place]
            elif place < self._arcs:
                node = self.flow.arcs[place].target
                if self.flow.nodes[node].kind in (NodeKind.OR, NodeKind.COMPLEX):
                    yield node
        for child in children:
            yield from self.waiting(child)

    def movers(self, marking: Marking, goal: int) -> Movers:
        """Those to be moved first for ``goal``, a join or the end of a scope."""
        found: set[int] = set()
        if goal < 0:
            for instance in _instances(marking, ending(goal)):
                found |= self._ending(instance)
        else:
            node = self.flow.nodes[goal]
            every = list(self._all(marking))
            if node.kind is NodeKind.COMPLEX:
                return frozenset(every)
            for instance in _instances(marking, node.scope):
                if node.kind is NodeKind.OR:
                    found |= self._blocking(instance, node, every)
                else:
                    missing = next((arc for arc in node.incoming if arc not in instance[1]), None)
                    if missing is not None:
                        found |= self._reaching(every, 1 << missing)
        return frozenset(found)

    def may_pass(self, marking: Marking, arc: int) -> bool:
        """Whether silent steps may bring a token over the sequence flow."""
        return any(self._reached(self._node(mover)) >> arc & 1 for mover in self._all(marking)) or any(
            self._reached(node) >> arc & 1 for node in self.waiting(marking)
        )

    def _ending(self, instance: Marking) -> set[int]:
        """All must go; so whichever is first. Of an open subprocess also what ends it."""
        _, tokens, children = instance
        first = next((place for place in tokens if self._arcs <= place < self._marks), None)
        if first is not None:
            return {first}
        if not children:
            owner = self.flow.scopes[instance[0]].owner
            return set() if owner is None else {self.flow.node_place(owner)}
        child = children[0]
        owner = self.flow.scopes[child[0]].owner
        assert owner is not None
        return self._ending(child) | {self.flow.node_place(owner)}

    def _blocking(self, instance: Marking, join: Node, every: list[int]) -> set[int]:
        """The first token that an inclusive join waits for, and those that may spare it by coming before."""
        _, tokens, children = instance
        filled = empty = 0
        for bit, arc in enumerate(join.incoming):
            if arc in tokens:
                filled |= 1 << bit
            else:
                empty |= 1 << bit
        standing: list[tuple[int, int, Marking | None]] = [
            (place, self.flow.place_node(place), None)
            for place in tokens
            if place < self._marks and place not in join.incoming
        ]
        standing += [
            (self.flow.node_place(owner), owner, child)
            for child in children
            if (owner := self.flow.scopes[child[0]].owner) is not None
        ]
        for place, at, child in standing:
            ways = join.reach[at] & empty
            if not ways or join.reach[at] & filled:
                continue
            wanted = sum(1 << arc for bit, arc in enumerate(join.incoming) if ways >> bit & 1)
            found = self._reaching(every, wanted)
            if child is not None:
                found |= {place, *self._all(child)}
            elif place >= self._arcs:
                found.add(place)
            else:
                found |= self._reaching(every, self._incoming[at])
            return found
        return set()

    def _reaching(self, every: list[int], arcs: int) -> set[int]:
        return {mover for mover in every if self._reached(self._node(mover)) & arcs}

    def _all(self, marking: Marking) -> Iterator[int]:
        scope, tokens, children = marking
        yield from (place for place in tokens if self._arcs <= place < self._marks)
        yield from (self.flow.fired_place(handler.node) for handler in self.flow.scopes[scope].handlers)
        for child in children:
            owner = self.flow.scopes[child[0]].owner
            assert owner is not None
            yield self.flow.node_place(owner)
            yield from self._all(child)

    def _node(self, mover: int) -> int:
        return self._mark_nodes[mover] if mover >= self._marks else self.flow.place_node(mover)

    # what leads where --------------------------------------------------------------------------------

    def _reached(self, start: int) -> int:
        """The sequence flows (as bits) that something standing at node ``start`` may bring a token to without
        any event. May name too many, never too few."""
        known = self._reach[start]
        if known is None:
            arcs = 0
            pending, seen = [start], {start}
            while pending:
                at = pending.pop()
                for arc in self._leaving(at):
                    arcs |= 1 << arc
                    target = self.flow.arcs[arc].target
                    if target not in seen:
                        seen.add(target)
                        pending.append(target)
                for node in self._beside(at):
                    if node not in seen:
                        seen.add(node)
                        pending.append(node)
            known = self._reach[start] = arcs
        return known

    def _leaving(self, at: int) -> Iterator[int]:
        nodes, node = self.flow.nodes, self.flow.nodes[at]
        if node.kind is NodeKind.RACE:
            for arc in node.outgoing:
                target = nodes[self.flow.arcs[arc].target]
                if _silent(target):
                    yield from target.outgoing
        elif _silent(node) or node.kind is NodeKind.SUBPROCESS:
            yield from node.outgoing
        if at in self.flow.scopes[node.scope].starts and self.flow.scopes[node.scope].choice:
            for start in self.flow.scopes[node.scope].starts:
                if nodes[start].label is None:
                    yield from nodes[start].outgoing
        if _silent(node) and (not node.outgoing or node.kind is NodeKind.SPAWN):
            owner = self.flow.scopes[node.scope].owner
            if owner is not None:
                yield from nodes[owner].outgoing

    def _beside(self, at: int) -> Iterator[int]:
        """Nodes where something begins silently for what stands at, or comes to, node ``at``."""
        nodes, node = self.flow.nodes, self.flow.nodes[at]
        yield from (index for index in node.boundaries if _silent(nodes[index]))
        for activity in node.undoes:
            undo = nodes[activity].undo
            assert undo is not None
            yield undo
        if node.catcher is not None and node.label is None:
            yield node.catcher[1]
        if node.inner is not None:
            inner = self.flow.scopes[node.inner]
            yield from inner.starts
            yield from (handler.start for handler in inner.handlers if _silent(nodes[handler.start]))


def _silent(node: Node) -> bool:
    """Whether it may go on without an event of its own."""
    return node.label is None or bool(node.hears)


def _instances(marking: Marking, scope: int) -> Iterator[Marking]:
    """The open instances of a scope."""
    if marking[0] == scope:
        yield marking
    for child in marking[2]:
        yield from _instances(child, scope)

"""What tokens do by themselves: the silent steps that can disable nothing.

A marking is a nested tuple ``(scope, tokens, children)``: the scope's index, its tokens' places sorted (a
place twice means two tokens), and the sorted markings of the subprocess instances open in it. Interrupting
an activity removes exactly its own instance, however deep it is nested.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monitor.bpmn.flow import Flow, Node, NodeKind

Marking = tuple[int, tuple[int, ...], tuple[Any, ...]]
"""``(scope, tokens, children)``; children are markings again."""

MAX_TOKENS = 256
"""Tokens of one scope past which a marking is not followed further: the model makes tokens without bound."""

MAX_PASSED = 10_000
"""Nodes one token may pass in a single settling: past it, it runs in a circle that no event ever leaves."""


class Unbounded(Exception):
    """A marking outgrew the bound: a signal inside the checker, it becomes "undecided"."""


class Wake:
    """What a silent step set moving, for those who follow chains of steps.

    ``landed``: the places where tokens wait now that came with it, and the marks of what else may begin or
    end there by itself. ``stalled``: joins where a token came but waits for others, and scopes (see
    :func:`ending`) whose tokens came to an end that is not yet the scope's; ``fired``: those that are done.
    ``free``: it may have enabled anything."""

    __slots__ = ("fired", "free", "landed", "stalled")

    def __init__(self, *, free: bool = False) -> None:
        self.landed: set[int] = set()
        self.stalled: set[int] = set()
        self.fired: set[int] = set()
        self.free = free


def ending(scope: int) -> int:
    """The end of a scope among the indices of joins: negative."""
    return -1 - scope


class Settling:
    """A flow's markings at rest. Holds nothing but the flow; with a ``trail``, the sequence flows that tokens
    passed are noted there, for the picture. ``forbidden``: those that conditions rule out."""

    def __init__(
        self, flow: Flow, trail: list[int] | None = None, forbidden: frozenset[int] = frozenset()
    ) -> None:
        self.flow = flow
        self.trail = trail
        self.forbidden = forbidden
        self._arcs = len(flow.arcs)
        self._count = len(flow.nodes)
        self._marks = self._arcs + 2 * self._count  # places from here on hold marks, not tokens
        self._done = self._arcs + 3 * self._count  # those of what was completed, and of messages
        self._messages = self._done + self._count
        self._inside = _compensated_inside(flow)
        self._joins_of_marks = flow.joins_of_marks()

    def initial(self) -> Marking:
        return self._enter(0, Wake())

    def is_final(self, marking: Marking) -> bool:
        """Nothing is left to do: no token, but for messages nobody waited for."""
        _, tokens, children = marking
        return not children and (not tokens or tokens[0] >= self._marks)

    def _enter(self, scope: int, wake: Wake) -> Marking:
        """A new instance of a scope, its start taken where there is no choice."""
        entry = self.flow.scopes[scope]
        wake.landed.update(self.flow.fired_place(handler.node) for handler in entry.handlers)
        if entry.choice:
            place = self.flow.node_place(entry.starts[0])
            wake.landed.add(place)
            return (scope, (place,), ())
        tokens: list[int] = []
        children: list[Marking] = []
        arcs: list[int] = []
        for start in entry.starts:  # a start event passes its token on, other nodes hold theirs
            node = self.flow.nodes[start]
            if node.kind is NodeKind.SUBPROCESS:
                children.append(self._open(node, wake))
            elif node.kind is NodeKind.PASS:
                arcs.extend(node.outgoing)
            else:
                tokens.append(self.flow.node_place(start))
        wake.landed.update(tokens)
        return self._settle(scope, tokens, children, arcs, wake)

    def _open(self, node: Node, wake: Wake) -> Marking:
        assert node.inner is not None
        wake.landed.add(self.flow.node_place(node.index))
        return self._enter(node.inner, wake)

    def _settle(
        self, scope: int, tokens: Iterable[int], children: Iterable[Marking], arcs: Iterable[int], wake: Wake
    ) -> Marking:
        """Put a token on each of ``arcs`` and take every silent step that can disable nothing."""
        nodes = self.flow.nodes
        places = list(tokens)
        open_children = list(children)
        queue = list(arcs)
        passed = 0
        while True:
            while queue:
                passed += 1
                if passed > MAX_PASSED:
                    raise Unbounded
                arc = queue.pop()
                if self.trail is not None:
                    self.trail.append(arc)
                node = nodes[self.flow.arcs[arc].target]
                kind = node.kind
                if kind is NodeKind.PASS:
                    queue.extend(self._onward(node, wake))
                elif kind is NodeKind.AND:
                    places.append(arc)
                    if all(incoming in places for incoming in node.incoming):
                        for incoming in node.incoming:
                            places.remove(incoming)
                        wake.fired.add(node.index)
                        queue.extend(self._onward(node, wake))
                    else:
                        wake.stalled.add(node.index)
                elif kind is NodeKind.OR or kind is NodeKind.COMPLEX:
                    places.append(arc)
                    wake.stalled.add(node.index)
                elif kind is NodeKind.SUBPROCESS and not self.flow.scopes[scope].sequential:
                    open_children.append(self._open(node, wake))
                elif kind is NodeKind.END and node.label is None:
                    wake.stalled.add(ending(scope))
                else:
                    place = self.flow.node_place(node.index)
                    places.append(place)
                    wake.landed.add(place)
                if len(places) > MAX_TOKENS:
                    raise Unbounded
            for child in open_children:
                owner = nodes[self.flow.scopes[child[0]].owner or 0]
                if self.is_final(child) and not self._lingers(child):
                    open_children.remove(child)
                    places.extend(self._left_behind(child, owner, wake))
                    wake.fired.add(ending(child[0]))
                    wake.free |= self.flow.scopes[scope].sequential  # others may begin now
                    queue.extend(self._onward(owner, wake))
                    break
            else:
                break
        if len(open_children) > MAX_TOKENS:
            raise Unbounded
        handlers = self.flow.scopes[scope].handlers
        if len(places) == 1 and places[0] < self._marks and not open_children and not handlers:
            node = nodes[self.flow.place_node(places[0])]
            if node.kind is NodeKind.TERMINATE and node.label is None:  # nothing is left for it to end
                places = []
                wake.stalled.add(ending(scope))
        return (scope, tuple(sorted(places)), tuple(sorted(open_children)))

    def _onward(self, node: Node, wake: Wake) -> tuple[int, ...]:
        """The sequence flows a node's token goes on by; without any it comes to its end there."""
        if not node.outgoing:
            wake.stalled.add(ending(node.scope))
        return node.outgoing

    def _lingers(self, child: Marking) -> bool:
        """Whether an event may still come to a subprocess that has nothing left to do, or a compensation
        before it is complete: its end is then a step of its own."""
        scope, tokens, _ = child
        owner = self.flow.nodes[self.flow.scopes[scope].owner or 0]
        if self.flow.scopes[scope].handlers or owner.boundaries or owner.undo is not None:
            return True
        return owner.kind is not NodeKind.COMPENSATE and any(
            self._done <= place < self._messages for place in tokens
        )

    def _ended(self, marking: Marking, by: Node | None = None) -> Marking:
        """Nothing left of a scope but what was completed in it, and messages on the way. What ended it for
        good (``by``) leaves its mark, so that nothing begins in it any more."""
        scope, tokens, _ = marking
        mark = () if by is None else (self.flow.fired_place(by.index),)
        return (scope, (*mark, *(place for place in tokens if place >= self._done)), ())

    def _left_behind(self, child: Marking, owner: Node, wake: Wake) -> list[int]:
        """What a subprocess that is complete leaves to be compensated: itself, or what was done inside."""
        if owner.kind is NodeKind.COMPENSATE:
            return []
        inside = [place for place in child[1] if self._done <= place < self._messages]
        if owner.undo is not None:
            kept = self._inside.get(owner.index, frozenset())
            inside = [self.flow.done_place(owner.index), *(place for place in inside if place in kept)]
        wake.free |= bool(inside)  # it outlives what it was done in, which an event may end instead
        return inside

    def _undone(self, tokens: Iterable[int], node: Node, wake: Wake) -> tuple[tuple[int, ...], Marking]:
        """The tokens without what COMPENSATE ``node`` is about, and its handlers at work."""
        left = list(tokens)
        places: list[int] = []
        children: list[Marking] = []
        for activity in node.undoes:
            done = self.flow.done_place(activity)
            for _ in range(left.count(done)):
                left.remove(done)
                undo = self.flow.nodes[self.flow.nodes[activity].undo or 0]
                if activity in self._inside:
                    kept = [place for place in left if place in self._inside[activity]]
                    left = [place for place in left if place not in self._inside[activity]]
                    children.append(self._begin(undo, kept, wake))
                elif undo.kind is NodeKind.SUBPROCESS:
                    children.append(self._open(undo, wake))
                elif undo.kind is NodeKind.TASK:
                    places.append(self.flow.node_place(undo.index))
        assert node.inner is not None
        return tuple(left), self._settle(node.inner, places, children, (), wake)

    def _begin(self, handler: Node, tokens: Iterable[int], wake: Wake) -> Marking:
        """An event subprocess that something else than an event begins."""
        assert handler.inner is not None
        starts = self.flow.scopes[handler.inner].starts
        arcs = [arc for start in starts for arc in self.flow.nodes[start].outgoing]
        return self._settle(handler.inner, tokens, (), arcs, wake)

    def _activations(self, tokens: tuple[int, ...], children: tuple[Marking, ...], owner: Node) -> int:
        if owner.inner is not None:
            return sum(1 for child in children if child[0] == owner.inner)
        places = (self.flow.node_place(owner.index), self.flow.running_place(owner.index))
        return sum(tokens.count(place) for place in places)

    def _clear_fired(self, tokens: tuple[int, ...], owner: Node) -> tuple[int, ...]:
        """``owner`` is left: forget that its silent boundary events fired (of one activation; where several
        are open the more permissive reading)."""
        for index in owner.boundaries:
            fired = self.flow.fired_place(index)
            if fired in tokens:
                at = tokens.index(fired)
                tokens = tokens[:at] + tokens[at + 1 :]
        return tokens


def _compensated_inside(flow: Flow) -> dict[int, frozenset[int]]:
    """For each subprocess that an event subprocess of its own compensates: the done places of what is inside,
    which that one may compensate in turn."""

    def inside(node: Node, scope: int) -> bool:
        at: int | None = node.scope
        while at is not None and at != scope:
            owner = flow.scopes[at].owner
            at = None if owner is None else flow.nodes[owner].scope
        return at is not None

    return {
        node.index: frozenset(
            flow.done_place(other.index)
            for other in flow.nodes
            if other.undo is not None and inside(other, node.inner)
        )
        for node in flow.nodes
        if node.inner is not None and node.undo is not None and flow.nodes[node.undo].scope == node.inner
    }

"""Joins that do not wait for a token of every flow: they look at where all other tokens stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.bpmn.flow import Node, NodeKind
from monitor.conformance.settling import Marking, Settling, Wake, ending

Fired = tuple[None, Marking, None, Wake, None]
"""What a join leads to, in the form of any step's outcome: no label, no token of its own, no event."""


class Joining(Settling):
    """Settling, and the inclusive and complex joins of a scope."""

    def _passed_on(
        self, scope: int, tokens: tuple[int, ...], children: tuple[Marking, ...], node: Node
    ) -> tuple[Marking, Wake]:
        """``node`` hands its token on."""
        wake = Wake()
        return self._settle(scope, tokens, children, self._onward(node, wake), wake), wake

    def _join(self, marking: Marking, node: Node) -> Iterator[Fired]:
        if node.kind is NodeKind.OR and self._or_join_ready(marking, node):
            yield from self._or_join(marking, node)
        elif node.kind is NodeKind.COMPLEX:
            yield from self._complex_join(marking, node)

    def _complex_join(self, marking: Marking, node: Node) -> Iterator[Fired]:
        """Section 13.4.5: it fires once enough flows have tokens; then, as soon as none can come any more by
        a flow that had none, it takes those that came meanwhile and begins anew."""
        scope, tokens, children = marking
        passed = [self.flow.fired_place(index) for index in node.passed]
        filled = [arc for arc in node.incoming if arc in tokens]
        left = list(tokens)
        if any(place in tokens for place in passed):
            late = [arc for arc, place in zip(node.incoming, passed, strict=True) if place not in tokens]
            passed_by = [arc for arc in node.incoming if arc not in late]
            if self._none_can_come(marking, node, late, passed_by):
                for place in (*(arc for arc in late if arc in tokens), *(p for p in passed if p in tokens)):
                    left.remove(place)
                after = self._settle(scope, left, children, (), wake := Wake(free=True))
                wake.stalled.add(ending(scope))
                yield None, after, None, wake, None
        elif len(filled) >= node.least:
            for arc in filled:
                left.remove(arc)
            if len(filled) < len(node.incoming):
                left += [place for arc, place in zip(node.incoming, passed, strict=True) if arc in filled]
            after, _ = self._passed_on(scope, tuple(left), children, node)
            yield None, after, None, Wake(free=True), None

    def _or_join_ready(self, marking: Marking, node: Node) -> bool:
        return self._none_can_come(marking, node, node.incoming)

    def _none_can_come(
        self, marking: Marking, node: Node, arcs: Sequence[int], had: Sequence[int] = ()
    ) -> bool:
        """Sections 13.4.3 and 13.4.5: no token can still arrive on an empty one of ``arcs``, unless it could
        as well arrive on one that has a token already or ``had`` one."""
        _, tokens, children = marking
        filled = empty = 0
        for bit, arc in enumerate(node.incoming):
            if arc in tokens or arc in had:
                filled |= 1 << bit
            elif arc in arcs:
                empty |= 1 << bit
        if not empty:
            return True
        standing = [
            self.flow.place_node(place)
            for place in tokens
            if place not in node.incoming and place < self._marks
        ]
        standing += [owner for child in children if (owner := self.flow.scopes[child[0]].owner) is not None]
        return all(not node.reach[at] & empty or node.reach[at] & filled for at in standing)

    def _or_join(self, marking: Marking, node: Node) -> Iterator[Fired]:
        """One token of each incoming flow that has any goes on. What comes later may not find it ready any
        more, so this is a step that may have enabled anything."""
        scope, tokens, children = marking
        left = list(tokens)
        for arc in node.incoming:
            if arc in left:
                left.remove(arc)
        after, _ = self._passed_on(scope, tuple(left), children, node)
        yield None, after, None, Wake(free=True), None

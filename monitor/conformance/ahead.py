"""What may still come: bounds on the events that tokens can bring about, by following the flows.

Tokens are not played: a bound may be too high, never too low. Nodes on a circle have none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import inf

from monitor.bpmn.flow import Flow, Node, NodeKind
from monitor.conformance.tokens import Marking

Bounds = Mapping[str, float]
"""Label -> how many events of it at most; only labels that can come at all."""


class Ahead:
    """Bounds for one flow, worked out as they are asked for."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._known: dict[int, Bounds] = {}
        self._called: defaultdict[int, list[int]] = defaultdict(list)
        for handler in (handler for scope in flow.scopes for handler in scope.handlers):
            for message in flow.nodes[handler.start].receives:
                self._called[message].append(handler.start)

    def of(self, marking: Marking) -> Bounds:
        """Bounds on what all tokens of a marking together bring about."""
        total: defaultdict[str, float] = defaultdict(float)
        for at, share in self._standing(marking):
            for label, most in self._from(at).items():
                total[label] += share * most
        return total

    def _standing(self, marking: Marking) -> Iterator[tuple[int, float]]:
        scope, tokens, children = marking
        arcs, first_message = len(self.flow.arcs), self.flow.message_place(0)
        for place in tokens:
            if place < arcs + 2 * len(self.flow.nodes):
                at = self.flow.place_node(place)
                yield at, self._share(self.flow.nodes[at]) if place < arcs else 1.0
            elif place >= first_message:
                yield from ((start, 1.0) for start in self._called[place - first_message])
        yield from self._handled(scope)
        for child in children:
            owner = self.flow.scopes[child[0]].owner
            assert owner is not None
            yield from self._onward(owner, entering=False)
            yield from self._standing(child)

    @staticmethod
    def _share(node: Node) -> float:
        """A parallel join fires once for a token of every incoming flow."""
        return 1.0 / len(node.incoming) if node.kind is NodeKind.AND else 1.0

    def _from(self, start: int) -> Bounds:
        """Bounds on what one token at ``start`` brings about; those of all nodes after it come first."""
        pending = [start]
        while pending:
            at = pending[-1]
            if at in self._known:
                pending.pop()
                continue
            after = self._after(at)
            if at in after:
                labels = (label for one in after for label in self._own(one))
                self._known[at] = dict.fromkeys(labels, inf)
                continue
            unknown = [one for one, _ in self._onward(at) if one not in self._known]
            if unknown:
                pending += unknown
            else:
                self._known[at] = self._summed(at)
        return self._known[start]

    def _summed(self, at: int) -> Bounds:
        node = self.flow.nodes[at]
        either = node.kind in (NodeKind.XOR, NodeKind.RACE)
        total: defaultdict[str, float] = defaultdict(float)
        for label in self._own(at):
            total[label] += 1
        for one, times in self._onward(at):
            for label, most in self._known[one].items():
                total[label] = max(total[label], most * times) if either else total[label] + most * times
        return total

    def _own(self, at: int) -> Iterator[str]:
        node = self.flow.nodes[at]
        if node.label is not None:
            yield node.label
        if node.start_label is not None:
            yield node.start_label

    def _onward(self, at: int, *, entering: bool = True) -> Iterator[tuple[int, float]]:
        """Where a token at a node leads, and how many come there at most. Not ``entering``: the node is a
        subprocess that is open already."""
        nodes, scopes = self.flow.nodes, self.flow.scopes
        node = nodes[at]
        for arc in node.outgoing:
            target = self.flow.arcs[arc].target
            yield target, inf if node.kind is NodeKind.SPAWN else self._share(nodes[target])
        for activity in node.undoes:
            undo = nodes[activity].undo
            assert undo is not None
            yield undo, inf
        for index in node.boundaries:
            boundary = nodes[index]
            yield index, 1.0 if boundary.interrupting or boundary.label is None else inf
        if entering and node.inner is not None:
            for start in scopes[node.inner].starts:
                yield start, 1.0
            yield from self._handled(node.inner)
        for message in node.sends:
            yield from ((start, 1.0) for start in self._called[message])
        if node.kind is NodeKind.PASS and at in scopes[node.scope].starts:
            alternatives = scopes[node.scope].starts
            if scopes[node.scope].choice and at == alternatives[0]:
                for start in alternatives[1:]:
                    yield start, 1.0
        if node.catcher is not None:
            yield node.catcher[1], 1.0

    def _handled(self, scope: int) -> Iterator[tuple[int, float]]:
        """Event subprocesses that may begin while the scope is open. Pools are called by messages."""
        for handler in self.flow.scopes[scope].handlers:
            start = self.flow.nodes[handler.start]
            if not start.receives:
                yield start.index, 1.0 if handler.interrupting or start.label is None else inf

    def _after(self, start: int) -> set[int]:
        found: set[int] = set()
        pending = [start]
        while pending:
            following = {one for one, _ in self._onward(pending.pop())} - found
            found |= following
            pending += following
        return found

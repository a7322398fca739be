"""How many events of a label a flow still owes: it cannot be finished without them.

Each instance of a scope with a token that has no way to its scope's end but by the label owes one: never more
than it must, for tokens of one instance may meet in a join.
"""

from __future__ import annotations

from collections import defaultdict

from monitor.bpmn.flow import Flow, NodeKind
from monitor.conformance.automaton import State
from monitor.conformance.tokens import Marking


class Owing:
    """What one flow owes of ``label``."""

    def __init__(self, flow: Flow, label: str) -> None:
        self._flow = flow
        self._avoiding = _avoiding(flow, label)

    def of(self, state: State) -> int:
        if state.undecided or not state.markings:
            return 0
        return min(self._instances(marking) for marking in state.markings)

    def _instances(self, marking: Marking) -> int:
        _, tokens, children = marking
        flow = self._flow
        mine = any(
            flow.place_node(place) not in self._avoiding
            for place in tokens
            if place < len(flow.arcs) + 2 * len(flow.nodes)
        )
        return int(mine) + sum(self._instances(child) for child in children)


def _avoiding(flow: Flow, label: str) -> set[int]:
    """Nodes from which a token may come to the end of its scope without the label's event."""
    before: defaultdict[int, list[int]] = defaultdict(list)
    for arc in flow.arcs:
        before[arc.target].append(arc.source)
    for node in flow.nodes:
        for at in node.boundaries:
            before[at].append(node.index)  # it may go on that way
    owing = {node.index for node in flow.nodes if label in (node.label, node.start_label)}
    ends = [
        node.index
        for node in flow.nodes
        if node.index not in owing
        and (not node.outgoing or node.kind in (NodeKind.TERMINATE, NodeKind.THROW, NodeKind.COMPENSATE))
    ]
    found = set(ends)
    while ends:
        for at in before[ends.pop()]:
            if at not in found and at not in owing:
                found.add(at)
                ends.append(at)
    return found

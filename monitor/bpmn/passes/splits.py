"""Splits that choose several of their flows: inclusive gateways, and conditional flows out of an activity.

A split of n flows has 2^n - 1 ways to go. Written out as one flow that is taken for certain, with each of
the others left open until it shows, it has n.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from monitor.bpmn.flow import Arc, Node, NodeKind
from monitor.bpmn.passes.draft import Choice, Draft

_INCLUSIVE = ("inclusiveGateway", "complexGateway")


def split_conditions(draft: Draft) -> None:
    """An activity or event with conditional outgoing flows splits like an inclusive gateway."""
    for at in range(len(draft.nodes)):
        node = draft.nodes[at]
        if len(node.outgoing) < 2:
            continue
        conditional = not all(draft.arcs[arc].always for arc in node.outgoing)
        if node.kind in (NodeKind.OR, NodeKind.COMPLEX) or (
            conditional and not node.type.endswith("Gateway")
        ):
            _Split(draft, at).write_out()


class _Split:
    """The outgoing flows of one node: those always taken, those that may be, and the default."""

    def __init__(self, draft: Draft, at: int) -> None:
        self._draft = draft
        self._node = node = draft.nodes[at]
        self._entries: defaultdict[int, list[int]] = defaultdict(list)
        self._outgoing: dict[int, list[int]] = {}
        self._unless: defaultdict[int, list[int]] = defaultdict(list)
        self._when: defaultdict[int, list[int]] = defaultdict(list)
        conditional = node.type in _INCLUSIVE
        default = draft.elements[at].default
        self._default = next((arc for arc in node.outgoing if draft.arcs[arc].id == default), None)
        arcs = [arc for arc in node.outgoing if arc != self._default]
        self._always = [arc for arc in arcs if draft.arcs[arc].always and not conditional]
        self._maybe = [arc for arc in arcs if arc not in self._always]

    def write_out(self) -> None:
        """Put the choices between the node and its flows. What a condition rules out is not chosen, and what
        it demands is not left out."""
        merges = {arc: self._add(NodeKind.PASS) for arc in self._node.outgoing}
        options = {arc: self._option(arc, merges[arc]) for arc in self._maybe} if self._several() else {}
        ways: list[int] = []
        certain: list[int | None] = [None] if self._always else [*self._maybe]
        for first in certain:
            way = self._add(NodeKind.PASS)
            taken = [*self._always, *([] if first is None else [first])]
            for arc in taken:
                self._link(way, merges[arc])
            for arc, option in options.items():
                if arc != first:
                    self._link(way, option)
            ways.append(way)
        if self._default is not None:
            way = self._add(NodeKind.PASS)
            for arc in (*self._always, self._default):
                self._link(way, merges[arc])
            ways.append(way)
        choice = ways[0] if len(ways) == 1 else self._add(NodeKind.XOR)
        if len(ways) > 1:
            self._guard(certain, [self._link(choice, way) for way in ways])
        self._draft.choices += [
            Choice(arc, tuple(self._unless[arc]), tuple(self._when[arc])) for arc in self._maybe
        ]
        self._finish(choice, merges)

    def _guard(self, certain: Sequence[int | None], ways: Sequence[int]) -> None:
        """``ways``: the choices of one that is certain, then that of the default flow if there is one."""
        for arc, way in zip(certain, ways, strict=False):
            if arc is not None:
                self._unless[arc].append(way)
        if self._default is not None:
            for arc in self._maybe:
                self._when[arc].append(ways[-1])

    def _several(self) -> bool:
        return bool(self._always) or len(self._maybe) > 1

    def _option(self, arc: int, merge: int) -> int:
        """Taken after all, or not."""
        option = self._add(NodeKind.XOR)
        self._unless[arc].append(self._link(option, merge))
        self._when[arc].append(self._link(option, self._add(NodeKind.END)))
        return option

    def _finish(self, choice: int, merges: dict[int, int]) -> None:
        draft, at = self._draft, self._node.index
        for arc, merge in merges.items():
            draft.arcs[arc] = replace(draft.arcs[arc], source=merge)
            self._outgoing[merge] = [arc]
        self._link(at, choice)
        for index, outgoing in self._outgoing.items():
            draft.nodes[index] = replace(draft.nodes[index], outgoing=tuple(outgoing))
        for index, incoming in self._entries.items():
            draft.nodes[index] = replace(draft.nodes[index], incoming=tuple(incoming))
        if self._node.kind is NodeKind.OR and len(self._node.incoming) < 2:
            draft.nodes[at] = replace(draft.nodes[at], kind=NodeKind.PASS)

    def _add(self, kind: NodeKind) -> int:
        node, index = self._node, len(self._draft.nodes)
        self._draft.nodes.append(
            Node(index=index, id=node.id, name=node.name, type=node.type, kind=kind, scope=node.scope)
        )
        self._draft.elements[index] = self._draft.elements[node.index]
        return index

    def _link(self, source: int, target: int) -> int:
        index = len(self._draft.arcs)
        self._draft.arcs.append(Arc(index, f"{self._node.id}~{index}", source, target))
        self._outgoing.setdefault(source, []).append(index)
        self._entries[target].append(index)
        return index

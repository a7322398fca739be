"""A flow as a list: its elements in the order a trace meets them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from monitor.bpmn.flow import Flow, Node


@dataclass(frozen=True, slots=True)
class Outlined:
    """An element of the model. ``name`` is never empty: without one it is its label, or else its type in
    words. ``observable``: an event tells of it."""

    id: str
    name: str
    type: str
    observable: bool


def outline(flow: Flow) -> tuple[Outlined, ...]:
    """Every element once, in an order in which what comes before stands before (loops go back, of course), a
    subprocess before what is in it, the first of several branches first."""
    nodes: dict[str, list[Node]] = {}
    for index in _order(flow):
        node = flow.nodes[index]
        if "~" not in node.id or node.label is not None:
            nodes.setdefault(node.id, []).append(node)
    return tuple(_step(id, copies) for id, copies in nodes.items())


def _step(id: str, copies: list[Node]) -> Outlined:
    first = next((node for node in copies if node.label is not None), copies[0])
    return Outlined(
        id=id,
        name=first.name or first.label or in_words(first.type),
        type=first.type,
        observable=any(node.label is not None or node.start_label is not None for node in copies),
    )


def in_words(type: str) -> str:
    """``exclusive gateway`` of ``exclusiveGateway``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type)


def _order(flow: Flow) -> list[int]:
    """Reverse postorder of a walk from where traces begin; what cannot be reached comes last, in the file's
    order."""
    walk = _Walk(flow)
    order: list[int] = []
    first = flow.scopes[0]
    roots = (*first.starts, *(handler.node for handler in first.handlers))
    for root in (*roots, *(node.index for node in flow.nodes)):
        # Of several beginnings the first of the file shall stand first, so each walk is added behind.
        order += reversed(walk.from_(root))
    return order


class _Walk:
    """Depth first, each node once."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._seen: set[int] = set()
        self._caught: defaultdict[int, list[int]] = defaultdict(list)
        for node in flow.nodes:
            if node.catcher is not None:
                self._caught[node.scope].append(node.catcher[1])

    def from_(self, root: int) -> list[int]:
        """What is found from here in postorder."""
        found: list[int] = []
        stack = [(root, iter(self._nexts(root)))] if root not in self._seen else []
        self._seen.add(root)
        while stack:
            node, following = stack[-1]
            target = next(following, None)
            if target is None:
                found.append(node)
                stack.pop()
            elif target not in self._seen:
                self._seen.add(target)
                stack.append((target, iter(self._nexts(target))))
        return found

    def _nexts(self, index: int) -> list[int]:
        """What may come next, last what shall stand first: what is inside a subprocess, then where the
        sequence flows lead in the file's order, then where its boundary events do."""
        flow = self._flow
        node = flow.nodes[index]
        targets = [flow.arcs[arc].target for arc in node.outgoing]
        if node.inner is None:
            return [*reversed(node.boundaries), *reversed(targets)]
        scope = flow.scopes[node.inner]
        inside = (*scope.starts, *(handler.node for handler in scope.handlers))
        boundaries = (*node.boundaries, *self._caught[node.inner])
        return [*reversed(boundaries), *reversed(targets), *reversed(inside)]

"""A flow as a list: its elements in the order a trace meets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.bpmn.flow import Flow, Node


@dataclass(frozen=True, slots=True)
class Step:
    """An element of the model. ``name`` is never empty: without one it is its label, or else its type in
    words. ``observable``: an event tells of it."""

    id: str
    name: str
    type: str
    observable: bool


def outline(flow: Flow) -> tuple[Step, ...]:
    """Every element once, in an order in which what comes before stands before (loops go back, of course), a
    subprocess before what is in it, the first of several branches first."""
    nodes: dict[str, list[Node]] = {}
    for index in _order(flow):
        node = flow.nodes[index]
        if "~" not in node.id or node.label is not None:
            nodes.setdefault(node.id, []).append(node)
    return tuple(_step(id, copies) for id, copies in nodes.items())


def _step(id: str, copies: list[Node]) -> Step:
    first = next((node for node in copies if node.label is not None), copies[0])
    return Step(
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
    order: list[int] = []
    seen: set[int] = set()
    for root in (*_roots(flow), *(node.index for node in flow.nodes)):
        found: list[int] = []
        _walk(flow, root, seen, found)
        # Of several beginnings the first of the file shall stand first, so each walk is added behind.
        order += reversed(found)
    return order


def _roots(flow: Flow) -> Iterator[int]:
    yield from flow.scopes[0].starts
    yield from (handler.node for handler in flow.scopes[0].handlers)


def _walk(flow: Flow, root: int, seen: set[int], found: list[int]) -> None:
    if root in seen:
        return
    seen.add(root)
    stack: list[tuple[int, Iterator[int]]] = [(root, iter(_nexts(flow, root)))]
    while stack:
        node, following = stack[-1]
        target = next(following, None)
        if target is None:
            found.append(node)
            stack.pop()
        elif target not in seen:
            seen.add(target)
            stack.append((target, iter(_nexts(flow, target))))


def _nexts(flow: Flow, index: int) -> list[int]:
    """What may come next, what shall be listed first at the end: what is inside a subprocess, then the
    sequence flows in the file's order, then what its boundary events lead to."""
    node = flow.nodes[index]
    inside: list[int] = []
    if node.inner is not None:
        scope = flow.scopes[node.inner]
        inside = [*scope.starts, *(handler.node for handler in scope.handlers)]
    return [*reversed(_boundaries(flow, node)), *reversed(_targets(flow, node)), *reversed(inside)]


def _targets(flow: Flow, node: Node) -> list[int]:
    return [flow.arcs[arc].target for arc in node.outgoing]


def _boundaries(flow: Flow, node: Node) -> list[int]:
    thrown = [one.catcher[1] for one in flow.nodes if one.catcher is not None and _throws_in(flow, one, node)]
    return list(dict.fromkeys((*node.boundaries, *thrown)))


def _throws_in(flow: Flow, thrower: Node, around: Node) -> bool:
    """Whether what is thrown ends the subprocess ``around`` by a boundary event of it."""
    if thrower.catcher is None or around.inner is None:
        return False
    scope = flow.scopes[thrower.scope]
    for _ in range(thrower.catcher[0] - 1):
        if scope.owner is None:
            return False
        scope = flow.scopes[flow.nodes[scope.owner].scope]
    return scope.index == around.inner

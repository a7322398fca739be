"""Sequence flows and links become arcs, and a node's surroundings say what is left of its kind."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from monitor.bpmn.document import EventKind
from monitor.bpmn.flow import Arc, Node, NodeKind
from monitor.bpmn.passes.draft import Draft


def wire(draft: Draft) -> None:
    flows = list(draft.process.flows)
    for element in draft.process.walk():
        flows.extend(element.flows)
    incoming: defaultdict[int, list[int]] = defaultdict(list)
    outgoing: defaultdict[int, list[int]] = defaultdict(list)
    defaults = {element.default for element in draft.process.walk()}
    for flow in flows:
        source, target = draft.by_id.get(flow.source), draft.by_id.get(flow.target)
        if source is None or target is None or draft.nodes[source].scope != draft.nodes[target].scope:
            continue  # dangling or across a border: validation says so
        index = len(draft.arcs)
        always = flow.condition is None and flow.id not in defaults
        draft.arcs.append(Arc(index, flow.id, source, target, always))
        outgoing[source].append(index)
        incoming[target].append(index)
    _links(draft, incoming, outgoing)
    for at, node in enumerate(draft.nodes):
        draft.nodes[at] = replace(node, incoming=tuple(incoming[at]), outgoing=tuple(outgoing[at]))


def reduce_kinds(draft: Draft) -> None:
    """What a node's surroundings leave of its kind."""
    for at, node in enumerate(draft.nodes):
        draft.nodes[at] = replace(node, kind=_reduced_kind(draft, node))


def _links(
    draft: Draft, incoming: defaultdict[int, list[int]], outgoing: defaultdict[int, list[int]]
) -> None:
    """A link throw event goes on at the catch event of its name."""
    catches: dict[tuple[int, str], int] = {}
    throws: list[tuple[int, str]] = []
    for at, element in draft.elements.items():
        for definition in element.events:
            if definition.kind is EventKind.LINK:
                name = definition.reference or element.name
                if element.type == "intermediateCatchEvent":
                    catches[draft.nodes[at].scope, name] = at
                else:
                    throws.append((at, name))
    for at, name in throws:
        target = catches.get((draft.nodes[at].scope, name))
        if target is None:
            draft.error("link-without-target", f"no link catch event “{name}”.", draft.elements[at])
            continue
        index = len(draft.arcs)
        draft.arcs.append(Arc(index, f"{draft.nodes[at].id}~{draft.nodes[target].id}", at, target))
        outgoing[at].append(index)
        incoming[target].append(index)


def _reduced_kind(draft: Draft, node: Node) -> NodeKind:
    """What the node's surroundings make of its kind: a choice of one is none, a parallel gateway with one
    flow in and out neither, and a silent task without boundary events holds no token."""
    match node.kind:
        case NodeKind.XOR if len(node.outgoing) <= 1:
            return NodeKind.PASS if node.outgoing else NodeKind.END
        case NodeKind.OR if len(node.outgoing) <= 1 and len(node.incoming) <= 1:
            return NodeKind.PASS
        case NodeKind.AND if len(node.incoming) <= 1:
            return NodeKind.PASS
        case NodeKind.COMPLEX if len(node.incoming) <= 1:
            return NodeKind.OR if len(node.outgoing) > 1 else NodeKind.PASS
        case NodeKind.RACE:
            _check_race(draft, node)
            return NodeKind.RACE
        case NodeKind.TASK if node.label is None and node.start_label is None and not node.receives:
            element = draft.elements[node.index].id
            guarded = any(e.attached_to == element for e in draft.elements.values())
            return NodeKind.TASK if guarded else NodeKind.PASS
        case NodeKind.THROW if node.label is not None:
            return NodeKind.THROW
    return node.kind


def _check_race(draft: Draft, node: Node) -> None:
    guarded = {element.attached_to for element in draft.elements.values()}
    for arc in node.outgoing:
        target = draft.nodes[draft.arcs[arc].target]
        if target.type not in ("intermediateCatchEvent", "receiveTask"):
            draft.error(
                "event-gateway-target",
                f"only catching events may follow an event gateway; {target.id} is a {target.type}.",
                draft.elements[node.index],
            )
        elif (element := draft.elements[target.index]).id in guarded or target.start_label is not None:
            what = "boundary events" if element.id in guarded else "a bound start"
            draft.refuse(element, f"{what} at the target of an event-based gateway")

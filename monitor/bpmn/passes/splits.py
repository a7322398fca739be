"""Conditional flows out of an activity."""

from __future__ import annotations

from dataclasses import replace

from monitor.bpmn.flow import Arc, Node, NodeKind
from monitor.bpmn.passes.draft import Draft


def split_conditions(draft: Draft) -> None:
    """An activity or event with conditional outgoing flows splits like an inclusive gateway: a gateway of
    its own is put in between."""
    for at in range(len(draft.nodes)):
        node = draft.nodes[at]
        if node.kind in (NodeKind.XOR, NodeKind.OR, NodeKind.RACE) or node.type.endswith("Gateway"):
            continue
        if len(node.outgoing) < 2 or all(draft.arcs[arc].always for arc in node.outgoing):
            continue
        split, link = len(draft.nodes), len(draft.arcs)
        draft.arcs.append(Arc(link, f"{node.id}~split", at, split))
        for arc in node.outgoing:
            draft.arcs[arc] = replace(draft.arcs[arc], source=split)
        draft.nodes.append(
            Node(
                index=split,
                id=node.id,
                name=node.name,
                type=node.type,
                kind=NodeKind.OR,
                scope=node.scope,
                incoming=(link,),
                outgoing=node.outgoing,
                default=node.default,
            )
        )
        draft.elements[split] = draft.elements[at]
        draft.nodes[at] = replace(node, outgoing=(link,), default=None)

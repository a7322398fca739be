"""Every element becomes a node, every process and subprocess a scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.bpmn.document import FlowNode
from monitor.bpmn.flow import Node, NodeKind, Scope
from monitor.bpmn.passes.draft import Draft
from monitor.bpmn.passes.joins import least_of
from monitor.bpmn.passes.kinds import kind_of
from monitor.bpmn.passes.labels import Labels


def place_nodes(draft: Draft) -> None:
    _scope(draft, Labels(draft), draft.process.nodes, None, event=False)


def _scope(
    draft: Draft, labels: Labels, elements: Sequence[FlowNode], owner: int | None, *, event: bool
) -> int:
    """``event``: the scope is an event subprocess's."""
    index = len(draft.scopes)
    sequential = owner is not None and draft.elements[owner].ad_hoc_ordering == "Sequential"
    draft.scopes.append(Scope(index, owner, (), choice=False, sequential=sequential))
    for element in elements:
        at = len(draft.nodes)
        kind = kind_of(draft, element, event=event)
        label, start_label = labels.of(element, kind)
        if kind is NodeKind.PASS and label is not None and element.type != "startEvent":
            kind = NodeKind.TASK  # what is bound to an event waits for it
        draft.nodes.append(
            Node(
                index=at,
                id=element.origin or element.id,
                name=element.name,
                type=element.type,
                kind=kind,
                scope=index,
                label=label,
                start_label=start_label,
                interrupting=element.interrupting,
                ends=kind is NodeKind.SPAWN and element.interrupting,
                least=least_of(element.activation_condition),
            )
        )
        draft.by_id[element.id] = at
        draft.elements[at] = element
        if kind is NodeKind.SUBPROCESS:
            inner = _scope(draft, labels, element.children, at, event=element.triggered_by_event)
            draft.nodes[at] = replace(draft.nodes[at], inner=inner)
    return index

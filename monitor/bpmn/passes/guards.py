"""Conditions of sequence flows, as far as kept data can decide them."""

from __future__ import annotations

from monitor.bpmn.conditions import Condition, parse
from monitor.bpmn.flow import Guard, NodeKind
from monitor.bpmn.passes.draft import Choice, Draft


def find_guards(draft: Draft) -> None:
    """A choice is ruled out by its condition, and the default flow by any that holds. A condition that is not
    understood rules out nothing."""
    for at, node in enumerate(draft.nodes):
        if node.kind is NodeKind.XOR and node.type == "exclusiveGateway":
            default = tuple(arc for arc in node.outgoing if draft.arcs[arc].id == draft.elements[at].default)
            draft.choices += [Choice(arc, (arc,), default) for arc in node.outgoing if arc not in default]
    said = {
        flow.id: flow
        for flows in (draft.process.flows, *(element.flows for element in draft.process.walk()))
        for flow in flows
    }
    for choice in draft.choices:
        flow = said.get(draft.arcs[choice.arc].id)
        if flow is not None and flow.condition:
            condition = parse(flow.condition, flow.condition_language)
            if isinstance(condition, Condition):
                draft.guards.append(Guard(flow.id, condition, choice.unless, choice.when))

"""How each element handles tokens, and what cannot be honoured yet."""

from __future__ import annotations

from monitor.bpmn.document import TASKS, EventKind, FlowNode
from monitor.bpmn.flow import NodeKind
from monitor.bpmn.passes.draft import Draft, spaced
from monitor.bpmn.passes.triggers import OBSERVED_EVENTS, PASSED_EVENTS, THROWN
from monitor.bpmn.passes.unfold import SPAWN

_KINDS = {
    "exclusiveGateway": NodeKind.XOR,
    "parallelGateway": NodeKind.AND,
    "inclusiveGateway": NodeKind.OR,
    "eventBasedGateway": NodeKind.RACE,
    "complexGateway": NodeKind.COMPLEX,
    "boundaryEvent": NodeKind.BOUNDARY,
    SPAWN: NodeKind.SPAWN,
}


def kind_of(draft: Draft, element: FlowNode, *, event: bool) -> NodeKind:
    """How the element handles tokens. Silent tasks and events without choice just pass them on. ``event``: it
    stands in an event subprocess."""
    if element.type in TASKS or element.type == "callActivity":
        return NodeKind.TASK
    handler = _KINDS.get(element.type)
    if handler is not None:
        return handler
    if element.is_subprocess:
        return NodeKind.SUBPROCESS
    if element.type in ("startEvent", "intermediateCatchEvent", "intermediateThrowEvent", "endEvent"):
        return _event_kind(draft, element, event=event)
    draft.refuse(element, f"{spaced(element.type)}s")
    return NodeKind.PASS


def _event_kind(draft: Draft, element: FlowNode, *, event: bool) -> NodeKind:
    kinds = {definition.kind for definition in element.events} or {EventKind.NONE}
    end = element.type == "endEvent"
    if kinds & OBSERVED_EVENTS and kinds <= OBSERVED_EVENTS | PASSED_EVENTS:
        if element.type == "startEvent":
            return NodeKind.PASS
        return NodeKind.END if end else NodeKind.TASK
    if kinds <= PASSED_EVENTS:
        return NodeKind.END if end else NodeKind.PASS
    if kinds <= THROWN | {EventKind.COMPENSATION} and element.type == "startEvent" and event:
        return NodeKind.PASS
    if kinds == {EventKind.LINK} and element.type.startswith("intermediate"):
        return NodeKind.PASS
    if kinds == {EventKind.TERMINATE} and end:
        return NodeKind.TERMINATE
    if kinds <= THROWN and element.type in ("endEvent", "intermediateThrowEvent"):
        return NodeKind.THROW
    if kinds == {EventKind.COMPENSATION} and element.type in ("endEvent", "intermediateThrowEvent"):
        return NodeKind.COMPENSATE
    if kinds == {EventKind.CANCEL} and end:
        return NodeKind.COMPENSATE
    names = ", ".join(sorted(kind.value for kind in kinds))
    draft.refuse(element, f"{names} events as {spaced(element.type)}")
    return NodeKind.PASS

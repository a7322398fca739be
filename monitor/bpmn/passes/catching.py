"""Boundary events, and who catches what is thrown."""

from __future__ import annotations

from dataclasses import replace

from monitor.bpmn.document import EventKind, FlowNode
from monitor.bpmn.flow import NodeKind
from monitor.bpmn.passes.draft import Draft
from monitor.bpmn.passes.triggers import OBSERVED_EVENTS, PASSED_EVENTS, THROWN


def find_catchers(draft: Draft) -> None:
    """The nearest enclosing boundary event that catches what a THROW throws. An escalation nobody
    catches goes on as if nothing had been thrown; an error nobody catches ends the process."""
    for at, node in enumerate(draft.nodes):
        if node.kind is not NodeKind.THROW:
            continue
        element = draft.elements[at]
        catcher = _catcher(draft, node.scope, element)
        if catcher is None and not any(d.kind is EventKind.ERROR for d in element.events):
            going_on = NodeKind.PASS if node.label is None else NodeKind.TASK
            kind = NodeKind.END if element.type == "endEvent" else going_on
            draft.nodes[at] = replace(node, kind=kind)
        else:
            draft.nodes[at] = replace(node, catcher=catcher)


def _catcher(draft: Draft, scope: int, thrower: FlowNode) -> tuple[int, int] | None:
    """How many scopes up, and which boundary event or event subprocess: of each scope its own event
    subprocesses first."""
    levels = 0
    inside: int | None = None  # what is thrown in an event subprocess does not begin it
    while True:
        found = [
            node.index
            for node in draft.nodes
            if node.scope == scope
            and node.index != inside
            and draft.elements[node.index].triggered_by_event
            and any(_caught_by(thrower, start) for start in _starts(draft.elements[node.index]))
        ]
        owner = draft.scopes[scope].owner
        if not found and owner is not None:
            levels += 1
            found = [
                at
                for at, element in draft.elements.items()
                if element.type == "boundaryEvent"
                and element.attached_to == draft.elements[owner].id
                and _caught_by(thrower, element)
            ]
        if found:  # one that names the code goes before one that catches all
            return levels, min(found, key=lambda at: not _names_a_code(draft.elements[at]))
        if owner is None:
            return None
        scope, inside = draft.nodes[owner].scope, owner


def _starts(handler: FlowNode) -> tuple[FlowNode, ...]:
    return tuple(child for child in handler.children if child.type == "startEvent")


def _names_a_code(catcher: FlowNode) -> bool:
    starts = _starts(catcher) if catcher.triggered_by_event else (catcher,)
    return any(definition.reference_id for element in starts for definition in element.events)


def attach_boundaries(draft: Draft) -> None:
    """Those that catch what is thrown inside fire then; the others by themselves."""
    caught = {node.catcher[1] for node in draft.nodes if node.catcher is not None}
    for at, element in draft.elements.items():
        if element.type != "boundaryEvent":
            continue
        owner = draft.by_id.get(element.attached_to or "")
        if owner is None:
            continue  # validation says so
        kinds = {definition.kind for definition in element.events}
        by_others = {EventKind.COMPENSATION, EventKind.CANCEL}
        refused = kinds - OBSERVED_EVENTS - (PASSED_EVENTS - {EventKind.NONE}) - THROWN - by_others
        if refused:
            names = ", ".join(sorted(kind.value for kind in refused))
            draft.refuse(element, f"{names} boundary events")
        if at not in caught and not kinds & by_others:
            node = draft.nodes[owner]
            draft.nodes[owner] = replace(node, boundaries=(*node.boundaries, at))


def _caught_by(thrower: FlowNode, catcher: FlowNode) -> bool:
    """An error or escalation is caught by an event of its code, or one that names none."""
    if catcher.type not in ("boundaryEvent", "startEvent"):
        return False
    for thrown in thrower.events:
        for caught in catcher.events:
            if caught.kind is thrown.kind and caught.kind in THROWN:
                codes = {caught.reference_id, caught.reference_code, caught.reference} - {None}
                if not codes or codes & {thrown.reference_id, thrown.reference_code, thrown.reference}:
                    return True
    return False

"""Compensation: what undoes which activity, and which activities a throw is about (section 13.5.5)."""

from __future__ import annotations

from dataclasses import replace

from monitor.bpmn.document import EventDefinition, EventKind, FlowNode
from monitor.bpmn.flow import Arc, Node, NodeKind, Scope
from monitor.bpmn.passes.draft import Draft


def find_handlers(draft: Draft) -> None:
    """A throw runs the handlers of the completed activities of its scope: of one that is named, or of all; of
    a subprocess without a handler, of the activities inside. In an event subprocess it is about the scope
    around it; but one that is a handler itself compensates what it was begun for."""
    undo = _boundary_handlers(draft) | _own_handlers(draft)
    for at in range(len(draft.nodes)):
        if draft.nodes[at].kind is NodeKind.COMPENSATE:
            _wire_throw(draft, at, undo)
    wanted = {activity for node in draft.nodes for activity in node.undoes}
    for activity in wanted:
        draft.nodes[activity] = replace(draft.nodes[activity], undo=undo[activity])


def _boundary_handlers(draft: Draft) -> dict[int, int]:
    """A compensation boundary event leads to the activity that undoes its own. Of one that is repeated, every
    repetition."""
    found: dict[int, int] = {}
    for at, element in draft.elements.items():
        if element.type != "boundaryEvent" or not _definition(element):
            continue
        owner = draft.by_id.get(element.attached_to or "")
        handler = next(
            (
                node.index
                for node in draft.nodes
                if node.id == element.compensated_by
                and node.scope == draft.nodes[at].scope
                and draft.elements[node.index].for_compensation
            ),
            None,
        )
        if handler is None:
            draft.error(
                "no-compensation-handler",
                "the compensation event is associated with no activity marked for compensation.",
                element,
            )
        elif owner is not None:
            guarded = draft.nodes[owner]
            copies = [n.index for n in draft.nodes if n.scope == guarded.inner and n.id == guarded.id]
            acting = [at for at in copies if draft.nodes[at].kind in (NodeKind.TASK, NodeKind.SUBPROCESS)]
            found |= dict.fromkeys(acting or [owner], handler)
    return found


def _own_handlers(draft: Draft) -> dict[int, int]:
    """A subprocess's event subprocess that begins with a compensation event undoes it."""
    return {
        owner: node.index
        for node in draft.nodes
        if is_handler(draft, node) and (owner := draft.scopes[node.scope].owner) is not None
    }


def is_handler(draft: Draft, node: Node) -> bool:
    """Whether the node is an event subprocess that compensates."""
    element = draft.elements[node.index]
    return element.triggered_by_event and any(
        child.type == "startEvent" and _definition(child) for child in element.children
    )


def _definition(element: FlowNode) -> EventDefinition | None:
    return next((d for d in element.events if d.kind is EventKind.COMPENSATION), None)


def _wire_throw(draft: Draft, at: int, undo: dict[int, int]) -> None:
    node, element = draft.nodes[at], draft.elements[at]
    definition = _definition(element)
    scope, outward = node.scope, False
    around = draft.scopes[scope].owner
    if around is not None and draft.elements[around].triggered_by_event:
        scope = draft.nodes[around].scope
        outward = not is_handler(draft, draft.nodes[around])
    named = definition.reference if definition is not None else None
    undoes = tuple(activity for activity in sorted(undo) if _concerns(draft, activity, scope, named, undo))
    owner = at
    if definition is None:
        _cancel(draft, at)
    elif not definition.wait_for_completion:
        owner = _beside(draft, at)
    work = Scope(len(draft.scopes), owner, (), choice=False)
    draft.scopes.append(work)
    draft.nodes[at] = replace(
        draft.nodes[at], undoes=undoes, outward=outward, inner=work.index, ends=definition is None
    )


def _concerns(draft: Draft, activity: int, scope: int, named: str | None, undo: dict[int, int]) -> bool:
    """Whether a throw in ``scope`` that names an activity, or none, is about this one."""
    met = named is None
    at: int | None = activity
    while at is not None:
        node = draft.nodes[at]
        met = met or node.id == named
        if node.scope == scope:
            return met
        at = draft.scopes[node.scope].owner
        if at is not None and at in undo:
            return False  # undone as a whole
    return False


def _beside(draft: Draft, at: int) -> int:
    """The throw goes on at once: its work belongs to a node of its own, after which nothing follows."""
    node, index = draft.nodes[at], len(draft.nodes)
    draft.nodes.append(replace(node, index=index, incoming=(), outgoing=()))
    draft.elements[index] = draft.elements[at]
    return index


def _cancel(draft: Draft, at: int) -> None:
    """A cancel end event: once all is undone, its transaction is left by the cancel boundary event."""
    node, element = draft.nodes[at], draft.elements[at]
    owner = draft.scopes[node.scope].owner
    transaction = None if owner is None else draft.elements[owner]
    if transaction is None or transaction.type != "transaction":
        draft.refuse(element, "cancel events that do not stand directly in a transaction")
        return
    boundary = next(
        (
            index
            for index, other in draft.elements.items()
            if other.type == "boundaryEvent"
            and other.attached_to == transaction.id
            and any(definition.kind is EventKind.CANCEL for definition in other.events)
        ),
        None,
    )
    if boundary is None:
        draft.error("no-cancel-boundary", "the transaction has no cancel boundary event.", element)
        return
    index = len(draft.nodes)
    arc = Arc(len(draft.arcs), f"{node.id}~cancelled", at, index)
    draft.arcs.append(arc)
    draft.nodes.append(
        Node(
            index=index,
            id=node.id,
            name=node.name,
            type=node.type,
            kind=NodeKind.THROW,
            scope=node.scope,
            incoming=(arc.index,),
            catcher=(1, boundary),
        )
    )
    draft.elements[index] = element
    draft.nodes[at] = replace(node, outgoing=(arc.index,))

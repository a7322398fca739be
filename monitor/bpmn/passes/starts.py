"""Where a scope begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.bpmn.document import EventKind
from monitor.bpmn.flow import Handler, Node, NodeKind
from monitor.bpmn.passes.compensation import is_handler
from monitor.bpmn.passes.draft import Draft


def find_starts(draft: Draft) -> None:
    """Start events are alternatives; without any, everything without incoming flows begins at once: but for
    event subprocesses and pools that only a message calls to life, which are the scope's handlers."""
    caught = {node.catcher[1] for node in draft.nodes if node.catcher is not None}
    for scope in draft.scopes:
        inside = [
            node
            for node in draft.nodes
            if node.scope == scope.index
            and draft.by_id[draft.elements[node.index].id] == node.index  # no split put in between
        ]
        starts = [node.index for node in inside if node.type == "startEvent"]
        choice = len(starts) > 1 or any(draft.nodes[at].label or draft.nodes[at].receives for at in starts)
        handlers = _handlers(draft, inside)
        handled = {handler.node for handler in handlers}
        if not starts:
            starts = [
                node.index
                for node in inside
                if not node.incoming
                and node.index not in handled
                and not draft.elements[node.index].triggered_by_event
                and not draft.elements[node.index].for_compensation
                and node.kind is not NodeKind.BOUNDARY
                and not _is_link_catch(draft, node)
            ]
        spontaneous = tuple(handler for handler in handlers if handler.node not in caught)
        draft.scopes[scope.index] = replace(scope, starts=tuple(starts), choice=choice, handlers=spontaneous)
    if not draft.scopes[0].starts and draft.scopes[0].handlers:
        draft.error("no-start", "every pool waits for another one's message; none can begin.", None)


def _handlers(draft: Draft, inside: Sequence[Node]) -> list[Handler]:
    found = []
    for node in inside:
        if node.inner is None:
            continue
        starts = [other for other in draft.nodes if other.scope == node.inner and other.type == "startEvent"]
        element = draft.elements[node.index]
        if element.triggered_by_event:
            if not starts or node.incoming or node.outgoing:
                draft.error("event-subprocess", "needs a start event and no sequence flows.", element)
            if not is_handler(draft, node):  # what compensates is begun by a throw
                found += [Handler(node.index, start.index, start.interrupting) for start in starts]
        elif starts and not node.incoming and all(start.receives for start in starts):
            found += [Handler(node.index, start.index, interrupting=False) for start in starts]
    return found


def _is_link_catch(draft: Draft, node: Node) -> bool:
    return any(d.kind is EventKind.LINK for d in draft.elements[node.index].events)

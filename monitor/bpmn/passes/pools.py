"""Collaborations: several pools as one flow, and the messages between them.

A send and the receive at the other end of a message flow are one wire event: the sender's event tells of
both, and the receive happens silently once the message is on its way. Black-box pools send and receive
nothing of their own: what faces them is observed as it is.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.bpmn.document import Document, EventKind, FlowNode, Process
from monitor.bpmn.flow import Node
from monitor.bpmn.passes.draft import Draft


def together(document: Document) -> Process | None:
    """The pools that have a process in the file, each as a subprocess of one process around them; None where
    no collaboration has all of them, or only one."""
    filled = {process.id: process for process in document.processes if process.nodes}
    for collaboration in document.collaborations:
        pools = {pool.process: pool for pool in collaboration.participants if pool.process in filled}
        if len(pools) < 2:
            continue
        nodes = tuple(
            FlowNode(
                id=pool.id,
                type="subProcess",
                place=pool.place,
                name=pool.name,
                children=filled[process].nodes,
                flows=filled[process].flows,
            )
            for process, pool in pools.items()
            if process is not None
        )
        name = " and ".join(node.name or node.id for node in nodes)
        return Process(collaboration.id, collaboration.place, name, nodes=nodes)
    return None


def deliver_messages(draft: Draft) -> None:
    """Pair the ends of every message flow between two pools. What is silent at the sender stays observed at
    the receiver."""
    number = 0
    for collaboration in draft.document.collaborations:
        for flow in collaboration.message_flows:
            source, target = draft.by_id.get(flow.source), draft.by_id.get(flow.target)
            if source is None or target is None or draft.nodes[source].label is None:
                continue
            sender, receiver = draft.nodes[source], draft.nodes[target]
            draft.nodes[source] = replace(sender, sends=(*sender.sends, number))
            for alias in (receiver.label, flow.name, flow.message):
                if alias and alias != sender.label:
                    draft.aliases[alias].add(str(sender.label))
            draft.nodes[target] = replace(receiver, receives=(*receiver.receives, number), label=None)
            number += 1


def deliver_signals(draft: Draft) -> None:
    """A signal thrown and caught in the same flow may be one event: each that catches it gets one of its
    own, and may do without an event where there is one."""
    number = 1 + max((m for node in draft.nodes for m in (*node.sends, *node.receives)), default=-1)
    for at, element in draft.elements.items():
        catcher = draft.nodes[at]
        signal = _signal(element)
        if signal is None or catcher.label is None or not _waits(draft, catcher):
            continue
        throwers = [
            thrower
            for thrower in draft.nodes
            if thrower.label is not None
            and thrower.type in ("intermediateThrowEvent", "endEvent")
            and _signal(draft.elements[thrower.index]) == signal
        ]
        for thrower in throwers:
            draft.nodes[thrower.index] = replace(thrower, sends=(*thrower.sends, number))
        if throwers:
            draft.nodes[at] = replace(draft.nodes[at], hears=(number,))
            number += 1


def _signal(element: FlowNode) -> str | None:
    definition = next((d for d in element.events if d.kind is EventKind.SIGNAL), None)
    return None if definition is None else definition.reference_id or definition.reference


def _waits(draft: Draft, node: Node) -> bool:
    """Whether it catches while its scope is open: a start event begins a trace instead, but for an event
    subprocess's."""
    owner = draft.scopes[node.scope].owner
    if node.type == "startEvent":
        return owner is not None and draft.elements[owner].triggered_by_event
    return node.type in ("intermediateCatchEvent", "boundaryEvent")

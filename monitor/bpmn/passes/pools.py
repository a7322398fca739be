"""Collaborations: several pools as one flow, and the messages between them.

A send and the receive at the other end of a message flow are one wire event: the sender's event tells of
both, and the receive happens silently once the message is on its way. Black-box pools send and receive
nothing of their own: what faces them is observed as it is.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.bpmn.document import Document, FlowNode, Process
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

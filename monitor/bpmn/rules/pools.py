"""Pools and what passes between them."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bpmn.document import (
    Collaboration,
    Document,
    EventKind,
    FlowNode,
    MessageFlow,
    Problem,
    Severity,
)
from monitor.bpmn.rules.scope import has_kind, problem


def processes(document: Document) -> Iterator[Problem]:
    in_pools = {pool.process for found in document.collaborations for pool in found.participants}
    for process in document.processes:
        if not process.nodes:
            yield problem(Severity.INFO, "empty-process", process, "The process has nothing in it.")
        elif document.collaborations and process.id not in in_pools:
            yield problem(Severity.INFO, "process-without-pool", process, "No pool shows this process.")


def message_flows(document: Document) -> Iterator[Problem]:
    """BPMN 9.3: from one pool to another, between pools, activities and message events."""
    nodes = {node.id: (node, process.id) for process in document.processes for node in process.walk()}
    for collaboration in document.collaborations:
        pools = {pool.id: pool.process or pool.id for pool in collaboration.participants}
        for flow in collaboration.message_flows:
            yield from _message_flow(collaboration, flow, pools, nodes)


def _message_flow(
    collaboration: Collaboration,
    flow: MessageFlow,
    pools: dict[str, str],
    nodes: dict[str, tuple[FlowNode, str]],
) -> Iterator[Problem]:
    homes = [pools.get(end) or nodes.get(end, (None, None))[1] for end in (flow.source, flow.target)]
    if None in homes:
        lost = flow.source if homes[0] is None else flow.target
        yield _about(flow, "message-flow-end", f"Its end {lost} is in no pool of {collaboration.id}.")
    elif homes[0] == homes[1]:
        said = "Both its ends are in one pool: inside a pool, use a sequence flow."
        yield _about(flow, "message-flow-inside-pool", said)
    for end, sends in ((flow.source, True), (flow.target, False)):
        if end in nodes and (why := _cannot(nodes[end][0], sends=sends)):
            yield _about(
                flow, "message-flow-end", f"{end} cannot {'send' if sends else 'receive'} it: {why}."
            )


def _cannot(node: FlowNode, *, sends: bool) -> str | None:
    """Why this node cannot send or receive a message; None when it can."""
    if node.is_activity:
        return None
    if not has_kind(node, EventKind.MESSAGE):
        return f"it is a {node.type} without a message"
    throws = node.type in ("endEvent", "intermediateThrowEvent")
    return None if throws == sends else f"a {node.type} only {'sends' if throws else 'receives'}"


def _about(flow: MessageFlow, code: str, said: str) -> Problem:
    return Problem(Severity.WARNING, code, said, flow.place, flow.id, flow.name or None)

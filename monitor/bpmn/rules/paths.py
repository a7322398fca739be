"""Where tokens begin, go and end: starts, ends, reachability, gateways, default and conditional flows."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bpmn.document import GATEWAYS, EventKind, FlowNode, Problem, Process, Severity
from monitor.bpmn.rules.scope import Scope, has_kind, is_link, link_name, problem, stands_apart


def starts(scope: Scope) -> Iterator[Problem]:
    """BPMN 10.5.2: without a start event, everything without incoming flow begins at once."""
    if not scope.nodes or scope.is_ad_hoc:
        return
    for node in scope.implicit_starts:
        yield problem(
            Severity.INFO,
            "implicit-start",
            node,
            "Nothing leads here and there is no start event: it begins at once.",
        )
    if not scope.entries:
        yield problem(
            Severity.ERROR, "no-entry", scope.owner, "Nothing can ever begin here: give it a start event."
        )
    elif isinstance(scope.owner, Process) and scope.implicit_starts:
        yield problem(
            Severity.WARNING,
            "no-start",
            scope.owner,
            f"The process has no start event; it begins with {_listed(scope.implicit_starts)}. Add one.",
        )


def ends(scope: Scope) -> Iterator[Problem]:
    """BPMN 10.5.3: a token also ends where nothing leads on."""
    if not scope.nodes or scope.is_ad_hoc:
        return
    implicit = [node for node in scope.nodes if _ends_implicitly(node)]
    for node in implicit:
        yield problem(Severity.INFO, "implicit-end", node, "Nothing leads on from here: the path ends.")
    if any(node.type == "endEvent" for node in scope.nodes) or not isinstance(scope.owner, Process):
        return
    if implicit:
        where = f"it ends after {_listed(implicit)}. Add one"
    else:
        where = "every path goes on, so no trace can ever be complete. Add one"
    yield problem(Severity.WARNING, "no-end", scope.owner, f"The process has no end event; {where}.")


def _ends_implicitly(node: FlowNode) -> bool:
    if node.outgoing or node.type == "endEvent" or is_link(node, "Throw"):
        return False
    if node.type == "boundaryEvent":
        return not has_kind(node, EventKind.COMPENSATION)
    return not stands_apart(node)


def wrong_way(scope: Scope) -> Iterator[Problem]:
    """A token never enters a start or boundary event and never leaves an end event."""
    for node in scope.nodes:
        if node.type == "startEvent" and node.incoming:
            said = (
                "A sequence flow leads into a start event. Put a gateway behind the start, and lead it there."
            )
            yield problem(Severity.WARNING, "start-has-incoming", node, said)
        elif node.type == "boundaryEvent" and node.incoming:
            said = "A sequence flow leads into a boundary event, which only its trigger can reach. Remove it."
            yield problem(Severity.WARNING, "boundary-has-incoming", node, said)
        elif node.type == "endEvent" and node.outgoing:
            said = "A sequence flow leaves an end event, where the path is over. Use an intermediate event."
            yield problem(Severity.WARNING, "end-has-outgoing", node, said)


def unreachable(scope: Scope) -> Iterator[Problem]:
    """What no token can come to."""
    if scope.is_ad_hoc or not scope.entries:
        return
    reached = {node.id for node in (*scope.entries, *_beside(scope))}
    waiting = list(reached)
    while waiting:
        for following in _following(scope, scope.by_id[waiting.pop()]):
            if following not in reached and following in scope.by_id:
                reached.add(following)
                waiting.append(following)
    for node in scope.nodes:
        if node.id in reached or (node.type == "boundaryEvent" and node.attached_to not in scope.by_id):
            continue
        why = "nothing leads here" if not node.incoming else "no path from a start leads here"
        yield problem(Severity.WARNING, "unreachable", node, f"No token can come here: {why}. Connect it.")


def _beside(scope: Scope) -> Iterator[FlowNode]:
    return (node for node in scope.nodes if node.triggered_by_event or node.for_compensation)


def _following(scope: Scope, node: FlowNode) -> Iterator[str]:
    for flow in node.outgoing:
        if flow in scope.flow_by_id:
            yield scope.flow_by_id[flow].target
    for boundary in scope.boundaries.get(node.id, ()):
        yield boundary.id
    if is_link(node, "Throw"):
        yield from (catch.id for catch in scope.link_catches.get(link_name(node), ()))


def links(scope: Scope) -> Iterator[Problem]:
    """A link goes from throwing events to the one catching event of its name in the same scope."""
    for name, throws in scope.link_throws.items():
        catches = scope.link_catches.get(name, [])
        for throw in throws:
            if not catches:
                said = f"No link catch event is named '{name}' here: the path is lost. Add it or name it so."
                yield problem(Severity.ERROR, "link-without-target", throw, said)
        for catch in catches[1:]:
            said = (
                f"A second link catch event is named '{name}': where the link leads is not clear. Rename it."
            )
            yield problem(Severity.WARNING, "link-ambiguous", catch, said)
    for name, catches in scope.link_catches.items():
        if name not in scope.link_throws:
            for catch in catches:
                said = (
                    f"No link throw event is named '{name}' here: nothing leads to it. Add it or name it so."
                )
                yield problem(Severity.WARNING, "link-without-source", catch, said)


def gateways(scope: Scope) -> Iterator[Problem]:
    for node in scope.nodes:
        if node.type not in GATEWAYS:
            continue
        if len(node.incoming) == 1 and len(node.outgoing) == 1:
            yield problem(
                Severity.INFO,
                "gateway-idle",
                node,
                "One flow in, one flow out: this gateway decides nothing.",
            )
        if node.type == "eventBasedGateway":
            yield from _event_gateway(scope, node)


_AWAITED = (EventKind.MESSAGE, EventKind.TIMER, EventKind.SIGNAL, EventKind.CONDITIONAL)


def _event_gateway(scope: Scope, gateway: FlowNode) -> Iterator[Problem]:
    """BPMN 10.6.6: it waits for the first of several events, so each way on begins with one."""
    if len(gateway.outgoing) < 2 and not gateway.instantiate:
        said = "An event-based gateway waits for the first of several events; this one has less than two."
        yield problem(Severity.WARNING, "event-gateway-single", gateway, said)
    for flow in gateway.outgoing:
        target = scope.by_id.get(scope.flow_by_id[flow].target) if flow in scope.flow_by_id else None
        if target is None or target.type == "receiveTask":
            continue
        if target.type == "intermediateCatchEvent" and (not target.events or has_kind(target, *_AWAITED)):
            continue
        said = (
            f"An event-based gateway leads to {target.id} ({target.type}), which is nothing to wait for. Put"
            " a catch event or a receive task there, or use an exclusive gateway."
        )
        yield problem(Severity.WARNING, "event-gateway-target", gateway, said)


def default_flows(scope: Scope) -> Iterator[Problem]:
    for node in scope.nodes:
        if node.default is not None and node.default not in node.outgoing:
            said = f"The default flow {node.default} does not leave this element: it is no default."
            yield problem(Severity.WARNING, "default-not-outgoing", node, said)


def ignored_conditions(scope: Scope) -> Iterator[Problem]:
    """Conditions on flows that are taken whatever they say."""
    for flow in scope.flows:
        source = scope.by_id.get(flow.source)
        if flow.condition and source is not None and source.type in ("parallelGateway", "eventBasedGateway"):
            said = f"The condition has no effect: {source.id}, a {source.type}, does not look at conditions."
            yield problem(Severity.INFO, "condition-ignored", flow, said)


def _listed(nodes: list[FlowNode]) -> str:
    """A few of them by name."""
    named = [node.name or node.id for node in nodes[:3]]
    return ", ".join(named) + (f" and {len(nodes) - 3} more" if len(nodes) > 3 else "")

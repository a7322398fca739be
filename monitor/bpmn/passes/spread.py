"""Events with several definitions, and gateways that begin a process, written out as plain BPMN.

What waits for any of several is a choice between events of one definition each; what waits for, or throws,
all of them does so in parallel. The element itself stays as the gateway where its ways meet again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from monitor.bpmn.document import EventDefinition, EventKind, FlowNode, SequenceFlow
from monitor.bpmn.passes.triggers import OBSERVED_EVENTS, PASSED_EVENTS

Refuse = Callable[[FlowNode, str], None]

_LAST = frozenset({EventKind.ERROR, EventKind.TERMINATE, EventKind.CANCEL})


def spread(
    nodes: Sequence[FlowNode],
    flows: Sequence[SequenceFlow],
    named: Collection[str],
    refuse: Refuse,
    *,
    event: bool,
) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
    """The content of one scope without multiple events, and with start events before what begins it.
    ``event``: it is an event subprocess's. ``named``: ids and names that stand for one event each."""
    scope = _Scope(nodes, flows, refuse, event=event)
    for node in nodes:
        once = bool({node.id, node.origin, node.name} & set(named)) and _is_one(node)
        scope.take(replace(node, parallel_multiple=False) if once else node, once=once)
    scope.begin()
    return tuple(scope.nodes), tuple(scope.flows)


def _is_one(node: FlowNode) -> bool:
    """Whether one event, or none, can tell of all of a multiple event."""
    return {definition.kind for definition in node.events} <= OBSERVED_EVENTS | PASSED_EVENTS


class _Scope:
    def __init__(
        self, nodes: Sequence[FlowNode], flows: Sequence[SequenceFlow], refuse: Refuse, *, event: bool
    ) -> None:
        self.nodes: list[FlowNode] = []
        self.flows = list(flows)
        self._refuse = refuse
        self._event = event
        self._races = {
            node.id
            for node in nodes
            if node.type == "eventBasedGateway" and node.event_gateway_type != "Parallel"
        }
        self._entered = {flow.target for flow in flows}

    def take(self, node: FlowNode, *, once: bool) -> None:
        if node.type == "eventBasedGateway" and node.event_gateway_type == "Parallel":
            self.nodes.append(replace(node, type="parallelGateway"))
            if sum(flow.target == node.id for flow in self.flows) > 1:
                self._merge_before(node, node.id)
        elif once or len(node.events) < 2:
            self.nodes.append(node)
        elif node.type in ("intermediateThrowEvent", "endEvent"):
            self._throw_all(node)
        elif not node.parallel_multiple:
            self._catch_any(node)
        elif node.type == "boundaryEvent" or (self._event and node.type == "startEvent"):
            self._refuse(node, "parallel multiple events at a boundary or the start of an event subprocess")
            self.nodes.append(replace(node, events=node.events[:1]))
        elif self._races & {flow.source for flow in self.flows if flow.target == node.id}:
            self._refuse(node, "parallel multiple events after an event-based gateway")
            self.nodes.append(replace(node, events=node.events[:1]))
        else:
            self._catch_all(node)

    def begin(self) -> None:
        """Receive tasks and gateways that begin the process stand among its start events as one of them."""
        starts = [node for node in self.nodes if node.type == "startEvent"]
        instantiating = [node for node in self.nodes if node.instantiate and node.id not in self._entered]
        if len(starts) + len(instantiating) > 1:
            for node in instantiating:
                self._link(self._add(node, "startEvent", "start"), node.id, node)

    def _catch_any(self, node: FlowNode) -> None:
        ways = [self._part(node, definition, at, node.type) for at, definition in enumerate(node.events)]
        if node.type == "intermediateCatchEvent":
            self._enter(node, ways)
        self._meet(node, "exclusiveGateway", ways)

    def _catch_all(self, node: FlowNode) -> None:
        ways = [
            self._part(node, definition, at, "intermediateCatchEvent")
            for at, definition in enumerate(node.events)
        ]
        split = self._add(node, "parallelGateway", "all")
        for way in ways:
            self._link(split, way, node)
        if node.type == "startEvent":
            self._link(self._add(node, "startEvent", "start"), split, node)
        else:
            self._merge_before(node, split)
        self._meet(node, "parallelGateway", ways)

    def _throw_all(self, node: FlowNode) -> None:
        """What ends the scope comes after the others."""
        last = [definition for definition in node.events if definition.kind in _LAST]
        if len(last) > 1:
            self._refuse(node, "end events that end their scope in several ways")
        ways = [
            self._part(node, definition, at, "intermediateThrowEvent")
            for at, definition in enumerate(node.events)
            if definition not in last
        ]
        split = self._add(node, "parallelGateway", "all")
        for way in ways:
            self._link(split, way, node)
        self._merge_before(node, split)
        self._meet(node, "parallelGateway", ways)
        if last:
            self._link(node.id, self._part(node, last[0], len(ways), "endEvent"), node)

    def _enter(self, node: FlowNode, ways: Sequence[str]) -> None:
        """An event-based gateway before the event waits for its ways itself."""
        before = [flow for flow in self.flows if flow.target == node.id]
        for flow in before:
            if flow.source in self._races:
                self.flows.remove(flow)
                for at, way in enumerate(ways):
                    self.flows.append(replace(flow, id=f"{flow.id}~{at}" if at else flow.id, target=way))
        if before and all(flow.source in self._races for flow in before):
            return
        choice = self._add(node, "eventBasedGateway", "any")
        for way in ways:
            self._link(choice, way, node)
        self._redirect(node, choice)

    def _merge_before(self, node: FlowNode, split: str) -> None:
        """Each token that comes to the element counts by itself: a gateway that splits would join them."""
        merge = self._add(node, "exclusiveGateway", "merge")
        self._redirect(node, merge)
        self._link(merge, split, node)

    def _redirect(self, node: FlowNode, to: str) -> None:
        """What led to the element leads to ``to``; its own ways are linked to it afterwards."""
        self.flows = [replace(flow, target=to) if flow.target == node.id else flow for flow in self.flows]

    def _meet(self, node: FlowNode, gateway: str, ways: Sequence[str]) -> None:
        self.nodes.append(
            FlowNode(node.id, gateway, node.place, node.name, origin=node.origin, default=node.default)
        )
        for way in ways:
            self._link(way, node.id, node)

    def _part(self, node: FlowNode, definition: EventDefinition, at: int, type_: str) -> str:
        id_ = f"{node.id}~{at}"
        origin = node.origin or node.id
        part = replace(
            node,
            id=id_,
            type=type_,
            origin=origin,
            events=(definition,),
            parallel_multiple=False,
            incoming=(),
            outgoing=(),
            default=None,
        )
        self.nodes.append(part)
        return id_

    def _add(self, node: FlowNode, type_: str, name: str) -> str:
        id_ = f"{node.id}~{name}"
        self.nodes.append(FlowNode(id_, type_, node.place, origin=node.origin or node.id))
        return id_

    def _link(self, source: str, target: str, node: FlowNode) -> None:
        self.flows.append(SequenceFlow(f"{node.id}~{source}~{target}", source, target, node.place))

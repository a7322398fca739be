"""One process or subprocess with what a rule needs to look around in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from monitor.bpmn.document import EventKind, FlowNode, Problem, Process, SequenceFlow, Severity


def problem(severity: Severity, code: str, about: FlowNode | Process | SequenceFlow, message: str) -> Problem:
    return Problem(severity, code, message, about.place, about.id, about.name or None)


def has_kind(node: FlowNode, *kinds: EventKind) -> bool:
    return any(definition.kind in kinds for definition in node.events)


@dataclass(frozen=True)
class Scope:
    """``owner`` is the process or the subprocess whose ``nodes`` and ``flows`` these are."""

    owner: Process | FlowNode
    nodes: tuple[FlowNode, ...]
    flows: tuple[SequenceFlow, ...]

    @classmethod
    def all_of(cls, process: Process) -> Iterator[Scope]:
        """The process itself, then its subprocesses, parents first. A subprocess drawn without content is
        one step, not a scope."""
        yield cls(process, process.nodes, process.flows)
        for node in process.walk():
            if node.children:
                yield cls(node, node.children, node.flows)

    @property
    def is_ad_hoc(self) -> bool:
        return isinstance(self.owner, FlowNode) and self.owner.type == "adHocSubProcess"

    @cached_property
    def by_id(self) -> dict[str, FlowNode]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def flow_by_id(self) -> dict[str, SequenceFlow]:
        return {flow.id: flow for flow in self.flows}

    @cached_property
    def boundaries(self) -> dict[str, list[FlowNode]]:
        """Boundary events by the id of the activity they are attached to."""
        found: defaultdict[str, list[FlowNode]] = defaultdict(list)
        for node in self.nodes:
            if node.attached_to is not None:
                found[node.attached_to].append(node)
        return found

    @cached_property
    def link_catches(self) -> dict[str, list[FlowNode]]:
        return self._links("intermediateCatchEvent")

    @cached_property
    def link_throws(self) -> dict[str, list[FlowNode]]:
        return self._links("intermediateThrowEvent")

    def _links(self, event_type: str) -> dict[str, list[FlowNode]]:
        found: defaultdict[str, list[FlowNode]] = defaultdict(list)
        for node in self.nodes:
            if node.type == event_type and has_kind(node, EventKind.LINK):
                found[link_name(node)].append(node)
        return found

    @cached_property
    def start_events(self) -> list[FlowNode]:
        return [node for node in self.nodes if node.type == "startEvent"]

    @cached_property
    def implicit_starts(self) -> list[FlowNode]:
        """Where tokens begin without a start event: what nothing leads to. Only in a scope that has no
        start event; what instantiates by itself (receive task, event-based gateway) is not implicit."""
        if self.start_events:
            return []
        return [
            node
            for node in self.nodes
            if not node.incoming
            and not node.instantiate
            and not stands_apart(node)
            and not is_link(node, "Catch")
        ]

    @cached_property
    def entries(self) -> list[FlowNode]:
        """Where a token can begin."""
        own = [node for node in self.nodes if node.instantiate and not node.incoming]
        return [*self.start_events, *own, *self.implicit_starts]


def link_name(node: FlowNode) -> str:
    """Links find each other by the link's name; many tools write it on the event only."""
    named = next((d.reference for d in node.events if d.kind is EventKind.LINK and d.reference), None)
    return named or node.name


def is_link(node: FlowNode, side: str) -> bool:
    """Whether this is a link event; ``side`` is ``Catch`` or ``Throw``."""
    return node.type == f"intermediate{side}Event" and has_kind(node, EventKind.LINK)


def stands_apart(node: FlowNode) -> bool:
    """Not reached by sequence flows, by its nature: boundary events, event subprocesses, compensation."""
    return node.type == "boundaryEvent" or node.triggered_by_event or node.for_compensation

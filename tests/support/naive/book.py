"""What a document says, looked up: nothing here depends on where tokens stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from monitor.bpmn.document import Document, EventDefinition, EventKind, FlowNode, Process
from tests.support.naive.values import Rounds, Scope, Thrown, Work

_SEEN = (EventKind.MESSAGE, EventKind.SIGNAL)
BY_ITSELF = (EventKind.TIMER, EventKind.CONDITIONAL)
THROWN = (EventKind.ERROR, EventKind.ESCALATION)


class Book:
    """A document of one process."""

    def __init__(self, document: Document) -> None:
        (process,) = document.processes
        self.process = process
        self.nodes: dict[str, FlowNode] = {node.id: node for node in process.walk()}
        holders: list[Process | FlowNode] = [process, *process.walk()]
        self.targets = {flow.id: flow.target for holder in holders for flow in holder.flows}
        self.conditional = {f.id for holder in holders for f in holder.flows if f.condition is not None}
        self.content = {process.id: process.nodes} | {
            node.id: node.children for node in process.walk() if node.is_subprocess
        }
        self.boundaries: dict[str, list[FlowNode]] = {}
        self.handlers: dict[str, str] = {}
        for node in process.walk():
            if node.attached_to and node.compensated_by:
                self.handlers[node.attached_to] = node.compensated_by
            elif node.attached_to:
                self.boundaries.setdefault(node.attached_to, []).append(node)

    def at(self, token: str) -> FlowNode:
        return self.nodes[token[1:] if token.startswith("@") else self.targets[token]]

    def onward(self, scope: Scope, id_: str) -> Iterator[str]:
        node = self.nodes[id_]
        yield from node.outgoing
        for boundary in self.boundaries.get(id_, []):
            yield from boundary.outgoing
        if node.type == "intermediateThrowEvent" and EventKind.LINK in kinds(node):
            for one in self.content[scope.id]:
                if is_partner(node, one):
                    yield f"@{one.id}"

    def event_subprocesses(self, id_: str) -> Iterator[tuple[FlowNode, FlowNode]]:
        for node in self.content.get(id_, ()):
            if node.triggered_by_event:
                yield from ((node, one) for one in node.children if one.type == "startEvent")

    def _out_of(self, node: FlowNode) -> set[Thrown]:
        """What a node throws into its scope."""
        if node.type in ("endEvent", "intermediateThrowEvent"):
            return {Thrown(said.kind, said.reference_code) for said in node.events if said.kind in THROWN}
        found = set[Thrown]()
        catching = [said for boundary in self.boundaries.get(node.id, []) for said in boundary.events]
        handlers = [one for one in node.children if one.triggered_by_event]
        beside = [said for _, start in self.event_subprocesses(node.id) for said in start.events]
        for child in node.children:
            nearest = catching if child in handlers else [*catching, *beside]
            found |= {t for t in self._out_of(child) if not any(matches(said, t) for said in nearest)}
        return found

    def escaping(self, node: Process | FlowNode) -> set[Thrown]:
        """What is thrown in a process or subprocess and not caught inside."""
        nodes = node.nodes if isinstance(node, Process) else node.children
        return {
            thrown
            for source in nodes
            for thrown in self.passing(source)
            if not any(
                matches(said, thrown)
                for handler, start in self.event_subprocesses(node.id)
                if handler is not source
                for said in start.events
            )
        }

    def begins(self, handler: FlowNode, said: EventDefinition, nodes: Iterable[FlowNode]) -> bool:
        """Whether one of ``nodes``, those of its scope, throws what begins an event subprocess. Not by what
        it throws itself."""
        return any(matches(said, t) for one in nodes if one is not handler for t in self.passing(one))

    def passing(self, node: FlowNode) -> set[Thrown]:
        """What a node throws into its scope."""
        if node.type in ("endEvent", "intermediateThrowEvent"):
            return {Thrown(said.kind, said.reference_code) for said in node.events if said.kind in THROWN}
        catching = [said for boundary in self.boundaries.get(node.id, []) for said in boundary.events]
        found = self.escaping(node)
        return {thrown for thrown in found if not any(matches(said, thrown) for said in catching)}

    def thrown_in(self, nodes: Iterable[FlowNode], said: EventDefinition) -> bool:
        """Whether some event among ``nodes`` or inside them throws what ``said`` catches, and nobody nearer
        catches it. If none does, it comes from we do not know where."""
        return any(matches(said, thrown) for node in nodes for thrown in self._out_of(node))

    def undoes_itself(self, id_: str) -> FlowNode | None:
        """The compensation event subprocess in a subprocess."""
        for handler, start in self.event_subprocesses(id_):
            if EventKind.COMPENSATION in kinds(start):
                return handler
        return None

    @staticmethod
    def some(node: FlowNode) -> Iterator[Sequence[str]]:
        """Any non-empty subset of the outgoing flows, the default alone; nothing where there are none."""
        flows = [flow for flow in node.outgoing if flow != node.default]
        for size in range(1, len(flows) + 1):
            yield from combinations(flows, size)
        if node.default:
            yield (node.default,)
        elif not flows:
            yield ()

    def ad_hoc(self, scope: Scope) -> bool:
        return scope.id in self.nodes and self.nodes[scope.id].type == "adHocSubProcess"


def is_partner(throw: FlowNode, other: FlowNode) -> bool:
    said = (EventKind.LINK, throw.events[0].reference)
    return other.type == "intermediateCatchEvent" and said in [(d.kind, d.reference) for d in other.events]


def waiting(node: FlowNode) -> Work:
    if node.type == "receiveTask":
        return Work(node.id)
    return Work(node.id, todo=tuple(range(len(node.events))))


def kinds(node: FlowNode) -> set[EventKind]:
    return {said.kind for said in node.events}


def label_of(node: FlowNode, said: EventDefinition) -> str:
    return said.reference or node.name


def catches(node: FlowNode, said: EventDefinition, signals: tuple[str, ...]) -> list[str | None]:
    """What a caught definition shows; a signal thrown before need not show again."""
    if said.kind in BY_ITSELF or said.kind is EventKind.NONE:
        return [None]
    if said.kind not in _SEEN:
        return []
    label = label_of(node, said)
    return [label, None] if said.kind is EventKind.SIGNAL and label in signals else [label]


def matches(said: EventDefinition, thrown: Thrown) -> bool:
    return said.kind is thrown.kind and said.reference_code in (None, thrown.code)


def needed(node: FlowNode) -> int:
    """How many incoming flows a complex gateway's condition asks for."""
    said = re.fullmatch(r"activationCount (>=|>|==|=) (\d+)", node.activation_condition or "")
    return 1 if said is None else max(1, int(said[2]) + (said[1] == ">"))


def rounds_of(node: FlowNode) -> Rounds:
    loop = node.loop
    if loop is None:
        return Rounds()
    if loop.kind == "standard":
        return Rounds(0 if loop.test_before else 1, loop.maximum)
    early = loop.condition is not None
    at_once = loop.kind == "parallel"
    if loop.cardinality is None:
        return Rounds(0, None, at_once, early)
    return Rounds(loop.cardinality, loop.cardinality, at_once, early)

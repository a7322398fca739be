"""The passes over ``definitions``: messages, collaborations, processes, drawings, in this order."""

from __future__ import annotations

from collections import defaultdict

from monitor.bpmn.artifacts import artifacts
from monitor.bpmn.choreographies import choreography, conversations, is_multiple
from monitor.bpmn.document import (
    Collaboration,
    Document,
    Lane,
    Message,
    MessageFlow,
    Participant,
    Process,
    Severity,
)
from monitor.bpmn.drawing import diagrams
from monitor.bpmn.nodes import DEFINITIONS, SCOPE_KNOWN, nodes
from monitor.bpmn.reading import (
    NODES,
    Reading,
    documentation,
    extensions,
    foreign_attributes,
    identifier,
)
from monitor.bpmn.tree import ZEEBE, Element, one_line
from monitor.bpmn.wiring import Wiring, wire

_CHOREOGRAPHIES = ("choreography", "globalChoreographyTask")
_KNOWN = (
    {"process", "collaboration", "message", "signal", "error", "escalation", "correlationProperty"}
    | DEFINITIONS.keys()
    | set(_CHOREOGRAPHIES)
)
_IGNORED = frozenset(
    {
        "documentation", "extensionElements", "extension", "import", "relationship", "itemDefinition",
        "interface", "resource", "dataStore", "category", "endPoint", "partnerEntity", "partnerRole",
        "globalTask", "globalUserTask", "globalManualTask", "globalScriptTask", "globalBusinessRuleTask",
        "globalConversation",
    }
)  # fmt: skip
"""Definitions that carry no flow of their own; what refers to them finds them by id."""

_COLLABORATION_KNOWN = frozenset(
    {
        "participant", "messageFlow", "textAnnotation", "association", "group", "documentation",
        "extensionElements", "conversation", "conversationNode", "subConversation", "callConversation",
        "conversationAssociation", "conversationLink", "participantAssociation", "messageFlowAssociation",
        "correlationKey", "choreographyRef",
    }
)  # fmt: skip


def document(reading: Reading, root: Element) -> Document:
    """Everything the file says, and what is wrong with it."""
    reading.census(root)
    reading.check_children(root, _KNOWN | _IGNORED)
    for element in root.all(*_CHOREOGRAPHIES):
        reading.report(
            Severity.ERROR,
            "choreography",
            element,
            "Choreography diagrams are not supported: draw the participants' processes or one expected flow.",
        )
    wiring = wire(reading, root)
    messages = _messages(reading, root)
    collaborations = tuple(_collaboration(reading, element) for element in root.all("collaboration"))
    read = tuple(_process(reading, wiring, element) for element in root.all("process"))
    drawn = diagrams(reading, root)
    exporter = (root.get("exporter"), root.get("exporterVersion"))
    return Document(
        reading.file,
        target_namespace=root.get("targetNamespace") or "",
        exporter=" ".join(part for part in exporter if part),
        processes=read,
        collaborations=collaborations,
        diagrams=drawn,
        problems=tuple(sorted(reading.problems, key=lambda problem: problem.place.line)),
        messages=messages,
        choreographies=tuple(choreography(reading, element) for element in root.all("choreography")),
    )


# Messages and what they are correlated by


def _messages(reading: Reading, root: Element) -> tuple[Message, ...]:
    paths = _correlation_paths(reading, root)
    return tuple(_message(reading, element, paths[identifier(element)]) for element in root.all("message"))


def _message(reading: Reading, element: Element, paths: list[tuple[str, str]]) -> Message:
    own = extensions(element)
    keys = (
        found.attributes.get("correlationKey", "").strip()
        for found in own
        if found.namespace == ZEEBE and found.tag == "subscription"
    )
    return Message(
        identifier(element),
        reading.place(element),
        name=one_line(element.get("name")),
        correlation_key=next(filter(None, keys), None),
        correlation=tuple(paths),
        extensions=own,
    )


def _correlation_paths(reading: Reading, root: Element) -> defaultdict[str, list[tuple[str, str]]]:
    """By message id: (correlation property, where in the message its value is)."""
    paths: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for prop in root.all("correlationProperty"):
        name = one_line(prop.get("name")) or identifier(prop)
        for retrieval in prop.all("correlationPropertyRetrievalExpression"):
            message = reading.refer(prop, "The message", retrieval.get("messageRef"), ("message",))
            path = retrieval.child_text("messagePath")
            if message is not None and path:
                paths[identifier(message)].append((name, path))
    return paths


# Collaborations


def _collaboration(reading: Reading, element: Element) -> Collaboration:
    reading.check_children(element, _COLLABORATION_KNOWN)
    flows = (_message_flow(reading, child) for child in element.all("messageFlow"))
    return Collaboration(
        identifier(element),
        reading.place(element),
        participants=tuple(_participant(reading, child) for child in element.all("participant")),
        message_flows=tuple(flow for flow in flows if flow is not None),
        artifacts=(*artifacts(reading, element), *conversations(reading, element)),
    )


def _participant(reading: Reading, element: Element) -> Participant:
    process = reading.refer(element, "The pool's process", element.get("processRef"), ("process",))
    return Participant(
        identifier(element),
        reading.place(element),
        name=one_line(element.get("name")),
        process=identifier(process) if process is not None else None,
        multiple=is_multiple(element),
    )


def _message_flow(reading: Reading, element: Element) -> MessageFlow | None:
    ends = []
    for attribute in ("sourceRef", "targetRef"):
        reference = element.get(attribute)
        found = reading.find(reference)
        if found is None:
            why = f"its {attribute} '{reference}' does not exist" if reference else f"it has no {attribute}"
            said = f"This message flow is dropped: {why}. Attach it."
            reading.report(Severity.WARNING, "dangling-message-flow", element, said)
            return None
        ends.append(identifier(found))
    message = reading.refer(element, "The message", element.get("messageRef"), ("message",))
    return MessageFlow(
        identifier(element),
        ends[0],
        ends[1],
        reading.place(element),
        name=one_line(element.get("name")),
        message=one_line(message.get("name")) or None if message is not None else None,
    )


# Processes


def _process(reading: Reading, wiring: Wiring, element: Element) -> Process:
    reading.check_children(element, SCOPE_KNOWN)
    return Process(
        identifier(element),
        reading.place(element),
        name=one_line(element.get("name")),
        executable=element.flag("isExecutable", default=False),
        nodes=nodes(reading, wiring, element),
        flows=tuple(wiring.flows.get(identifier(element), ())),
        lanes=_lanes(reading, element, "laneSet"),
        artifacts=artifacts(reading, element),
        documentation=documentation(element),
        extensions=extensions(element),
        attributes=foreign_attributes(element),
    )


def _lanes(reading: Reading, holder: Element, lane_set: str) -> tuple[Lane, ...]:
    return tuple(_lane(reading, lane) for found in holder.all(lane_set) for lane in found.all("lane"))


def _lane(reading: Reading, element: Element) -> Lane:
    held = (
        reading.refer(element, "The lane's element", reference.text.strip(), NODES)
        for reference in element.all("flowNodeRef")
    )
    return Lane(
        identifier(element),
        reading.place(element),
        name=one_line(element.get("name")),
        nodes=tuple(identifier(node) for node in held if node is not None),
        children=_lanes(reading, element, "childLaneSet"),
    )

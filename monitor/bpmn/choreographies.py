"""Choreographies and conversations: read to be drawn. No flow is made of them, and what is odd in them is not
told: a choreography as a whole is refused."""

from __future__ import annotations

from dataclasses import replace

from monitor.bpmn.artifacts import artifacts
from monitor.bpmn.document import CHOREOGRAPHIES, Artifact, Band, Choreography, FlowNode, Loop, SequenceFlow
from monitor.bpmn.nodes import nodes
from monitor.bpmn.reading import Reading, identifier
from monitor.bpmn.tree import Element, one_line
from monitor.bpmn.wiring import Wiring

_CONVERSATIONS = ("conversation", "subConversation", "callConversation", "conversationNode")
_LOOPS = {
    "Standard": Loop("standard"),
    "MultiInstanceSequential": Loop("sequential"),
    "MultiInstanceParallel": Loop("parallel"),
}


def choreography(reading: Reading, element: Element) -> Choreography:
    """Everything a choreography has to be drawn."""
    quiet = Reading(reading.file)
    quiet.elements = reading.elements
    found = _scope(quiet, element, FlowNode(identifier(element), "choreography", quiet.place(element)))
    return Choreography(
        found.id,
        found.place,
        name=one_line(element.get("name")),
        nodes=found.children,
        flows=found.flows,
        artifacts=found.artifacts,
    )


def conversations(reading: Reading, collaboration: Element) -> tuple[Artifact, ...]:
    """The conversations of a collaboration and the links that join participants to them."""
    found = [
        Artifact(identifier(one), one.tag, reading.place(one), name=one_line(one.get("name")))
        for one in collaboration.all(*_CONVERSATIONS)
    ]
    for link in collaboration.all("conversationLink"):
        source, target = reading.find(link.get("sourceRef")), reading.find(link.get("targetRef"))
        if source is not None and target is not None:
            ends = identifier(source), identifier(target)
            place = reading.place(link)
            found.append(Artifact(identifier(link), link.tag, place, source=ends[0], target=ends[1]))
    return tuple(found)


def is_multiple(participant: Element) -> bool:
    """Whether it stands for several of its kind: what ``participantMultiplicity`` is there to say."""
    found = participant.first("participantMultiplicity")
    return found is not None and (found.get("maximum") or "2") not in ("0", "1")


def _scope(reading: Reading, element: Element, node: FlowNode) -> FlowNode:
    """The node with what stands in its element."""
    activities = tuple(_activity(reading, child) for child in element.all(*CHOREOGRAPHIES))
    children = (*nodes(reading, Wiring(), element), *activities)
    here = {child.id for child in children}
    flows = []
    for flow in element.all("sequenceFlow"):
        source, target = reading.find(flow.get("sourceRef")), reading.find(flow.get("targetRef"))
        if source is None or target is None:
            continue
        ends = identifier(source), identifier(target)
        if here.issuperset(ends):
            condition = flow.child_text("conditionExpression")
            place, name = reading.place(flow), one_line(flow.get("name"))
            flows.append(SequenceFlow(identifier(flow), *ends, place, name=name, condition=condition))
    return replace(node, children=children, flows=tuple(flows), artifacts=artifacts(reading, element))


def _activity(reading: Reading, element: Element) -> FlowNode:
    default = reading.find(element.get("default"))
    node = FlowNode(
        identifier(element),
        element.tag,
        reading.place(element),
        name=one_line(element.get("name")),
        default=identifier(default) if default is not None else None,
        loop=_LOOPS.get(element.get("loopType") or ""),
        bands=tuple(_bands(reading, element)),
    )
    return _scope(reading, element, node) if element.tag == "subChoreography" else node


def _bands(reading: Reading, element: Element) -> list[Band]:
    sent = _sent(reading, element)
    first = reading.find(element.get("initiatingParticipantRef"))
    bands = []
    for reference in element.all("participantRef"):
        participant = reading.find(reference.text)
        if participant is None:
            continue
        band = Band(
            identifier(participant),
            one_line(participant.get("name")),
            initiating=participant is first,
            multiple=is_multiple(participant),
            message=sent.get(identifier(participant)),
        )
        bands.append(band)
    return bands


def _sent(reading: Reading, element: Element) -> dict[str, str]:
    """By participant: the name of the message it sends in this activity."""
    sent: dict[str, str] = {}
    for reference in element.all("messageFlowRef"):
        flow = reading.find(reference.text)
        source = reading.find(flow.get("sourceRef")) if flow is not None else None
        if flow is not None and source is not None:
            message = reading.find(flow.get("messageRef"))
            name = message.get("name") if message is not None else flow.get("name")
            sent.setdefault(identifier(source), one_line(name))
    return sent

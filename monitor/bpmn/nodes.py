"""Flow nodes: one small handler per kind of element, and a table from tag to handler."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from monitor.bpmn.artifacts import artifacts
from monitor.bpmn.document import (
    EVENTS,
    GATEWAYS,
    SUBPROCESSES,
    TASKS,
    EventDefinition,
    EventKind,
    FlowNode,
    Loop,
)
from monitor.bpmn.reading import (
    NODES,
    Reading,
    documentation,
    extensions,
    foreign_attributes,
    identifier,
)
from monitor.bpmn.tree import ZEEBE, Element, one_line
from monitor.bpmn.wiring import Wiring

Handler = Callable[[Reading, Element, FlowNode], FlowNode]

LOOPS = frozenset({"standardLoopCharacteristics", "multiInstanceLoopCharacteristics"})
DEFINITIONS = {f"{kind}EventDefinition": kind for kind in EventKind if kind is not EventKind.NONE}

SCOPE_IGNORED = frozenset(
    {
        "documentation", "extensionElements", "auditing", "monitoring", "ioSpecification", "ioBinding",
        "property", "resourceRole", "performer", "humanPerformer", "potentialOwner", "supports",
        "correlationSubscription", "supportedInterfaceRef", "definitionalCollaborationRef",
        "categoryValueRef",
    }
)  # fmt: skip
"""What stands in a process, subprocess or node without touching the flow of tokens."""

_DATA_FLOWS = {"dataInputAssociation", "dataOutputAssociation"}
SCOPE_KNOWN = (
    SCOPE_IGNORED
    | NODES
    | _DATA_FLOWS
    | {"sequenceFlow", "laneSet", "association", "textAnnotation", "group"}
    | {"dataObject", "dataObjectReference", "dataStoreReference"}
)
_NODE_KNOWN = (
    SCOPE_IGNORED | _DATA_FLOWS | {"incoming", "outgoing", "dataInput", "dataOutput", "inputSet", "outputSet"}
)
_ACTIVITY_KNOWN = _NODE_KNOWN | LOOPS | {"rendering", "script"}
_KNOWN = (
    dict.fromkeys(EVENTS, _NODE_KNOWN | DEFINITIONS.keys() | {"eventDefinitionRef"})
    | dict.fromkeys(GATEWAYS, _NODE_KNOWN | {"activationCondition"})
    | dict.fromkeys(TASKS | {"callActivity"}, _ACTIVITY_KNOWN)
    | dict.fromkeys(SUBPROCESSES, _ACTIVITY_KNOWN | SCOPE_KNOWN | {"completionCondition"})
)


def nodes(reading: Reading, wiring: Wiring, scope: Element) -> tuple[FlowNode, ...]:
    """The flow nodes that stand in this process or subprocess, with their own content."""
    return tuple(_node(reading, wiring, child) for child in scope.all(*NODES))


def _node(reading: Reading, wiring: Wiring, element: Element) -> FlowNode:
    reading.check_children(element, _KNOWN[element.tag])
    own = identifier(element)
    node = FlowNode(
        own,
        element.tag,
        reading.place(element),
        name=one_line(element.get("name")),
        incoming=tuple(wiring.incoming.get(own, ())),
        outgoing=tuple(wiring.outgoing.get(own, ())),
        documentation=documentation(element),
        extensions=extensions(element),
        attributes=foreign_attributes(element),
        compensated_by=wiring.handlers.get(own),
    )
    for handle in _HANDLERS[element.tag]:
        node = handle(reading, element, node)
    if element.tag in SUBPROCESSES:
        node = replace(
            node,
            children=nodes(reading, wiring, element),
            flows=tuple(wiring.flows.get(own, ())),
            artifacts=artifacts(reading, element),
        )
    return node


# What several kinds of nodes have


def _activity(_: Reading, element: Element, node: FlowNode) -> FlowNode:
    return replace(
        node,
        for_compensation=element.flag("isForCompensation", default=False),
        loop=_loop(element),
    )


def _default(reading: Reading, element: Element, node: FlowNode) -> FlowNode:
    flow = reading.refer(element, "The default flow", element.get("default"), ("sequenceFlow",))
    return replace(node, default=identifier(flow) if flow is not None else None)


def _events(reading: Reading, element: Element, node: FlowNode) -> FlowNode:
    found = []
    for child in element.children:
        if child.tag in DEFINITIONS and child.namespace == element.namespace:
            found.append(_definition(reading, element, child))
        elif child.tag == "eventDefinitionRef" and child.namespace == element.namespace:
            shared = reading.refer(element, "The event definition", child.text.strip(), DEFINITIONS)
            if shared is not None:
                found.append(_definition(reading, element, shared))
    return replace(
        node, events=tuple(found), parallel_multiple=element.flag("parallelMultiple", default=False)
    )


def _messaging(reading: Reading, element: Element, node: FlowNode) -> FlowNode:
    message = reading.refer(element, "The message", element.get("messageRef"), ("message",))
    return replace(
        node,
        message_id=element.get("messageRef"),
        message=one_line(message.get("name")) or None if message is not None else None,
        instantiate=element.flag("instantiate", default=False),
    )


# One kind each


def _start_event(_: Reading, element: Element, node: FlowNode) -> FlowNode:
    return replace(node, interrupting=element.flag("isInterrupting", default=True))


def _boundary_event(reading: Reading, element: Element, node: FlowNode) -> FlowNode:
    host = reading.refer(element, "The activity it is attached to,", element.get("attachedToRef"), NODES)
    return replace(
        node,
        attached_to=identifier(host) if host is not None else None,
        interrupting=element.flag("cancelActivity", default=True),
    )


def _gateway(_: Reading, element: Element, node: FlowNode) -> FlowNode:
    return replace(node, gateway_direction=element.get("gatewayDirection") or "Unspecified")


def _event_based_gateway(_: Reading, element: Element, node: FlowNode) -> FlowNode:
    return replace(
        node,
        instantiate=element.flag("instantiate", default=False),
        event_gateway_type=element.get("eventGatewayType") or "Exclusive",
    )


def _complex_gateway(_: Reading, element: Element, node: FlowNode) -> FlowNode:
    return replace(node, activation_condition=element.child_text("activationCondition"))


def _subprocess(_: Reading, element: Element, node: FlowNode) -> FlowNode:
    return replace(node, triggered_by_event=element.flag("triggeredByEvent", default=False))


def _ad_hoc(_: Reading, element: Element, node: FlowNode) -> FlowNode:
    return replace(
        node,
        ad_hoc_ordering=element.get("ordering") or "Parallel",
        ad_hoc_completion=element.child_text("completionCondition"),
        cancel_remaining=element.flag("cancelRemainingInstances", default=True),
    )


_GLOBAL_TASKS = {f"global{tag[0].upper()}{tag[1:]}": tag for tag in TASKS}
_PREFIXED = re.compile(r"[\w.-]+:([\w.-]+)")


def _call_activity(reading: Reading, element: Element, node: FlowNode) -> FlowNode:
    called = element.get("calledElement") or next(
        (
            found.attributes.get("processId")
            for found in node.extensions
            if found.namespace == ZEEBE and found.tag == "calledElement"
        ),
        None,
    )
    here = reading.find(called)
    if here is not None and here.tag == "process":
        return replace(node, called_element=identifier(here))
    if here is not None and here.tag in _GLOBAL_TASKS:
        return replace(node, called_task=_GLOBAL_TASKS[here.tag])
    prefixed = _PREFIXED.fullmatch(called or "")
    return replace(node, called_element=prefixed[1] if prefixed else called or None)


# Loops and event definitions

_CONSTANT = re.compile(r"=?\s*(?:[$#]\{\s*)?(\d{1,9})\s*\}?")


def constant(text: str | None) -> int | None:
    """A cardinality that is a plain number, as ``3``, ``=3``, ``${3}`` or ``#{3}``; else None."""
    matched = _CONSTANT.fullmatch((text or "").strip())
    return int(matched[1]) if matched else None


def _loop(element: Element) -> Loop | None:
    for child in element.all(*LOOPS):
        if child.tag == "standardLoopCharacteristics":
            return Loop(
                "standard",
                condition=child.child_text("loopCondition"),
                maximum=constant(child.get("loopMaximum")),
                test_before=child.flag("testBefore", default=False),
            )
        return Loop(
            "sequential" if child.flag("isSequential", default=False) else "parallel",
            cardinality=constant(child.child_text("loopCardinality")),
            condition=child.child_text("completionCondition"),
        )
    return None


_REFERENCES = {
    EventKind.MESSAGE: ("message", "messageRef", ""),
    EventKind.SIGNAL: ("signal", "signalRef", ""),
    EventKind.ERROR: ("error", "errorRef", "errorCode"),
    EventKind.ESCALATION: ("escalation", "escalationRef", "escalationCode"),
}
_TIMERS = {"timeDuration": "duration", "timeDate": "date", "timeCycle": "cycle"}


def _definition(reading: Reading, event: Element, element: Element) -> EventDefinition:
    kind = DEFINITIONS[element.tag]
    definition = EventDefinition(kind, element.get("id"))
    if kind in _REFERENCES:
        return _referring(reading, event, element, definition)
    if kind is EventKind.TIMER:
        for timer in element.all(*_TIMERS):
            return replace(definition, timer_kind=_TIMERS[timer.tag], expression=timer.text.strip() or None)
    elif kind is EventKind.CONDITIONAL:
        return replace(definition, expression=element.child_text("condition"))
    elif kind is EventKind.LINK:
        return replace(definition, reference=one_line(element.get("name")) or None)
    elif kind is EventKind.COMPENSATION:
        activity = reading.refer(event, "The compensated activity", element.get("activityRef"), NODES)
        return replace(
            definition,
            reference_id=element.get("activityRef"),
            reference=identifier(activity) if activity is not None else None,
            wait_for_completion=element.flag("waitForCompletion", default=True),
        )
    return definition


def _referring(
    reading: Reading, event: Element, element: Element, definition: EventDefinition
) -> EventDefinition:
    tag, attribute, code = _REFERENCES[definition.kind]
    reference = element.get(attribute)
    found = reading.refer(event, f"The {tag}", reference, (tag,))
    if found is None:
        return replace(definition, reference_id=reference)
    return replace(
        definition,
        reference_id=identifier(found),
        reference=one_line(found.get("name")) or None,
        reference_code=found.get(code) if code else None,
    )


_HANDLERS: dict[str, tuple[Handler, ...]] = {
    "task": (_activity, _default),
    "userTask": (_activity, _default),
    "serviceTask": (_activity, _default),
    "scriptTask": (_activity, _default),
    "manualTask": (_activity, _default),
    "businessRuleTask": (_activity, _default),
    "sendTask": (_activity, _default, _messaging),
    "receiveTask": (_activity, _default, _messaging),
    "callActivity": (_activity, _default, _call_activity),
    "subProcess": (_activity, _default, _subprocess),
    "transaction": (_activity, _default, _subprocess),
    "adHocSubProcess": (_activity, _default, _subprocess, _ad_hoc),
    "startEvent": (_events, _start_event),
    "endEvent": (_events,),
    "intermediateCatchEvent": (_events,),
    "intermediateThrowEvent": (_events,),
    "boundaryEvent": (_events, _boundary_event),
    "exclusiveGateway": (_gateway, _default),
    "parallelGateway": (_gateway,),
    "inclusiveGateway": (_gateway, _default),
    "eventBasedGateway": (_gateway, _event_based_gateway),
    "complexGateway": (_gateway, _default, _complex_gateway),
}

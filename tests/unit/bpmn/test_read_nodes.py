"""One small fixture per handler: what each kind of flow node is read as."""

from __future__ import annotations

import pytest

from monitor.bpmn.document import ACTIVITIES, EVENTS, GATEWAYS, EventDefinition, EventKind, Loop, Severity
from monitor.bpmn.nodes import constant
from tests.unit.bpmn.bpmn_text import document, found, node, process


@pytest.mark.parametrize("tag", sorted(ACTIVITIES | EVENTS | GATEWAYS))
def test_every_kind_of_node_is_read(tag: str) -> None:
    read = node(f'<{tag} id="n" name=" Ship&#10;  the goods "><documentation>why</documentation></{tag}>')
    assert (read.id, read.type, read.name, read.documentation) == ("n", tag, "Ship the goods", "why")
    assert read.place == ("m.bpmn", 2)


def test_names_are_optional() -> None:
    assert node('<task id="t"/>').name == ""


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ('<messageEventDefinition messageRef="M"/>', EventDefinition(EventKind.MESSAGE, None, "M", "Paid")),
        ("<messageEventDefinition/>", EventDefinition(EventKind.MESSAGE)),
        (
            '<signalEventDefinition id="d" signalRef="S"/>',
            EventDefinition(EventKind.SIGNAL, "d", "S", "Stop"),
        ),
        ('<errorEventDefinition errorRef="E"/>', EventDefinition(EventKind.ERROR, None, "E", "Bad", "E-1")),
        (
            '<escalationEventDefinition escalationRef="X"/>',
            EventDefinition(EventKind.ESCALATION, None, "X", "Late", "L"),
        ),
        (
            "<timerEventDefinition><timeDuration> PT5M </timeDuration></timerEventDefinition>",
            EventDefinition(EventKind.TIMER, timer_kind="duration", expression="PT5M"),
        ),
        (
            "<timerEventDefinition><timeDate>2026-01-01</timeDate></timerEventDefinition>",
            EventDefinition(EventKind.TIMER, timer_kind="date", expression="2026-01-01"),
        ),
        (
            "<timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition>",
            EventDefinition(EventKind.TIMER, timer_kind="cycle", expression="R3/PT1H"),
        ),
        ("<timerEventDefinition/>", EventDefinition(EventKind.TIMER)),
        (
            "<conditionalEventDefinition><condition>x > 1</condition></conditionalEventDefinition>",
            EventDefinition(EventKind.CONDITIONAL, expression="x > 1"),
        ),
        ('<linkEventDefinition name=" to  B "/>', EventDefinition(EventKind.LINK, reference="to B")),
        ("<terminateEventDefinition/>", EventDefinition(EventKind.TERMINATE)),
        ("<cancelEventDefinition/>", EventDefinition(EventKind.CANCEL)),
        (
            '<compensateEventDefinition activityRef="e"/>',
            EventDefinition(EventKind.COMPENSATION, None, "e", "e"),
        ),
        (
            "<eventDefinitionRef>shared</eventDefinitionRef>",
            EventDefinition(EventKind.SIGNAL, "shared", "S", "Stop"),
        ),
    ],
)
def test_event_definitions(definition: str, expected: EventDefinition) -> None:
    before = (
        '<message id="M" name=" Paid "/><signal id="S" name="Stop"/>'
        '<error id="E" name="Bad" errorCode="E-1"/>'
        '<escalation id="X" name="Late" escalationCode="L"/>'
        '<signalEventDefinition id="shared" signalRef="S"/>'
    )
    assert node(f'<endEvent id="e">{definition}</endEvent>', before).events == (expected,)


def test_several_event_definitions_keep_their_order() -> None:
    read = node(
        '<startEvent id="e" parallelMultiple="true" isInterrupting="false">'
        "<timerEventDefinition/><messageEventDefinition/></startEvent>"
    )
    assert [definition.kind for definition in read.events] == [EventKind.TIMER, EventKind.MESSAGE]
    assert read.parallel_multiple
    assert not read.interrupting


def test_a_reference_that_leads_nowhere_is_told_and_kept() -> None:
    inside = (
        '<process id="p">\n<endEvent id="e" name="E"><messageEventDefinition messageRef="M"/>'
        "</endEvent></process>"
    )
    (problem,) = found(inside, "dangling-reference")
    assert (problem.severity, problem.element, problem.name) == (Severity.WARNING, "e", "E")
    assert problem.place == ("m.bpmn", 3)
    (definition,) = document(inside).processes[0].nodes[0].events
    assert (definition.reference_id, definition.reference) == ("M", None)


def test_a_reference_to_something_else_is_told() -> None:
    inside = '<process id="p"><endEvent id="e"><messageEventDefinition messageRef="p"/></endEvent></process>'
    (problem,) = found(inside, "dangling-reference")
    assert "leads to a process" in problem.message


def test_send_and_receive_tasks_know_their_message() -> None:
    read = node('<receiveTask id="t" messageRef="x:M" instantiate="true"/>', '<message id="M" name="Paid"/>')
    assert (read.message, read.message_id, read.instantiate) == ("Paid", "x:M", True)


def test_boundary_events() -> None:
    _, read = process('<task id="t"/><boundaryEvent id="b" attachedToRef="t" cancelActivity="false"/>').nodes
    assert (read.attached_to, read.interrupting) == ("t", False)
    _, read = process('<task id="t"/><boundaryEvent id="b" attachedToRef="t"/>').nodes
    assert read.interrupting


def test_gateways() -> None:
    gateway = node(
        '<eventBasedGateway id="g" instantiate="true" eventGatewayType="Parallel"'
        ' gatewayDirection="Diverging"/>'
    )
    assert (gateway.instantiate, gateway.event_gateway_type) == (True, "Parallel")
    assert gateway.gateway_direction == "Diverging"
    gateway = node(
        '<complexGateway id="g"><activationCondition>2 of 3</activationCondition></complexGateway>'
    )
    assert gateway.activation_condition == "2 of 3"


def test_subprocesses_hold_their_content() -> None:
    read = node(
        '<subProcess id="s" triggeredByEvent="true"><startEvent id="a"/><subProcess id="i">'
        '<task id="b"/></subProcess>'
        '<sequenceFlow id="f" sourceRef="a" targetRef="i"/><textAnnotation id="n"><text>Note</text>'
        "</textAnnotation>"
        "</subProcess>"
    )
    assert read.triggered_by_event
    assert [child.id for child in read.children] == ["a", "i"]
    assert [child.id for child in read.children[1].children] == ["b"]
    assert [flow.id for flow in read.flows] == ["f"]
    assert read.children[0].outgoing == ("f",)
    assert read.artifacts[0].text == "Note"


def test_ad_hoc_subprocesses() -> None:
    read = node(
        '<adHocSubProcess id="s" ordering="Sequential"><completionCondition>done</completionCondition>'
        "</adHocSubProcess>"
    )
    assert (read.ad_hoc_ordering, read.ad_hoc_completion) == ("Sequential", "done")


@pytest.mark.parametrize(
    ("attributes", "inside", "expected"),
    [
        ('calledElement="other"', "", "other"),
        ('calledElement="tns:other"', "", "other"),
        ('calledElement="${model}"', "", "${model}"),
        (
            "",
            "<extensionElements>"
            '<z:calledElement xmlns:z="http://camunda.org/schema/zeebe/1.0" processId="=x"/>'
            "</extensionElements>",
            "=x",
        ),
        ("", "", None),
    ],
)
def test_call_activities(attributes: str, inside: str, expected: str | None) -> None:
    assert node(f'<callActivity id="c" {attributes}>{inside}</callActivity>').called_element == expected


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", None),
        (
            '<standardLoopCharacteristics testBefore="true" loopMaximum="5">'
            "<loopCondition>more</loopCondition>"
            "</standardLoopCharacteristics>",
            Loop("standard", condition="more", maximum=5, test_before=True),
        ),
        (
            '<multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>3</loopCardinality>'
            "</multiInstanceLoopCharacteristics>",
            Loop("sequential", cardinality=3),
        ),
        (
            "<multiInstanceLoopCharacteristics><loopCardinality>${n}</loopCardinality>"
            "<completionCondition>enough</completionCondition></multiInstanceLoopCharacteristics>",
            Loop("parallel", condition="enough"),
        ),
    ],
)
def test_loops(inside: str, expected: Loop | None) -> None:
    assert node(f'<task id="t" isForCompensation="true">{inside}</task>').loop == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", 3), (" 03 ", 3), ("=3", 3), ("${3}", 3), ("#{ 3 }", 3), ("n", None), ("3.5", None), ("", None),
     (None, None), ("9" * 5000, None)],
)  # fmt: skip
def test_constant_cardinalities(text: str | None, expected: int | None) -> None:
    assert constant(text) == expected


def test_vendor_extensions_and_attributes_are_kept() -> None:
    read = node(
        '<task id="t" v:async="true"><extensionElements><v:io size="2">'
        "<v:part> a <!-- c --> b </v:part></v:io>"
        "</extensionElements><v:loose/></task>"
    )
    assert read.attributes == {"{urn:vendor}async": "true"}
    wrapped, loose = read.extensions
    assert (wrapped.namespace, wrapped.tag, wrapped.attributes) == ("urn:vendor", "io", {"size": "2"})
    assert wrapped.children[0].text.split() == ["a", "b"]
    assert loose.tag == "loose"


def test_nothing_inside_extensions_is_taken_for_the_model() -> None:
    read = document(
        '<process id="p"><extensionElements><v:draft><task id="t"/><v:task id="p"/></v:draft>'
        "</extensionElements>"
        '<task id="t"/></process>'
    )
    assert [inner.id for inner in read.processes[0].nodes] == ["t"]
    assert read.problems == ()


def test_unknown_elements_are_told() -> None:
    inside = (
        '<process id="p">\n<wishTask id="w" name="Wish"/><task id="t"><wishes/></task></process>\n<dream/>'
    )
    by_line = {problem.place.line: problem for problem in found(inside, "unknown-element")[1:]}
    wish = found(inside, "unknown-element")[0]
    assert (wish.element, wish.name, wish.place.line, wish.severity) == ("w", "Wish", 3, Severity.ERROR)
    assert "'wishes'" in by_line[3].message
    assert by_line[3].severity is Severity.WARNING
    assert "'dream'" in by_line[4].message


def test_choreographies_are_refused_clearly() -> None:
    (problem,) = found('<choreography id="c"><choreographyTask id="t"/></choreography>', "choreography")
    assert problem.severity is Severity.ERROR

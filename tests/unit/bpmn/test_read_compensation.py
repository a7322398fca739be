"""Which activity compensates which, as tools draw it."""

from __future__ import annotations

import pytest

from tests.unit.bpmn.bpmn_text import document, flow, found, node, process

BOUNDARY = (
    '<task id="A"/><task id="H" isForCompensation="true"/><task id="H2" isForCompensation="true"/>'
    '<boundaryEvent id="b" attachedToRef="A">{}</boundaryEvent>'
)
OWN = BOUNDARY.format("<compensateEventDefinition/>")


def association(source: str, target: str) -> str:
    return f'<association id="a" sourceRef="{source}" targetRef="{target}"/>'


@pytest.mark.parametrize(
    "drawn", [association("b", "H"), association("H", "b"), flow("b", "H")], ids=["to", "from", "flow"]
)
def test_the_handler_of_a_compensation_event(drawn: str) -> None:
    by_id = {one.id: one for one in process(OWN + drawn).walk()}
    assert by_id["b"].compensated_by == "H"
    assert by_id["H"].for_compensation
    assert by_id["b"].outgoing == by_id["H"].incoming == ()


def test_a_sequence_flow_to_a_handler_is_told() -> None:
    (problem,) = found(f'<process id="p">{OWN}{flow("b", "H")}</process>', "compensation-by-flow")
    assert problem.element == "b-H"


def test_a_shared_definition_and_an_association_in_the_collaboration() -> None:
    shared = BOUNDARY.format("<eventDefinitionRef>c</eventDefinitionRef>")
    inside = (
        f'<collaboration id="k">{association("b", "H")}</collaboration><process id="p">{shared}</process>'
    )
    read = document(f'<compensateEventDefinition id="c"/>{inside}')
    assert [one.compensated_by for one in read.processes[0].walk() if one.id == "b"] == ["H"]


def test_annotations_and_other_boundary_events_have_no_handler() -> None:
    note = '<textAnnotation id="n"><text>why</text></textAnnotation>' + association("b", "n")
    assert all(one.compensated_by is None for one in process(OWN + note).walk())
    timer = BOUNDARY.format("<timerEventDefinition/>") + association("b", "H")
    assert all(one.compensated_by is None for one in process(timer).walk())


def test_two_handlers_are_an_error() -> None:
    inside = f'<process id="p">{OWN}{association("b", "H")}{association("b", "H2")}</process>'
    (problem,) = found(inside, "several-handlers")
    assert (problem.severity, problem.element) == ("error", "b")
    assert "H and to H2" in problem.message


@pytest.mark.parametrize(
    ("text", "waits"), [("", True), ('waitForCompletion="false"', False), ('waitForCompletion="true"', True)]
)
def test_whether_a_throw_waits(text: str, waits: bool) -> None:
    throw = f'<intermediateThrowEvent id="t"><compensateEventDefinition activityRef="A" {text}/>'
    (event,) = node(throw + '</intermediateThrowEvent><task id="A"/>').events
    assert (event.reference, event.wait_for_completion) == ("A", waits)


@pytest.mark.parametrize(("text", "cancels"), [("", True), ('cancelRemainingInstances="false"', False)])
def test_what_still_runs_in_an_ad_hoc_subprocess(text: str, cancels: bool) -> None:
    assert node(f'<adHocSubProcess id="a" {text}/>').cancel_remaining is cancels

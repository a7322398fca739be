"""Models with something wrong, as people draw them: what is read all the same, and what is refused."""

from __future__ import annotations

import pytest

from monitor.bpmn.compile import Options
from monitor.errors import ModelError
from monitor.flows import build, problems_of
from monitor.model import Model
from tests.support.flows import HEAD, sorts

CHAIN = '<startEvent id="s"/><task id="A" name="A"/><task id="B" name="B"/><endEvent id="e"/>'
WIRED = (
    '<sequenceFlow id="f1" sourceRef="s" targetRef="A"/><sequenceFlow id="f2" sourceRef="A" targetRef="B"/>'
    '<sequenceFlow id="f3" sourceRef="B" targetRef="e"/>'
)


def model(inside: str, around: str = "") -> Model:
    return Model(
        "m.bpmn", f'{HEAD}{around}\n<process id="p">{inside}</process></definitions>'.encode(), Options()
    )


def severe(one: Model) -> set[tuple[str, str]]:
    return {
        (problem.severity.value, problem.code) for problem in problems_of(one) if problem.severity != "info"
    }


READ = {
    "a flow to nowhere": ('<sequenceFlow id="x" sourceRef="A" targetRef="gone"/>', "dangling-flow"),
    "a flow from nowhere to what is reached anyhow": (
        '<sequenceFlow id="x" sourceRef="gone" targetRef="B"/>',
        "dangling-flow",
    ),
    "a flow of nothing": ('<sequenceFlow id="x"/>', "dangling-flow"),
    "a flow to data": (
        '<dataObjectReference id="d"/><sequenceFlow id="x" sourceRef="A" targetRef="d"/>',
        "dangling-flow",
    ),
    "a message that is not there": (
        '<intermediateCatchEvent id="B2" attachedToRef="A"><messageEventDefinition messageRef="gone"/>'
        "</intermediateCatchEvent>",
        "dangling-reference",
    ),
    "a flow with another's id": ('<sequenceFlow id="f1" sourceRef="A" targetRef="B"/>', "duplicate-id"),
    "an annotation that hangs loose": (
        '<association id="x" sourceRef="A" targetRef="gone"/><textAnnotation id="f1"/>',
        "duplicate-id",
    ),
    "a lane of nothing": (
        '<laneSet><lane id="l"><flowNodeRef>gone</flowNodeRef></lane></laneSet>',
        "dangling-reference",
    ),
}


@pytest.mark.parametrize(("wrong", "code"), READ.values(), ids=READ)
def test_what_leaves_the_flow_clear_is_a_warning(wrong: str, code: str) -> None:
    one = model(CHAIN + WIRED + wrong)
    assert ("warning", code) in severe(one)
    flow = build(one)[1]
    assert {"A", "B"} <= flow.labels.keys()
    if not wrong.startswith("<intermediate") and "f1" not in wrong:
        sorts(flow, "AB", "A", "B,ABB")


REFUSED = {
    "a step only a flow from nowhere leads to": (
        '<task id="C" name="C"/><sequenceFlow id="x" sourceRef="gone" targetRef="C"/>',
        "cut-off",
    ),
    "two steps of one id": ('<task id="A" name="Other"/>', "duplicate-id"),
    "a boundary event of nothing": (
        '<boundaryEvent id="x"><timerEventDefinition/></boundaryEvent>',
        "boundary-unattached",
    ),
    "something nobody knows": ('<magic id="x"/>', "unknown-element"),
    "a flow into a subprocess": (
        '<subProcess id="u"><task id="C" name="C"/></subProcess>'
        '<sequenceFlow id="x" sourceRef="A" targetRef="C"/>',
        "flow-crosses-border",
    ),
}


@pytest.mark.parametrize(("wrong", "code"), REFUSED.values(), ids=REFUSED)
def test_what_would_make_verdicts_wrong_is_an_error(wrong: str, code: str) -> None:
    one = model(CHAIN + WIRED + wrong)
    assert ("error", code) in severe(one)
    with pytest.raises(ModelError, match=code):
        build(one)


def test_flows_across_pools_are_refused() -> None:
    other = '<process id="q"><task id="Q" name="Q"/></process>'
    one = model(f'{CHAIN}{WIRED}<sequenceFlow id="x" sourceRef="A" targetRef="Q"/>', other)
    assert ("error", "flow-crosses-border") in severe(one)


def test_a_choice_that_leads_nowhere_ends_there() -> None:
    gateway = (
        '<startEvent id="s"/><task id="A" name="A"/><exclusiveGateway id="g"/><task id="B" name="B"/>'
        '<sequenceFlow id="f1" sourceRef="s" targetRef="A"/>'
        '<sequenceFlow id="f2" sourceRef="A" targetRef="g"/>'
        '<sequenceFlow id="f3" sourceRef="g" targetRef="B"/>'
        '<sequenceFlow id="f4" sourceRef="g" targetRef="no"/>'
    )
    sorts(build(model(gateway))[1], "A,AB", "", "B,AA")


def test_without_a_start_event_a_flow_from_nowhere_begins_the_process() -> None:
    one = model('<task id="A" name="A"/><sequenceFlow id="x" sourceRef="gone" targetRef="A"/>')
    assert ("warning", "dangling-flow") in severe(one)
    sorts(build(one)[1], "A", "", "AA")


def test_children_that_contradict_the_flows_are_not_looked_at() -> None:
    """``incoming`` and ``outgoing`` repeat what the flows say; tools forget to keep them right."""
    lying = CHAIN.replace('name="A"/>', 'name="A"><incoming>f3</incoming><outgoing>no</outgoing></task>')
    one = model(lying + WIRED)
    assert severe(one) == set()
    sorts(build(one)[1], "AB", "A", "B")


@pytest.mark.parametrize("default", ["gone", "f3", "f1"])
def test_a_default_flow_that_does_not_leave_is_told(default: str) -> None:
    one = model(CHAIN.replace('name="A"', f'name="A" default="{default}"') + WIRED)
    assert {severity for severity, _ in severe(one)} == {"warning"}
    sorts(build(one)[1], "AB", "A", "B")


def test_pools_of_nothing_and_empty_processes_stand_aside() -> None:
    pools = (
        '<collaboration id="k"><participant id="x"/><participant id="y" processRef="gone"/>'
        '<participant id="z" processRef="empty"/><participant id="m" processRef="p"/>'
        '<messageFlow id="n1" sourceRef="A" targetRef="x"/>'
        '<messageFlow id="n2" sourceRef="A" targetRef="gone"/>'
        '</collaboration><process id="empty"/>'
    )
    one = model(CHAIN + WIRED, pools)
    assert {severity for severity, _ in severe(one)} == {"warning"}
    assert {"dangling-reference", "dangling-message-flow"} <= {code for _, code in severe(one)}
    sorts(build(one)[1], "AB", "A", "B")


def test_several_ends_and_no_start_and_names_with_line_breaks() -> None:
    inside = (
        '<task id="A" name="Order&#10;  received "/><endEvent id="e1"/><endEvent id="e2"/>'
        '<sequenceFlow id="f1" sourceRef="A" targetRef="e1"/>'
        '<sequenceFlow id="f2" sourceRef="A" targetRef="e2"/>'
    )
    flow = build(model(inside))[1]
    assert list(flow.labels) == ["Order received"]

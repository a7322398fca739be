"""Ids, sequence flows, pools, lanes, messages, artifacts and drawings."""

from __future__ import annotations

import time

import pytest

from monitor.bpmn.document import Artifact, Bounds, Place, Severity
from tests.unit.bpmn.bpmn_text import chain, document, flow, found, process

DI = 'xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="urn:dc" xmlns:w="urn:w"'


# Ids


def test_of_two_elements_with_one_id_the_second_is_renamed() -> None:
    inside = (
        f'<process id="p"><task id="t" name="A"/>\n<task id="t" name="B"/>'
        f'<task id="u"/>{flow("t", "u")}</process>'
    )
    first, second, _ = document(inside).processes[0].nodes
    assert (first.id, first.outgoing) == ("t", ("t-u",))
    assert (second.id, second.outgoing) == ("t#2", ())
    (problem,) = found(inside, "duplicate-id")
    assert (problem.severity, problem.element, problem.name) == (Severity.ERROR, "t", "B")
    assert problem.place == Place("m.bpmn", 3)


def test_of_two_flows_with_one_id_both_are_kept() -> None:
    twice = (
        '<sequenceFlow id="f" sourceRef="a" targetRef="b"/><sequenceFlow id="f" sourceRef="b" targetRef="c"/>'
    )
    inside = f'<process id="p"><task id="a"/><task id="b"/><task id="c"/>{twice}</process>'
    _, middle, _ = document(inside).processes[0].nodes
    assert (middle.incoming, middle.outgoing) == (("f",), ("f#2",))
    (problem,) = found(inside, "duplicate-id")
    assert problem.severity is Severity.WARNING


def test_renaming_does_not_collide() -> None:
    read = process('<task id="t"/><task id="t#2"/><task id="t"/><task id="t"/>')
    assert len({node.id for node in read.nodes}) == 4


def test_many_of_one_id_take_time_in_proportion() -> None:
    began = time.thread_time()  # of a processor: others may be at work here, too
    read = process('<task id="t"/>' * 20_000)
    assert len({node.id for node in read.nodes}) == 20_000
    assert time.thread_time() - began < 10


def test_missing_ids_are_given() -> None:
    inside = '<process><task name="A"/><task name="B"/></process>'
    read = document(inside).processes[0]
    assert len({read.id, *(node.id for node in read.nodes)}) == 3
    assert len(found(inside, "missing-id")) == 3


# Sequence flows


def test_flows_are_wired_in_file_order() -> None:
    read = process(
        '<task id="a"><outgoing>lies</outgoing></task><task id="b"/><task id="c"/>'
        + flow("a", "c", 'name=" one  way "')
        + flow("a", "b")
        + '<sequenceFlow id="x" sourceRef="b" targetRef="c">'
        '<conditionExpression language="feel"> n > 1 </conditionExpression></sequenceFlow>'
    )
    a, b, c = read.nodes
    assert (a.incoming, a.outgoing) == ((), ("a-c", "a-b"))
    assert (b.incoming, b.outgoing) == (("a-b",), ("x",))
    assert c.incoming == ("a-c", "x")
    assert read.flows[0].name == "one way"
    assert (read.flows[2].condition, read.flows[2].condition_language) == ("n > 1", "feel")


def test_default_flows() -> None:
    gateway = process(f'<exclusiveGateway id="g" default="g-t"/><task id="t"/>{flow("g", "t")}').nodes[0]
    assert gateway.default == "g-t"


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ('sourceRef="a" targetRef="gone"', "'gone', which does not exist"),
        ('targetRef="a"', "has no sourceRef"),
        ('sourceRef="note" targetRef="a"', "a textAnnotation, which no token can pass"),
    ],
)
def test_dangling_flows_are_dropped_and_told(attributes: str, said: str) -> None:
    inside = (
        f'<process id="p"><task id="a"/>'
        f'<textAnnotation id="note"/>\n<sequenceFlow id="f" {attributes}/></process>'
    )
    (problem,) = found(inside, "dangling-flow")
    assert said in problem.message
    assert (problem.element, problem.place.line) == ("f", 3)
    read = document(inside).processes[0]
    assert read.flows == ()
    assert (read.nodes[0].incoming, read.nodes[0].outgoing) == ((), ())


def test_flows_across_a_border_are_errors() -> None:
    pools = (
        '<process id="p"><task id="a"/></process><process id="q"><task id="b"/>'
        + flow("a", "b")
        + "</process>"
    )
    (problem,) = found(pools, "flow-crosses-border")
    assert problem.severity is Severity.ERROR
    sub = (
        f'<process id="p"><subProcess id="s"><task id="a"/></subProcess>'
        f'<task id="b"/>{flow("a", "b")}</process>'
    )
    (problem,) = found(sub, "flow-crosses-border")
    assert "a in s to b in p" in problem.message
    assert document(sub).processes[0].flows == ()


def test_flows_in_the_wrong_scope_are_read_where_they_belong() -> None:
    inside = (
        '<process id="p"><subProcess id="s"><task id="a"/><task id="b"/></subProcess>'
        + flow("a", "b")
        + "</process>"
    )
    read = document(inside).processes[0]
    assert read.flows == ()
    assert [inner.id for inner in read.nodes[0].flows] == ["a-b"]
    (problem,) = found(inside, "flow-misplaced")
    assert problem.severity is Severity.INFO


# Collaborations and lanes


def test_pools_and_message_flows() -> None:
    read = document(
        '<message id="M" name="Order"/><collaboration id="c">'
        '<participant id="us" name="Us" processRef="x:p"/>'
        '<participant id="them" name="Them"/>'
        '<messageFlow id="f" name="" sourceRef="them" targetRef="t" messageRef="M"/>'
        '</collaboration><process id="p"><receiveTask id="t"/></process>'
    )
    (collaboration,) = read.collaborations
    assert [(pool.id, pool.name, pool.process) for pool in collaboration.participants] == [
        ("us", "Us", "p"),
        ("them", "Them", None),
    ]
    (message_flow,) = collaboration.message_flows
    assert (message_flow.source, message_flow.target, message_flow.message) == ("them", "t", "Order")
    assert read.problems == ()


def test_dangling_message_flows_and_pools_are_told() -> None:
    inside = (
        '<collaboration id="c"><participant id="us" processRef="gone"/>'
        '<messageFlow id="f" sourceRef="us" targetRef="gone"/><messageFlow id="g" targetRef="us"/>'
        "</collaboration>"
    )
    (collaboration,) = document(inside).collaborations
    assert collaboration.message_flows == ()
    assert collaboration.participants[0].process is None
    assert [problem.element for problem in found(inside, "dangling-message-flow")] == ["f", "g"]
    assert len(found(inside, "dangling-reference")) == 1


def test_lanes_nest() -> None:
    inside = (
        '<laneSet><lane id="l" name="Sales"><flowNodeRef> t </flowNodeRef><flowNodeRef>gone</flowNodeRef>'
        '<childLaneSet><lane id="m"><flowNodeRef>u</flowNodeRef></lane></childLaneSet></lane></laneSet>'
        '<task id="t"/><task id="u"/>'
    )
    (lane,) = process(inside).lanes
    assert (lane.name, lane.nodes, lane.children[0].nodes) == ("Sales", ("t",), ("u",))


# Messages and correlation


def test_messages_carry_what_they_are_correlated_by() -> None:
    read = document(
        '<message id="M" name=" Payment  received "><extensionElements>'
        '<z:subscription xmlns:z="http://camunda.org/schema/zeebe/1.0" correlationKey="=orderId"/>'
        '</extensionElements></message><message id="N"/><correlationProperty id="cp" name="order">'
        '<correlationPropertyRetrievalExpression messageRef="N"><messagePath>data.order</messagePath>'
        "</correlationPropertyRetrievalExpression></correlationProperty>"
    )
    payment, other = read.messages
    assert (payment.name, payment.correlation_key, payment.correlation) == (
        "Payment received",
        "=orderId",
        (),
    )
    assert (other.name, other.correlation_key, other.correlation) == ("", None, (("order", "data.order"),))


# Artifacts


def test_artifacts() -> None:
    read = process(
        '<dataObject id="d" name="Order" isCollection="true"/><dataObjectReference id="r" dataObjectRef="d"/>'
        '<textAnnotation id="n"><text>see <b xmlns="urn:html">below</b></text></textAnnotation>'
        '<association id="a" sourceRef="t" targetRef="n" associationDirection="One"/>'
        '<association id="lost" sourceRef="t" targetRef="gone"/>'
        '<group id="g" categoryValueRef="cv"/>'
        '<task id="t"><dataInputAssociation id="i"><sourceRef>r</sourceRef></dataInputAssociation>'
        '<dataOutputAssociation id="o"><targetRef>r</targetRef></dataOutputAssociation></task>',
        '<category id="c"><categoryValue id="cv" value="Night shift"/></category>',
    )
    artifacts = {artifact.id: artifact for artifact in read.artifacts}
    place = Place("m.bpmn", 2)
    assert artifacts["r"] == Artifact("r", "dataObjectReference", place, "Order", is_collection=True)
    assert artifacts["n"].text == "see below"
    assert artifacts["a"] == Artifact("a", "association", place, source="t", target="n", direction="One")
    assert artifacts["g"].name == "Night shift"
    assert (artifacts["i"].source, artifacts["i"].target) == ("r", "t")
    assert (artifacts["o"].source, artifacts["o"].target) == ("t", "r")
    assert "lost" not in artifacts


# Drawings


def drawn(shapes: str) -> str:
    return (
        f'<process id="p"><task id="a"/><task id="b"/>{chain("a", "b")}</process>'
        f'<di:BPMNDiagram {DI} id="d" name="D"><di:BPMNPlane id="pl" bpmnElement="p">{shapes}</di:BPMNPlane>'
        "</di:BPMNDiagram>"
    )


def test_shapes_and_edges() -> None:
    (diagram,) = document(
        drawn(
            '<di:BPMNShape bpmnElement="a" isExpanded="true" isHorizontal="false">'
            '<dc:Bounds x="1" y="2.5" width="3" height="4"/>'
            '<di:BPMNLabel><dc:Bounds x="5" y="6" width="7" height="8"/></di:BPMNLabel></di:BPMNShape>'
            '<di:BPMNEdge bpmnElement="a-b"><w:waypoint x="1" y="2"/><w:waypoint x="3" y="4"/></di:BPMNEdge>'
        )
    ).diagrams
    assert (diagram.element, diagram.name) == ("p", "D")
    (shape,) = diagram.shapes
    assert (shape.element, shape.bounds, shape.label) == ("a", Bounds(1, 2.5, 3, 4), Bounds(5, 6, 7, 8))
    assert (shape.expanded, shape.horizontal, shape.marker_visible) == (True, False, None)
    assert diagram.edges[0].waypoints == ((1, 2), (3, 4))


@pytest.mark.parametrize(
    "bounds", ["", 'x="1" y="1" width="0" height="1"', 'x="NaN" y="1" width="1" height="1"',
               'x="1e300" y="1" width="1" height="1"', 'x="1" y="one" width="1" height="1"']
)  # fmt: skip
def test_unusable_bounds_are_left_out_and_told(bounds: str) -> None:
    inside = drawn(f'<di:BPMNShape id="s" bpmnElement="a"><dc:Bounds {bounds}/></di:BPMNShape>')
    assert document(inside).diagrams[0].shapes == ()
    assert [problem.element for problem in found(inside, "bad-diagram")] == ["s"]


def test_shapes_of_nothing_are_left_out_and_told() -> None:
    inside = drawn('<di:BPMNShape id="s" bpmnElement="gone"><dc:Bounds/></di:BPMNShape><di:BPMNEdge id="e"/>')
    assert document(inside).diagrams[0].shapes == ()
    assert [problem.element for problem in found(inside, "dangling-shape")] == ["s", "e"]


def test_edges_need_two_waypoints() -> None:
    inside = drawn('<di:BPMNEdge id="e" bpmnElement="a-b"><w:waypoint x="1" y="2"/></di:BPMNEdge>')
    assert document(inside).diagrams[0].edges == ()
    assert len(found(inside, "bad-diagram")) == 1


def test_problems_are_sorted_by_line() -> None:
    read = document('<dream/>\n<process id="p">\n<wish/></process>\n<dream/>')
    assert [problem.place.line for problem in read.problems] == [2, 4, 5]

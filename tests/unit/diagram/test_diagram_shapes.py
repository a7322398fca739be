"""Each shape and marker of the notation is drawn, and told apart from the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from monitor.bpmn.document import (
    EVENTS,
    GATEWAYS,
    SUBPROCESSES,
    TASKS,
    Artifact,
    Collaboration,
    Edge,
    EventKind,
    Lane,
    Loop,
    MessageFlow,
    Participant,
)
from monitor.diagram import render

KINDS = [kind.value for kind in EventKind if kind is not EventKind.NONE]


@pytest.fixture
def draw(build: Any, picture: Any) -> Callable[..., Any]:
    """The group that draws one node."""

    def drawn(type: str, *, shape: dict[str, Any] | None = None, **rest: Any) -> Any:
        svg = render(build.drawn(build.node("n", type, **rest), **(shape or {})))
        return picture(svg).group("n")

    return drawn


@pytest.mark.parametrize(
    ("type", "rings"),
    [
        ("startEvent", 1),
        ("endEvent", 1),
        ("boundaryEvent", 2),
        ("intermediateCatchEvent", 2),
        ("intermediateThrowEvent", 2),
    ],
)
def test_events_have_one_ring_or_two(draw: Any, picture: Any, type: str, rings: int) -> None:
    group = draw(type)
    assert len(group.findall("{*}circle")) == rings
    assert {"node", "event", type} <= set(group.get("class").split())


def test_end_events_are_thicker_than_start_events(draw: Any) -> None:
    def ring(type: str) -> float:
        return float(draw(type).find("{*}circle").get("stroke-width"))

    assert ring("endEvent") > ring("startEvent")


@pytest.mark.parametrize("kind", KINDS)
def test_each_event_definition_has_its_sign(draw: Any, kind: str) -> None:
    with_sign = {path.get("d") for path in draw("startEvent", kinds=[kind]).iter("{*}path")}
    assert with_sign
    for other in KINDS:
        if other != kind:
            assert with_sign != {path.get("d") for path in draw("startEvent", kinds=[other]).iter("{*}path")}
    assert not list(draw("startEvent").iter("{*}path"))


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "terminate"])
def test_thrown_signs_are_filled_and_caught_ones_are_not(draw: Any, kind: str) -> None:
    caught, thrown = (draw(t, kinds=[kind]) for t in ("intermediateCatchEvent", "intermediateThrowEvent"))
    body = [{p.get("class").split()[0] for p in group.iter("{*}path")} for group in (caught, thrown)]
    assert "body" in body[0]
    assert "solid" not in body[0]
    assert "solid" in body[1]
    assert "body" not in body[1]


def test_several_definitions_are_multiple_or_parallel_multiple(draw: Any) -> None:
    one = draw("startEvent", kinds=["message", "timer"])
    both = draw("startEvent", kinds=["message", "timer"], parallel_multiple=True)
    assert "multiple" in one.get("class").split()
    assert "parallelMultiple" in both.get("class").split()


def test_non_interrupting_events_are_dashed(draw: Any) -> None:
    for type in ("startEvent", "boundaryEvent"):
        dashes = [c.get("stroke-dasharray") for c in draw(type, interrupting=False).findall("{*}circle")]
        assert all(dashes)
        assert not any(c.get("stroke-dasharray") for c in draw(type).findall("{*}circle"))


@pytest.mark.parametrize("type", sorted(TASKS - {"task"}))
def test_each_kind_of_task_has_its_icon(draw: Any, type: str) -> None:
    def icon(type: str) -> list[tuple[str, str]]:
        return [(path.get("d"), path.get("fill")) for path in draw(type).iter("{*}path")]

    assert icon(type)
    assert all(icon(type) != icon(other) for other in TASKS - {type})


def test_an_instantiating_receive_task_differs(draw: Any) -> None:
    paths = [[p.get("d") for p in draw("receiveTask", instantiate=i).iter("{*}path")] for i in (True, False)]
    assert paths[0] != paths[1]


def test_markers_stand_side_by_side_at_the_bottom(draw: Any) -> None:
    def markers(**rest: Any) -> int:
        return len(draw("task", **rest).findall("{*}g"))

    assert markers() == 0
    assert markers(loop=Loop("standard")) == 1
    assert markers(for_compensation=True) == 1
    assert markers(loop=Loop("sequential"), for_compensation=True) == 2
    kinds = {
        "".join(p.get("d") for p in draw("task", loop=Loop(kind)).iter("{*}path"))
        for kind in ("standard", "sequential", "parallel")
    }
    assert len(kinds) == 3


@pytest.mark.parametrize("type", sorted(SUBPROCESSES))
def test_collapsed_subprocesses_have_a_plus_and_expanded_ones_not(draw: Any, type: str) -> None:
    collapsed = draw(type, shape={"expanded": False})
    expanded = draw(type, shape={"expanded": True, "width": 300.0, "height": 200.0})
    assert "collapsed" in collapsed.get("class").split()
    assert "expanded" in expanded.get("class").split()
    assert len(collapsed.findall("{*}g")) == len(expanded.findall("{*}g")) + 1


def test_transactions_have_two_borders_call_activities_a_thick_one_event_subprocesses_a_dotted_one(
    draw: Any,
) -> None:
    assert len(draw("transaction").findall("{*}rect")) == 2
    assert float(draw("callActivity").find("{*}rect").get("stroke-width")) > 3
    assert draw("subProcess", triggered_by_event=True).find("{*}rect").get("stroke-dasharray")
    assert not draw("subProcess").find("{*}rect").get("stroke-dasharray")


@pytest.mark.parametrize("type", sorted(GATEWAYS))
def test_gateways_are_diamonds_with_a_sign_of_their_own(draw: Any, type: str) -> None:
    group = draw(type, shape={"width": 50.0, "height": 50.0})
    assert group.find("{*}polygon").get("points") == "25,0 50,25 25,50 0,25"
    sign = [p.get("d") for p in group.iter("{*}path")]
    assert sign
    assert all(sign != [p.get("d") for p in draw(o).iter("{*}path")] for o in GATEWAYS - {type})


def test_an_exclusive_gateway_hides_its_sign_where_the_file_says_so(draw: Any) -> None:
    assert not list(draw("exclusiveGateway", shape={"marker_visible": False}).iter("{*}path"))
    assert list(draw("parallelGateway", shape={"marker_visible": False}).iter("{*}path"))


def test_instantiating_event_based_gateways(draw: Any) -> None:
    signs = {
        tuple(p.get("d") for p in draw("eventBasedGateway", **rest).iter("{*}path"))
        for rest in ({}, {"instantiate": True}, {"instantiate": True, "event_gateway_type": "Parallel"})
    }
    assert len(signs) == 3


def test_every_type_of_node_is_drawn_and_named(draw: Any, picture: Any) -> None:
    for type in sorted(EVENTS | GATEWAYS | TASKS | SUBPROCESSES | {"callActivity"}):
        group = draw(type, name="Pay now")
        assert "Pay now" in picture("<g/>").words(group)
        assert group.findtext("{*}title").endswith(": Pay now")


def test_pools_lanes_black_boxes_and_message_flows(build: Any, picture: Any) -> None:
    lanes = (Lane("l1", build.here, "Sales", ("a",)), Lane("l2", build.here, "Stock", ("b",)))
    process = build.process(build.node("a"), build.node("b"), flows=[build.flow("a", "b")], lanes=lanes)
    collaboration = Collaboration(
        "c",
        build.here,
        (Participant("pool", build.here, "Shop", "p"), Participant("box", build.here, "Bank")),
        (MessageFlow("m", "b", "box", build.here, "pay"),),
    )
    image = picture(render(build.document(process, collaboration=collaboration)))
    assert "pool" in image.classes(image.group("pool"))
    assert "blackbox" in image.classes(image.group("box"))
    assert image.words(image.group("l1")) == "Sales"
    assert "rotate(-90)" in image.text
    message = image.group("m")
    assert image.parts(message, "message", "line")[0].get("stroke-dasharray")
    assert message.find("{*}circle") is not None
    assert message.find("{*}polygon").get("class") == "end"


def test_vertical_pools_have_their_heading_on_top(build: Any, picture: Any) -> None:
    collaboration = Collaboration("c", build.here, (Participant("pool", build.here, "Shop", "p"),))
    shapes = [
        build.shape("pool", width=120.0, height=300.0, horizontal=False),
        build.shape("a", 10, 100),
    ]
    document = build.document(
        build.process(build.node("a")), collaboration=collaboration, shapes=shapes, plane="c"
    )
    image = picture(render(document))
    assert image.words(image.group("pool")) == "Shop"
    assert "rotate" not in image.text


def test_default_and_conditional_flows(build: Any, picture: Any) -> None:
    nodes = [
        build.node("a", default="a-b"),
        build.node("b"),
        build.node("c"),
        build.node("g", "exclusiveGateway"),
    ]
    flows = [build.flow("a", "b"), build.flow("a", "c", condition="x"), build.flow("g", "c", condition="x")]
    image = picture(render(build.document(build.process(*nodes, flows=flows))))
    assert image.parts(image.group("a-b"), "slash")
    assert image.parts(image.group("a-c"), "end")
    assert not image.parts(image.group("g-c"), "end")
    assert all(image.parts(image.group(id_), "head") for id_ in ("a-b", "a-c", "g-c"))


def test_artifacts(build: Any, picture: Any) -> None:
    artifacts = (
        Artifact("data", "dataObjectReference", build.here, name="Order", is_collection=True),
        Artifact("store", "dataStoreReference", build.here, name="Stock"),
        Artifact("note", "textAnnotation", build.here, text="mind the gap"),
        Artifact("link", "association", build.here, source="note", target="a"),
        Artifact("in", "dataInputAssociation", build.here, source="data", target="a", direction="One"),
    )
    image = picture(render(build.document(build.process(build.node("a"), artifacts=artifacts))))
    assert image.words(image.group("data")) == "Order"
    assert image.words(image.group("note")) == "mind the gap"
    assert "data" in image.classes(image.group("store"))
    assert len(image.parts(image.group("link"), "line")) == 1
    assert len(image.parts(image.group("in"), "line")) == 2, "a line and its arrow"


def test_groups_let_the_pointer_through(build: Any, picture: Any) -> None:
    process = build.process(build.node("a"), artifacts=(Artifact("g", "group", build.here, name="G"),))
    image = picture(
        render(build.document(process, shapes=[build.shape("a"), build.shape("g", -20, -20, 200, 200)]))
    )
    frame = image.group("g").find("{*}rect")
    assert frame.get("stroke-dasharray")
    assert frame.get("pointer-events") == "none"


def test_a_given_label_place_is_kept(build: Any, picture: Any) -> None:
    node = build.node("e", "startEvent", "Begin")
    label = build.shape("x", 300, 500, 60, 14).bounds
    image = picture(render(build.drawn(node, label=label)))
    span = next(image.group("e").iter("{*}tspan"))
    assert float(span.get("x")) == pytest.approx(330, abs=1)
    assert 500 < float(span.get("y")) < 520


def test_edges_follow_their_waypoints(build: Any, picture: Any) -> None:
    process = build.process(build.node("a"), build.node("b"), flows=[build.flow("a", "b")])
    edge = Edge("a-b", ((100.0, 40.0), (150.0, 40.0), (150.0, 240.0), (300.0, 240.0)))
    shapes = [build.shape("a"), build.shape("b", 300, 200)]
    image = picture(render(build.document(process, shapes=shapes, edges=[edge])))
    d = image.parts(image.group("a-b"), "line")[0].get("d")
    assert d.startswith("M100,40L144,40Q150,40 150,46")

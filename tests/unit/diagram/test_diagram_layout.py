"""What the automatic layout makes of the usual patterns: how people would draw them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from monitor.bpmn.document import Collaboration, Diagram, MessageFlow, Participant
from monitor.diagram import layout


def middles(diagram: Diagram) -> dict[str, tuple[float, float]]:
    return {
        s.element: (s.bounds.x + s.bounds.width / 2, s.bounds.y + s.bounds.height / 2) for s in diagram.shapes
    }


def waypoints(diagram: Diagram, edge: str) -> tuple[tuple[float, float], ...]:
    return next(e.waypoints for e in diagram.edges if e.element == edge)


def test_a_sequence_is_one_straight_line(build: Any) -> None:
    ids = ["s", "a", "b", "c", "e"]
    nodes = [
        build.node("s", "startEvent", "Begin"),
        *(build.node(i) for i in "abc"),
        build.node("e", "endEvent"),
    ]
    drawn = layout(build.document(build.process(*nodes, flows=[build.flow(x, y) for x, y in pairwise(ids)])))
    at = middles(drawn)
    assert len({round(y, 3) for _, y in at.values()}) == 1
    assert [at[i][0] for i in ids] == sorted(at[i][0] for i in ids)
    assert all(len(edge.waypoints) == 2 for edge in drawn.edges)


def branching(build: Any) -> Diagram:
    nodes = [build.node(i, "exclusiveGateway") for i in ("split", "join")] + [
        build.node(i) for i in ("a", "b", "c")
    ]
    pairs = [("split", "a"), ("a", "b"), ("b", "join"), ("split", "c"), ("c", "join")]
    return layout(build.document(build.process(*nodes, flows=[build.flow(*pair) for pair in pairs])))


def test_the_longer_branch_is_straight_and_the_shorter_leaves_from_the_corner(build: Any) -> None:
    drawn = branching(build)
    at = middles(drawn)
    assert at["split"][1] == at["a"][1] == at["b"][1] == at["join"][1]
    assert at["c"][1] > at["a"][1]
    leave, enter = waypoints(drawn, "split-c"), waypoints(drawn, "c-join")
    assert leave[0] == (at["split"][0], at["split"][1] + 25)
    assert enter[-1] == (at["join"][0], at["join"][1] + 25)
    assert len(leave) == len(enter) == 3


def test_loops_run_back_outside_of_what_they_repeat(build: Any) -> None:
    nodes = [
        build.node("in", "exclusiveGateway"),
        build.node("a"),
        build.node("out", "exclusiveGateway"),
        build.node("e"),
    ]
    pairs = [("in", "a"), ("a", "out"), ("out", "e"), ("out", "in")]
    drawn = layout(build.document(build.process(*nodes, flows=[build.flow(*pair) for pair in pairs])))
    at = middles(drawn)
    assert at["in"][0] < at["a"][0] < at["out"][0] < at["e"][0]
    loop = waypoints(drawn, "out-in")
    assert min(y for _, y in loop) < at["a"][1] - 40
    assert loop[-1] == (at["in"][0], at["in"][1] - 25)


def test_boundary_events_lead_downwards(build: Any) -> None:
    nodes = [
        build.node("a"),
        build.node("late", "boundaryEvent", "too late", attached_to="a", kinds=["timer"]),
        build.node("gone", "boundaryEvent", "cancelled", attached_to="a", kinds=["message"]),
        *(build.node(i) for i in ("b", "c", "d")),
    ]
    flows = [build.flow("a", "b"), build.flow("late", "c"), build.flow("gone", "d")]
    drawn = layout(build.document(build.process(*nodes, flows=flows)))
    at = middles(drawn)
    assert at["a"][1] == at["b"][1] < at["d"][1] < at["c"][1], (
        "the left port's way runs below the right one's"
    )
    for edge in ("late-c", "gone-d"):
        (x1, y1), (x2, y2), *_ = waypoints(drawn, edge)
        assert x1 == x2
        assert y1 < y2


def test_subprocess_content_is_laid_out_inside(build: Any) -> None:
    inner = build.node(
        "deep", "subProcess", children=(build.node("x"), build.node("y")), flows=(build.flow("x", "y"),)
    )
    outer = build.node("sub", "subProcess", "Outer", children=(inner,))
    drawn = layout(build.document(build.process(outer)))
    assert [s.element for s in drawn.shapes] == ["sub", "deep", "x", "y"], "outer before inner"
    assert all(s.expanded for s in drawn.shapes[:2])


def test_one_part_of_a_document_can_be_laid_out(build: Any) -> None:
    sub = build.node("sub", "subProcess", children=(build.node("x"),))
    document = build.document(build.process(sub), build.process(build.node("z"), id="q"))
    assert {s.element for s in layout(document, "sub").shapes} == {"x"}
    assert {s.element for s in layout(document, "q").shapes} == {"z"}
    assert {s.element for s in layout(document).shapes} == {"sub", "x", "z"}


def test_message_flows_between_pools_keep_apart(build: Any) -> None:
    one = build.process(
        build.node("a", "sendTask"), build.node("b", "receiveTask"), flows=[build.flow("a", "b")]
    )
    collaboration = Collaboration(
        "c",
        build.here,
        (Participant("shop", build.here, "Shop", "p"), Participant("bank", build.here, "Bank")),
        tuple(
            MessageFlow(id_, source, target, build.here)
            for id_, source, target in (("m1", "a", "bank"), ("m2", "a", "bank"), ("m3", "bank", "b"))
        ),
    )
    drawn = layout(build.document(one, collaboration=collaboration))
    bank = next(s.bounds for s in drawn.shapes if s.element == "bank")
    ends = [waypoints(drawn, id_) for id_ in ("m1", "m2", "m3")]
    assert [ends[0][-1][1], ends[1][-1][1], ends[2][0][1]] == [bank.y] * 3
    assert len({points[-1][0] for points in ends}) == 3

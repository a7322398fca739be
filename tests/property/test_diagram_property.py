"""The automatic layout on random models: nothing overlaps, nothing is lost, lines are right-angled and end
where they should; and whatever the model, the picture is well-formed and holds all of it."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from monitor.bpmn.document import (
    CHOREOGRAPHIES,
    Artifact,
    Band,
    Bounds,
    Choreography,
    Collaboration,
    Diagram,
    Document,
    Edge,
    EventDefinition,
    EventKind,
    FlowNode,
    Lane,
    MessageFlow,
    Participant,
    Place,
    Process,
    SequenceFlow,
    Shape,
    walk,
)
from monitor.bpmn.read import read
from monitor.diagram import Mark, Overlay, Timing, layout, render
from monitor.errors import ModelError
from tests.support.effort import examples
from tests.support.notation import SHEETS

HERE = Place("random.bpmn", 0)
TYPES = ["task", "userTask", "exclusiveGateway", "parallelGateway", "startEvent", "endEvent", "callActivity"]
NAMES = [
    "",
    "Pay",
    "Check the customer's papers",
    "a\tb <i>&",
    "漢字かな交じり文の長い名前",
    "PaymentReceivedFromTheBank",
    "x" * 10_000,
    "אבג דה " * 40,
    "\u202e\u0301\u2028",
]

names = st.sampled_from(NAMES)
kinds = st.sampled_from(list(EventKind))


@st.composite
def scopes(
    draw: st.DrawFn, prefix: str = "n", depth: int = 0, size: int = 9
) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...], tuple[Artifact, ...]]:
    """Any graph of nodes: cycles, self loops, parallel flows, loose parts, boundary events, nesting."""
    nodes: list[FlowNode] = []
    count = draw(st.integers(1, size))
    for index in range(count):
        id_ = f"{prefix}{index}"
        if depth < 2 and draw(st.integers(0, 9)) == 0:
            inner = draw(scopes(prefix=f"{id_}_", depth=depth + 1, size=4))
            content = {"children": inner[0], "flows": inner[1], "artifacts": inner[2]}
            node = FlowNode(id_, "subProcess", HERE, name=draw(names), **content)  # type: ignore[arg-type]
        else:
            node = FlowNode(id_, draw(st.sampled_from(TYPES)), HERE, name=draw(names))
        nodes.append(node)
        if node.is_activity:
            for port in range(draw(st.integers(0, 2)) if draw(st.booleans()) else 0):
                events = (EventDefinition(draw(kinds)),)
                on_border = FlowNode(f"{id_}b{port}", "boundaryEvent", HERE, attached_to=id_, events=events)
                nodes.append(replace(on_border, name=draw(names)))
    ids = [node.id for node in nodes]
    targets = [node.id for node in nodes if node.type != "boundaryEvent"]
    pairs = draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(targets)), max_size=2 * count))
    flows = tuple(
        SequenceFlow(f"{prefix}f{i}", source, target, HERE, name=draw(names))
        for i, (source, target) in enumerate(pairs)
    )
    artifacts: list[Artifact] = []
    for index in range(draw(st.integers(0, 2))):
        type_ = draw(st.sampled_from(["textAnnotation", "dataObjectReference", "dataStoreReference"]))
        artifacts.append(Artifact(f"{prefix}a{index}", type_, HERE, name=draw(names), text=draw(names)))
        if draw(st.booleans()):
            end = draw(st.sampled_from(ids))
            artifacts.append(
                Artifact(f"{prefix}l{index}", "association", HERE, source=f"{prefix}a{index}", target=end)
            )
    return tuple(nodes), flows, tuple(artifacts)


@st.composite
def choreographies(draw: st.DrawFn) -> tuple[Choreography, ...]:
    """None, or one with activities in each other and any number of participants in them."""
    if draw(st.integers(0, 3)):
        return ()
    nodes, flows, artifacts = draw(scopes(prefix="ch", depth=2, size=4))
    bands = st.lists(
        st.builds(
            Band, st.sampled_from(["pa", "pb", "pc"]), names, st.booleans(), st.booleans(), st.none() | names
        ),
        max_size=4,
    )
    types = st.sampled_from(sorted(CHOREOGRAPHIES))
    exchanged = tuple(
        replace(node, type=draw(types), bands=tuple(draw(bands))) if node.type == "task" else node
        for node in nodes
    )
    outer = FlowNode(
        "outer", "subChoreography", HERE, bands=tuple(draw(bands)), children=exchanged, flows=flows
    )
    return (Choreography("ch", HERE, nodes=(outer,), artifacts=artifacts),)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """One process, or several in pools with lanes and message flows."""
    processes: list[Process] = []
    for index in range(draw(st.integers(1, 2))):
        nodes, flows, artifacts = draw(scopes(prefix=f"p{index}n"))
        lanes: tuple[Lane, ...] = ()
        if draw(st.booleans()):
            parts = [tuple(n.id for i, n in enumerate(nodes) if i % 2 == half) for half in (0, 1)]
            lanes = (
                Lane(f"p{index}x", HERE, "Sales", parts[0]),
                Lane(f"p{index}y", HERE, "", (), (Lane(f"p{index}z", HERE, "Stock", parts[1]),)),
            )
        processes.append(
            Process(f"p{index}", HERE, nodes=nodes, flows=flows, lanes=lanes, artifacts=artifacts)
        )
    exchanged = draw(choreographies())
    if draw(st.booleans()):
        return Document("random.bpmn", processes=tuple(processes), choreographies=exchanged)
    participants = [Participant(f"pool{p.id}", HERE, "A pool", p.id) for p in processes]
    participants.insert(draw(st.integers(0, 2)), Participant("box", HERE, "A box"))
    ends = [*(p.id for p in participants), *(n.id for p in processes for n in p.walk())]
    pairs = draw(st.lists(st.tuples(st.sampled_from(ends), st.sampled_from(ends)), max_size=5))
    messages = tuple(MessageFlow(f"m{i}", s, t, HERE, name=draw(names)) for i, (s, t) in enumerate(pairs))
    collaboration = Collaboration("c", HERE, tuple(participants), messages)
    return Document(
        "random.bpmn",
        processes=tuple(processes),
        collaborations=(collaboration,),
        choreographies=exchanged,
    )


def overlap(one: Bounds, other: Bounds, slack: float = 0.5) -> bool:
    return (
        one.x + slack < other.x + other.width
        and other.x + slack < one.x + one.width
        and one.y + slack < other.y + other.height
        and other.y + slack < one.y + one.height
    )


def inside(inner: Bounds, outer: Bounds) -> bool:
    return (
        inner.x >= outer.x - 0.5
        and inner.y >= outer.y - 0.5
        and inner.x + inner.width <= outer.x + outer.width + 0.5
        and inner.y + inner.height <= outer.y + outer.height + 0.5
    )


def touches(point: tuple[float, float], bounds: Bounds) -> bool:
    """On the border, or inside near it (a diamond's or circle's)."""
    return inside(Bounds(*point, 0.0, 0.0), bounds)


def level_scopes(document: Document) -> list[tuple[str | None, list[FlowNode]]]:
    """Each scope's nodes with the id of the subprocess they are in."""
    found: list[tuple[str | None, list[FlowNode]]] = []
    for process in document.processes:
        found.append((None, list(process.nodes)))
        found.extend((node.id, list(node.children)) for node in process.walk() if node.children)
    return found


def scope_flows(document: Document) -> list[SequenceFlow]:
    flows = [flow for process in document.processes for flow in process.flows]
    return flows + [flow for p in document.processes for node in p.walk() for flow in node.flows]


@examples(40)
@given(documents())
def test_nothing_overlaps_and_nothing_is_lost(document: Document) -> None:
    drawn = layout(document)
    at = {shape.element: shape.bounds for shape in drawn.shapes}
    assert len(at) == len(drawn.shapes), "each element once"
    for parent, nodes in level_scopes(document):
        assert {node.id for node in nodes} <= set(at)
        solid = [node for node in nodes if node.type != "boundaryEvent"]
        for one, other in combinations(solid, 2):
            assert not overlap(at[one.id], at[other.id]), (one.id, other.id)
        for node in nodes:
            if parent is not None:
                assert inside(at[node.id], at[parent]), (node.id, parent)
            if node.attached_to:
                assert overlap(at[node.id], at[node.attached_to])
                middle = at[node.id].y + at[node.id].height / 2
                assert middle == pytest.approx(at[node.attached_to].y + at[node.attached_to].height)


@examples(40)
@given(documents())
def test_flows_are_right_angled_and_end_at_their_nodes(document: Document) -> None:
    drawn = layout(document)
    at = {shape.element: shape.bounds for shape in drawn.shapes}
    edges = {edge.element: edge for edge in drawn.edges}
    for flow in scope_flows(document):
        points = edges[flow.id].waypoints
        assert len(points) >= 2
        for (x1, y1), (x2, y2) in pairwise(points):
            assert abs(x1 - x2) < 0.01 or abs(y1 - y2) < 0.01
        assert touches(points[0], at[flow.source])
        assert touches(points[-1], at[flow.target])


@examples(40)
@given(scopes())
def test_flows_do_not_run_through_nodes(
    scope: tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...], tuple[Artifact, ...]],
) -> None:
    nodes, flows, artifacts = scope
    document = Document(
        "random.bpmn", processes=(Process("p", HERE, nodes=nodes, flows=flows, artifacts=artifacts),)
    )
    drawn = layout(document)
    at = {shape.element: shape.bounds for shape in drawn.shapes}
    edges = {edge.element: edge for edge in drawn.edges}
    for flow in flows:
        ends = {flow.source, flow.target}
        ends |= {node.attached_to for node in nodes if node.id in ends and node.attached_to}
        for node in nodes:
            if node.id in ends or node.attached_to in ends:
                continue
            for (x1, y1), (x2, y2) in pairwise(edges[flow.id].waypoints):
                piece = Bounds(min(x1, x2), min(y1, y2), abs(x1 - x2), abs(y1 - y2))
                assert not overlap(piece, at[node.id]), (flow.id, node.id)


@examples(40)
@given(documents())
def test_lanes_hold_their_nodes_and_pools_their_lanes(document: Document) -> None:
    at = {shape.element: shape.bounds for shape in layout(document).shapes}
    owned = {p.process: p.id for c in document.collaborations for p in c.participants if p.process}
    for process in document.processes:
        stack = list(process.lanes)
        while stack:
            lane = stack.pop()
            stack.extend(lane.children)
            if process.id in owned:
                assert inside(at[lane.id], at[owned[process.id]])
            for node in process.nodes:
                if node.id in lane.nodes and not node.attached_to:
                    assert inside(at[node.id], at[lane.id]), (node.id, lane.id)
    pools = [at[p.id] for c in document.collaborations for p in c.participants]
    for one, other in combinations(pools, 2):
        assert not overlap(one, other)


@examples(30)
@given(documents())
def test_the_same_model_gives_the_same_drawing(document: Document) -> None:
    assert layout(document) == layout(document)


coordinates = st.one_of(
    st.floats(-1e4, 1e4), st.floats(), st.sampled_from([0.0, -1.0, float("nan"), float("inf"), 1e300])
)


@st.composite
def drawings(draw: st.DrawFn) -> Document:
    """A model with a diagram that may be wrong in any way."""
    document = draw(documents())
    ids = [node.id for process in document.processes for node in process.walk()] + ["nobody"]
    ids += [node.id for exchange in document.choreographies for node in walk(exchange.nodes)]
    ids += ["pa", "box", "pools"]
    boxes = st.builds(Bounds, coordinates, coordinates, coordinates, coordinates)
    flags = st.sampled_from([None, True, False])
    shapes = [
        Shape(
            id_,
            draw(boxes),
            draw(st.none() | boxes),
            horizontal=draw(flags),
            expanded=draw(flags),
            fill=draw(st.sampled_from([None, "#ffffff", "#001122", "#ffee00"])),
            stroke=draw(st.sampled_from([None, "#000000", "#fefefe"])),
            band_of=draw(st.sampled_from([None, None, *ids])),
            message_visible=draw(st.booleans()),
        )
        for id_ in draw(st.lists(st.sampled_from(ids), max_size=len(ids)))
    ]
    flows = [flow.id for flow in scope_flows(document)] + ["nobody"]
    edges = [
        Edge(
            id_,
            tuple(draw(st.lists(st.tuples(coordinates, coordinates), max_size=4))),
            draw(st.none() | boxes),
            message=draw(st.sampled_from([None, "initiating"])),
        )
        for id_ in draw(st.lists(st.sampled_from([*flows, "m0", "m1"]), max_size=4))
    ]
    plane = draw(st.sampled_from([None, "p0", "c", "ch", "outer", "gone"]))
    diagram = Diagram(plane, shapes=tuple(shapes), edges=tuple(edges))
    return replace(document, diagrams=(diagram,))


@examples(50)
@given(drawings() | documents(), st.data())
def test_every_picture_is_well_formed_and_holds_all_it_shows(document: Document, data: st.DataObject) -> None:
    ids = [node.id for process in document.processes for node in process.walk()]
    some = st.lists(st.sampled_from(ids), max_size=4)
    overlay = Overlay(
        visited=frozenset(data.draw(some)),
        standing={id_: data.draw(st.integers(0, 2000)) for id_ in data.draw(some)},
        findings={id_: [Mark("missing", data.draw(st.text()))] for id_ in data.draw(some)},
        heat={id_: data.draw(st.floats()) for id_ in data.draw(some)},
        counts={id_: data.draw(st.text(max_size=9)) for id_ in data.draw(some)},
        clocks={id_: [Timing(data.draw(st.sampled_from(["met", "odd"])), "x")] for id_ in data.draw(some)},
        tips={id_: (data.draw(st.text()), "") for id_ in data.draw(some)},
        weights={id_: data.draw(st.floats()) for id_ in data.draw(some)},
    )
    root = etree.fromstring(render(document, overlay=overlay, title=data.draw(st.text())))
    left, top, width, height = (float(part) for part in (root.get("viewBox") or "").split())
    for rect in root.iter("{*}rect"):
        if any(parent.get("class") == "tip" for parent in rect.iterancestors()):
            continue
        x, y, w, h = (float(rect.get(name) or 0) for name in ("x", "y", "width", "height"))
        assert left <= x + 0.02
        assert top <= y + 0.02
        assert x + w <= left + width + 0.02
        assert y + h <= top + height + 0.02
    for circle in root.iter("{*}circle"):
        cx, cy, r = (float(circle.get(name) or 0) for name in ("cx", "cy", "r"))
        assert left <= cx - r
        assert cx + r <= left + width
        assert top <= cy - r
        assert cy + r <= top + height


ROOT = Path(__file__).parents[2]
SOURCES = [file.read_bytes() for file in sorted(ROOT.glob("models/*.bpmn"))] + [
    sheet().xml() for sheet in SHEETS.values()
]
SPOILED = [b"", b"-1", b"0", b"NaN", b"1e308", b"99999999", b"true", b"p", b"plane", b"task", b"subProcess"]


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A real file in which some attributes have other values, or those of each other."""
    raw = draw(st.sampled_from(SOURCES))
    values = [found.span(1) for found in re.finditer(rb'="([^"]*)"', raw)]
    texts = sorted({raw[start:end] for start, end in values})
    changed = sorted(
        draw(st.lists(st.sampled_from(values), min_size=1, max_size=12, unique=True)), reverse=True
    )
    for start, end in changed:
        raw = raw[:start] + draw(st.sampled_from(SPOILED + texts)) + raw[end:]
    return raw


@examples(50)
@given(spoiled(), st.booleans())
def test_whatever_the_reader_takes_is_drawn(source: bytes, laid_out: bool) -> None:
    try:
        document = read(source, "spoiled.bpmn")
    except ModelError:
        return
    if laid_out:
        document = replace(document, diagrams=())
    for page in range(max(1, len(document.diagrams))):
        etree.fromstring(render(document, diagram=page, overlay=Overlay(), standalone=True))


def test_five_hundred_nodes_are_laid_out() -> None:
    """Bounded work: a ladder of branches and loops with many long flows."""
    count = 500
    nodes = tuple(FlowNode(f"n{i}", "exclusiveGateway" if i % 3 == 0 else "task", HERE) for i in range(count))
    pairs = [(i, i + 1) for i in range(count - 1)]
    pairs += [(i, min(count - 1, i + 7)) for i in range(0, count, 3)]
    pairs += [(i, max(0, i - 5)) for i in range(0, count, 11)]
    pairs += [(i, (i * 37) % count) for i in range(0, count, 25)]
    flows = tuple(SequenceFlow(f"f{k}", f"n{a}", f"n{b}", HERE) for k, (a, b) in enumerate(pairs))
    drawn = layout(Document("big.bpmn", processes=(Process("p", HERE, nodes=nodes, flows=flows),)))
    assert len(drawn.shapes) == count
    assert len(drawn.edges) == len(flows)

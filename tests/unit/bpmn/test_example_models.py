"""The models that are shipped: valid, named as the events are, and drawn."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from monitor.bpmn.document import Bounds, Diagram, FlowNode
from monitor.bpmn.lint import format_text
from monitor.bpmn.read import read_file
from monitor.linting import lint_models
from monitor.settings import load

MODELS = Path(__file__).parents[3] / "models"
FILES = sorted(MODELS.glob("*.bpmn"))
DRAWN = [file for file in FILES if file.stem != "insurance-claim"]


def nodes_of(file: Path) -> list[FlowNode]:
    return [node for process in read_file(file).processes for node in process.walk()]


def test_the_examples_are_there() -> None:
    assert "order-fulfilment" in {file.stem for file in FILES}
    assert len(FILES) >= 6


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_examples_have_no_problems_at_all(file: Path) -> None:
    problems = lint_models([file], None)
    assert problems == [], format_text(problems)


@pytest.mark.parametrize("file", DRAWN, ids=lambda file: file.stem)
def test_every_node_and_flow_is_drawn(file: Path) -> None:
    document = read_file(file)
    (diagram,) = document.diagrams
    shapes = {shape.element for shape in diagram.shapes}
    edges = {edge.element for edge in diagram.edges}
    for process in document.processes:
        for node in process.walk():
            assert node.id in shapes
            assert set(node.outgoing) <= edges


@pytest.mark.parametrize("file", DRAWN, ids=lambda file: file.stem)
def test_shapes_do_not_overlap_and_flows_do_not_cross_them(file: Path) -> None:
    steps = {node.id for node in nodes_of(file) if not node.is_subprocess and node.type != "boundaryEvent"}
    (diagram,) = read_file(file).diagrams
    boxes = [shape.bounds for shape in diagram.shapes if shape.element in steps]
    for index, box in enumerate(boxes):
        assert not any(_overlap(box, other) for other in boxes[index + 1 :])
    assert not [crossing for box in boxes for crossing in _inside(diagram, box)]


def _overlap(a: Bounds, b: Bounds) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def _inside(diagram: Diagram, box: Bounds) -> list[str]:
    """Edges with a (horizontal or vertical) segment that runs through the box."""
    inner = Bounds(box.x + 1, box.y + 1, box.width - 2, box.height - 2)
    return [
        edge.element
        for edge in diagram.edges
        for (x1, y1), (x2, y2) in pairwise(edge.waypoints)
        if _overlap(inner, Bounds(min(x1, x2), min(y1, y2), abs(x1 - x2) + 0.01, abs(y1 - y2) + 0.01))
    ]


def test_the_flagship_has_what_its_configuration_names() -> None:
    settings = load(MODELS / "order-fulfilment.yaml", {})
    (model,) = settings.models
    assert model.file.name == "order-fulfilment.bpmn"
    names = {node.name for node in nodes_of(model.file)} | {"start", "end"}
    for sla in model.slas:
        assert {sla.from_, sla.to} <= names


def test_the_flagship_exercises_what_the_documentation_shows() -> None:
    nodes = {node.id: node for node in nodes_of(MODELS / "order-fulfilment.bpmn")}
    types = {node.type for node in nodes.values()}
    assert {
        "exclusiveGateway",
        "parallelGateway",
        "eventBasedGateway",
        "subProcess",
        "boundaryEvent",
    } <= types
    assert nodes["Event_OrderPlaced"].events[0].reference == "OrderPlaced"
    assert nodes["Event_OrderCancelled"].interrupting
    assert not nodes["Event_PackingDelayed"].interrupting
    for node in nodes.values():
        for definition in node.events:
            assert definition.reference in (None, node.name)

"""Files in the style of the tools people draw with, read whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.bpmn.document import Bounds, Document, EventKind, FlowNode, Loop
from monitor.bpmn.read import read_file
from monitor.bpmn.validate import validate
from monitor.linting import lint_models

CORPUS = Path(__file__).parents[2] / "models"


def read(name: str) -> tuple[Document, dict[str, FlowNode]]:
    document = read_file(CORPUS / f"{name}.bpmn")
    return document, {node.id: node for process in document.processes for node in process.walk()}


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*.bpmn")), ids=lambda file: file.stem)
def test_every_problem_has_a_place(file: Path) -> None:
    document = read_file(file)
    for problem in (*document.problems, *validate(document)):
        assert problem.place.file == str(file)
        assert problem.place.line > 0
        assert problem.message.endswith(".")


def test_camunda() -> None:
    document, nodes = read("camunda7")
    assert document.exporter == "Camunda Modeler 5.0.0"
    assert nodes["StartEvent_1"].name == "parcel arrived"
    assert nodes["StartEvent_1"].events[0].reference == "ParcelArrived"
    work = nodes["ServiceTask_1"]
    assert work.name == "Label printed"
    assert work.loop == Loop("sequential", cardinality=3, condition="${done}")
    assert work.attributes["{http://camunda.org/schema/1.0/bpmn}asyncBefore"] == "true"
    assert [extension.tag for extension in work.extensions] == ["inputOutput", "failedJobRetryTimeCycle"]
    assert work.extensions[0].children[0].children[0].text == "a < b"
    assert nodes["BoundaryEvent_1"].events[0].reference_code == "E-17"
    assert document.processes[0].executable
    assert document.diagrams[0].shapes[0].label == Bounds(154, 140, 48, 27)
    assert lint_models([CORPUS / "camunda7.bpmn"], None) == []


def test_signavio() -> None:
    document, nodes = read("signavio")
    collaboration = document.collaborations[0]
    assert [(pool.name, pool.process) for pool in collaboration.participants] == [
        ("Bank", "sid-proc"),
        ("Kunde", None),
    ]
    assert {artifact.id: artifact.text for artifact in collaboration.artifacts}["sid-note"] == "nur werktags"
    lane = document.processes[0].lanes[0]
    assert (lane.nodes, lane.children[0].name) == (("sid-start", "sid-t1"), "Team A")
    assert nodes["sid-t1"].name == "Antrag prüfen"
    artifacts = {artifact.id: artifact for artifact in document.processes[0].artifacts}
    assert (artifacts["sid-dor"].name, artifacts["sid-dor"].is_collection) == ("Antrag", True)
    assert (artifacts["sid-dia"].source, artifacts["sid-dia"].target) == ("sid-dor", "sid-t1")
    assert [problem.code for problem in document.problems] == ["dangling-shape"]
    assert document.diagrams[0].shapes[0].horizontal is True


def test_bizagi() -> None:
    document, nodes = read("bizagi")
    assert nodes["Id_inner"].name == "Checked twice"
    assert [problem.code for problem in document.problems] == [
        "dangling-flow",
        "duplicate-id",
        "flow-crosses-border",
        "bad-diagram",
        "bad-diagram",
    ]
    assert [shape.element for shape in document.diagrams[0].shapes] == ["Id_start"]
    assert document.diagrams[0].shapes[0].label is None


def test_yaoqiang() -> None:
    document, nodes = read("yaoqiang")
    kinds = [(definition.kind, definition.reference) for definition in nodes["_2"].events]
    assert kinds == [(EventKind.MESSAGE, "Order"), (EventKind.SIGNAL, "Stop")]
    assert nodes["_2"].outgoing == ("_9",)
    assert nodes["_3"].called_element == "PROCESS_2"
    assert (nodes["_4"].ad_hoc_ordering, nodes["_4"].ad_hoc_completion) == ("Sequential", "done")
    assert nodes["_6"].loop == Loop("standard", condition="again", maximum=4, test_before=True)
    assert nodes["_7"].activation_condition == "2 of 3"
    assert nodes["_8"].events[0].reference_code == "late"
    assert document.problems == ()
    assert document.diagrams == ()


def test_several_diagrams() -> None:
    document, _ = read("several-diagrams")
    assert [(diagram.element, diagram.name) for diagram in document.diagrams] == [
        ("whole", "Whole"),
        ("part", "Part"),
    ]
    assert [diagram.shapes[0].element for diagram in document.diagrams] == ["part", "inside"]

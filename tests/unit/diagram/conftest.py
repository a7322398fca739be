"""A small language for documents: nodes and flows by id, drawn where a test says or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from lxml import etree

from monitor.bpmn.document import (
    Bounds,
    Collaboration,
    Diagram,
    Document,
    Edge,
    EventDefinition,
    EventKind,
    FlowNode,
    Place,
    Process,
    SequenceFlow,
    Shape,
)

HERE = Place("test.bpmn", 0)


class Build:
    """Documents for tests."""

    here = HERE

    @staticmethod
    def node(
        id: str, type: str = "task", name: str = "", *, kinds: Sequence[str] = (), **rest: Any
    ) -> FlowNode:
        events = tuple(EventDefinition(EventKind(kind)) for kind in kinds)
        return FlowNode(id, type, HERE, name=name, events=events, **rest)

    @staticmethod
    def flow(source: str, target: str, name: str = "", **rest: Any) -> SequenceFlow:
        return SequenceFlow(f"{source}-{target}", source, target, HERE, name=name, **rest)

    @staticmethod
    def process(*nodes: FlowNode, flows: Sequence[SequenceFlow] = (), **rest: Any) -> Process:
        return Process(rest.pop("id", "p"), HERE, nodes=nodes, flows=tuple(flows), **rest)

    @staticmethod
    def document(
        *processes: Process,
        collaboration: Collaboration | None = None,
        shapes: Sequence[Shape] | None = None,
        edges: Sequence[Edge] = (),
        plane: str = "p",
    ) -> Document:
        diagrams = () if shapes is None else (Diagram(plane, shapes=tuple(shapes), edges=tuple(edges)),)
        collaborations = () if collaboration is None else (collaboration,)
        return Document("test.bpmn", processes=processes, collaborations=collaborations, diagrams=diagrams)

    @staticmethod
    def shape(
        id: str, x: float = 0, y: float = 0, width: float = 100, height: float = 80, **rest: Any
    ) -> Shape:
        return Shape(id, Bounds(x, y, width, height), **rest)

    def drawn(self, node: FlowNode, **rest: Any) -> Document:
        """One node, drawn as 100 by 80."""
        return self.document(self.process(node), shapes=[self.shape(node.id, **rest)])


@pytest.fixture
def build() -> Build:
    return Build()


class Picture:
    """A parsed SVG and questions about it."""

    def __init__(self, svg: str) -> None:
        self.text = svg
        self.root = etree.fromstring(svg)

    def all(self, *classes: str) -> list[etree._Element]:
        """Elements that have all these classes."""
        return [e for e in self.root.iter("{*}*") if set(classes) <= set((e.get("class") or "").split())]

    def group(self, element: str) -> etree._Element:
        """The one group that draws an element; badges apart."""
        found = [
            e
            for e in self.root.iter("{*}g")
            if e.get("data-element") == element and "badge" not in (e.get("class") or "").split()
        ]
        assert len(found) == 1, f"{element} is drawn {len(found)} times"
        return found[0]

    @staticmethod
    def classes(element: etree._Element) -> set[str]:
        return set((element.get("class") or "").split())

    @staticmethod
    def parts(element: etree._Element, *classes: str) -> list[etree._Element]:
        return [e for e in element.iter("{*}*") if set(classes) <= set((e.get("class") or "").split())]

    @staticmethod
    def title(element: etree._Element) -> str:
        return element.findtext("{*}title") or ""

    @staticmethod
    def words(element: etree._Element) -> str:
        return " ".join("".join(str(part) for part in e.itertext()) for e in element.iter("{*}tspan"))


@pytest.fixture
def picture() -> Callable[[str], Picture]:
    return Picture

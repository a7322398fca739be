"""Annotations and data stand beside the node they belong to: annotations above it, data below."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from monitor.bpmn.document import Artifact, Bounds, Edge, Shape
from monitor.diagram import labels
from monitor.diagram.geometry import nearest
from monitor.diagram.sheet import Sheet
from monitor.diagram.text import Block, wrap

GAP = 20.0
_BESIDE = 14.0
_NOTE_WIDTH = 140.0
_NOTE_LINES = 16
_SIZES: Mapping[str, tuple[float, float]] = {
    "dataObject": (36.0, 50.0),
    "dataObjectReference": (36.0, 50.0),
    "dataInput": (36.0, 50.0),
    "dataOutput": (36.0, 50.0),
    "dataStoreReference": (50.0, 50.0),
    **dict.fromkeys(
        ("conversation", "conversationNode", "subConversation", "callConversation"), (50.0, 43.0)
    ),
}


class Satellite(NamedTuple):
    """An artifact as it will be drawn; ``width`` and ``height`` include the label below it."""

    artifact: Artifact
    width: float
    height: float
    size: tuple[float, float]
    label: Block | None = None

    @property
    def is_note(self) -> bool:
        return self.artifact.type == "textAnnotation"

    def shape(self, x: float, y: float) -> Shape:
        """Drawn in the box with its top left corner at (x, y)."""
        width, height = self.size
        bounds = Bounds(x + (self.width - width) / 2, y, width, height)
        return Shape(self.artifact.id, bounds, labels.below(bounds, self.label) if self.label else None)


class Satellites:
    """The artifacts of a scope: those bound to one of ``nodes`` by an association, and the free ones.
    Below the ``crowded`` nodes there is no room: all that is theirs stands above."""

    def __init__(
        self, artifacts: Sequence[Artifact], nodes: Collection[str], crowded: Collection[str]
    ) -> None:
        self._crowded = crowded
        self._links = [a for a in artifacts if a.source and a.target]
        drawn = {s.artifact.id: s for s in map(_satellite, artifacts) if s}
        self._of: dict[str, list[Satellite]] = {}
        bound: set[str] = set()
        for link in self._links:
            for one, other in ((link.source, link.target), (link.target, link.source)):
                if one in drawn and one not in bound and other in nodes:
                    assert one is not None
                    assert other is not None
                    bound.add(one)
                    self._of.setdefault(other, []).append(drawn[one])
        # a bare data object is what references refer to; drawn itself only where something leads to it
        self.free = [
            satellite
            for id_, satellite in drawn.items()
            if id_ not in bound and satellite.artifact.type != "dataObject"
        ]

    def room(self, node: str) -> tuple[float, float, float]:
        """Width, and heights above and below, that a node's satellites need."""
        above, below = self._sides(node)
        return max(_width(above), _width(below)), _height(above), _height(below)

    def draw(self, node: str, x: float, top: float, bottom: float) -> list[Shape]:
        """A node's satellites, centred at ``x``, above ``top`` and below ``bottom``."""
        above, below = self._sides(node)
        shapes: list[Shape] = []
        left = x - _width(above) / 2
        for satellite in above:
            shapes.append(satellite.shape(left, top - GAP - satellite.height))
            left += satellite.width + _BESIDE
        left = x - _width(below) / 2
        for satellite in below:
            shapes.append(satellite.shape(left, bottom + GAP))
            left += satellite.width + _BESIDE
        return shapes

    def connect(self, sheet: Sheet, routed: Collection[str]) -> None:
        """Draws the associations not in ``routed`` whose ends are on the sheet as straight lines."""
        sheet.edges.extend(connected([link for link in self._links if link.id not in routed], sheet))

    def _sides(self, node: str) -> tuple[list[Satellite], list[Satellite]]:
        mine = self._of.get(node, [])
        if node in self._crowded:
            return mine, []
        return [s for s in mine if s.is_note], [s for s in mine if not s.is_note]


def connected(links: Iterable[Artifact], sheet: Sheet) -> list[Edge]:
    """Straight lines for the associations whose ends are on the sheet."""
    at = {shape.element: shape.bounds for shape in sheet.shapes}
    return [
        Edge(link.id, nearest(at[link.source], at[link.target]))
        for link in links
        if link.source in at and link.target in at
    ]


def _satellite(artifact: Artifact) -> Satellite | None:
    if artifact.type == "textAnnotation":
        block = wrap(artifact.text or artifact.name, _NOTE_WIDTH - 12, labels.SIZE, _NOTE_LINES)
        size = (max(60.0, block.width + 14), max(30.0, block.height + 8))
        return Satellite(artifact, *size, size)
    size_of = _SIZES.get(artifact.type)
    if size_of is None:
        return None
    if not artifact.name:
        return Satellite(artifact, *size_of, size_of)
    block = labels.node_label(artifact.name)
    width = max(size_of[0], block.width)
    return Satellite(artifact, width, size_of[1] + labels.GAP + block.height, size_of, block)


def _width(satellites: Sequence[Satellite]) -> float:
    return sum(s.width for s in satellites) + _BESIDE * max(0, len(satellites) - 1)


def _height(satellites: Sequence[Satellite]) -> float:
    return max((s.height + GAP for s in satellites), default=0.0)

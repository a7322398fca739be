"""What one diagram shows: the document's elements with their shapes, checked, or laid out if there are none.

A file's coordinates are not trusted: what is not finite, empty or absurdly far out counts as not given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from monitor.bpmn.document import (
    EVENTS,
    GATEWAYS,
    Artifact,
    Bounds,
    Diagram,
    Document,
    Edge,
    FlowNode,
    Lane,
    MessageFlow,
    Participant,
    SequenceFlow,
    Shape,
)
from monitor.diagram import labels
from monitor.diagram.geometry import Point, elbow, nearest, usable, within_reach
from monitor.diagram.layout import layout
from monitor.errors import InvalidInput

Thing: TypeAlias = FlowNode | Artifact | Lane | Participant
Line: TypeAlias = SequenceFlow | MessageFlow | Artifact


class Placed(NamedTuple):
    """``bands``: where those of the participants of a choreography activity are."""

    thing: Thing
    shape: Shape
    bands: tuple[Shape, ...] = ()


class Drawn(NamedTuple):
    """``source`` is the flow node it leaves, for the marks of default and conditional flows. ``edge``: as the
    file has it. ``shared``: it begins along with another one."""

    line: Line
    points: tuple[Point, ...]
    label: Bounds | None
    source: FlowNode | None
    edge: Edge | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Plane:
    """In drawing order: outer shapes before what they contain. Each element at most once."""

    shapes: tuple[Placed, ...]
    lines: tuple[Drawn, ...]


def plane(document: Document, index: int = 0) -> Plane:
    """The ``index``-th diagram of a document; a document without diagrams has one, laid out.

    A diagram in which a node that ought to be seen has no (usable) shape is laid out as a whole: half a
    drawing would tell half the truth. So is one whose nodes lie on each other, as tools write it that
    place nothing. Raises InvalidInput if there is no such diagram.
    """
    count = max(1, len(document.diagrams))
    if not 0 <= index < count:
        raise InvalidInput(f"{document.file} has {count} diagram(s); there is no number {index}")
    elements = _Elements(document)
    if document.diagrams:
        given = document.diagrams[index]
        shapes = elements.place(given)
        seen = {placed.shape.element for placed in shapes}
        if shapes and not elements.lacking(given.element, seen) and not _piled_up(shapes):
            return elements.plane(shapes, given.edges)
        drawn = layout(document, given.element)
    else:
        drawn = layout(document)
    return elements.plane(elements.place(drawn), drawn.edges)


class _Elements:
    """A document's elements by id. Where an id is used twice, the first one has it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.things: dict[str, Thing] = {}
        self.lines: dict[str, Line] = {}
        self._depth: dict[str, int] = {}
        for process in document.processes:
            self._lanes(process.lanes)
            self._scope(process.nodes, process.flows, process.artifacts, 3)
        for collaboration in document.collaborations:
            for participant in collaboration.participants:
                self._thing(participant, 0)
            for flow in collaboration.message_flows:
                self.lines.setdefault(flow.id, flow)
            self._artifacts(collaboration.artifacts, 3)
        for choreography in document.choreographies:
            self._scope(choreography.nodes, choreography.flows, choreography.artifacts, 3)
        for message in document.messages:
            self._thing(Artifact(message.id, "message", message.place, name=message.name), 900)

    def _thing(self, thing: Thing, depth: int) -> None:
        self.things.setdefault(thing.id, thing)
        self._depth.setdefault(thing.id, depth)

    def _lanes(self, lanes: Iterable[Lane]) -> None:
        for lane in lanes:
            self._thing(lane, 1)
            self._lanes(lane.children)

    def _scope(
        self,
        nodes: Sequence[FlowNode],
        flows: Sequence[SequenceFlow],
        artifacts: Sequence[Artifact],
        depth: int,
    ) -> None:
        for node in nodes:
            # boundary events lie on the border of their activity, so above it and what it contains
            self._thing(node, depth + 1000 if node.attached_to else depth)
            self._scope(node.children, node.flows, node.artifacts, depth + 1)
        for flow in flows:
            self.lines.setdefault(flow.id, flow)
        self._artifacts(artifacts, depth)

    def _artifacts(self, artifacts: Iterable[Artifact], depth: int) -> None:
        for artifact in artifacts:
            if artifact.source or artifact.target:
                self.lines.setdefault(artifact.id, artifact)
            else:
                self._thing(artifact, 2 if artifact.type == "group" else depth)

    def place(self, diagram: Diagram) -> tuple[Placed, ...]:
        """The usable shapes of a diagram that show something known."""
        found: dict[str, Placed] = {}
        bands: dict[str, list[Shape]] = {}
        for shape in diagram.shapes:
            if shape.band_of is not None:
                if usable(shape.bounds):
                    bands.setdefault(shape.band_of, []).append(shape)
                continue
            thing = self.things.get(shape.element)
            if thing is not None and shape.element not in found and usable(shape.bounds):
                found[shape.element] = Placed(thing, shape)
        for id_, shapes in bands.items():
            if id_ in found:
                found[id_] = found[id_]._replace(bands=tuple(shapes))
        for placed in list(found.values()):
            node = placed.thing
            nests = isinstance(node, FlowNode) and (node.is_subprocess or node.type == "subChoreography")
            if isinstance(node, FlowNode) and nests and node.id != diagram.element:
                self._fold(node, found)
        return tuple(sorted(found.values(), key=lambda placed: self._depth[placed.shape.element]))

    def _fold(self, node: FlowNode, found: dict[str, Placed]) -> None:
        """Settles whether a subprocess is expanded: as given, else if its content has shapes. Content of
        collapsed ones, which some editors write all the same, is not drawn."""
        placed = found.get(node.id)
        if placed is None:
            return
        inside = [id_ for id_ in _content(node) if id_ in found]
        expanded = placed.shape.expanded if placed.shape.expanded is not None else bool(inside)
        found[node.id] = placed._replace(shape=replace(placed.shape, expanded=expanded))
        if not expanded:
            for id_ in inside:
                del found[id_]

    def lacking(self, element: str | None, shown: set[str]) -> bool:
        """Whether a node that this plane ought to show is not among the shapes."""
        scopes = [nodes for nodes in self._scopes(element) if nodes]
        if not scopes:  # black boxes, conversations: nothing but what is shown
            return False
        return not any(node.id in shown for nodes in scopes for node in nodes) or any(
            not _complete(nodes, shown) for nodes in scopes if any(node.id in shown for node in nodes)
        )

    def _scopes(self, element: str | None) -> Iterator[Sequence[FlowNode]]:
        """The top-level nodes that a plane of this element shows: a collaboration shows all processes."""
        node = self.things.get(element or "")
        if isinstance(node, FlowNode):
            yield node.children
            return
        document = self._document
        every: list[tuple[str, Sequence[FlowNode]]] = [(p.id, p.nodes) for p in document.processes]
        exchanges = [(c.id, c.nodes) for c in document.choreographies]
        shown = [nodes for id_, nodes in (*every, *exchanges) if id_ == element]
        yield from shown or (nodes for _, nodes in every or exchanges)

    def plane(self, shapes: tuple[Placed, ...], edges: Iterable[Edge]) -> Plane:
        at = {placed.shape.element: placed.shape.bounds for placed in shapes}
        nodes = {p.thing.id: p.thing for p in shapes if isinstance(p.thing, FlowNode)}
        given = {edge.element: edge for edge in reversed(tuple(edges))}
        # an association may also end at a flow
        drawn_ends = {*at, *given}
        lines = []
        for id_, line in self.lines.items():
            if not {line.source, line.target} <= drawn_ends:
                continue
            edge = given.get(id_)
            points, label = _course(line, edge, at)
            if points:
                lines.append(Drawn(line, points, label, nodes.get(line.source or ""), edge))
        trunks = labels.shared_beginnings(line.points for line in lines)
        lines = [line._replace(shared=labels.beginning(line.points) in trunks) for line in lines]
        ends = {(round(x), round(y)) for line in lines for x, y in (line.points[0], line.points[-1])}
        return Plane(tuple(_labelled(placed, ends) for placed in shapes), tuple(lines))


def _labelled(placed: Placed, ends: Collection[tuple[int, int]]) -> Placed:
    """With a place for its name clear of flows, where the file gives none and a flow ends below it."""
    thing, shape = placed.thing, placed.shape
    if not isinstance(thing, FlowNode) or thing.type not in EVENTS | GATEWAYS:
        return placed
    if shape.label is not None or not thing.name:
        return placed
    block = labels.node_label(thing.name)
    return placed._replace(shape=replace(shape, label=labels.beside_flows(shape.bounds, block, ends)))


def _piled_up(shapes: Sequence[Placed]) -> bool:
    """Whether most nodes stand exactly where another one stands."""
    corners = Counter(p.shape.bounds[:2] for p in shapes if isinstance(p.thing, FlowNode))
    return sum(count for count in corners.values() if count > 1) > corners.total() / 2


def _content(node: FlowNode) -> Iterator[str]:
    """Ids of everything with a shape in a subprocess, at any depth."""
    for artifact in node.artifacts:
        yield artifact.id
    for child in node.children:
        yield child.id
        yield from _content(child)


def _complete(nodes: Sequence[FlowNode], shown: set[str]) -> bool:
    """Whether all nodes of a scope are shown, and of subprocesses all content or none."""
    return all(
        node.id in shown
        and (_complete(node.children, shown) or not any(child.id in shown for child in node.children))
        for node in nodes
    )


def _course(
    line: Line, edge: Edge | None, at: Mapping[str, Bounds]
) -> tuple[tuple[Point, ...], Bounds | None]:
    """The points of a line and its label: as given, else made up if both its ends are shown."""
    if edge and len(edge.waypoints) > 1 and all(within_reach(point) for point in edge.waypoints):
        return edge.waypoints, edge.label if edge.label and usable(edge.label) else None
    source, target = at.get(line.source or ""), at.get(line.target or "")
    if source is None or target is None:
        return (), None
    straight = isinstance(line, Artifact)
    return (nearest(source, target) if straight else elbow(source, target)), None

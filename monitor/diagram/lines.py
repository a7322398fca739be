"""How flows and associations are drawn: their line, both ends, and the label."""

from __future__ import annotations

from itertools import pairwise

from monitor.bpmn.document import GATEWAYS, Artifact, Bounds, MessageFlow, SequenceFlow
from monitor.diagram import artifacts, canvas, labels, svg
from monitor.diagram.figure import Figure, given_label
from monitor.diagram.geometry import Point, distance, towards
from monitor.diagram.plane import Drawn

_HEAD = 10.0


def line(drawn: Drawn, weight: float = 0.0) -> Figure:
    """Draws one flow or association; ``weight`` (0 to 1) makes a sequence flow thicker."""
    thing = drawn.line
    if isinstance(thing, SequenceFlow):
        body, noun, kind = _sequence(thing, drawn, 1.5 + 5.5 * weight), "sequence flow", "sequence"
    elif isinstance(thing, MessageFlow):
        body, noun, kind = _message(drawn.points), "message flow", "message"
    elif thing.type == "conversationLink":
        body, noun, kind = _link(drawn.points), "conversation link", "conversation"
    else:
        body, noun, kind = _association(thing, drawn.points), "association", "association"
    name = "" if isinstance(thing, Artifact) else thing.name
    boxes: tuple[Bounds, ...] = ()
    label = ""
    if name:
        box = drawn.label
        if box is None:
            box = labels.on_edge(drawn.points, labels.edge_label(name), shared=drawn.shared)
        label, boxes = given_label(name, box)
    if isinstance(thing, MessageFlow) and drawn.edge is not None and drawn.edge.message:
        envelope, said, filled = _on_flow(thing, drawn.edge.message, drawn.points)
        body, label, boxes = body + envelope, label + said, (*boxes, *filled)
    hit = canvas.path(canvas.rounded(drawn.points), "hit", stroke="none", width=12)
    return Figure(hit + body, label, boxes, noun, ("flow", kind))


def _sequence(flow: SequenceFlow, drawn: Drawn, width: float) -> str:
    points = drawn.points
    # the line ends inside the head, so that its blunt end does not stick out at the tip
    end = towards(points[-1], points[-2], min(_HEAD / 2, distance(points[-1], points[-2]) / 2))
    parts = [canvas.path(canvas.rounded((*points[:-1], end)), "line", width=width)]
    source = drawn.source
    if source is not None and source.default == flow.id:
        parts.append(_slash(points))
    elif source is not None and flow.condition is not None and source.type not in GATEWAYS:
        parts.append(_diamond(points))
    parts.append(_arrow(points[-2], points[-1], "head"))
    return "".join(parts)


def _message(points: tuple[Point, ...]) -> str:
    start = towards(points[0], points[1], 4.5)
    stroke = canvas.path(canvas.rounded((start, *points[1:])), "line message", width=1.5)
    ring = canvas.circle(*start, 4.5, "end")
    dashed = stroke.replace("/>", ' stroke-dasharray="9 5"/>')
    return dashed + ring + _arrow(points[-2], points[-1], "end", fill=canvas.PAPER)


def _on_flow(flow: MessageFlow, kind: str, points: tuple[Point, ...]) -> tuple[str, str, tuple[Bounds, ...]]:
    """The message in the middle of its flow, with its name below it where that is not the flow's."""
    start, end = max(pairwise(points), key=lambda piece: distance(*piece))
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    box = Bounds(x - 15, y - 10, 30.0, 20.0)
    drawn = artifacts.envelope(box, shaded=kind == "non_initiating")
    if not flow.message or flow.message == flow.name:
        return drawn, "", (box,)
    block = labels.node_label(flow.message)
    below = labels.below(box, block)
    return drawn, canvas.centred(block, below), (box, below)


def _link(points: tuple[Point, ...]) -> str:
    """A double line: a wide one with a narrow one of the paper's colour in it."""
    course = canvas.rounded(points)
    wide = canvas.path(course, "line", width=5.0)
    return wide + canvas.path(course, "line inside", stroke=canvas.PAPER, width=2.2)


def _association(artifact: Artifact, points: tuple[Point, ...]) -> str:
    stroke = canvas.path(canvas.rounded(points), "line association", width=1.5)
    parts = [stroke.replace("/>", ' stroke-dasharray="0.5 5" stroke-linecap="round"/>')]
    if artifact.direction in ("One", "Both"):
        parts.append(_open_arrow(points[-2], points[-1]))
    if artifact.direction == "Both":
        parts.append(_open_arrow(points[1], points[0]))
    return "".join(parts)


def _axes(start: Point, end: Point) -> tuple[Point, Point]:
    """Unit vectors along a line and across it; to the right if it has no length."""
    length = distance(start, end)
    if length < 1e-6:
        return (1.0, 0.0), (0.0, 1.0)
    along = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    return along, (-along[1], along[0])


def _at(origin: Point, start: Point, end: Point, along: float, across: float) -> Point:
    (ax, ay), (cx, cy) = _axes(start, end)
    return origin[0] + ax * along + cx * across, origin[1] + ay * along + cy * across


def _polygon(points: tuple[Point, ...], style: str, fill: str) -> str:
    return svg.element(
        "polygon", class_=style, points=svg.points(points), fill=fill, stroke=canvas.INK, stroke_width=1.2
    )


def _arrow(start: Point, tip: Point, style: str, fill: str = canvas.INK) -> str:
    corners = (tip, _at(tip, start, tip, -_HEAD, 4.5), _at(tip, start, tip, -_HEAD, -4.5))
    return _polygon(corners, style, fill)


def _open_arrow(start: Point, tip: Point) -> str:
    (x1, y1), (x2, y2) = _at(tip, start, tip, -8.0, 5.0), _at(tip, start, tip, -8.0, -5.0)
    n = svg.number
    return canvas.path(f"M{n(x1)},{n(y1)}L{n(tip[0])},{n(tip[1])}L{n(x2)},{n(y2)}", "line", width=1.5)


def _slash(points: tuple[Point, ...]) -> str:
    start, end = points[0], points[1]
    (x1, y1), (x2, y2) = _at(start, start, end, 8.0, 5.0), _at(start, start, end, 14.0, -5.0)
    n = svg.number
    return canvas.path(f"M{n(x1)},{n(y1)}L{n(x2)},{n(y2)}", "line slash", width=1.5)


def _diamond(points: tuple[Point, ...]) -> str:
    start, end = points[0], points[1]
    corners = tuple(
        _at(start, start, end, along, across) for along, across in ((0, 0), (8, 5), (16, 0), (8, -5))
    )
    return _polygon(corners, "end", canvas.PAPER)

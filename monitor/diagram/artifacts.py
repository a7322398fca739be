"""How data, annotations, groups, messages and conversations are drawn."""

from __future__ import annotations

from monitor.bpmn.document import Artifact, Bounds, Shape
from monitor.diagram import canvas, glyphs, labels, svg
from monitor.diagram.figure import Figure, outside
from monitor.diagram.text import fit, wrap


def data_object(artifact: Artifact, shape: Shape) -> Figure:
    b = shape.bounds
    fold = min(b.width, b.height) / 3.5
    right, bottom = b.x + b.width, b.y + b.height
    n = svg.number
    page = (
        f"M{n(b.x)},{n(b.y)}H{n(right - fold)}L{n(right)},{n(b.y + fold)}V{n(bottom)}H{n(b.x)}Z"
        f"M{n(right - fold)},{n(b.y)}V{n(b.y + fold)}H{n(right)}"
    )
    parts = [canvas.path(page, "shape", fill=canvas.PAPER)]
    if artifact.type in ("dataInput", "dataOutput"):
        arrow = glyphs.Stroke(glyphs.DATA_ARROW, "body")
        parts.append(canvas.glyph((arrow,), b.x + 14, b.y + 11, 0.8, filled=artifact.type == "dataOutput"))
    if artifact.is_collection:
        parts.append(canvas.glyph(glyphs.MARKERS["parallel"], b.x + b.width / 2 - 7, bottom - 15))
    label = outside(stated(artifact), shape, labels.node_label)
    return Figure("".join(parts), label.drawn, (b, *label.boxes), "data object", ("data", artifact.type))


def data_store(artifact: Artifact, shape: Shape) -> Figure:
    b = shape.bounds
    rx, ry = b.width / 2, min(8.0, b.height / 6)
    n = svg.number
    arc = f"a{n(rx)},{n(ry)} 0 0 0 {n(b.width)},0"
    lid = f"a{n(rx)},{n(ry)} 0 1 0 {n(b.width)},0a{n(rx)},{n(ry)} 0 1 0 {n(-b.width)},0"
    top, bottom = b.y + ry, b.y + b.height - ry
    body = f"M{n(b.x)},{n(top)}V{n(bottom)}{arc}V{n(top)}"
    rings = "".join(f"M{n(b.x)},{n(top + step)}{arc}" for step in (ry * 0.6, ry * 1.2))
    drawn = canvas.path(body + f"M{n(b.x)},{n(top)}{lid}", "shape", fill=canvas.PAPER)
    drawn += canvas.path(rings, "shape open")
    label = outside(artifact.name, shape, labels.node_label)
    return Figure(drawn, label.drawn, (b, *label.boxes), "data store", ("data", artifact.type))


def annotation(artifact: Artifact, shape: Shape) -> Figure:
    b = shape.bounds
    n = svg.number
    bracket = f"M{n(b.x + 12)},{n(b.y)}H{n(b.x)}V{n(b.y + b.height)}H{n(b.x + 12)}"
    block = fit(artifact.text or artifact.name, b.width - 12, b.height - 4, (11, 10, 9))
    label = canvas.lines(block, b.x + 7, b.y + (b.height - block.height) / 2, anchor="start")
    return Figure(canvas.path(bracket, "shape open"), label, (b,), "annotation", ("annotation",))


def group(artifact: Artifact, shape: Shape) -> Figure:
    b = shape.bounds
    frame = canvas.rect(b, "shape open", 10.0, fill="none").replace(
        "/>", ' stroke-dasharray="8 4 1 4" pointer-events="none"/>'
    )
    label = canvas.lines(wrap(artifact.name, b.width - 20, 12), b.x + b.width / 2, b.y + 6)
    return Figure(frame, label, (b,), "group", ("group",))


def stated(artifact: Artifact) -> str:
    """A data object's name with the state it is in."""
    return f"{artifact.name} [{artifact.state}]".strip() if artifact.state else artifact.name


def message(artifact: Artifact, shape: Shape) -> Figure:
    label = outside(artifact.name, shape, labels.node_label)
    drawn = envelope(shape.bounds)
    return Figure(drawn, label.drawn, (shape.bounds, *label.boxes), "message", ("data", "message"))


def envelope(b: Bounds, *, shaded: bool = False) -> str:
    """``shaded``: what is sent back."""
    n = svg.number
    x, y, right, bottom = n(b.x), n(b.y), n(b.x + b.width), n(b.y + b.height)
    middle = f"{n(b.x + b.width / 2)},{n(b.y + b.height * 0.58)}"
    style = "shape shaded" if shaded else "shape"
    drawn = canvas.path(
        f"M{x},{y}H{right}V{bottom}H{x}Z", style, fill=canvas.SHADE if shaded else canvas.PAPER
    )
    return drawn + canvas.path(f"M{x},{y}L{middle}L{right},{y}", "shape open")


def conversation(artifact: Artifact, shape: Shape) -> Figure:
    b = shape.bounds
    inset = min(b.width / 4, b.height / 2)
    y, right, bottom = b.y + b.height / 2, b.x + b.width, b.y + b.height
    corners = (
        (b.x, y), (b.x + inset, b.y), (right - inset, b.y),
        (right, y), (right - inset, bottom), (b.x + inset, bottom),
    )  # fmt: skip
    called = artifact.type == "callConversation"
    drawn = svg.element(
        "polygon",
        class_="shape call" if called else "shape",
        points=svg.points(corners),
        fill=canvas.PAPER,
        stroke=canvas.INK,
        stroke_width=4.0 if called else 1.5,
    )
    if artifact.type == "subConversation":
        drawn += canvas.glyph(glyphs.MARKERS["collapsed"], b.x + b.width / 2 - 7, bottom - 15)
    label = outside(artifact.name, shape, labels.node_label)
    return Figure(drawn, label.drawn, (b, *label.boxes), "conversation", ("conversation", artifact.type))

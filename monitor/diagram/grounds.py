"""How pools and lanes are drawn: what the rest stands on."""

from __future__ import annotations

from monitor.bpmn.document import Bounds, Lane, Participant, Shape
from monitor.diagram import canvas, glyphs, svg
from monitor.diagram.figure import Figure
from monitor.diagram.text import fit


def pool(participant: Participant, shape: Shape) -> Figure:
    b = shape.bounds
    black = shape.expanded is False or participant.process is None
    frame = canvas.rect(b, "shape")
    noun = "black-box pool" if black else "pool"
    many = ""
    if participant.multiple:
        many = canvas.glyph(glyphs.MARKERS["parallel"], b.x + b.width / 2 - 7, b.y + b.height - 16)
        noun = f"multi-instance {noun}"
    if not black:
        drawn = frame + _heading_line(shape) + many
        return Figure(drawn, _heading(participant.name, shape), (b,), noun, ("pool",))
    room = Bounds(b.x, b.y, b.width, b.height - (16 if many else 0))
    if b.height > 1.5 * b.width:
        label = canvas.upright(fit(participant.name, room.height - 20, b.width - 8), room, "label strong")
    else:
        label = canvas.centred(fit(participant.name, b.width - 20, room.height - 8), room, "label strong")
    return Figure(frame + many, label, (b,), noun, ("pool", "blackbox"))


def lane(thing: Lane, shape: Shape) -> Figure:
    drawn = canvas.rect(shape.bounds, "shape open", fill="none", width=1.0)
    return Figure(drawn, _heading(thing.name, shape), (shape.bounds,), "lane", ("lane",))


def _header(shape: Shape) -> Bounds:
    b = shape.bounds
    if shape.horizontal is False:
        return Bounds(b.x, b.y, b.width, min(30.0, b.height))
    return Bounds(b.x, b.y, min(30.0, b.width), b.height)


def _heading_line(shape: Shape) -> str:
    b, h, n = shape.bounds, _header(shape), svg.number
    if shape.horizontal is False:
        return canvas.path(f"M{n(b.x)},{n(b.y + h.height)}H{n(b.x + b.width)}", "shape open")
    return canvas.path(f"M{n(b.x + h.width)},{n(b.y)}V{n(b.y + b.height)}", "shape open")


def _heading(name: str, shape: Shape) -> str:
    header = _header(shape)
    if shape.horizontal is False:
        return canvas.centred(fit(name, header.width - 12, 28.0, (12, 11)), header)
    return canvas.upright(fit(name, header.height - 12, 28.0, (12, 11)), header)

"""How choreography activities are drawn: a box with a band for each participant, that of who begins in the
colour of the paper and the others shaded, and the messages they send."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.bpmn.document import Band, Bounds, FlowNode, Shape
from monitor.diagram import canvas, glyphs, labels, svg
from monitor.diagram.artifacts import envelope
from monitor.diagram.figure import Figure
from monitor.diagram.text import fit, wrap

BAND = 22.0
_MANY = 12.0  # what a band is higher by the sign of several participants
_ROUND = 10.0
_MARKER = 16.0
_ENVELOPE = (30.0, 20.0)
_AWAY = 14.0  # from an activity to the message it shows

_NOUNS = {
    "choreographyTask": "choreography task",
    "subChoreography": "sub-choreography",
    "callChoreography": "call choreography",
}


class Laid(NamedTuple):
    """A band where it is drawn; ``message``: whether the message sent there is shown."""

    band: Band
    bounds: Bounds
    message: bool


def heights(node: FlowNode) -> tuple[float, float]:
    """What the bands need above and below, where the file does not say where they are."""
    upper = (len(node.bands) + 1) // 2
    above, below = node.bands[:upper], node.bands[upper:]
    return sum(map(_height, above)), sum(map(_height, below))


def messages_room(node: FlowNode) -> tuple[float, float]:
    """What the messages they show need above and below the activity."""
    upper = (len(node.bands) + 1) // 2
    room = _AWAY + _ENVELOPE[1]
    above, below = (any(b.message for b in part) for part in (node.bands[:upper], node.bands[upper:]))
    return room if above else 0.0, room if below else 0.0


def lay_bands(node: FlowNode, bounds: Bounds, given: Sequence[Shape]) -> list[Laid]:
    """The participants' bands from top to bottom: where the file says, else half of them above and half
    below the name."""
    at = {shape.element: shape for shape in given}
    if node.bands and all(band.participant in at for band in node.bands):
        laid = [Laid(b, at[b.participant].bounds, at[b.participant].message_visible) for b in node.bands]
        return sorted(laid, key=lambda one: one.bounds.y)
    upper = (len(node.bands) + 1) // 2
    laid = []
    y = bounds.y
    for index, band in enumerate(node.bands):
        if index == upper:
            y = bounds.y + bounds.height - heights(node)[1]
        laid.append(Laid(band, Bounds(bounds.x, y, bounds.width, _height(band)), bool(band.message)))
        y += _height(band)
    return laid


def activity(node: FlowNode, shape: Shape, given: Sequence[Shape]) -> Figure:
    b = shape.bounds
    expanded = node.type == "subChoreography" and bool(shape.expanded)
    called = node.type == "callChoreography"
    style = svg.classes(("shape", "container" if expanded else "", "call" if called else ""))
    width = 4.0 if called else 1.5
    laid = lay_bands(node, b, given)
    parts = [canvas.rect(b, style, _ROUND, width=width)]
    texts: list[str] = []
    boxes = [b]
    top, bottom = b.y, b.y + b.height
    for one in laid:
        box = one.bounds
        upper = box.y + box.height / 2 < b.y + b.height / 2
        parts.append(_band(one, b))
        texts.append(_name(one))
        if upper:
            top = max(top, box.y + box.height)
        else:
            bottom = min(bottom, box.y)
        if one.message:
            drawn, label, filled = _message(one, b, upper)
            parts.append(drawn)
            texts.append(label)
            boxes.extend(filled)
    if called:  # the thick border once more, over the bands
        parts.append(canvas.rect(b, "shape open call", _ROUND, fill="none", width=width))
    markers = list(_markers(node, collapsed=node.type == "subChoreography" and not expanded))
    left = b.x + b.width / 2 - _MARKER * len(markers) / 2 + 1
    for index, marker in enumerate(markers):
        parts.append(canvas.glyph(glyphs.MARKERS[marker], left + _MARKER * index, bottom - 16))
    room = Bounds(b.x, top, b.width, max(1.0, bottom - top - (16 if markers else 0)))
    if expanded:
        texts.append(canvas.lines(wrap(node.name, b.width - 20, 12, 1), b.x + b.width / 2, top + 4))
    else:
        texts.append(canvas.centred(fit(node.name, b.width - 12, room.height - 4), room))
    state = "expanded" if expanded else ""
    classes = ("choreography", node.type, state)
    return Figure("".join(parts), "".join(texts), tuple(boxes), said(node), classes)


def said(node: FlowNode) -> str:
    """What it is, and who takes part."""
    names = [f"{band.name} (begins)" if band.initiating else band.name for band in node.bands if band.name]
    between = f" between {' and '.join(names)}" if names else ""
    return f"{_NOUNS[node.type]}{between}"


def _height(band: Band) -> float:
    return BAND + (_MANY if band.multiple else 0.0)


def _markers(node: FlowNode, collapsed: bool) -> Iterator[str]:
    if node.loop:
        yield "loop" if node.loop.kind == "standard" else node.loop.kind
    if collapsed:
        yield "collapsed"


def _band(one: Laid, around: Bounds) -> str:
    """With the activity's round corners where it lies at its top or bottom."""
    b, n = one.bounds, svg.number
    right, bottom = b.x + b.width, b.y + b.height
    r = min(_ROUND, b.height, b.width / 2)
    top_round = r if b.y <= around.y + 1 else 0.0
    low_round = r if bottom >= around.y + around.height - 1 else 0.0
    path = f"M{n(b.x)},{n(b.y + top_round)}"
    path += (
        f"a{n(r)},{n(r)} 0 0 1 {n(r)},{n(-r)}H{n(right - r)}a{n(r)},{n(r)} 0 0 1 {n(r)},{n(r)}"
        if top_round
        else f"H{n(right)}"
    )
    path += f"V{n(bottom - low_round)}"
    path += (
        f"a{n(r)},{n(r)} 0 0 1 {n(-r)},{n(r)}H{n(b.x + r)}a{n(r)},{n(r)} 0 0 1 {n(-r)},{n(-r)}"
        if low_round
        else f"H{n(b.x)}"
    )
    shaded = not one.band.initiating
    style = "shape band shaded" if shaded else "shape band"
    drawn = canvas.path(path + "Z", style, fill=canvas.SHADE if shaded else canvas.PAPER)
    if one.band.multiple and _stacked(one):
        drawn += canvas.glyph(glyphs.MARKERS["parallel"], b.x + b.width / 2 - 5, bottom - 12, 0.75)
    elif one.band.multiple:
        drawn += canvas.glyph(glyphs.MARKERS["parallel"], right - 20, b.y + b.height / 2 - 5, 0.75)
    return drawn


def _stacked(one: Laid) -> bool:
    """Whether the sign of several participants stands below the name; in low bands it stands beside."""
    return one.bounds.height >= BAND + _MANY - 4


def _name(one: Laid) -> str:
    b = one.bounds
    many = one.band.multiple
    room = Bounds(b.x, b.y, b.width, b.height - (_MANY if many and _stacked(one) else 0.0))
    width = b.width - (44 if many and not _stacked(one) else 12)
    return canvas.centred(fit(one.band.name, width, max(12.0, room.height - 2), (11, 10, 9)), room)


def _message(one: Laid, around: Bounds, upper: bool) -> tuple[str, str, tuple[Bounds, ...]]:
    """An envelope above or below the activity, tied to it, with its name beside it."""
    width, height = _ENVELOPE
    x = around.x + around.width / 2
    edge = around.y if upper else around.y + around.height
    top = edge - _AWAY - height if upper else edge + _AWAY
    box = Bounds(x - width / 2, top, width, height)
    n = svg.number
    ends = (edge, top + height) if upper else (edge, top)
    tie = canvas.path(f"M{n(x)},{n(ends[0])}V{n(ends[1])}", "shape open tie").replace(
        "/>", ' stroke-dasharray="0.5 4" stroke-linecap="round"/>'
    )
    drawn = tie + envelope(box, shaded=not one.band.initiating)
    if not one.band.message:
        return drawn, "", (box,)
    block = labels.node_label(one.band.message)
    beside = Bounds(box.x + width + labels.GAP, top + (height - block.height) / 2, block.width, block.height)
    return drawn, canvas.lines(block, beside.x, beside.y, anchor="start", style="label outer"), (box, beside)

"""How each kind of element is drawn: one small function a family, tables for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from monitor.bpmn.document import (
    ACTIVITIES,
    EVENTS,
    GATEWAYS,
    SUBPROCESSES,
    Artifact,
    Bounds,
    EventKind,
    FlowNode,
    Lane,
    Participant,
    Shape,
)
from monitor.diagram import canvas, glyphs, labels, svg
from monitor.diagram.plane import Thing, usable
from monitor.diagram.text import Block, fit, measure, wrap

_TITLE = 18.0  # height of a subprocess's heading
_MARKER = 16.0


class Figure(NamedTuple):
    """An element drawn: its outline and signs, its label, the boxes they fill, and what it is in words."""

    outline: str
    label: str
    boxes: tuple[Bounds, ...]
    noun: str
    classes: tuple[str, ...]


def figure(thing: Thing, shape: Shape) -> Figure:
    """Draws one element."""
    if isinstance(thing, Participant):
        return _pool(thing, shape)
    if isinstance(thing, Lane):
        return _lane(thing, shape)
    return _FIGURES[thing.type](thing, shape)


def drawable(thing: Thing) -> bool:
    return isinstance(thing, Participant | Lane) or thing.type in _FIGURES


# -- events

_EVENT_NOUNS = {
    "startEvent": "start event",
    "endEvent": "end event",
    "intermediateCatchEvent": "catch event",
    "intermediateThrowEvent": "throw event",
    "boundaryEvent": "boundary event",
}
_THROWN = frozenset({"endEvent", "intermediateThrowEvent"})
_DOUBLE = frozenset({"intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"})
_KIND_NOUNS = {
    EventKind.NONE: "",
    EventKind.COMPENSATION: "compensation",
    "parallelMultiple": "parallel multiple",
}


def event_kind(node: FlowNode) -> EventKind | str:
    """The sign an event wears: that of its definition, or of several."""
    kinds = [definition.kind for definition in node.events if definition.kind != EventKind.NONE]
    if len(kinds) > 1:
        return "parallelMultiple" if node.parallel_multiple else "multiple"
    return kinds[0] if kinds else EventKind.NONE


def _event(node: FlowNode, shape: Shape) -> Figure:
    bounds = shape.bounds
    x, y = bounds.x + bounds.width / 2, bounds.y + bounds.height / 2
    radius = min(bounds.width, bounds.height) / 2
    kind = event_kind(node)
    style = "shape" if node.interrupting else "shape dashed"
    width = 3.2 if node.type == "endEvent" else 1.5
    parts = [_dashed(canvas.circle(x, y, radius, style, width=width), not node.interrupting)]
    if node.type in _DOUBLE:
        inner = canvas.circle(x, y, max(1.0, radius - 3.5), style + " inner", fill="none")
        parts.append(_dashed(inner, not node.interrupting))
    if kind in glyphs.EVENTS:
        thrown = node.type in _THROWN
        parts.append(canvas.glyph(glyphs.EVENTS[kind], x, y, radius / 18 * 0.92, filled=thrown))
    label = _outside(node.name, shape, labels.node_label)
    noun = " ".join(filter(None, (_KIND_NOUNS.get(kind, str(kind)), _EVENT_NOUNS[node.type])))
    return Figure("".join(parts), label.drawn, (bounds, *label.boxes), noun, ("event", node.type, str(kind)))


def _dashed(drawn: str, dashed: bool) -> str:
    return drawn.replace("/>", ' stroke-dasharray="5 3.5"/>') if dashed else drawn


# -- activities

_TASK_NOUNS = {
    "task": "task",
    "userTask": "user task",
    "serviceTask": "service task",
    "scriptTask": "script task",
    "manualTask": "manual task",
    "businessRuleTask": "business rule task",
    "sendTask": "send task",
    "receiveTask": "receive task",
    "callActivity": "call activity",
    "subProcess": "subprocess",
    "transaction": "transaction",
    "adHocSubProcess": "ad-hoc subprocess",
}


def _markers(node: FlowNode, collapsed: bool) -> Iterator[str]:
    if node.loop:
        yield "loop" if node.loop.kind == "standard" else node.loop.kind
    if node.for_compensation:
        yield "compensation"
    if collapsed:
        yield "collapsed"
    if node.type == "adHocSubProcess":
        yield "adhoc"


def _activity(node: FlowNode, shape: Shape) -> Figure:
    bounds = shape.bounds
    nested = node.type in SUBPROCESSES
    expanded = nested and bool(shape.expanded)  # the plane has settled it where the file does not say
    call = node.type == "callActivity"
    style = svg.classes(("shape", "container" if expanded else "", "call" if call else ""))
    border = canvas.rect(bounds, style, min(10.0, bounds.height / 4), width=4.0 if call else 1.5)
    parts = [_dotted(border) if node.triggered_by_event else border]
    if node.type == "transaction" and min(bounds.width, bounds.height) > 12:
        inner = Bounds(bounds.x + 3.5, bounds.y + 3.5, bounds.width - 7, bounds.height - 7)
        parts.append(canvas.rect(inner, "shape inner", 7.0, fill="none"))
    icon = glyphs.TASKS.get(node.type)
    if node.type == "receiveTask" and node.instantiate:
        icon = glyphs.INSTANTIATING_RECEIVE
    if icon:
        parts.append(canvas.glyph(icon, bounds.x + 6, bounds.y + 6, filled=False))
    start = _event_sign(node, bounds) if node.triggered_by_event and not expanded else ""
    markers = list(
        _markers(node, collapsed=(nested and not expanded) or (call and bool(node.called_element)))
    )
    left = bounds.x + bounds.width / 2 - _MARKER * len(markers) / 2 + 1
    for index, marker in enumerate(markers):
        at = left + _MARKER * index
        parts.append(canvas.glyph(glyphs.MARKERS[marker], at, bounds.y + bounds.height - 17))
    if expanded:
        label = canvas.lines(
            fit(node.name, bounds.width - 24, _TITLE * 2, (12,)), bounds.x + bounds.width / 2, bounds.y + 7
        )
    else:
        label = _inside(node.name, bounds, icon is not None, bool(markers))
    noun = f"event {_TASK_NOUNS[node.type]}" if node.triggered_by_event else _TASK_NOUNS[node.type]
    family = "subprocess" if nested else "task"
    state = "expanded" if expanded else "collapsed" if nested else ""
    return Figure("".join(parts) + start, label, (bounds,), noun, (family, node.type, state))


def _event_sign(node: FlowNode, bounds: Bounds) -> str:
    """A collapsed event subprocess shows the start event it waits for, small, at its corner."""
    start = next((child for child in node.children if child.type == "startEvent"), None)
    if start is None:
        return ""
    x, y = bounds.x + 15, bounds.y + 15
    ring = _dashed(canvas.circle(x, y, 9, "shape", width=1.2), not start.interrupting)
    kind = event_kind(start)
    return ring + (canvas.glyph(glyphs.EVENTS[kind], x, y, 0.5) if kind in glyphs.EVENTS else "")


def _dotted(drawn: str) -> str:
    return drawn.replace("/>", ' stroke-dasharray="0.1 4.5" stroke-linecap="round"/>')


def _inside(name: str, bounds: Bounds, icon: bool, markers: bool) -> str:
    """The name in the middle of a box, clear of the icon above and the markers below if it is long."""
    low = 18.0 if markers else 4.0
    block = fit(name, bounds.width - 12, bounds.height - low - 4)
    top = bounds.y + (bounds.height - block.height) / 2
    upper = bounds.y + 24
    lower = bounds.y + bounds.height - low - block.height
    collides = icon and block.lines and measure(block.lines[0], block.size) > bounds.width - 56
    if collides and top < upper:
        top = max(bounds.y + 4, min(upper, lower))
    elif top > lower:
        top = max(bounds.y + 4, lower)
    return canvas.lines(block, bounds.x + bounds.width / 2, top)


# -- gateways

_GATEWAY_NOUNS = {
    "exclusiveGateway": "exclusive gateway",
    "parallelGateway": "parallel gateway",
    "inclusiveGateway": "inclusive gateway",
    "eventBasedGateway": "event-based gateway",
    "complexGateway": "complex gateway",
}


def _gateway(node: FlowNode, shape: Shape) -> Figure:
    bounds = shape.bounds
    x, y = bounds.x + bounds.width / 2, bounds.y + bounds.height / 2
    right, bottom = bounds.x + bounds.width, bounds.y + bounds.height
    corners = svg.points(((x, bounds.y), (right, y), (x, bottom), (bounds.x, y)))
    parts = [
        svg.element(
            "polygon", class_="shape", points=corners, fill=canvas.PAPER, stroke=canvas.INK, stroke_width=1.5
        )
    ]
    sign = glyphs.GATEWAYS[node.type]
    if node.type == "eventBasedGateway" and node.instantiate:
        sign = glyphs.EVENT_BASED_START.get(node.event_gateway_type, glyphs.EVENT_BASED_START["Exclusive"])
    if node.type != "exclusiveGateway" or shape.marker_visible is not False:
        parts.append(canvas.glyph(sign, x, y, min(bounds.width, bounds.height) / 50))
    label = _outside(node.name, shape, labels.node_label)
    noun = _GATEWAY_NOUNS[node.type]
    return Figure("".join(parts), label.drawn, (bounds, *label.boxes), noun, ("gateway", node.type))


# -- artifacts


def _data_object(artifact: Artifact, shape: Shape) -> Figure:
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
    label = _outside(artifact.name, shape, labels.node_label)
    return Figure("".join(parts), label.drawn, (b, *label.boxes), "data object", ("data", artifact.type))


def _data_store(artifact: Artifact, shape: Shape) -> Figure:
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
    label = _outside(artifact.name, shape, labels.node_label)
    return Figure(drawn, label.drawn, (b, *label.boxes), "data store", ("data", artifact.type))


def _annotation(artifact: Artifact, shape: Shape) -> Figure:
    b = shape.bounds
    n = svg.number
    bracket = f"M{n(b.x + 12)},{n(b.y)}H{n(b.x)}V{n(b.y + b.height)}H{n(b.x + 12)}"
    block = fit(artifact.text or artifact.name, b.width - 12, b.height - 4, (11, 10, 9))
    label = canvas.lines(block, b.x + 7, b.y + (b.height - block.height) / 2, anchor="start")
    return Figure(canvas.path(bracket, "shape open"), label, (b,), "annotation", ("annotation",))


def _group(artifact: Artifact, shape: Shape) -> Figure:
    b = shape.bounds
    frame = canvas.rect(b, "shape open", 10.0, fill="none").replace(
        "/>", ' stroke-dasharray="8 4 1 4" pointer-events="none"/>'
    )
    label = canvas.lines(wrap(artifact.name, b.width - 20, 12), b.x + b.width / 2, b.y + 6)
    return Figure(frame, label, (b,), "group", ("group",))


# -- pools and lanes


def _pool(participant: Participant, shape: Shape) -> Figure:
    b = shape.bounds
    black = shape.expanded is False or participant.process is None
    frame = canvas.rect(b, "shape")
    noun = "black-box pool" if black else "pool"
    if black:
        label = canvas.centred(fit(participant.name, b.width - 20, b.height - 8), b, "label strong")
        return Figure(frame, label, (b,), noun, ("pool", "blackbox"))
    return Figure(frame + _heading_line(shape), _heading(participant.name, shape), (b,), noun, ("pool",))


def _lane(lane: Lane, shape: Shape) -> Figure:
    drawn = canvas.rect(shape.bounds, "shape open", fill="none", width=1.0)
    return Figure(drawn, _heading(lane.name, shape), (shape.bounds,), "lane", ("lane",))


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


# -- labels outside


class _Label(NamedTuple):
    drawn: str
    boxes: tuple[Bounds, ...]


def _outside(name: str, shape: Shape, wrapped: Callable[[str], Block]) -> _Label:
    """A label beside its shape: where the diagram says, else below."""
    if not name:
        return _Label("", ())
    if shape.label is not None and usable(shape.label):
        return given_label(name, shape.label)
    block = wrapped(name)
    box = labels.below(shape.bounds, block)
    return _Label(canvas.centred(block, box), (box,))


def given_label(name: str, box: Bounds) -> _Label:
    """In a given box; text that needs more room than it says grows around its middle and downwards."""
    block = labels.unbroken(name, max(box.width + 2, 60.0))
    x = box.x + (box.width - block.width) / 2
    real = Bounds(x, box.y, block.width, block.height)
    return _Label(canvas.centred(block, real), (real,))


_FIGURES: Mapping[str, Callable[..., Figure]] = {
    **dict.fromkeys(EVENTS, _event),
    **dict.fromkeys(ACTIVITIES, _activity),
    **dict.fromkeys(GATEWAYS, _gateway),
    **dict.fromkeys(("dataObject", "dataObjectReference", "dataInput", "dataOutput"), _data_object),
    "dataStore": _data_store,
    "dataStoreReference": _data_store,
    "textAnnotation": _annotation,
    "group": _group,
}

"""How each kind of element is drawn: one small function a family, tables for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from monitor.bpmn.document import (
    ACTIVITIES,
    CHOREOGRAPHIES,
    EVENTS,
    GATEWAYS,
    SUBPROCESSES,
    Bounds,
    EventKind,
    FlowNode,
    Lane,
    Participant,
    Shape,
)
from monitor.diagram import artifacts, canvas, choreography, glyphs, grounds, labels, svg
from monitor.diagram.figure import Figure, outside
from monitor.diagram.plane import Thing
from monitor.diagram.text import fit, measure

_TITLE = 18.0  # height of a subprocess's heading
_MARKER = 16.0


def figure(thing: Thing, shape: Shape, bands: Sequence[Shape] = ()) -> Figure:
    """Draws one element. ``bands``: where those of a choreography activity's participants are."""
    if isinstance(thing, FlowNode) and thing.type in CHOREOGRAPHIES:
        return choreography.activity(thing, shape, bands)
    if isinstance(thing, Participant):
        return grounds.pool(thing, shape)
    if isinstance(thing, Lane):
        return grounds.lane(thing, shape)
    return _FIGURES[thing.type](thing, shape)


def drawable(thing: Thing) -> bool:
    return isinstance(thing, Participant | Lane) or thing.type in _FIGURES or thing.type in CHOREOGRAPHIES


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
    label = outside(node.name, shape, labels.node_label)
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
    icon = glyphs.TASKS.get(node.called_task or node.type)
    if node.type == "receiveTask" and node.instantiate:
        icon = glyphs.INSTANTIATING_RECEIVE
    if icon:
        parts.append(canvas.glyph(icon, bounds.x + 6, bounds.y + 6, filled=False))
    start = _event_sign(node, bounds) if node.triggered_by_event and not expanded else ""
    markers = list(
        _markers(node, collapsed=(nested and not expanded) or (call and bool(node.called_element)))
    )
    left = bounds.x + bounds.width / 2 - _MARKER * len(markers) / 2 + 1
    low = 20.0 if call or node.type == "transaction" else 17.0  # clear of thick and double borders
    for index, marker in enumerate(markers):
        at = left + _MARKER * index
        parts.append(canvas.glyph(glyphs.MARKERS[marker], at, bounds.y + bounds.height - low))
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
    label = outside(node.name, shape, labels.node_label)
    noun = _GATEWAY_NOUNS[node.type]
    return Figure("".join(parts), label.drawn, (bounds, *label.boxes), noun, ("gateway", node.type))


_FIGURES: Mapping[str, Callable[..., Figure]] = {
    **dict.fromkeys(EVENTS, _event),
    **dict.fromkeys(ACTIVITIES, _activity),
    **dict.fromkeys(GATEWAYS, _gateway),
    **dict.fromkeys(("dataObject", "dataObjectReference", "dataInput", "dataOutput"), artifacts.data_object),
    "dataStore": artifacts.data_store,
    "dataStoreReference": artifacts.data_store,
    "textAnnotation": artifacts.annotation,
    "group": artifacts.group,
    "message": artifacts.message,
    **dict.fromkeys(
        ("conversation", "conversationNode", "subConversation", "callConversation"), artifacts.conversation
    ),
}

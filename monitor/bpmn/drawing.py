"""BPMN diagram interchange: where the file's authors drew each element."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from monitor.bpmn.document import Bounds, Diagram, Edge, Severity, Shape
from monitor.bpmn.reading import Reading, identifier
from monitor.bpmn.tree import BPMNDI, Element, one_line

_FARTHEST = 1_000_000.0
"""Coordinates beyond this are mistakes, and would make a picture nobody can open."""


_COLOURS = (
    ("{http://bpmn.io/schema/bpmn/biocolor/1.0}fill", "{http://bpmn.io/schema/bpmn/biocolor/1.0}stroke"),
    (
        "{http://www.omg.org/spec/BPMN/non-normative/color/1.0}background-color",
        "{http://www.omg.org/spec/BPMN/non-normative/color/1.0}border-color",
    ),
)
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)", re.IGNORECASE)
_NAMED = {
    "black": "#000000", "white": "#ffffff", "red": "#ff0000", "green": "#008000", "blue": "#0000ff",
    "yellow": "#ffff00", "orange": "#ffa500", "purple": "#800080", "gray": "#808080", "grey": "#808080",
}  # fmt: skip


def diagrams(reading: Reading, root: Element) -> tuple[Diagram, ...]:
    """All planes of the file, in file order. What cannot be drawn is left out and reported."""
    return tuple(
        _diagram(reading, diagram, plane)
        for diagram in root.children
        if diagram.namespace == BPMNDI and diagram.tag == "BPMNDiagram"
        for plane in diagram.all("BPMNPlane")
    )


def _diagram(reading: Reading, diagram: Element, plane: Element) -> Diagram:
    shown = reading.find(plane.get("bpmnElement"))
    of_shape = {shape.get("id"): shape.get("bpmnElement") for shape in plane.all("BPMNShape")}
    shapes = (_shape(reading, element, of_shape) for element in plane.all("BPMNShape"))
    edges = (_edge(reading, element) for element in plane.all("BPMNEdge"))
    return Diagram(
        identifier(shown) if shown is not None else None,
        name=one_line(diagram.get("name")),
        shapes=tuple(shape for shape in shapes if shape is not None),
        edges=tuple(edge for edge in edges if edge is not None),
    )


def _shape(reading: Reading, element: Element, of_shape: Mapping[str | None, str | None]) -> Shape | None:
    shown = _drawn(reading, element)
    if shown is None:
        return None
    bounds = _bounds(element)
    if bounds is None:
        _report_undrawn(reading, element, f"The shape of '{shown}' has no usable bounds")
        return None
    activity = reading.find(of_shape.get(element.get("choreographyActivityShape") or ""))
    fill, stroke = _colours(element)
    return Shape(
        shown,
        bounds,
        label=_label(element),
        horizontal=_flag(element, "isHorizontal"),
        expanded=_flag(element, "isExpanded"),
        marker_visible=_flag(element, "isMarkerVisible"),
        fill=fill,
        stroke=stroke,
        band_of=identifier(activity) if activity is not None else None,
        message_visible=element.flag("isMessageVisible", default=False),
    )


def _edge(reading: Reading, element: Element) -> Edge | None:
    shown = _drawn(reading, element)
    if shown is None:
        return None
    points = [(_number(point, "x"), _number(point, "y")) for point in _named(element, "waypoint")]
    waypoints = tuple((x, y) for x, y in points if x is not None and y is not None)
    if len(waypoints) < 2 or len(waypoints) < len(points):
        _report_undrawn(reading, element, f"The edge of '{shown}' has less than two usable waypoints")
        return None
    kind = element.get("messageVisibleKind")
    return Edge(
        shown,
        waypoints,
        label=_label(element),
        message=kind if kind in ("initiating", "non_initiating") else None,
        stroke=_colours(element)[1],
    )


def _colours(element: Element) -> tuple[str | None, str | None]:
    """Fill and stroke, where a modeler wrote them in one of the two ways there are."""
    fill, stroke = (
        next((found for names in _COLOURS if (found := _colour(element.get(names[which])))), None)
        for which in (0, 1)
    )
    return fill, stroke


def _colour(written: str | None) -> str | None:
    """As ``#rrggbb``; None for what is no colour."""
    text = (written or "").lower()
    if matched := _HEX.fullmatch(text):
        digits = matched[1]
        return f"#{digits}" if len(digits) == 6 else "#" + "".join(2 * digit for digit in digits)
    if matched := _RGB.fullmatch(text):
        return "#" + "".join(f"{min(255, int(part)):02x}" for part in matched.groups())
    return _NAMED.get(text)


def _drawn(reading: Reading, element: Element) -> str | None:
    """The id of the element a shape or edge shows."""
    reference = element.get("bpmnElement")
    shown = reading.find(reference)
    if shown is None:
        what = f"shows '{reference}', which does not exist" if reference else "shows no element"
        said = f"This {element.tag} {what}: it is not drawn."
        reading.report(Severity.INFO, "dangling-shape", element, said)
        return None
    return identifier(shown)


def _report_undrawn(reading: Reading, element: Element, why: str) -> None:
    reading.report(Severity.WARNING, "bad-diagram", element, f"{why}: it is not drawn.")


def _label(element: Element) -> Bounds | None:
    return next((bounds for label in element.all("BPMNLabel") if (bounds := _bounds(label))), None)


def _bounds(element: Element) -> Bounds | None:
    for found in _named(element, "Bounds"):
        x, y, width, height = (_number(found, name) for name in ("x", "y", "width", "height"))
        if x is None or y is None or width is None or height is None or width <= 0 or height <= 0:
            return None
        return Bounds(x, y, width, height)
    return None


def _named(element: Element, tag: str) -> Iterator[Element]:
    """Children by local name: bounds and waypoints have namespaces of their own (DC and DI)."""
    return (child for child in element.children if child.tag == tag)


def _number(element: Element, attribute: str) -> float | None:
    try:
        value = float(element.get(attribute) or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= _FARTHEST else None


def _flag(element: Element, attribute: str) -> bool | None:
    return None if element.get(attribute) is None else element.flag(attribute, default=False)

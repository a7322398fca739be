"""A diagram and its overlay as one SVG element."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources

from monitor.bpmn.document import Bounds, Document, FlowNode
from monitor.diagram import legend, svg
from monitor.diagram.badges import Badges
from monitor.diagram.canvas import Extent
from monitor.diagram.figure import Figure
from monitor.diagram.figures import drawable, figure
from monitor.diagram.lines import line
from monitor.diagram.overlay import Overlay
from monitor.diagram.plane import Placed, Plane, plane
from monitor.diagram.tint import tinted

_MARGIN = 16.0
_LEGEND_WIDTH = 500.0
_GROUNDS = frozenset({"pool", "lane", "group", "expanded"})


def render(
    document: Document,
    *,
    diagram: int = 0,
    overlay: Overlay | None = None,
    title: str = "",
    interactive: bool = True,
    standalone: bool = False,
    prefix: str = "bpmn",
) -> str:
    """An ``<svg>`` element of one of the document's diagrams, to be put into a page as it is.

    It holds no style attributes and no scripts; its look comes from the stylesheet ``diagram.css``, which
    ``standalone`` embeds, for files, with a legend of what the overlay shows (pages have
    :func:`monitor.diagram.legend.as_list`). ``interactive``: elements are read out one by one, and badges can
    take the focus and then say what they mean; otherwise it is one image. ``prefix`` keeps ids apart where a
    page holds several diagrams. Raises InvalidInput if the document has no such diagram.
    """
    drawing = _Drawing(overlay, interactive, prefix)
    drawing.add(plane(document, diagram))
    if standalone:
        drawing.explain()
    return drawing.svg(title or _title(document), standalone)


def _title(document: Document) -> str:
    names = [process.name for process in document.processes] + [c.name for c in document.choreographies]
    return ", ".join(filter(None, names)) or "Process diagram"


@cache
def stylesheet() -> str:
    """The text of ``diagram.css``, part of this package."""
    return resources.files("monitor").joinpath("dashboard/static/diagram.css").read_text("utf-8")


class _Drawing:
    """Collects the layers from back to front: grounds, heat, flows, nodes, badges."""

    def __init__(self, overlay: Overlay | None, interactive: bool, prefix: str) -> None:
        self._overlay = overlay or Overlay()
        self._judged = overlay is not None
        self._interactive = interactive
        self._ids = svg.Ids(prefix)
        self._extent = Extent()
        self._grounds: list[str] = []
        self._heats: list[str] = []
        self._flows: list[str] = []
        self._nodes: list[str] = []
        self._badges: list[str] = []
        self._names: dict[str, str] = {}

    def add(self, shown: Plane) -> None:
        for placed in shown.shapes:
            if not drawable(placed.thing):
                continue
            drawn = figure(placed.thing, placed.shape, placed.bands)
            if not self._judged:  # what an overlay says by colour must not be mistaken
                drawn = tinted(drawn, placed.shape.fill, placed.shape.stroke)
            layer = self._grounds if _is_ground(drawn) else self._nodes
            layer.append(self._node(placed, drawn))
            self._extend(drawn.boxes)
        for each in shown.lines:
            drawn = line(each, self._overlay.weight(each.line.id))
            if each.edge is not None and not self._judged:
                drawn = tinted(drawn, None, each.edge.stroke)
            self._flows.append(self._flow(each.line.id, drawn, each.line.name))
            self._extent.points(each.points)
            self._extend(drawn.boxes)
        self._add_badges(shown)

    def explain(self) -> None:
        """Adds the legend below all there is."""
        box = self._extent.box(0.0)
        group, filled = legend.as_group(
            self._overlay, box.x, box.y + box.height + 2 * _MARGIN, max(box.width, _LEGEND_WIDTH)
        )
        if group:
            self._badges.append(group)
            self._extent.add(filled)

    def _add_badges(self, shown: Plane) -> None:
        badges = Badges(self._overlay, self._interactive, self._extent.box(_MARGIN))
        for each in shown.lines:
            self._add_drawn(badges.on_flow(each.line.id, each.points, bool(each.line.name)))
        for placed in shown.shapes:
            if isinstance(placed.thing, FlowNode):
                said = self._names[placed.thing.id]
                self._add_drawn(badges.draw(placed.thing, placed.shape.bounds, said))

    def _add_drawn(self, drawn: Iterable[tuple[str, Bounds]]) -> None:
        for badge, box in drawn:
            self._badges.append(badge)
            self._extent.add(box)

    def svg(self, title: str, standalone: bool) -> str:
        box = self._extent.box(_MARGIN)
        title_id, desc_id = self._ids.take("title"), self._ids.take("description")
        layers = (
            ("grounds", self._grounds),
            ("heats", self._heats),
            ("flows", self._flows),
            ("nodes", self._nodes),
            ("badges", self._badges),
        )
        return svg.element(
            "svg",
            svg.text("title", title, id=title_id),
            svg.text("desc", self._description(), id=desc_id),
            svg.text("style", stylesheet()) if standalone else "",
            *(svg.group(*drawn, class_=f"layer {name}") for name, drawn in layers if drawn),
            xmlns="http://www.w3.org/2000/svg",
            class_=svg.classes(("bpmn-diagram", self._tone())),
            viewBox=" ".join(svg.number(value) for value in box),
            width=box.width,
            height=box.height,
            role="group" if self._interactive else "img",
            aria_labelledby=f"{title_id} {desc_id}",
        )

    def _tone(self) -> str:
        if not self._judged:
            return ""
        return "heated" if self._overlay.of_many else "judged"

    def _extend(self, boxes: Iterable[Bounds]) -> None:
        for box in boxes:
            self._extent.add(box)

    def _node(self, placed: Placed, drawn: Figure) -> str:
        element = placed.thing.id
        name = getattr(placed.thing, "text", "") or placed.thing.name
        words = self._overlay.words(element) if isinstance(placed.thing, FlowNode) else ()
        said = self._said(element, drawn.noun, name)
        halo = self._halo(element, placed.shape.bounds) if isinstance(placed.thing, FlowNode) else ""
        if halo and not _is_ground(drawn):  # behind the flows, whose arrows would be hidden
            self._heats.append(halo)
            halo = ""
        return svg.group(
            svg.text("title", said),
            halo,
            drawn.outline,
            drawn.label,
            class_=svg.classes(("node", *drawn.classes, *words)),
            id=self._ids.take(element),
            data_element=element,
            role="img" if self._interactive else None,
            aria_label=said if self._interactive else None,
        )

    def _flow(self, element: str, drawn: Figure, name: str) -> str:
        return svg.group(
            svg.text("title", self._said(element, drawn.noun, name)),
            drawn.outline,
            drawn.label,
            class_=svg.classes((*drawn.classes, *self._overlay.words(element))),
            id=self._ids.take(element),
            data_element=element,
        )

    def _said(self, element: str, noun: str, name: str) -> str:
        """What an element is, its name, and what the overlay says of it."""
        told = self._overlay
        parts = [f"{noun.capitalize()}: {name}" if name else noun.capitalize()]
        self._names[element] = svg.shortened(parts[0])
        if told.passed(element):
            parts.append("passed")
        parts.extend(filter(None, [told.waiting(element)]))
        if element in told.counts:
            parts.append(f"count {told.counts[element]}")
        parts.extend(timing.text for timing in told.clocks.get(element, ()))
        parts.extend(mark.text or mark.kind for mark in told.marks(element))
        return svg.shortened("; ".join(parts))

    def _halo(self, element: str, bounds: Bounds) -> str:
        """Heat as a rim around the element: wider and denser the hotter."""
        value = self._overlay.warmth(element)
        if not value:
            return ""
        rim = 3 + 5 * value
        box = Bounds(bounds.x - rim, bounds.y - rim, bounds.width + 2 * rim, bounds.height + 2 * rim)
        self._extent.add(box)
        return svg.element(
            "rect",
            class_="heat",
            x=box.x,
            y=box.y,
            width=box.width,
            height=box.height,
            rx=min(bounds.width / 2, 10.0) + rim,
            fill="#c2410c",
            fill_opacity=0.2 + 0.7 * value,
        )

    def _description(self) -> str:
        parts = [f"{len(self._nodes) + len(self._grounds)} elements and {len(self._flows)} flows"]
        told = self._overlay
        if self._judged:
            findings = sum(max(1, mark.number) for marks in told.findings.values() for mark in marks)
            waiting = sum(told.standing.values())
            parts.append(f"{waiting} {'traces' if told.of_many else 'tokens'} waiting")
            parts.append(f"{findings} {'finding' if findings == 1 else 'findings'}")
        if told.heat_kind:
            ends = f", from {told.heat_ends[0]} to {told.heat_ends[1]}" if all(told.heat_ends) else ""
            parts.append(f"shaded by {told.heat_kind.lower()}{ends}")
        return ", ".join(parts) + "."


def _is_ground(drawn: Figure) -> bool:
    return not _GROUNDS.isdisjoint(drawn.classes)

"""The overlay's signs: tokens that wait, findings, counts and the tick of what was passed.

They tell the same without colour: each has a shape and a sign of its own. What a badge means is said in its
``title`` (on hover), its label (read out) and, where the page has the stylesheet, in a box on focus.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bpmn.document import EVENTS, GATEWAYS, Bounds, FlowNode
from monitor.diagram import canvas, glyphs, svg
from monitor.diagram.overlay import Mark, Overlay
from monitor.diagram.text import measure, wrap

_RADIUS = 10.0
_STEP = 23.0
_TIP_WIDTH = 240.0
_ROOMY = 1.12  # for faces wider than measured
_DIAMONDS = frozenset({"sla_at_risk", "sla_breach"})


class Badges:
    """Draws an element's badges around its box, and what they say ``within`` the picture."""

    def __init__(self, overlay: Overlay, interactive: bool, within: Bounds) -> None:
        self._overlay = overlay
        self._interactive = interactive
        self._within = within

    def draw(self, node: FlowNode, bounds: Bounds) -> Iterator[tuple[str, Bounds]]:
        """Each badge with the box it fills. They sit on the outline: corners of boxes, or where a circle
        or diamond is nearest to the corner."""
        told = self._overlay
        inset = bounds.width * (0.12 if node.type in EVENTS else 0.14 if node.type in GATEWAYS else 0.0)
        left, right = bounds.x + inset, bounds.x + bounds.width - inset
        top, bottom = bounds.y + inset, bounds.y + bounds.height - inset
        if node.id in told.visited:
            yield self._tick(left, top)
        for index, mark in enumerate(told.marks(node.id)):
            aside = _STEP * index if inset else -_STEP * index
            yield self._finding(node.id, mark, right + aside, top)
        tokens = told.standing.get(node.id, 0)
        if tokens > 0:
            yield self._standing(node, tokens, left, bottom)
        count = told.counts.get(node.id)
        if count:
            half = measure(count, 10) / 2 + 5
            # below circles and diamonds stand their labels
            middle = bounds.x + bounds.width / 2 if inset else right - half + 8
            yield self._count(count, half, middle, bounds.y - 10 if inset else bottom)

    def _tick(self, x: float, y: float) -> tuple[str, Bounds]:
        drawn = canvas.circle(x, y, 7.0, "disc", width=1.2)
        drawn += svg.group(
            canvas.path(glyphs.TICK, "sign", width=1.8),
            transform=f"translate({svg.number(x)} {svg.number(y)})",
        )
        return svg.group(drawn, class_="badge tick", aria_hidden="true"), _around(x, y, 7.0)

    def _finding(self, element: str, mark: Mark, x: float, y: float) -> tuple[str, Bounds]:
        if mark.kind in _DIAMONDS:
            r = _RADIUS + 2.5
            corners = svg.points(((x, y - r), (x + r, y), (x, y + r), (x - r, y)))
            disc = svg.element("polygon", class_="disc", points=corners, fill=canvas.PAPER, stroke=canvas.INK)
        else:
            disc = canvas.circle(x, y, _RADIUS, "disc")
        strokes = glyphs.MARKS.get(mark.kind, glyphs.PLAIN_MARK)
        sign = svg.group(
            *(canvas.path(stroke.path, "sign", width=1.8) for stroke in strokes),
            transform=f"translate({svg.number(x)} {svg.number(y)})",
        )
        kind = mark.kind if mark.kind in glyphs.MARKS else "other"
        text = mark.text or mark.kind
        return self._told(element, f"badge finding {kind}", text, disc + sign, x, y)

    def _standing(self, node: FlowNode, tokens: int, x: float, y: float) -> tuple[str, Bounds]:
        text = f"{tokens} {'token waits' if tokens == 1 else 'tokens wait'} here"
        if node.name:
            text += f": {node.name}"
        shown = str(tokens) if tokens < 1000 else "999+"
        half = max(_RADIUS, measure(shown, 11) / 2 + 5)
        pill = Bounds(x - half, y - _RADIUS, 2 * half, 2 * _RADIUS)
        pulse = canvas.rect(pill, "pulse", _RADIUS, fill="none")
        disc = canvas.rect(pill, "disc", _RADIUS)
        number = canvas.centred(wrap(shown, 80, 11), pill, "count")
        return self._told(node.id, "badge standing", text, pulse + disc + number, x, y)

    def _count(self, count: str, half: float, x: float, y: float) -> tuple[str, Bounds]:
        pill = Bounds(x - half, y - 8, 2 * half, 16)
        disc = canvas.rect(pill, "disc", 3.0, width=1.0)
        number = canvas.centred(wrap(count, 2 * half, 10), pill, "count")
        return svg.group(disc, number, class_="badge volume"), pill

    def _told(
        self, element: str, style: str, text: str, drawn: str, x: float, y: float
    ) -> tuple[str, Bounds]:
        badge = svg.group(
            svg.text("title", text),
            drawn,
            _tip(text, x, y, self._within) if self._interactive else "",
            class_=style,
            data_element=element,
            role="img",
            aria_label=text,
            tabindex="0" if self._interactive else None,
        )
        return badge, _around(x, y, _RADIUS + 3)


def _tip(text: str, x: float, y: float, within: Bounds) -> str:
    """What a badge says, in a box above it, or below where there is no room; hidden until the stylesheet
    shows it on focus."""
    block = wrap(text, _TIP_WIDTH, 12, max_lines=8)
    width, height = block.width * _ROOMY + 16, block.height + 12
    left = max(within.x, min(x - width / 2, within.x + within.width - width))
    top = y - _RADIUS - 8 - height
    box = Bounds(left, top if top >= within.y else y + _RADIUS + 8, width, height)
    body = canvas.rect(box, "bubble", 5.0, width=1.0)
    body += canvas.lines(block, box.x + 8, box.y + 6, anchor="start", style="said")
    return svg.group(body, class_="tip", visibility="hidden", aria_hidden="true")


def _around(x: float, y: float, radius: float) -> Bounds:
    return Bounds(x - radius, y - radius, 2 * radius, 2 * radius)

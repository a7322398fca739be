"""The overlay's signs: tokens that wait, findings, SLA clocks, counts and the tick of what was passed.

They tell the same without colour: each has a shape and a sign of its own. What a badge means is said in its
label (read out) and in a box on hover and on focus; in pictures that are one image, in its ``title``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from monitor.bpmn.document import EVENTS, GATEWAYS, Bounds, FlowNode
from monitor.diagram import canvas, glyphs, svg
from monitor.diagram.overlay import CLOCK_STATES, Mark, Overlay
from monitor.diagram.text import measure, wrap

RADIUS = 10.0
_GAP = 3.0
_MOST = 3  # badges of findings side by side; more are put together by kind
_TIP_WIDTH = 260.0
_TIP_LINES = 12
_ROOMY = 1.12  # for faces wider than measured
_DIAMONDS = frozenset({"sla_at_risk", "sla_breach"})


class _Corner(NamedTuple):
    """Where a row of badges begins, and which way it goes on: away from the label of circles and diamonds,
    inwards along the border of boxes."""

    x: float
    y: float
    way: int


class Badges:
    """Draws an element's badges around its box, and what they say ``within`` the picture."""

    def __init__(self, overlay: Overlay, interactive: bool, within: Bounds) -> None:
        self._overlay = overlay
        self._interactive = interactive
        self._within = within

    def draw(self, node: FlowNode, bounds: Bounds, said: str) -> Iterator[tuple[str, Bounds]]:
        """Each badge with the box it fills. They sit on the outline: corners of boxes, or where a circle
        or diamond is nearest to the corner. ``said``: what the element is, in words."""
        told = self._overlay
        inset = bounds.width * (0.12 if node.type in EVENTS else 0.14 if node.type in GATEWAYS else 0.0)
        left, right = bounds.x + inset, bounds.x + bounds.width - inset
        top, bottom = bounds.y + inset, bounds.y + bounds.height - inset
        inwards = -1 if inset else 1
        tips = told.tips.get(node.id)
        if tips:
            yield self._spot(node.id, said, tips, bounds)
        if told.passed(node.id):
            yield self._tick(left, top)
        out = 4.0 if inset else 0.0  # larger badges a little further out, for circles are small
        yield from self._findings(node.id, _Corner(right + out, top - out, -inwards))
        yield from self._waiting(node, _Corner(left - out, bottom + out, inwards))
        count = told.counts.get(node.id)
        if count:
            half = measure(count, 10) / 2 + 5
            # below circles and diamonds stand their labels
            middle = bounds.x + bounds.width / 2 if inset else right - half + 8
            yield _count(count, half, middle, bounds.y - 10 if inset else bottom)

    def on_flow(
        self, flow: str, points: Sequence[tuple[float, float]], named: bool
    ) -> Iterator[tuple[str, Bounds]]:
        """A sequence flow's count on its longest piece: in the middle, or past its name."""
        count = self._overlay.counts.get(flow)
        if count:
            pieces = list(pairwise(points))
            (x1, y1), (x2, y2) = max(pieces, key=lambda p: abs(p[0][0] - p[1][0]) + abs(p[0][1] - p[1][1]))
            along = 0.7 if named else 0.5
            yield _count(count, measure(count, 10) / 2 + 5, x1 + (x2 - x1) * along, y1 + (y2 - y1) * along)

    def _tick(self, x: float, y: float) -> tuple[str, Bounds]:
        return svg.group(tick(x, y), class_="badge tick", aria_hidden="true"), _around(x, y, 7.0)

    def _findings(self, element: str, corner: _Corner) -> Iterator[tuple[str, Bounds]]:
        """Side by side from the corner."""
        x = corner.x
        for index, mark in enumerate(_together(self._overlay.marks(element))):
            half = finding_width(mark) / 2
            x += corner.way * half if index else 0.0
            kind = mark.kind if mark.kind in glyphs.MARKS else "other"
            drawn = finding(mark, x, corner.y)
            text = mark.text or mark.kind
            yield self._told(element, f"badge finding {kind}", text, drawn, (x, corner.y), half)
            x += corner.way * (half + _GAP)

    def _waiting(self, node: FlowNode, corner: _Corner) -> Iterator[tuple[str, Bounds]]:
        """How many tokens wait, and beside it the SLA clocks."""
        x = corner.x
        text = self._overlay.waiting(node.id)
        if text:
            shown = _short(self._overlay.standing[node.id])
            half = max(RADIUS, measure(shown, 11) / 2 + 5)
            text += f": {node.name}" if node.name else ""
            drawn = standing(shown, half, x, corner.y, pulsing=not self._overlay.of_many)
            yield self._told(node.id, "badge standing", text, drawn, (x, corner.y), half)
            x += corner.way * (half + _GAP + RADIUS)
        timings = sorted(self._overlay.clocks.get(node.id, ()), key=lambda timing: _urgency(timing.state))
        if timings:
            drawn = clock(timings[0].state, x, corner.y, number=len(timings) if len(timings) > 1 else 0)
            told = "\n".join(timing.text for timing in timings)
            style = f"badge clock {timings[0].state}"
            yield self._told(node.id, style, told, drawn, (x, corner.y), RADIUS)

    def _spot(self, element: str, said: str, tips: Sequence[str], bounds: Bounds) -> tuple[str, Bounds]:
        """All of an element: what is told of it where the pointer or the focus is on it."""
        area = canvas.rect(bounds, "area", 8.0, fill="none")
        text = "\n".join((said, *tips))
        x, y = bounds.x + bounds.width / 2, bounds.y + bounds.height / 2
        badge, box = self._told(element, "badge spot", text, area, (x, y), bounds.height / 2 - 4)
        return badge, _union(box, bounds)

    def _told(
        self, element: str, style: str, text: str, drawn: str, at: tuple[float, float], reach: float
    ) -> tuple[str, Bounds]:
        """A badge that tells ``text``; ``reach``: half its size, clear of which the box with it stands."""
        around = _around(*at, reach + 3)
        tip = ""
        if self._interactive:
            tip, box = _tip(text, *at, max(RADIUS, reach), self._within)
            around = _union(around, box)
        badge = svg.group(
            "" if self._interactive else svg.text("title", svg.shortened(text)),
            drawn,
            tip,
            class_=style,
            data_element=element,
            role="img",
            aria_label=_spoken(text),
            tabindex="0" if self._interactive else None,
        )
        return badge, around


# -- the signs alone: on elements, and in the legend


def tick(x: float, y: float) -> str:
    return canvas.circle(x, y, 7.0, "disc", width=1.2) + _signs((glyphs.Stroke(glyphs.TICK),), x, y)


def finding(mark: Mark, x: float, y: float) -> str:
    half = finding_width(mark) / 2
    if mark.kind in _DIAMONDS and not mark.number:
        r = RADIUS + 2.5
        corners = svg.points(((x, y - r), (x + r, y), (x, y + r), (x - r, y)))
        disc = svg.element("polygon", class_="disc", points=corners, fill=canvas.PAPER, stroke=canvas.INK)
    else:
        disc = canvas.rect(Bounds(x - half, y - RADIUS, 2 * half, 2 * RADIUS), "disc", RADIUS)
    strokes = glyphs.MARKS.get(mark.kind, glyphs.PLAIN_MARK)
    if not mark.number:
        return disc + _signs(strokes, x, y)
    shown = _short(mark.number)
    number = Bounds(x - half + 2 * RADIUS - 3, y - RADIUS, 2 * half - 2 * RADIUS - 2, 2 * RADIUS)
    return disc + _signs(strokes, x - half + RADIUS, y) + canvas.centred(wrap(shown, 90, 11), number, "count")


def finding_width(mark: Mark) -> float:
    return 2 * RADIUS + (measure(_short(mark.number), 11) + 5 if mark.number else 0.0)


def standing(shown: str, half: float, x: float, y: float, *, pulsing: bool) -> str:
    pill = Bounds(x - half, y - RADIUS, 2 * half, 2 * RADIUS)
    pulse = canvas.rect(pill, "pulse", RADIUS, fill="none") if pulsing else ""
    disc = canvas.rect(pill, "disc", RADIUS)
    return pulse + disc + canvas.centred(wrap(shown, 80, 11), pill, "count")


def clock(state: str, x: float, y: float, *, number: int = 0) -> str:
    """A clock's face with two knobs, so that it is no finding's disc; ``number``: how many there are."""
    known = state if state in CLOCK_STATES else "running"
    knobs = svg.group(
        canvas.path(glyphs.CLOCK_KNOBS, "knobs", width=2.0),
        transform=f"translate({svg.number(x)} {svg.number(y)})",
    )
    drawn = knobs + canvas.circle(x, y, RADIUS - 1, "disc") + _signs(glyphs.CLOCKS[known], x, y)
    if number:
        shown = _short(number)
        pill = Bounds(x + 4, y - RADIUS - 5, measure(shown, 9) + 6, 11.0)
        drawn += canvas.rect(pill, "disc small", 5.5, width=1.0)
        drawn += canvas.centred(wrap(shown, 40, 9), pill, "count")
    return drawn


def _count(count: str, half: float, x: float, y: float) -> tuple[str, Bounds]:
    pill = Bounds(x - half, y - 8, 2 * half, 16)
    disc = canvas.rect(pill, "disc", 3.0, width=1.0)
    number = canvas.centred(wrap(count, 2 * half, 10), pill, "count")
    return svg.group(disc, number, class_="badge volume", aria_hidden="true"), pill


def _signs(strokes: Sequence[glyphs.Stroke], x: float, y: float) -> str:
    return svg.group(
        *(canvas.path(stroke.path, "sign", width=1.8) for stroke in strokes),
        transform=f"translate({svg.number(x)} {svg.number(y)})",
    )


def _spoken(text: str) -> str:
    """Lines as sentences one after the other: an attribute holds no line breaks."""
    *first, last = svg.shortened(text).splitlines() or [""]
    return " ".join([*(line if line[-1:] in (".", "!", "?", "…") else f"{line}." for line in first), last])


def _short(number: int) -> str:
    if number < 10_000:
        return str(number)
    return f"{number // 1000}k" if number < 1_000_000 else "1M+"


def _together(marks: Sequence[Mark]) -> list[Mark]:
    """Several badges of one kind as one with a number, where they are too many to stand side by side."""
    if len(marks) <= _MOST:
        return list(marks)
    first = {mark.kind: index for index, mark in reversed(list(enumerate(marks)))}
    ordered = sorted(marks, key=lambda mark: first[mark.kind])
    return [
        Mark(kind, "\n".join(mark.text or mark.kind for mark in same), sum(max(1, m.number) for m in same))
        for kind, same in ((kind, list(group)) for kind, group in groupby(ordered, key=lambda m: m.kind))
    ]


def _urgency(state: str) -> int:
    return CLOCK_STATES.index(state) if state in CLOCK_STATES else len(CLOCK_STATES)


def _tip(text: str, x: float, y: float, reach: float, within: Bounds) -> tuple[str, Bounds]:
    """What a badge says, in a box above it, or below where there is no room; hidden until the stylesheet
    shows it on hover and focus. With the box: it may reach out of the picture below."""
    block = wrap(text, _TIP_WIDTH, 12, max_lines=_TIP_LINES)
    width, height = block.width * _ROOMY + 16, block.height + 12
    left = max(within.x, min(x - width / 2, within.x + within.width - width))
    top = y - reach - 8 - height
    box = Bounds(left, top if top >= within.y else y + reach + 8, width, height)
    body = canvas.rect(box, "bubble", 5.0, width=1.0)
    body += canvas.lines(block, box.x + 8, box.y + 6, anchor="start", style="said")
    return svg.group(body, class_="tip", visibility="hidden", aria_hidden="true"), box


def _around(x: float, y: float, radius: float) -> Bounds:
    return Bounds(x - radius, y - radius, 2 * radius, 2 * radius)


def _union(one: Bounds, other: Bounds) -> Bounds:
    left, top = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    bottom = max(one.y + one.height, other.y + other.height)
    return Bounds(left, top, right - left, bottom - top)

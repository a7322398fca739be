"""What the signs of an overlay mean, only those that are on it: as a list below a picture on a page, and as
part of a picture that is a file."""

from __future__ import annotations

from typing import NamedTuple

from monitor.bpmn.document import Bounds
from monitor.diagram import badges, canvas, glyphs, svg
from monitor.diagram.overlay import CLOCK_STATES, LEVELS, Mark, Overlay
from monitor.diagram.text import measure, wrap

_KINDS = {
    "out_of_order": "out of order",
    "missing": "skipped",
    "duplicate": "came again",
    "unexpected": "unexpected",
    "unknown": "not in the flow",
    "after_end": "after the end",
    "too_early": "too early",
    "condition": "against a condition",
    "sla_at_risk": "SLA at risk",
    "sla_breach": "SLA breached",
    "other": "finding",
}
_CLOCKS = {
    "breached": "SLA breached, still running",
    "missed": "SLA missed: ended late",
    "blind": "SLA past due, not judged: blind",
    "at_risk": "SLA at risk",
    "running": "SLA clock running",
    "met": "SLA met",
    "cancelled": "SLA no longer applies",
}
_SIDE = 24.0  # of the square a sign stands in
_SWATCH = 16.0
_SIZE = 12.0
_APART = 18.0
_ROOMY = 1.12  # for faces wider than measured


class Entry(NamedTuple):
    """A sign, drawn in a box from (0, 0) to (``width``, 24), and what it means."""

    sign: str
    width: float
    text: str


def entries(overlay: Overlay) -> list[Entry]:
    """In reading order: the scale of heat, what was passed, what waits, findings, clocks."""
    found: list[Entry] = []
    if overlay.heat_kind:
        found.append(_scale(overlay))
    if any(overlay.weights.values()):
        thick = canvas.path("M2,12H22", "line", width=6.0)
        found.append(Entry(svg.group(thick, class_="weight"), _SIDE, "thicker: taken more often"))
    if overlay.visited:
        found.append(_entry("tick", badges.tick(12, 12), "passed"))
    if any(number > 0 for number in overlay.standing.values()):
        pill = badges.standing("1", badges.RADIUS, 12, 12, pulsing=False)
        text = "traces that stand here now" if overlay.of_many else "waits here"
        found.append(_entry("standing", pill, text))
    marks = [mark.kind for told in overlay.findings.values() for mark in told]
    kinds = {kind if kind in glyphs.MARKS else "other" for kind in marks}
    for kind, text in _KINDS.items():
        if kind in kinds:
            found.append(_entry(f"finding {kind}", badges.finding(Mark(kind, ""), 12, 12), text))
    states = {timing.state for told in overlay.clocks.values() for timing in told}
    found.extend(
        _entry(f"clock {state}", badges.clock(state, 12, 12), _CLOCKS[state])
        for state in CLOCK_STATES
        if state in states
    )
    return found


def as_list(overlay: Overlay) -> str:
    """An HTML list; empty where there is nothing to explain."""
    items = (
        svg.element("li", _picture(entry), svg.text("span", entry.text), class_="entry")
        for entry in entries(overlay)
    )
    listed = "".join(items)
    return svg.element("ul", listed, class_="bpmn-legend", aria_label="Legend") if listed else ""


def as_group(overlay: Overlay, x: float, y: float, width: float) -> tuple[str, Bounds]:
    """Part of an SVG: entries side by side in lines at most ``width`` wide (one at least), and their box."""
    drawn: list[str] = []
    left, top, reach = 0.0, 0.0, 0.0
    for entry in entries(overlay):
        needed = entry.width + 6 + measure(entry.text, _SIZE) * _ROOMY
        if left and left + needed > width:
            left, top = 0.0, top + _SIDE + 6
        place = f"translate({svg.number(x + left)} {svg.number(y + top)})"
        block = wrap(entry.text, needed, _SIZE)
        text = canvas.lines(block, entry.width + 6, 12 - block.height / 2, anchor="start")
        drawn.append(svg.group(entry.sign, text, transform=place))
        reach = max(reach, left + needed)
        left += needed + _APART
    box = Bounds(x, y, reach, top + _SIDE if drawn else 0.0)
    return svg.group(*drawn, class_="bpmn-legend") if drawn else "", box


def _picture(entry: Entry) -> str:
    return svg.element(
        "svg",
        entry.sign,
        xmlns="http://www.w3.org/2000/svg",
        width=entry.width,
        height=_SIDE,
        viewBox=f"0 0 {svg.number(entry.width)} {svg.number(_SIDE)}",
        aria_hidden="true",
    )


def _entry(style: str, drawn: str, text: str) -> Entry:
    return Entry(svg.group(drawn, class_=f"badge {style}"), _SIDE, text)


def _scale(overlay: Overlay) -> Entry:
    """The shades from cold to hot, and what the ends stand for."""
    swatches = []
    for level in range(1, LEVELS + 1):
        box = Bounds(1 + _SWATCH * (level - 1), 5, _SWATCH - 2, 14)
        opacity = 0.2 + 0.7 * level / LEVELS
        drawn = svg.element(
            "rect",
            class_="shape",
            x=box.x,
            y=box.y,
            width=box.width,
            height=box.height,
            rx=3,
            fill="#c2410c",
            fill_opacity=opacity,
            stroke=canvas.INK,
            stroke_width=0.5,
        )
        swatches.append(svg.group(drawn, class_=f"heat-{level} swatch"))
    cold, hot = overlay.heat_ends
    ends = f": {cold} to {hot}" if cold and hot else ""
    return Entry("".join(swatches), _SWATCH * LEVELS + 2, f"{overlay.heat_kind}{ends}")

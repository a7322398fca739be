"""Shared pieces of drawing: outlines, paths, text; and how far everything reaches.

Beside its class every outline carries plain colours, so that a diagram is legible in programs that do not
know the stylesheet's variables. The stylesheet overrides them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from monitor.bpmn.document import Bounds
from monitor.diagram import svg
from monitor.diagram.geometry import Point, distance, towards
from monitor.diagram.glyphs import Glyph
from monitor.diagram.text import LINE, Block

INK, PAPER, SHADE = "#22262e", "#ffffff", "#d5d9e0"
_ROUND = 6.0

_PAINT: dict[str, tuple[str, str]] = {  # style: fill, stroke
    "body": (PAPER, INK),
    "line": ("none", INK),
    "solid": (INK, INK),
    "light": ("none", PAPER),
}

Anchor = Literal["start", "middle", "end"]


class Extent:
    """The box around everything that was drawn."""

    def __init__(self) -> None:
        self._xs: list[float] = []
        self._ys: list[float] = []

    def add(self, bounds: Bounds) -> None:
        self.points(((bounds.x, bounds.y), (bounds.x + bounds.width, bounds.y + bounds.height)))

    def points(self, points: Iterable[Point]) -> None:
        for x, y in points:
            self._xs.append(x)
            self._ys.append(y)

    def box(self, margin: float) -> Bounds:
        if not self._xs:
            return Bounds(0.0, 0.0, 2 * margin, 2 * margin)
        left, top = min(self._xs) - margin, min(self._ys) - margin
        return Bounds(left, top, max(self._xs) + margin - left, max(self._ys) + margin - top)


def rect(bounds: Bounds, style: str, radius: float = 0.0, *, fill: str = PAPER, width: float = 1.5) -> str:
    return svg.element(
        "rect",
        class_=style,
        x=bounds.x,
        y=bounds.y,
        width=bounds.width,
        height=bounds.height,
        rx=radius or None,
        fill=fill,
        stroke=INK,
        stroke_width=width,
    )


def circle(x: float, y: float, radius: float, style: str, *, fill: str = PAPER, width: float = 1.5) -> str:
    return svg.element(
        "circle", class_=style, cx=x, cy=y, r=radius, fill=fill, stroke=INK, stroke_width=width
    )


def path(d: str, style: str, *, fill: str = "none", stroke: str = INK, width: float | None = None) -> str:
    return svg.element("path", class_=style, d=d, fill=fill, stroke=stroke, stroke_width=width)


def glyph(strokes: Glyph, x: float, y: float, scale: float = 1.0, *, filled: bool = False) -> str:
    """A sign with its origin at (x, y); ``filled``: as thrown."""
    drawn: list[str] = []
    for stroke in strokes:
        style = stroke.style
        if filled:
            style = {"body": "solid", "line": "light"}.get(style, style)
        fill, ink = _PAINT[style.split()[0]]
        width = 3.0 if "bold" in style else 1.2
        drawn.append(path(stroke.path, style, fill=fill, stroke=ink, width=width))
    size = f" scale({svg.number(scale)})" if abs(scale - 1) > 0.01 else ""
    return svg.group(*drawn, class_="glyph", transform=f"translate({svg.number(x)} {svg.number(y)}){size}")


def lines(block: Block, x: float, y: float, anchor: Anchor = "middle", style: str = "label") -> str:
    """Wrapped text; ``x`` is where its anchor is, ``y`` its upper border."""
    if not any(block.lines):
        return ""
    spans = []
    for index, line in enumerate(block.lines):
        baseline = y + block.size * (LINE * (index + 0.5) + 0.35)
        spans.append(svg.text("tspan", line, x=x, y=baseline))
    return svg.element(
        "text",
        *spans,
        class_=style,
        font_size=block.size,
        text_anchor=anchor,
        font_family="Helvetica, Arial, sans-serif",
    )


def centred(block: Block, bounds: Bounds, style: str = "label") -> str:
    x = bounds.x + bounds.width / 2
    return lines(block, x, bounds.y + (bounds.height - block.height) / 2, style=style)


def upright(block: Block, bounds: Bounds, style: str = "label") -> str:
    """Centred in a box, read from bottom to top."""
    x, y = bounds.x + bounds.width / 2, bounds.y + bounds.height / 2
    turned = lines(block, 0.0, -block.height / 2, style=style)
    place = f"translate({svg.number(x)} {svg.number(y)}) rotate(-90)"
    return svg.group(turned, transform=place) if turned else ""


def rounded(points: tuple[Point, ...]) -> str:
    """Path data through the points, with small round corners."""
    start, *rest = points
    parts = [f"M{_at(start)}"]
    before = start
    for here, after in zip(rest, [*rest[1:], None], strict=True):
        if after is None:
            parts.append(f"L{_at(here)}")
            break
        radius = min(_ROUND, distance(before, here) / 2, distance(here, after) / 2)
        if radius < 0.5:
            parts.append(f"L{_at(here)}")
        else:
            parts.append(f"L{_at(towards(here, before, radius))}")
            parts.append(f"Q{_at(here)} {_at(towards(here, after, radius))}")
        before = here
    return "".join(parts)


def _at(point: Point) -> str:
    return f"{svg.number(point[0])},{svg.number(point[1])}"

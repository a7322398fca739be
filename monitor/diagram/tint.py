"""Colours that a modeler wrote into its diagram, on a light ground and on a dark one.

A coloured box keeps its colour on either ground, and its name is black or white, whichever is told apart from
that better. Lines and frames without a fill keep theirs where it is told apart from the ground; else the
stylesheet turns it light on the dark one, and into ink on the light one.
"""

from __future__ import annotations

import re

from monitor.diagram import canvas
from monitor.diagram.figure import Figure

_PAINTED = re.compile(r'class="(shape|body|line|solid|light|head|end)\b')
_DARK, _LIGHT = 0.18, 0.4
"""Luminances: below the one, white is told apart better; above the other, nothing is on white."""


def tinted(drawn: Figure, fill: str | None, stroke: str | None) -> Figure:
    """The figure in these colours (``#rrggbb``); as it is where there are none but those of paper and ink."""
    if fill == canvas.PAPER and stroke in (None, "#000000", canvas.INK):
        return drawn
    words = [word for word, holds in _words(fill, stroke) if holds]
    if "lane" in drawn.classes:
        words = ["washed"] * bool(words)
    if not words:
        return drawn
    outline = _PAINTED.sub(r'class="own \1', drawn.outline)
    if fill and "lane" in drawn.classes:  # washed over what it lies on, for lanes lie in each other
        outline = outline.replace('fill="none"', f'fill="{fill}" fill-opacity="0.35"', 1)
    elif fill:
        outline = outline.replace(f'fill="{canvas.PAPER}"', f'fill="{fill}"')
        outline = outline.replace(f'stroke="{canvas.PAPER}"', f'stroke="{fill}"')
    if stroke:
        outline = outline.replace(f'fill="{canvas.INK}"', f'fill="{stroke}"')
        outline = outline.replace(f'stroke="{canvas.INK}"', f'stroke="{stroke}"')
    return drawn._replace(outline=outline, classes=(*drawn.classes, "tinted", *words))


def _words(fill: str | None, stroke: str | None) -> tuple[tuple[str, bool], ...]:
    """Classes: ``filled`` (``deep``: darkly), else ``drawn`` (``dim``: hard to see on a dark ground;
    ``pale``: on a light one)."""
    deep = fill is not None and luminance(fill) < _DARK
    lines = luminance(stroke) if stroke is not None and fill is None else None
    return (
        ("filled", fill is not None),
        ("deep", deep),
        ("drawn", lines is not None),
        ("dim", lines is not None and lines < _DARK),
        ("pale", lines is not None and lines > _LIGHT),
    )


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` as contrast is reckoned from: 0 (black) to 1 (white)."""

    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

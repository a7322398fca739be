"""From a picture in SVG to one that every mail reader shows (PNG), where the library for it is installed."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import math
import re
from functools import cache

log = logging.getLogger(__name__)

WIDEST = 2400
"""Pixels."""
SHARPNESS = 2.0
"""Pixels for each of the picture's own, as long as it does not get wider than that."""

MOST = 8_000_000
"""Pixels in all."""
LEAST = 0.5
"""Pixels for each of the picture's own, below which names cannot be read."""

_SIZE = re.compile(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"')
_FAMILIES = (
    *("Helvetica", "Arial", "Liberation Sans", "DejaVu Sans", "Noto Sans", "Roboto", "Open Sans"),
    *("Segoe UI", "Verdana", "Nimbus Sans", "FreeSans", "Cantarell", "Ubuntu"),
)


async def png(svg: str) -> bytes | None:
    """The picture as PNG, or None where nothing can draw it with its texts: without ``choreoscope[pictures]``
    or without a font; or where it is too large. ``svg``: one that needs no stylesheet."""
    if importlib.util.find_spec("resvg_py") is None:
        return None
    return await asyncio.to_thread(_drawn, svg)


def _drawn(svg: str) -> bytes | None:
    import resvg_py

    family = _family()
    if family is None:
        return None
    scale = _scale(svg)
    if scale is None:
        return None
    return bytes(
        resvg_py.svg_to_bytes(svg_string=svg, background="#ffffff", sans_serif_family=family, zoom=scale)
    )


def _scale(svg: str) -> float | None:
    """As sharp as it may be; None for one that is so large that nobody could read it as a picture."""
    size = _SIZE.search(svg[:2000])
    if size is None:
        return None
    width, height = float(size[1]), float(size[2])
    if min(width, height) < 1:
        return None
    scale = min(SHARPNESS, WIDEST / width, math.sqrt(MOST / (width * height)))
    return scale if scale >= LEAST else None


@cache
def _family() -> str | None:
    """A family that is installed: without one, texts would be missing."""
    import resvg_py

    def sample(content: str, family: str) -> bytes:
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{content}</svg>'
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, background="#ffffff", sans_serif_family=family))

    text = '<text x="2" y="16" font-size="16" font-family="sans-serif">M</text>'
    for family in _FAMILIES:
        if sample(text, family) != sample("", family):
            return family
    log.warning("no font is installed by which pictures could be drawn for mails: they are attached as SVG")
    return None

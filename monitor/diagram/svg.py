"""Writing SVG: every attribute and text passes through here, so escaping is done once.

Elements are strings. Attribute names are given as keyword arguments; ``_`` stands for ``-`` and a trailing
``_`` is dropped (``class_``). Numbers are written with at most two decimals.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import cache
from typing import TypeAlias

Value: TypeAlias = str | int | float | None

LONGEST = 1000
"""Characters of a name or sentence that are told in full."""

# What XML 1.0 cannot hold at all, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_ID = re.compile(r"[^A-Za-z0-9_-]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


# Characters that turn the direction of all text after them; names have their own direction without.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_PLAIN = re.compile(r"[A-Za-z0-9 _.,;:()#+*/|-]*")


def escape(text: str) -> str:
    """Text safe in element content and in quoted attributes, of XML and of HTML. What would turn the
    direction of other text is shown as unknown."""
    if _PLAIN.fullmatch(text):
        return text
    return _TURNING.sub("\ufffd", _FORBIDDEN.sub("\ufffd", text)).translate(_ENTITIES)


def number(value: float) -> str:
    """Shortest text with at most two decimals; never ``nan``, ``inf`` or an exponent."""
    if not math.isfinite(value):
        raise ValueError(f"not a coordinate: {value}")
    rounded = round(value, 2)
    if rounded == int(rounded):
        return str(int(rounded))
    return f"{rounded:.2f}".rstrip("0")


def element(tag: str, *children: str, **attributes: Value) -> str:
    """One element with its children (already SVG). Attributes that are None are left out."""
    opening = tag
    for name, value in attributes.items():
        if value is not None:
            opening += f' {_name(name)}="{escape(value) if isinstance(value, str) else number(value)}"'
    content = "".join(children)
    return f"<{opening}>{content}</{tag}>" if content else f"<{opening}/>"


@cache
def _name(keyword: str) -> str:
    return keyword.rstrip("_").replace("_", "-")


def text(tag: str, content: str, **attributes: Value) -> str:
    """An element whose content is text."""
    return element(tag, escape(content), **attributes)


def shortened(said: str) -> str:
    """Text to be read out, cut where nobody would listen any longer, saying so."""
    if len(said) <= LONGEST:
        return said
    return f"{said[:LONGEST].rstrip()}… ({len(said)} characters)"


def group(*children: str, **attributes: Value) -> str:
    return element("g", *children, **attributes)


def classes(words: Iterable[str]) -> str:
    return " ".join(word for word in words if word)


def points(path: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in path)


class Ids:
    """DOM ids from element ids: only letters, digits, ``_`` and ``-``, and never the same twice."""

    def __init__(self, prefix: str) -> None:
        self._prefix = _NOT_ID.sub("_", prefix)
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        base = candidate = f"{self._prefix}-{_NOT_ID.sub('_', name)}"
        count = 1
        while candidate in self._taken:
            count += 1
            candidate = f"{base}-{count}"
        self._taken.add(candidate)
        return candidate

"""Measuring and wrapping text without a font: approximate widths for the usual sans-serif faces.

Widths are in em. They lean to the wide side, so that what is wrapped here also fits in a wider face.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

LINE = 1.25  # line height in em

LONGEST = 600
"""Characters of a text that are drawn; nobody reads longer ones in a picture."""

_WIDTHS: dict[str, float] = {
    char: width
    for width, chars in (
        (0.28, "ijl|'!.,:;I"),
        (0.36, ' frt()[]{}/\\-`"'),
        (0.50, "ckszvxyJ*^"),
        (0.58, "abdeghnopquLFT0123456789?_$#+=<>~"),
        (0.68, "ABEKPSVXYZ&w"),
        (0.76, "CDGHNORUQ"),
        (0.88, "Mm"),
        (0.98, "W%@…—"),
    )
    for char in chars
}
_OTHER = 0.62
_WIDE = 1.0
_COMFORTABLE = 11  # a size that is read without effort
_REMEMBERED = 60  # characters of texts whose width is worth remembering


class Block(NamedTuple):
    """Wrapped text: its lines, the font size they were wrapped for, and the box they fill (pixels)."""

    lines: tuple[str, ...]
    size: float
    width: float
    height: float


@lru_cache(maxsize=4096)
def _char_width(char: str) -> float:
    known = _WIDTHS.get(char)
    if known is not None:
        return known
    if _joins(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return _WIDE
    return _OTHER


def _joins(char: str) -> bool:
    """Whether a character belongs to the one before it: combining marks, joiners, variation selectors."""
    return unicodedata.category(char) in ("Mn", "Me", "Cf") or 0x1F3FB <= ord(char) <= 0x1F3FF


@lru_cache(maxsize=8192)
def _width_of(text: str) -> float:
    return sum(map(_char_width, text))


def measure(text: str, size: float) -> float:
    """Width in pixels of one line at a font size of ``size`` pixels."""
    return size * (_width_of(text) if len(text) <= _REMEMBERED else sum(map(_char_width, text)))


def wrap(text: str, width: float, size: float = 12, max_lines: int = 0) -> Block:
    """Text broken into lines of at most ``width`` pixels: at blanks, inside a word only where it alone is
    too long. Past ``max_lines`` (0: no limit) or :data:`LONGEST` characters it ends in an ellipsis. Line
    breaks are kept."""
    text = _shortened(text)
    lines, whole = _broken(text, width, size, max_lines)
    if not whole:
        lines[-1] = _ellipsis(lines[-1], width, size)
    return _block(lines, size)


def fit(text: str, width: float, height: float, sizes: tuple[float, ...] = (12, 11, 10, 9)) -> Block:
    """Text wrapped into a box: in the largest size that fits without breaking words, broken between parts of
    words (``PaymentReceived``) rather than in small print; else the largest that fits at all; else cut, with
    an ellipsis."""
    text = _shortened(text)
    words = text.split()
    parts = [part for word in words for part in _parts(word)]
    fitting: Block | None = None
    for wanted, least in ((words, _COMFORTABLE), (parts, _COMFORTABLE), (words, 0.0)):
        longest = max(wanted, key=len, default="")
        for size in sizes:
            if size < least:
                continue
            lines, whole = _broken(text, width, size, int(height // (size * LINE)) or -1)
            if whole:
                fitting = fitting or _block(lines, size)
                if measure(longest, size) <= width:
                    return _block(lines, size)
    size = sizes[-1]
    return fitting or wrap(text, width, size, max(1, int(height // (size * LINE))))


def _parts(word: str) -> Iterator[str]:
    """A word cut where new parts of it begin (``PaymentReceived``, ``order_id``)."""
    start = 0
    for at in range(1, len(word)):
        if _begins_part(word, at):
            yield word[start:at]
            start = at
    yield word[start:]


def _block(lines: list[str], size: float) -> Block:
    widest = max((measure(line, size) for line in lines), default=0.0)
    return Block(tuple(lines), size, widest, len(lines) * size * LINE)


def _broken(text: str, width: float, size: float, max_lines: int) -> tuple[list[str], bool]:
    """The lines, at most ``max_lines`` (0: no limit; below: none) of them, and whether these are all."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        lines.extend(_paragraph(paragraph.split(), width, size))
        if max_lines and len(lines) > max_lines:
            return lines[: max(0, max_lines)], False
    while lines and not lines[-1]:
        lines.pop()
    return lines, True


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"


def _paragraph(words: list[str], width: float, size: float) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in words:
        joined = f"{line} {word}" if line else word
        if measure(joined, size) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, width, size)
        lines.extend(full)
    lines.append(line)
    return lines


def _pieces(word: str, width: float, size: float) -> list[str]:
    """A word cut to fit, preferably where a new part of it begins (``PaymentReceived``, ``order_id``)."""
    pieces: list[str] = []
    rest = word
    while measure(rest, size) > width:
        cut = _fitting(rest, width, size)
        better = next((at for at in range(cut, cut // 3, -1) if _begins_part(rest, at)), cut)
        pieces.append(rest[:better])
        rest = rest[better:]
    return [*pieces, rest]


def _begins_part(word: str, at: int) -> bool:
    before, here = word[at - 1], word[at]
    return (before.islower() and here.isupper()) or (before in "_-./:" and here.isalnum())


def _fitting(text: str, width: float, size: float) -> int:
    """How many characters fit, at least one, never parting a mark from what it belongs to."""
    used = 0.0
    for index, char in enumerate(text):
        used += size * _char_width(char)
        if index and used > width and not _joins(char):
            return index
    return len(text)


def _ellipsis(line: str, width: float, size: float) -> str:
    keep = line
    while keep and measure(keep + "…", size) > width:
        keep = keep[:-1]
    return keep.rstrip() + "…"

"""Raw bytes and stored JSON made safe to look at. Pure.

What a stranger sent is shown as text only when it is text, with control and direction-changing characters
spelled out, so that nothing on the page can pretend to be something else.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import orjson

SHOWN_BYTES = 64 * 1024
HEX_BYTES = 4 * 1024
SHOWN_FIELD = 2 * 1024
SHOWN_DATA = 16 * 1024
SHOWN_AT_ALL = 80 * 1024
"""Characters of one header or attribute, of kept data, and of anything else that are shown."""
MARKS = 4
"""Combining marks in a row that scripts of the world make do with; more are a tower over the lines above."""
_LINE = 16
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Shown:
    """``kind``: ``json``, ``text``, ``hex`` or ``empty``. ``cut``: how many bytes after it are not shown,
    ``begin`` how many before."""

    kind: str
    text: str
    cut: int = 0
    begin: int = 0


def show(body: bytes) -> Shown:
    """A message body for a page: JSON pretty-printed, text as it is, anything else as a hex dump."""
    if not body:
        return Shown("empty", "")
    if len(body) <= SHOWN_BYTES:
        pretty = _json(body)
        if pretty is not None:
            return Shown("json", spell_out(pretty))
    text = _text(body[:SHOWN_BYTES])
    if text is not None:
        return Shown("text", spell_out(text), max(0, len(body) - SHOWN_BYTES))
    return Shown("hex", hex_dump(body[:HEX_BYTES]), max(0, len(body) - HEX_BYTES))


def show_bytes(body: bytes, at: int) -> Shown:
    """A page's worth of a body as a hex dump, from ``at`` on, which is brought to the beginning of a line."""
    begin = min(at, max(0, len(body) - 1)) // _LINE * _LINE
    part = body[begin : begin + HEX_BYTES]
    if not part:
        return Shown("empty", "")
    return Shown("hex", hex_dump(part, begin), len(body) - begin - len(part), begin)


def _json(body: bytes) -> str | None:
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return None


def _text(body: bytes) -> str | None:
    """UTF-8, a character cut off at the end forgiven; None when more than a tenth is control characters."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(body) - 3 or error.reason != "unexpected end of data":
            return None
        text = body[: error.start].decode("utf-8")
    odd = sum(unicodedata.category(character) == "Cc" and character not in "\t\r\n" for character in text)
    return text if odd * 10 <= len(text) else None


def spell_out(text: str) -> str:
    """Control, format (bidirectional overrides, zero-width), private and unknown characters, line separators
    and all but the first :data:`MARKS` of combining marks in a row as ``\\uXXXX``."""
    if text.isprintable() and text.isascii():
        return text
    spelled = []
    marks = 0
    for character in text.replace("\r\n", "\n"):
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if (category in _HIDDEN and character not in "\t\n") or marks > MARKS:
            spelled.append(f"\\u{ord(character):04x}")
        else:
            spelled.append(character)
    return "".join(spelled)


def inert(text: str, most: int = SHOWN_FIELD) -> str:
    """Spelled out, and cut, saying so, where nobody would read on."""
    if len(text) <= most:
        return spell_out(text)
    return f"{spell_out(text[:most])}… ({len(text) - most} more characters are not shown)"


def hex_dump(body: bytes, begin: int = 0) -> str:
    """Lines of 16 bytes, each with its offset, which counts from ``begin``."""
    lines = []
    for offset in range(0, len(body), _LINE):
        chunk = body[offset : offset + _LINE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in chunk)
        lines.append(f"{begin + offset:06x}  {chunk.hex(' '):<{_LINE * 3 - 1}}  {letters}")
    return "\n".join(lines)


def pretty_json(text: str | None) -> str:
    """Stored JSON text indented; text that is not JSON as it is. Cut, saying so."""
    if not text:
        return ""
    short = len(text) <= SHOWN_BYTES
    return inert((_json(text.encode("utf-8", "surrogatepass")) if short else None) or text, SHOWN_DATA)

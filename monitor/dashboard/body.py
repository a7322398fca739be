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
_LINE = 16


@dataclass(frozen=True, slots=True)
class Shown:
    """``kind``: ``json``, ``text``, ``hex`` or ``empty``. ``cut``: how many bytes are not shown."""

    kind: str
    text: str
    cut: int = 0


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
    """Control, format (bidirectional overrides, zero-width) and private characters as ``\\uXXXX``."""
    return "".join(
        character
        if character in "\t\n" or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs", "Cn")
        else f"\\u{ord(character):04x}"
        for character in text.replace("\r\n", "\n")
    )


def hex_dump(body: bytes) -> str:
    lines = []
    for offset in range(0, len(body), _LINE):
        chunk = body[offset : offset + _LINE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in chunk)
        lines.append(f"{offset:06x}  {chunk.hex(' '):<{_LINE * 3 - 1}}  {letters}")
    return "\n".join(lines)


def pretty_json(text: str | None) -> str:
    """Stored JSON text indented; text that is not JSON as it is."""
    if not text:
        return ""
    return spell_out(_json(text.encode("utf-8", "surrogatepass")) or text)

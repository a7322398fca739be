"""Strangers' texts made inert for messages and headers, and times in a reader's zone. Pure."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

VALUE = 200
"""Characters of a value that are shown."""

_INERT = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_MARKS = 4
"""Combining marks in a row that scripts of the world make do with."""


def one_line(text: str, longest: int = VALUE) -> str:
    """Text that can do nothing: on one line, its control and direction characters shown as unknown, cut."""
    kept: list[str] = []
    marks = 0
    for character in text[: 2 * longest + 50]:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if character in "\t\n\r\v\f" or kind in ("Zl", "Zp"):
            kept.append(" ")
        elif kind in _INERT:
            kept.append("\ufffd")
        elif marks <= _MARKS:
            kept.append(character)
    line = " ".join("".join(kept).split())
    return line if len(line) <= longest and len(text) <= 2 * longest + 50 else line[: longest - 1] + "…"


def local(when: datetime | str, zone: str = "UTC") -> str:
    """``Mon 2 Mar 2026, 10:30 CET``; seconds only where there are any. A text that is no time stays."""
    if isinstance(when, str):
        text = when
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            return one_line(text)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
    try:
        there = when.astimezone(ZoneInfo(zone))
    except OverflowError:  # within a day of the end of all times
        there = when
    clock = f"{there:%H:%M:%S}".removesuffix(":00")
    name = there.tzname() or "UTC"
    name = f"UTC{name}" if name[:1] in "+-" else name
    return f"{there:%a} {there.day} {there:%b} {there.year}, {clock} {name}"

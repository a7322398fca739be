"""What messages of one group have in common beyond reason, type and source: details that differ in numbers
and quoted values only. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_HEX = re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b|\b[0-9a-f]{8,}\b")


class SubGroup(NamedTuple):
    """``detail`` is normalised, ``messages`` how many have it; ``example`` is the newest message's, and
    ``newest`` its number."""

    detail: str
    messages: int
    newest: int
    example: str


def normalised(detail: str) -> str:
    """The detail without what differs from message to message."""
    return _NUMBER.sub("…", _HEX.sub("…", _QUOTED.sub("“…”", detail)))


def by_detail(details: Iterable[tuple[int, str]]) -> list[SubGroup]:
    """From numbers and details, the newest first; the most frequent first."""
    found: dict[str, SubGroup] = {}
    for number, detail in details:
        plain = normalised(detail)
        there = found.get(plain)
        found[plain] = (
            SubGroup(plain, 1, number, detail)
            if there is None
            else there._replace(messages=there.messages + 1)
        )
    return sorted(found.values(), key=lambda one: (-one.messages, -one.newest))

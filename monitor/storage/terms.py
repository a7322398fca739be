"""What people type to find a trace: ``o-17``, ``order=o-17``, ``amount=12.50 country="New Zealand"``. Pure.

Terms stand with blanks between them, and all of them must hold. A name or a value that holds blanks or begins
with a quote stands in double quotes; a backslash inside lets a quote or a backslash stand for itself. A bare
value in quotes is meant exactly, one without is also what values begin with.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from monitor.errors import InvalidInput

MOST_TERMS = 8

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NAME = re.compile(r'([^\s="]+)=(?=\S)')
_WORD = re.compile(r"\S+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Term(NamedTuple):
    """``bare``: any key, attribute or event id may have this value, or, unless ``exact``, a key may begin
    with it. ``name`` and ``value``: the key or attribute of this name has it. An unquoted ``a=b`` may mean
    either, for values hold equals signs too."""

    bare: str | None = None
    name: str | None = None
    value: str = ""
    exact: bool = False


def terms(text: str) -> list[Term]:
    """Raises :class:`~monitor.errors.InvalidInput` for what cannot be read, or is too much."""
    found: list[Term] = []
    at = _blanks(text, 0)
    while at < len(text):
        term, at = _term(text, at)
        found.append(term)
        if at < len(text) and not text[at].isspace():
            raise InvalidInput(
                f"After the quote that closes {text[:at][-20:]!r} a blank is missing.",
                mend='Put the whole value in quotes, and a backslash before quotes inside it: "5\\" pipe".',
            )
        at = _blanks(text, at)
    if len(found) > MOST_TERMS:
        raise InvalidInput(
            f"The search has {len(found)} terms; {MOST_TERMS} is the most.",
            mend='A value with blanks is one term in quotes: "New Zealand".',
        )
    return found


def _term(text: str, start: int) -> tuple[Term, int]:
    if text[start] == '"':
        word, at = _quoted(text, start)
        if at < len(text) and text[at] == "=":
            value, end, _ = _value(text, at + 1, word)
            return Term(None, word, value), end
        if not word:
            raise InvalidInput("An empty value finds everything.", mend='Write name="" for an empty value.')
        return Term(word, exact=True), at
    if named := _NAME.match(text, start):
        value, end, is_quoted = _value(text, named.end(), named[1])
        return Term(None if is_quoted else text[start:end], named[1], value), end
    word = _word(text, start)
    return Term(word), start + len(word)


def _value(text: str, start: int, name: str) -> tuple[str, int, bool]:
    if start >= len(text) or text[start].isspace():
        raise InvalidInput(f"What {name!r} shall equal is missing.", mend='Write name="" for an empty value.')
    if text[start] == '"':
        return *_quoted(text, start), True
    word = _word(text, start)
    return word, start + len(word), False


def _quoted(text: str, start: int) -> tuple[str, int]:
    matched = _QUOTED.match(text, start)
    if matched is None:
        raise InvalidInput(
            f"The quote that begins {text[start : start + 20]!r} is not closed.",
            mend='End the value with another ", or write \\" for a quote that is part of it.',
        )
    return _ESCAPED.sub(r"\1", matched[1]), matched.end()


def _word(text: str, start: int) -> str:
    matched = _WORD.match(text, start)
    assert matched is not None
    return matched[0]


def _blanks(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start

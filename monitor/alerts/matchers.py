"""Conditions on labels, as Alertmanager writes them: ``severity="critical"``, ``flow=~"order|refund"``. Pure.

A label that is not there counts as empty. A pattern has to match the whole value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from monitor.errors import InvalidInput

_MATCHER = re.compile(r'\s*([^\s=!~"{},]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^"{},]*?)\s*(?=,|$)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = {"n": "\n", '"': '"', "\\": "\\"}

LONGEST_PATTERN = 300
MOST_REPEATS = 3
"""Of ``*``, ``+`` and ``{`` in one alternative of a pattern: more could take for ever on some value."""


class InvalidMatcher(InvalidInput):
    """The matcher cannot be read."""


class Operator(StrEnum):
    EQUAL = "="
    UNEQUAL = "!="
    LIKE = "=~"
    UNLIKE = "!~"


@dataclass(frozen=True)
class Matcher:
    """One condition. Raises InvalidMatcher for a pattern that is none, or might take for ever."""

    label: str
    operator: Operator
    value: str

    def __post_init__(self) -> None:
        if self.operator in (Operator.LIKE, Operator.UNLIKE):
            _check(self.value)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.value, re.DOTALL)

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.label, "")
        match self.operator:
            case Operator.EQUAL:
                return value == self.value
            case Operator.UNEQUAL:
                return value != self.value
            case Operator.LIKE:
                return self._pattern.fullmatch(value) is not None
            case Operator.UNLIKE:
                return self._pattern.fullmatch(value) is None

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.operator}"{value}"'


def matches(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether all of them hold; none at all always do."""
    return all(matcher.matches(labels) for matcher in matchers)


def parse(text: str) -> tuple[Matcher, ...]:
    """One or several matchers, ``{a="b", c!="d"}`` or without braces. Raises InvalidMatcher."""
    rest = text.strip()
    if rest.startswith("{") != rest.endswith("}") or rest in ("{", "}"):
        raise InvalidMatcher(f"{text!r} has a brace too few or too many.")
    rest = rest.removeprefix("{").removesuffix("}").strip()
    found: list[Matcher] = []
    while rest:
        read = _MATCHER.match(rest)
        if read is None:
            raise InvalidMatcher(
                f"{text!r} is no matcher.",
                mend='Like severity="critical", flow!="refund", key=~"o-1.*" or source!~"kafka|rabbit".',
            )
        found.append(Matcher(read[1], Operator(read[2]), _value(read[3])))
        rest = rest[read.end() :].removeprefix(",").strip()
    return tuple(found)


def parse_all(texts: Sequence[str]) -> tuple[Matcher, ...]:
    return tuple(matcher for text in texts for matcher in parse(text))


def _value(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPED.sub(lambda found: _PLAIN.get(found[1], found[0]), text[1:-1])


def _check(pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidMatcher(f"{pattern!r} is no regular expression: {error}.") from None
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidMatcher(f"The pattern is longer than {LONGEST_PATTERN} characters.")
    bare = re.sub(r"\\.|\[[^\]]*\]", "x", pattern)
    if re.search(r"\)\s*[*+{]", bare):
        raise InvalidMatcher(f"{pattern!r} repeats a group, which can take for ever on some value.")
    if any(len(re.findall(r"[*+{]", part)) > MOST_REPEATS for part in bare.split("|")):
        raise InvalidMatcher(f"{pattern!r} repeats more than {MOST_REPEATS} things one after another.")

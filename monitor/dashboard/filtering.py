"""What a list is filtered by, as its page shows it: chips to take off, links to views, search terms. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

Given = Mapping[str, str | None]
"""Parameters of the address by name."""

_NEEDS_QUOTES = re.compile(r'[\s"\\=]')


class Label(NamedTuple):
    """How a filter is told: its name, words for its values, and filters that mean nothing without it."""

    name: str
    words: Mapping[str, str] = {}
    dependents: Sequence[str] = ()


class Chip(NamedTuple):
    """One active filter, and the parameters that are left without it."""

    name: str
    value: str
    rest: Given


class View(NamedTuple):
    """A link to a list with filters; ``chosen``: it is the one that is shown."""

    name: str
    query: str
    chosen: bool


def chips(given: Given, labels: Mapping[str, Label]) -> list[Chip]:
    """The active filters in the order of ``labels``."""
    found: list[Chip] = []
    for parameter, label in labels.items():
        value = given.get(parameter)
        if value:
            gone = {parameter, *label.dependents}
            rest = {name: text for name, text in given.items() if name not in gone}
            found.append(Chip(label.name, label.words.get(value, value), rest))
    return found


def views(given: Given, offered: Iterable[tuple[str, str]]) -> list[View]:
    """Names and queries as links. The query is written anew, so that nothing but parameters is in it."""
    shown = {name: value for name, value in given.items() if value}
    found: list[View] = []
    for name, query in offered:
        parameters = dict(parse_qsl(query))
        found.append(View(name, urlencode(parameters), parameters == shown))
    return found


def term(name: str, value: str) -> str:
    """The search for a named key or attribute, quoted where it must be."""
    return f"{_quoted(name)}={_quoted(value)}"


def quoted(text: str) -> str:
    """The search for this text as one value."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted(text: str) -> str:
    return quoted(text) if not text or _NEEDS_QUOTES.search(text) else text

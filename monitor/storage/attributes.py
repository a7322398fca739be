"""Kept attributes by which traces are found: scalars of what ``keep`` lets us store of an event.

An attribute is named by its path: the ``keep`` expression as it is configured, and within what that found the
names of the fields that lead there. Items of a list go by the list's name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from monitor.domain.event import Json
from monitor.storage.linking import link_value
from monitor.storage.tables import trace_attributes
from monitor.storage.transaction import Transaction
from monitor.storage.types import from_json

MOST_OF_AN_EVENT = 50
"""Attributes of one event that it can be found by; they are shown all the same."""

_LONGEST_NAME = 120
_LONGEST_VALUE = 300
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_EXACT = 2**53

Attribute = tuple[str, str]
"""Name and value, as they are stored."""


def attributes(kept: str) -> set[Attribute]:
    """What an event whose kept data is this JSON text can be found by."""
    found: set[Attribute] = set()
    for name, value in _scalars(from_json(kept)):
        found.add((attribute_name(name), link_value(value, _LONGEST_VALUE)))
        if len(found) == MOST_OF_AN_EVENT:
            break
    return found


def attribute_name(name: str) -> str:
    return link_value(name, _LONGEST_NAME)


def spellings(value: str) -> list[str]:
    """The stored values that somebody who writes ``value`` may mean: numbers are equal however they are
    written."""
    meant = [link_value(value, _LONGEST_VALUE)]
    if _NUMBER.fullmatch(value):
        number = _text(float(value) if re.search("[.eE]", value) else int(value))
        if number is not None and number not in meant:
            meant.append(number)
    return meant


def _scalars(kept: Json) -> Iterator[tuple[str, str]]:
    """Depth first, in the order of the fields; however deep a producer nests."""
    waiting: list[tuple[str, Json]] = [("", kept)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [
                (f"{name}.{field}" if name else field, inner) for field, inner in reversed(value.items())
            ]
        elif isinstance(value, list):
            waiting += [(name, inner) for inner in reversed(value)]
        elif (text := _text(value)) is not None:
            yield name, text


def _text(value: Any) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return str(int(value)) if value.is_integer() and abs(value) <= _EXACT else repr(value)
    return None


async def write(
    transaction: Transaction, flow_chains: Iterable[tuple[str, int, bytes]], kept: Mapping[bytes, str]
) -> None:
    """``flow_chains``: flow, chain and identity of what was observed; ``kept``: what may be stored of an
    event, by identity. The chains' first traces are locked by us and written, so nobody else inserts the same
    rows and nothing waits here."""
    told: dict[bytes, set[Attribute]] = {}
    rows: set[tuple[str, str, str, int]] = set()
    for flow, chain, identity in flow_chains:
        if identity not in kept:
            continue
        if identity not in told:
            told[identity] = attributes(kept[identity])
        rows.update((flow, name, value, chain) for name, value in told[identity])
    await transaction.claim(trace_attributes, list(trace_attributes.c), sorted(rows))

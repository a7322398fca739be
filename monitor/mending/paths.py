"""Where in an event its correlation key may be. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from monitor.domain.event import Event, Json
from monitor.expressions import header_text
from monitor.expressions import key_text as message_key
from monitor.mapping.keys import KeyUnfit, key_text
from monitor.mapping.naming import folded

MOST = 300
"""Values looked at in one event."""

DEEPEST = 6
LONGEST_VALUE = 200
_NAME = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_PLAIN_PATH_NAME = re.compile(r"[A-Za-z_$][\w:$-]*", re.ASCII)
_ENDINGS = ("id", "no", "nr", "number", "key", "ref", "reference", "code")
_ENVELOPE = frozenset({"id", "eventid", "messageid", "specversion", "type", "time", "timestamp", "version"})


@dataclass(frozen=True, slots=True)
class Spot:
    """A value of an event, and the expression that finds it."""

    path: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Likely:
    """A spot that may hold key ``key``, with why it may."""

    spot: Spot
    key: str
    why: str


def spots(event: Event) -> list[Spot]:
    """Every value of an event that could be a key, in the order it stands there; bounded."""
    found: list[Spot] = []
    for path, name, value in _values(event):
        if len(found) == MOST:
            break
        try:
            text = None if isinstance(value, bool) else key_text(value, name)
        except KeyUnfit:
            continue
        if text is not None and len(text) <= LONGEST_VALUE:
            found.append(Spot(path, name, text))
    return found


def likely(
    found: Sequence[Spot],
    key: str,
    known: Collection[str] = (),
    examples: Sequence[str] = (),
    limit: int = 5,
) -> list[Likely]:
    """Where key ``key`` may be, the likeliest first. ``known``: values that are keys of this name already;
    ``examples``: some values of it, for what they look like."""
    shapes = {shape(example) for example in examples}
    ranked: list[tuple[float, int, Likely]] = []
    for place, spot in enumerate(found):
        score, why = _alike(spot, key)
        if spot.value in known:
            score, why = score + 10, f"a known {key}"
        elif shape(spot.value) in shapes:
            score, why = score + 2, why or f"which looks like other keys {key}, as {examples[0]!r}"
        if score > 0:
            ranked.append((-score, place, Likely(spot, key, why)))
    ranked.sort(key=lambda one: one[:2])
    return [one for _, _, one in ranked[:limit]]


def shape(value: str) -> str:
    """What a value looks like: runs of digits and letters as one sign each. Digits of the same number, for
    texts that are a number alone, for ``7`` is not much like ``20260301``."""
    if value.isdigit():
        return f"9*{len(value)}"
    if re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
        return "uuid"
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", value))


def _alike(spot: Spot, key: str) -> tuple[float, str]:
    """By its name: ``orderId``, ``order.id`` and ``order_no`` are like ``order``."""
    name, wanted = folded(spot.name), folded(key)
    whole = folded(spot.path.rpartition(".")[0].rpartition(".")[2]) + name
    for text in (name, whole):
        if text == wanted or (text.startswith(wanted) and text[len(wanted) :] in _ENDINGS):
            return 5.0, f"named like the key {key}"
    if wanted in name:
        return 3.0, f"whose name has {key} in it"
    ratio = difflib.SequenceMatcher(None, name, wanted).ratio()
    if ratio >= 0.6:
        return 2.0 * ratio, f"whose name is like {key}"
    if name.endswith(_ENDINGS) and name not in _ENVELOPE:
        return 0.5, "named like an identifier"
    return 0.0, ""


def _values(event: Event) -> Iterator[tuple[str, str, Json]]:
    if event.subject:
        yield "subject", "subject", event.subject
    yield from _below(event.data, "data", "data", 0)
    for name, value in event.attributes.items():
        if _PLAIN_PATH_NAME.fullmatch(name):
            yield f"attributes.{name}", name, value
    for name, header in event.delivery.headers.items():
        if _PLAIN_PATH_NAME.fullmatch(name):
            yield f"headers.{name}", name, header_text(header)
    for name, value in event.delivery.properties.items():
        yield f"properties.{name}", name, value
    yield "key", "key", message_key(event.delivery)


def _below(value: Json, path: str, name: str, depth: int) -> Iterator[tuple[str, str, Json]]:
    if isinstance(value, dict) and depth < DEEPEST:
        for inner, child in value.items():
            if isinstance(inner, str) and (step := _step(inner)) is not None:
                yield from _below(child, f"{path}.{step}", inner, depth + 1)
    elif isinstance(value, list) and value and depth < DEEPEST:
        yield from _below(value[0], f"{path}[0]", name, depth + 1)
    elif isinstance(value, str | int | float):
        yield path, name, value


def _step(name: str) -> str | None:
    """A name as it is written in an expression; None for one that cannot be."""
    if _NAME.fullmatch(name):
        return name
    return None if '"' in name or "\\" in name or not name.isprintable() or not name else f'"{name}"'

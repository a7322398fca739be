"""What the inbox says of events that could not be placed: the reason, and a line that would mend it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from monitor.domain.event import Event
from monitor.mapping.keys import PLACES
from monitor.mapping.naming import nearest

Told = tuple[str, str]
"""Detail and mend."""

_SHOWN_FIELDS = 12


def ambiguous(type_: str, name: str, labels: Sequence[str], flow: str) -> Told:
    return (
        f"{name!r} could be several labels of flow {flow}: {', '.join(labels)}",
        f"{_add(type_, f'as: {scalar(labels[0])}')} (or another of them).",
    )


def unmapped(type_: str, labels: Iterable[str], flows: Sequence[str], notes: Sequence[str]) -> Told:
    """``notes``: what rules said in vain."""
    close = nearest(type_, labels)
    said = f" ({'; '.join(notes)})" if notes else ""
    near = f"; nearest labels: {', '.join(close)}" if close else ""
    known = f"flows: {', '.join(flows)}" if flows else "no flow is deployed"
    label = scalar(close[0]) if close else "<label>"
    return (
        f"no flow has a label for {type_!r}{said}; {known}{near}",
        f"{_add(type_, f'as: {label}')}, or with `ignore: true` if it is part of no flow.",
    )


def without_key(label: str, flow: str, stated: Sequence[str]) -> str:
    """``stated``: names of the keys a rule gave expressions for."""
    if stated:
        return f"{label} of flow {flow}: the rule's expressions for {', '.join(stated)} found nothing"
    return f"{label} of flow {flow}: no correlation key; looked for {PLACES}"


def key_mend(event: Event, key: str) -> str:
    """A rule that takes the key from the data field that looks most like it."""
    data = event.data if isinstance(event.data, dict) else {}
    likely = [name for name, value in data.items() if name.isidentifier() and isinstance(value, str | int)]
    likely.sort(key=lambda name: (key.lower() not in name.lower(), not name.lower().endswith("id")))
    found = f"data.{likely[0]}" if likely else "data.<field>"
    seen = f" The data has: {', '.join(list(data)[:_SHOWN_FIELDS])}." if data else ""
    return f"Send a subject, or: {_add(event.type, f'keys: {{{key}: {found}}}')}.{seen}"


def perhaps(name: str, labels: Iterable[str]) -> str:
    close = nearest(name, labels)
    return f"; perhaps {' or '.join(close)}" if close else ""


def _add(type_: str, what: str) -> str:
    return f"Add to events: `- {{match: {{type: {scalar(type_)}}}, {what}}}`"


def scalar(text: str) -> str:
    """The text as a YAML scalar that can be pasted."""
    return orjson.dumps(text.encode("utf-8", "replace").decode()).decode()

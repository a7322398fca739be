"""Expressions in the configuration: JMESPath over an event or over a JSON document.

Dotted names (``data.order.id``) are by far the most common, so they are compiled to plain look-ups that
cost a tenth of a JMESPath evaluation. In such a path names may also hold ``:`` and ``-``
(``headers.x-order-id``, ``concept:name``), which JMESPath itself would want quoted.

What an expression over an event sees: ``data``; the CloudEvents attributes ``id``, ``type``, ``source``,
``subject``, ``time``; every extension by its name (``correlationid``), also under ``attributes``; and what
is left of the wire: ``headers``, ``properties``, ``key`` (of a Kafka message), ``channel`` (also as
``topic`` and ``queue``), ``exchange``, ``routing_key``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import jmespath
import orjson
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from monitor.domain.event import Delivery, Event, HeaderValue, Json
from monitor.errors import MappingError

_NAME = r'(?:[A-Za-z_$][\w:$-]*|"[^"\\]+")'
_DOTTED = re.compile(rf"{_NAME}(?:\.{_NAME})*", re.ASCII)
_PART = re.compile(_NAME, re.ASCII)

EventGetter = Callable[[Event], Json]
JsonGetter = Callable[[Json], Json]


def dotted(text: str) -> tuple[str, ...] | None:
    """The names of a plain dotted path, or None where ``text`` is more than that."""
    if not _DOTTED.fullmatch(text):
        return None
    return tuple(part.strip('"') for part in _PART.findall(text))


def over_json(text: str) -> JsonGetter:
    """Compile an expression over a JSON document. What it does not find is None.

    Raises MappingError when the text is no valid expression.
    """
    text = text.strip()
    path = dotted(text)
    return _walker(path) if path else _searcher(text)


def over_event(text: str) -> EventGetter:
    """Compile an expression over an event. What it does not find is None.

    Raises MappingError when the text is no valid expression.
    """
    text = text.strip()
    path = dotted(text)
    if path is None:
        search = _searcher(text)
        return lambda event: search(_document(event))
    root, rest = path[0], path[1:]
    if root == "data":
        return _from_data(rest)
    if root in ("headers", "attributes", "properties"):
        return _from_named(root, rest)
    begin = _WIRE[root] if root in _WIRE else _attribute(root)
    if not rest:
        return begin
    walk = _walker(rest)
    return lambda event: walk(begin(event))


def header(headers: Mapping[str, HeaderValue], name: str) -> str | None:
    """A header's text; its name is compared without regard to case where it is not there as written."""
    if name in headers:
        return header_text(headers[name])
    folded = name.lower()
    for candidate, value in headers.items():
        if candidate.lower() == folded:
            return header_text(value)
    return None


def header_text(value: HeaderValue) -> str | None:
    """A header value as text, whichever type the protocol gave it; None for nothing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, int | float):
        return str(value)
    return compound_text(value)


def compound_text(value: object) -> str:
    """A list or table as JSON; what JSON has no form for as text, half a surrogate pair escaped."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return json.dumps(value, default=str, separators=(",", ":"))


def key_text(delivery: Delivery) -> str | None:
    """The Kafka message key as text."""
    return None if delivery.key is None else delivery.key.decode("utf-8", "replace")


def _walker(path: tuple[str, ...]) -> JsonGetter:
    if len(path) == 1:
        (only,) = path
        return lambda value: value.get(only) if isinstance(value, dict) else None

    def walk(value: Json) -> Json:
        for name in path:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return walk


def _from_data(path: tuple[str, ...]) -> EventGetter:
    if not path:
        return lambda event: event.data
    if len(path) == 1:
        (only,) = path
        return lambda event: event.data.get(only) if isinstance(event.data, dict) else None
    walk = _walker(path)
    return lambda event: walk(event.data)


def _from_named(root: str, path: tuple[str, ...]) -> EventGetter:
    """``headers.x`` and the like: one flat name, dots in it included (``headers.NServiceBus.MessageId``)."""
    if not path:
        return lambda event: _document(event)[root]
    name = ".".join(path)
    if root == "headers":
        return lambda event: header(event.delivery.headers, name)
    if root == "properties":
        return lambda event: event.delivery.properties.get(name)
    return lambda event: event.attributes.get(name)


def _attribute(name: str) -> EventGetter:
    return lambda event: event.attributes.get(name)


def _time(event: Event) -> str:
    return event.time.isoformat().replace("+00:00", "Z")


_WIRE: Mapping[str, EventGetter] = {
    "id": lambda event: event.id,
    "type": lambda event: event.type,
    "source": lambda event: event.producer,
    "producer": lambda event: event.producer,
    "subject": lambda event: event.subject,
    "time": _time,
    "key": lambda event: key_text(event.delivery),
    "channel": lambda event: event.delivery.position.channel,
    "topic": lambda event: event.delivery.position.channel,
    "queue": lambda event: event.delivery.position.channel,
    "exchange": lambda event: event.delivery.position.exchange,
    "routing_key": lambda event: event.delivery.position.routing_key,
}


def _document(event: Event) -> dict[str, Json]:
    """The event as the document JMESPath searches."""
    delivery = event.delivery
    document: dict[str, Json] = dict(event.attributes)
    document.update((name, begin(event)) for name, begin in _WIRE.items())
    document["data"] = event.data
    document["attributes"] = dict(event.attributes)
    document["properties"] = dict(delivery.properties)
    document["headers"] = {name: header_text(value) for name, value in delivery.headers.items()}
    return document


def _searcher(text: str) -> JsonGetter:
    if not text:
        raise MappingError("the expression is empty")
    try:
        compiled = jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        raise MappingError(f"{text!r} is no valid JMESPath expression: {_first_line(error)}") from error
    for function in _functions(compiled.parsed):
        if function not in Functions.FUNCTION_TABLE:
            raise MappingError(f"{text!r} calls {function}(), which JMESPath does not have")

    def search(document: Json) -> Json:
        try:
            return compiled.search(document)
        except (JMESPathError, TypeError, ArithmeticError, RecursionError):
            # what a function cannot be applied to is not there: length() of an absent list, to begin with
            return None

    return search


def _functions(node: Any) -> Iterator[str]:
    """Names of the functions a parsed expression calls."""
    if isinstance(node, dict):
        if node.get("type") == "function_expression":
            yield node["value"]
        for child in node.get("children", ()):
            yield from _functions(child)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

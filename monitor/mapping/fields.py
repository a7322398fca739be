"""Where an event has the fields that conditions of a flow read.

A condition names a field as the process does (``order.amount``). An event has it where a rule says so: under
``attributes`` by that name, or by the name of an object it is in; or where ``keep`` lists the same path into
the data, or an object on the way. Nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from monitor.domain.event import Event, Json
from monitor.expressions import dotted, over_event

ABSENT: Final = object()
"""Not in the event, where a null would be."""

FieldGetter = Callable[[Event], Json]
"""The field's value in an event, or ABSENT."""


def field_getter(field: str, attributes: Mapping[str, str], keep: Iterable[str]) -> FieldGetter | None:
    """How to find the field in an event under a rule's ``attributes`` and what is kept; None where neither
    has it. Raises MappingError for an invalid expression."""
    parts = field.split(".")
    for cut in range(len(parts), 0, -1):
        expression = attributes.get(".".join(parts[:cut]))
        if expression is not None:
            return _within(expression, parts[cut:])
    wanted = ("data", *parts)
    for expression in keep:
        path = dotted(expression.strip())
        if path is not None and path == wanted[: len(path)]:
            return _walk(wanted[1:])
    return None


def _within(expression: str, rest: list[str]) -> FieldGetter:
    path = dotted(expression.strip())
    if path is not None and path[0] == "data":
        return _walk((*path[1:], *rest))
    begin = over_event(expression)

    def get(event: Event) -> Json:
        value = begin(event)  # None where it finds nothing
        return ABSENT if value is None else _follow(value, rest)

    return get


def _walk(path: Iterable[str]) -> FieldGetter:
    steps = tuple(path)
    return lambda event: _follow(event.data, steps)


def _follow(value: Json, steps: Iterable[str]) -> Json:
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return ABSENT
        value = value[step]
    return value

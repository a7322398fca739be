"""Keyset pagination: a page begins right after the row the page before ended with, whatever came in since."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy import ColumnElement, and_, or_

from monitor.errors import InvalidInput
from monitor.storage.types import from_micros, to_micros
from monitor.storage.views import Page

Row = TypeVar("Row")
Told = TypeVar("Told")

Keys = Sequence[ColumnElement[Any]]
"""What a list is sorted by, all descending; the last is unique."""


def after(keys: Keys, cursor: str | None) -> ColumnElement[bool] | None:
    """The rows that come after the one ``cursor`` was made from. Raises ``InvalidInput`` for a cursor that
    is none of this list's."""
    if cursor is None:
        return None
    values = _decoded(cursor)
    if len(values) != len(keys):
        raise InvalidInput("The page cursor is not one of this list.", mend="Begin again without it.")
    return _after(keys, values)


def _after(keys: Keys, values: Sequence[Any]) -> ColumnElement[bool]:
    first: ColumnElement[Any] = keys[0]
    value = values[0]
    smaller: ColumnElement[bool] = first < value
    if len(keys) == 1:
        return smaller
    # that the first is at most its value is said apart, so that either dialect uses the index for it
    return and_(first <= value, or_(smaller, _after(keys[1:], values[1:])))


def page(
    rows: Sequence[Row], limit: int, told: Callable[[Row], Told], at: Callable[[Row], Sequence[Any]]
) -> Page[Told]:
    """A page from up to ``limit + 1`` rows; ``at`` gives a row's values of the sort keys."""
    shown = rows[:limit]
    more = _encoded(at(shown[-1])) if len(rows) > limit and shown else None
    return Page([told(row) for row in shown], more)


def _encoded(values: Sequence[Any]) -> str:
    plain = [
        {"t": to_micros(value)}
        if isinstance(value, datetime)
        else {"b": value.hex()}
        if isinstance(value, bytes)
        else value
        for value in values
    ]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).decode().rstrip("=")


def _decoded(cursor: str) -> list[Any]:
    try:
        plain = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_decoded_value(value) for value in plain]
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise InvalidInput("The page cursor cannot be read.", mend="Begin again without it.") from error


def _decoded_value(value: Any) -> Any:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return from_micros(text) if kind == "t" else bytes.fromhex(text)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    raise TypeError("neither a number nor a time")

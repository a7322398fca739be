"""Keyset pagination: a page begins right after the row the page before ended with, whatever came in since."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy import ColumnElement, LargeBinary, and_, or_

from monitor.errors import InvalidInput
from monitor.storage.types import UtcTime, from_micros, to_micros
from monitor.storage.views import Page

Row = TypeVar("Row")
Told = TypeVar("Told")

Keys = Sequence[ColumnElement[Any]]
"""What a list is sorted by, all in one direction; the last is unique."""


def after(keys: Keys, cursor: str | None, *, ascending: bool = False) -> ColumnElement[bool] | None:
    """The rows that come after the one ``cursor`` was made from. Raises ``InvalidInput`` for a cursor that
    is none of this list's."""
    if cursor is None:
        return None
    values = _decoded(cursor)
    if len(values) != len(keys) or not all(map(_fits, keys, values)):
        raise InvalidInput("The page cursor is not one of this list.", mend="Begin again without it.")
    return beyond(keys, values, ascending)


def beyond(keys: Keys, values: Sequence[Any], ascending: bool) -> ColumnElement[bool]:
    """The rows that come after the one with these values."""
    first: ColumnElement[Any] = keys[0]
    value = values[0]
    behind: ColumnElement[bool] = first > value if ascending else first < value
    if len(keys) == 1:
        return behind
    # that the first is not before its value is said apart, so that either dialect uses the index for it
    not_before = first >= value if ascending else first <= value
    return and_(not_before, or_(behind, beyond(keys[1:], values[1:], ascending)))


def _fits(key: ColumnElement[Any], value: Any) -> bool:
    if isinstance(key.type, UtcTime):
        return isinstance(value, datetime)
    return isinstance(value, bytes if isinstance(key.type, LargeBinary) else int)


def page(
    rows: Sequence[Row], limit: int, told: Callable[[Row], Told], at: Callable[[Row], Sequence[Any]]
) -> Page[Told]:
    """A page from up to ``limit + 1`` rows; ``at`` gives a row's values of the sort keys."""
    shown = rows[:limit]
    more = encoded(at(shown[-1])) if len(rows) > limit and shown else None
    return Page([told(row) for row in shown], more)


def encoded(values: Sequence[Any]) -> str:
    """The cursor for what comes after these values of the keys."""
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

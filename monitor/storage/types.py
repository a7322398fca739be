"""Column types that mean the same on both dialects, and the text forms of values that have no column type.

Producers send what they like: NUL characters, halves of surrogate pairs, numbers past 64 bits. PostgreSQL's
``text`` takes none of these, so text is escaped on the way in and restored, exactly, on the way out.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.dialects.postgresql import TEXT, TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine

from monitor.domain.event import Json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000
_UNSAFE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")


def escape(text: str) -> str:
    """``text`` without NUL and lone surrogates; one to one, and a prefix of a text stays a prefix of it."""
    if _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(lambda match: f"\x1a{ord(match[0]):04x}", text)


def all_safe(texts: Iterable[str]) -> bool:
    """Whether :func:`escape` would leave all of these as they are; much faster than asking one by one."""
    try:
        raw = "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return b"\x00" not in raw and b"\x1a" not in raw


def unescape(text: str) -> str:
    if "\x1a" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def to_micros(time: datetime) -> int:
    """Microseconds since 1970, exact for every ``datetime``; negative before."""
    since = time - _EPOCH
    return since.days * _DAY + since.seconds * 1_000_000 + since.microseconds


def from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


class SafeText(TypeDecorator[str]):
    """Any Python string. Compared and sorted by code point, so that a search by prefix is a range."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return TEXT(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else escape(value)

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Callable[[str | None], str | None]:
        return _restored


class UtcTime(TypeDecorator[datetime]):
    """An instant to the microsecond: ``timestamptz``, or on SQLite an integer of microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without time zone cannot be stored: {value!r}")
        return value if dialect.name == "postgresql" else to_micros(value)

    def result_processor(
        self, dialect: Dialect, _coltype: object
    ) -> Callable[[int | None], datetime | None] | None:
        return None if dialect.name == "postgresql" else _told


def _restored(text: str | None) -> str | None:
    return text if text is None or "\x1a" not in text else unescape(text)


def _told(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


_encode = json.JSONEncoder(separators=(",", ":")).encode


def exact_json(value: Json) -> str:
    """JSON text from which :func:`from_json` makes an equal value, whatever its size or characters."""
    return _encode(value)


def from_json(text: str) -> Json:
    return json.loads(text)


@lru_cache(maxsize=4096)
def strings_json(texts: tuple[str, ...]) -> str:
    """Few different ones are told again and again: the labels possible next, where tokens stand."""
    return exact_json(texts)


def strings(text: str | None) -> tuple[str, ...]:
    return tuple(json.loads(text)) if text and text != "[]" else ()


def shown_json(value: object) -> str:
    """JSON text for people: what JSON cannot say (bytes, times) is told as text, bytes that are no text as
    ``{"base64": ...}``."""
    if not value:
        return "{}"
    try:
        return orjson.dumps(value, default=_shown, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # lone surrogates, numbers past 64 bits
        return json.dumps(_plain(value))


def _shown(value: object) -> object:
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(raw).decode()}
    return str(value)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return _shown(value)

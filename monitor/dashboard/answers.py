"""JSON answers, and problems as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from http import HTTPStatus

import orjson
from starlette.responses import JSONResponse, Response

_HALF = re.compile("[\ud800-\udfff]")


def answer(content: object, status: int = 200) -> Response:
    return Response(to_json(content), status, media_type="application/json")


def to_json(content: object) -> bytes:
    """Rows as they are: dataclasses and named tuples become objects, instants end in Z, digests are
    hexadecimal. Half a surrogate pair, which JSON cannot hold, becomes U+FFFD."""
    try:
        return orjson.dumps(content, default=_default, option=orjson.OPT_UTC_Z)
    except TypeError:
        return orjson.dumps(_whole(content), default=_default, option=orjson.OPT_UTC_Z)


def _default(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        named = getattr(value, "_asdict", None)
        return named() if named else list(value)
    raise TypeError(type(value).__name__)


def _whole(value: object) -> object:
    """The value with every text as UTF-8 can hold it."""
    if isinstance(value, str):
        return _HALF.sub("\N{REPLACEMENT CHARACTER}", value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _whole(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _whole(item) for name, item in value._asdict().items()}
    if isinstance(value, Mapping):
        return {_whole(name): _whole(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    return value


def problem(
    status: int,
    message: str,
    mend: str | None = None,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Response:
    """``more``: members that only this kind of problem has."""
    content: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
    }
    if mend:
        content["mend"] = mend
    content.update(more or {})
    return JSONResponse(content, status, headers, media_type="application/problem+json")

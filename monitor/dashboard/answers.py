"""JSON answers, and problems as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import JSONResponse, Response


def answer(content: object, status: int = 200) -> Response:
    """Rows as they are: dataclasses and named tuples become objects, instants end in Z, digests are
    hexadecimal."""
    text = orjson.dumps(content, default=_default, option=orjson.OPT_UTC_Z)
    return Response(text, status, media_type="application/json")


def _default(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        fields = getattr(value, "_asdict", None)
        return fields() if fields else list(value)
    raise TypeError(type(value).__name__)


def problem(
    status: int, message: str, mend: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": message}
    if mend:
        content["mend"] = mend
    return JSONResponse(content, status, headers, media_type="application/problem+json")

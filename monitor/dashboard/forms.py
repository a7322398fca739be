"""Forms that change things: their tokens, and what is read of them.

A form carries a token that only a page of ours could have put there: a digest, by a secret of ours, of the
session the page was made for. Without a login that is the same for everybody who can read a page; the form to
log in by is bound to the browser it was shown in.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from monitor.dashboard.auth.principal import principal_of
from monitor.dashboard.parameters import BadParameter, NotTaken, Refused, TooLong

MOST_BYTES = 128 * 1024
TOKEN = "token"  # noqa: S105 - the field's name
BROWSER = "browser"
"""Of a request's state: the secret by which a browser that is not logged in is known again."""

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class Forms:
    """``secret``: shared by all dashboards of a database, so that each takes the others' forms."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or secrets.token_bytes(32)

    def token(self, request: Request) -> str:
        session = session_of(request).encode()
        return hmac.new(self._secret, b"form\0" + session, "sha256").hexdigest()

    async def read(self, request: Request) -> Mapping[str, str]:
        """The fields of a form that was sent from a page of ours. Raises Refused where it was not,
        BadParameter."""
        if _media(request) != _FORM:
            raise NotTaken(
                "A form is sent here.", mend=f"Programs use the addresses below /api/v1 ({_JSON})."
            )
        try:
            text = (await body_of(request)).decode()
            fields = dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100))
        except ValueError:
            raise BadParameter("The form cannot be read.") from None
        if not hmac.compare_digest(fields.pop(TOKEN, "").encode(), self.token(request).encode()):
            raise Refused(
                "This form is from another time, or from another place.",
                mend="Go back, load the page again, and send it from there. Nothing was changed.",
            )
        return fields


def session_of(request: Request) -> str:
    """Whose page it is: the session's digest; before a login, what the browser holds."""
    principal = principal_of(request)
    if principal is not None:
        return principal.session
    browser: str = getattr(request.state, BROWSER, "")
    return f"browser {browser}"


async def json_of(request: Request) -> Mapping[str, object]:
    """The object a program sends. Its media type is one that no page of another site may send unasked. Raises
    BadParameter, NotTaken."""
    if _media(request) != _JSON:
        raise NotTaken("The body has to be JSON.", mend=f"Send it as {_JSON}.")
    try:
        value = orjson.loads(await body_of(request))
    except orjson.JSONDecodeError as error:
        raise BadParameter(f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadParameter("The body is no JSON object.")
    return value


async def body_of(request: Request, most: int = MOST_BYTES) -> bytes:
    """Raises TooLong as soon as it is known to be longer than ``most``."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise TooLong(f"What is sent here may hold at most {most} bytes.")
    return bytes(body)


def _media(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()

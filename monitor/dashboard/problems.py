"""What went wrong, told to people as a page and to programs as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.commands.base import NotPossible
from monitor.dashboard.answers import problem
from monitor.dashboard.auth.errors import (
    NotAllowed,
    NotLoggedIn,
    ProviderFailed,
    TooManyAttempts,
    WrongLogin,
)
from monitor.dashboard.auth.passwords import Overloaded
from monitor.dashboard.guard import SECURITY_HEADERS
from monitor.dashboard.live import TooManyListeners
from monitor.dashboard.parameters import NotFound, NotTaken, Refused, TooLong
from monitor.dashboard.site import Site
from monitor.errors import ChoreoscopeError, InvalidInput, SourceUnavailable, StorageError
from monitor.sources.base import Busy

RETRY_SECONDS = 5
"""How soon a page that says the database is away asks again."""

STATUS: tuple[tuple[type[ChoreoscopeError], int], ...] = (
    (NotFound, 404),
    (NotPossible, 409),
    (Refused, 403),
    (NotLoggedIn, 401),
    (WrongLogin, 403),
    (NotAllowed, 403),
    (TooManyAttempts, 429),
    (Overloaded, 503),
    (ProviderFailed, 502),
    (NotTaken, 415),
    (TooLong, 413),
    (InvalidInput, 400),
    (Busy, 429),
    (TooManyListeners, 503),
    (SourceUnavailable, 503),
    (StorageError, 503),
    (ChoreoscopeError, 500),
)

HEADINGS = {
    400: "This address cannot be understood",
    401: "Not logged in",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not possible here",
    409: "Not possible now",
    413: "Too long",
    415: "Not taken here",
    429: "Too often",
    500: "The monitor made a mistake",
    502: "The provider does not answer as it should",
    503: "The database is away",
}


def handlers(site: Site) -> dict[type[Exception], partial[Coroutine[Any, Any, Response]]]:
    """For ``Starlette(exception_handlers=...)``; ``Exception`` is what nobody foresaw (its traceback goes to
    the log, never to the reader)."""
    return {
        ChoreoscopeError: partial(_known, site),
        HTTPException: partial(_http, site),
        Exception: partial(_unknown, site),
    }


async def _known(site: Site, request: Request, error: ChoreoscopeError) -> Response:
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    headers: dict[str, str] = {}
    if isinstance(error, NotLoggedIn):
        if _is_page(request):
            return to_login(request)
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(max(1, round(error.wait.total_seconds())))
    elif isinstance(error, Busy):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    elif status == 503:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return tell(site, request, status, error.message, error.mend, headers)


def _is_page(request: Request) -> bool:
    """Whether a person opens a page; a page that updates itself wants to know that it may not any more."""
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    by_browser = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    return request.method in ("GET", "HEAD") and by_browser and not path.startswith(("/api/", "/events/"))


def to_login(request: Request) -> Response:
    """On to the login, and from there to where somebody wanted to go."""
    wanted = request.url.path.removeprefix(request.scope.get("root_path", ""))
    if request.url.query:
        wanted += f"?{request.url.query}"
    query = f"?{urlencode({'next': wanted})}" if wanted not in ("", "/") else ""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/login{query}", status_code=303)


async def _http(site: Site, request: Request, error: HTTPException) -> Response:
    detail = error.detail
    if error.status_code == 404:
        detail = f"There is no page {request.url.path[:200]}."
    elif error.status_code == 405:
        detail = f"{request.method} is not answered here."
    return tell(site, request, error.status_code, detail, None, error.headers or {})


async def _unknown(site: Site, request: Request, _: Exception) -> Response:
    """Made outside all middleware, so it brings its own headers."""
    return tell(
        site,
        request,
        500,
        "Something went wrong that nobody foresaw; the log says what.",
        None,
        SECURITY_HEADERS,
    )


def tell(
    site: Site, request: Request, status: int, message: str, mend: str | None, headers: Mapping[str, str]
) -> Response:
    """The page or the JSON for it, by what was asked for."""
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    if path.startswith(("/api/", "/events/")):
        return problem(status, message, mend, headers)
    return site.render(
        request,
        "problem.html",
        status,
        headers=headers,
        title=HEADINGS.get(status, HTTPStatus(status).phrase),
        section="",
        glance=None,
        code=status,
        message=message,
        mend=mend,
        retry=RETRY_SECONDS if status == 503 else None,
    )

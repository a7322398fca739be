"""What a browser keeps for a login: its cookies, and where to go afterwards."""

from __future__ import annotations

import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard.auth.service import Auth, LoggedIn
from monitor.dashboard.forms import BROWSER

FORM_SECONDS = timedelta(hours=12)
LONGEST = 1000


def know(request: Request, auth: Auth) -> str:
    """The secret by which this browser is known before a login; a new one where it has none."""
    browser = request.cookies.get(auth.form_cookie, "")
    if not 20 <= len(browser) <= 100:
        browser = secrets.token_urlsafe(24)
    setattr(request.state, BROWSER, browser)
    return browser


def keep(response: Response, auth: Auth, name: str, value: str, lasts: timedelta | None) -> None:
    """``lasts`` None: until the browser is closed."""
    response.set_cookie(
        name,
        value,
        max_age=None if lasts is None else int(lasts.total_seconds()),
        path="/",
        secure=auth.secure,
        httponly=True,
        samesite="lax",
    )


def drop(response: Response, auth: Auth, name: str) -> None:
    response.delete_cookie(name, path="/", secure=auth.secure, httponly=True, samesite="lax")


def onwards(request: Request, wanted: str) -> str:
    """The address of ours that ``wanted`` names, below where we are mounted; the overview's for any other."""
    root: str = request.scope.get("root_path", "")
    return root + (wanted if is_ours(wanted) else "/")


def is_ours(path: str) -> bool:
    """Whether this is a path on this host, whatever a browser makes of it."""
    if not path.startswith("/") or path.startswith("//") or len(path) > LONGEST:
        return False
    if "\\" in path or not path.isascii() or not path.isprintable():
        return False
    try:
        parts = urlsplit(path)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc and not parts.path.startswith("/login")


def welcome(request: Request, auth: Auth, begun: LoggedIn, wanted: str) -> Response:
    """On to where somebody wanted to go, with their session."""
    response = RedirectResponse(onwards(request, wanted), status_code=303)
    keep(response, auth, auth.cookie, begun.secret, auth.settings.session.absolute)
    drop(response, auth, auth.form_cookie)
    return response

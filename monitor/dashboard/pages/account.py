"""One's own account: password and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard.answers import answer
from monitor.dashboard.auth import browser
from monitor.dashboard.auth.errors import TooManyAttempts, WrongLogin
from monitor.dashboard.auth.passwords import BadPassword, judge
from monitor.dashboard.auth.principal import Principal, principal_of
from monitor.dashboard.auth.service import client_of
from monitor.dashboard.pages.login import auth_of
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.site import Site
from monitor.errors import ChoreoscopeError

Fields = Mapping[str, str]


async def account(site: Site, request: Request) -> Response:
    return await _page(site, request, done=request.query_params.get("done", ""))


async def _page(
    site: Site, request: Request, status: int = 200, *, error: ChoreoscopeError | None = None, done: str = ""
) -> Response:
    auth, principal = auth_of(site), _user(request)
    assert principal.user is not None
    return await site.page(
        request,
        "account.html",
        title="Your account",
        section="account",
        status=status,
        sessions=await auth.access.sessions(principal.user, site.now()),
        this=principal.session,
        provider=None if auth.settings.oidc is None else auth.settings.oidc.name,
        error=error,
        done=done,
    )


async def password(site: Site, request: Request, fields: Fields) -> Response:
    """Set anew by who knows the old one. All other sessions end, and this one gets another secret."""
    auth, principal = auth_of(site), _user(request)
    if not principal.has_password:
        raise NotFound("Your password is kept by the provider you log in at.")
    new = fields.get("new", "")
    try:
        judge(new, principal.name)
        if new != fields.get("again", ""):
            raise BadPassword("The new password was not typed the same way twice.")  # noqa: TRY301
        await auth.confirm(principal, fields.get("password", ""), client_of(request))
    except (BadPassword, WrongLogin, TooManyAttempts) as error:
        return await _page(site, request, 400, error=error)
    hashed = await auth.passwords.hash(new)
    await auth.access.set_password(principal.name, hashed, principal.name, site.now())
    auth.forget()
    credential = await auth.access.credential(principal.name)
    if credential is None:
        raise NotFound("This user was removed just now.")
    begun = await auth.begin(credential.user, client_of(request))
    return browser.welcome(request, auth, begun, "/account?done=password")


async def end_session(site: Site, request: Request, _: Fields) -> Response:
    auth, principal = auth_of(site), _user(request)
    try:
        key = bytes.fromhex(request.path_params["session"])
    except ValueError:
        raise NotFound("There is no such session.") from None
    assert principal.user is not None
    if not await auth.access.end_session(key, principal.user, principal.name, site.now(), logout=False):
        raise NotFound("This session has ended already.")
    auth.forget()
    root = request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/account?done=session", status_code=303)


async def api_account(site: Site, request: Request) -> Response:
    """Who the token or session is; without a login, that there is none."""
    principal = principal_of(request)
    if principal is None or site.auth is None:
        return answer({"name": None, "role": "admin", "login": False, "sessions": []})
    sessions: list[dict[str, Any]] = []
    if principal.user is not None:
        held = await site.auth.access.sessions(principal.user, site.now())
        sessions = [
            {
                "id": one.digest,
                "began": one.created,
                "seen": one.seen,
                "expires": one.expires,
                "address": one.address,
                "agent": one.agent,
            }
            for one in held
        ]
    return answer({"name": principal.name, "role": principal.role, "login": True, "sessions": sessions})


def _user(request: Request) -> Principal:
    principal = principal_of(request)
    if principal is None or principal.user is None:
        raise BadParameter("A token has no account.", mend="Log in with a browser.")
    return principal

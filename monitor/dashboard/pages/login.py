"""Logging in and out."""

from __future__ import annotations

import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from monitor.dashboard.auth import browser
from monitor.dashboard.auth.began import Began
from monitor.dashboard.auth.errors import ProviderFailed, TooManyAttempts, WrongLogin
from monitor.dashboard.auth.principal import principal_of
from monitor.dashboard.auth.service import Auth, client_of, digest
from monitor.dashboard.guard import who
from monitor.dashboard.parameters import NotFound, Refused
from monitor.dashboard.site import Site, form_route, route
from monitor.errors import ChoreoscopeError

if TYPE_CHECKING:
    from monitor.dashboard.auth.provider import Provider

log = logging.getLogger(__name__)

LONGEST_PASSWORD = 1000
SSO_LASTS = timedelta(minutes=15)
"""How long a login at the provider may take."""

Fields = Mapping[str, str]


def login_routes(site: Site) -> list[Route]:
    return [
        route(site, "/login", login),
        Route("/login", partial(_sent, site), methods=["POST"]),
        route(site, "/login/sso", provider_begins),
        route(site, "/login/sso/callback", provider_answers),
        form_route(site, "/logout", log_out),
    ]


def auth_of(site: Site) -> Auth:
    if site.auth is None:
        raise NotFound(
            "There is no login here: everybody who reaches this page may do everything.",
            mend="Add auth: {local: true} to the configuration, and users by choreoscope users add.",
        )
    return site.auth


async def login(site: Site, request: Request) -> Response:
    auth = auth_of(site)
    wanted = request.query_params.get("next", "")
    if principal_of(request) is not None:
        return RedirectResponse(browser.onwards(request, wanted), status_code=303)
    return await _page(site, request, auth, wanted)


async def _sent(site: Site, request: Request) -> Response:
    auth = auth_of(site)
    browser.know(request, auth)
    try:
        fields = await site.forms.read(request)
    except Refused:
        told = Refused("This form is too old, or the browser takes no cookies.", mend="Please log in again.")
        return await _page(site, request, auth, "", "", told, 403)
    wanted, name = fields.get("next", ""), fields.get("name", "")
    if not auth.settings.local:
        raise NotFound("Nobody has a password here.")
    try:
        begun = await auth.log_in(
            name[:LONGEST_PASSWORD], fields.get("password", "")[: LONGEST_PASSWORD + 1], client_of(request)
        )
    except (WrongLogin, TooManyAttempts) as error:
        status = 429 if isinstance(error, TooManyAttempts) else 403
        return await _page(site, request, auth, wanted, name, error, status)
    return browser.welcome(request, auth, begun, wanted)


async def _page(
    site: Site,
    request: Request,
    auth: Auth,
    wanted: str,
    name: str = "",
    error: ChoreoscopeError | None = None,
    status: int = 200,
) -> Response:
    known = browser.know(request, auth)
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(max(1, round(error.wait.total_seconds())))
    response = site.render(
        request,
        "login.html",
        status,
        headers=headers,
        title="Log in",
        section="",
        glance=None,
        local=auth.settings.local,
        provider=None if auth.settings.oidc is None else auth.settings.oidc.name,
        nobody=auth.settings.local and not await auth.access.has_users(),
        wanted=wanted if browser.is_ours(wanted) else "",
        name=name[:200],
        error=error,
    )
    browser.keep(response, auth, auth.form_cookie, known, browser.FORM_SECONDS)
    return response


async def provider_begins(site: Site, request: Request) -> Response:
    """On to the provider; what its answer must fit to goes with the browser."""
    auth = auth_of(site)
    provider = _provider(auth)
    wanted = request.query_params.get("next", "")
    try:
        began = await provider.begin(_callback(auth, request))
    except ProviderFailed as error:
        log.warning("login at the provider: %s", error.message)
        return await _page(site, request, auth, wanted, "", error, 502)
    response = RedirectResponse(began.url, status_code=303, headers={"Cache-Control": "no-store"})
    kept = [began.state, began.nonce, began.verifier, wanted if browser.is_ours(wanted) else ""]
    value = urlsafe_b64encode(orjson.dumps(kept)).decode()
    browser.keep(response, auth, auth.sso_cookie, value, SSO_LASTS)
    return response


async def provider_answers(site: Site, request: Request) -> Response:
    auth = auth_of(site)
    provider = _provider(auth)
    client, wanted, known = client_of(request), "", False
    try:
        began, wanted = _began(request.cookies.get(auth.sso_cookie, ""))
        identity = await provider.finish(_callback(auth, request), request.query_params, began)
        user = await auth.access.identified(identity, site.now())
        auth.forget()
        known = True
        begun = await auth.begin(user, client)
    except (ProviderFailed, WrongLogin) as error:
        if known or await auth.failed_at_provider(client):  # of who is known it is put down by name
            log.warning("login at the provider: %s", error.message)
        status = 502 if isinstance(error, ProviderFailed) else 403
        response = await _page(site, request, auth, wanted, "", error, status)
        browser.drop(response, auth, auth.sso_cookie)
        return response
    response = browser.welcome(request, auth, begun, wanted)
    browser.drop(response, auth, auth.sso_cookie)
    return response


def _provider(auth: Auth) -> Provider:
    if auth.provider is None:
        raise NotFound("No provider is configured.", mend="Log in with a password.")
    return auth.provider


def _callback(auth: Auth, request: Request) -> str:
    """Where the provider sends the browser back to. Under which names we are asked is checked before."""
    base = auth.external_url
    if base is None:
        base = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
    return f"{base}/login/sso/callback"


def _began(cookie: str) -> tuple[Began, str]:
    """What the browser brings back; nothing that fits any answer where that is not one of ours."""
    try:
        state, nonce, verifier, wanted = (str(part) for part in orjson.loads(urlsafe_b64decode(cookie)))
    except (ValueError, TypeError):
        raise ProviderFailed(
            "This login was begun elsewhere, or too long ago.", mend="Begin it again."
        ) from None
    return Began("", state, nonce, verifier), wanted


async def log_out(site: Site, request: Request, _: Fields) -> Response:
    auth = auth_of(site)
    principal = principal_of(request)
    if principal is not None and principal.user is not None:
        key = digest(request.cookies.get(auth.cookie, ""))
        await auth.access.end_session(key, principal.user, who(request), site.now(), logout=True)
        auth.forget()
    root = request.scope.get("root_path", "")
    response = RedirectResponse(f"{root}/login", status_code=303, headers={"Clear-Site-Data": '"cache"'})
    browser.drop(response, auth, auth.cookie)
    return response

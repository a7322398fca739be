"""What stands before every request: whose name we answer to, who may change things, which headers go out."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.dashboard.answers import problem
from monitor.dashboard.auth.principal import STATE, principal_of
from monitor.domain.audit import NOBODY
from monitor.settings import DashboardSettings

Refusal = tuple[int, str, str]
"""Status, what is wrong, what to do."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PROBES = frozenset({"/livez", "/readyz", "/metrics"})
"""Answered under any name: probes and scrapers come by address, and no page can be built from them."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

ENCRYPTED = {"Strict-Transport-Security": "max-age=31536000"}


def allowed_hosts(settings: DashboardSettings) -> frozenset[str] | None:
    """Names the dashboard answers to; None: any. A page of a stranger whose name is made to point to the
    loopback (DNS rebinding) must not be able to read it. Only where the network is trusted and nobody said
    what the dashboard is called there, any name will do."""
    external = urlsplit(settings.external_url).hostname if settings.external_url else None
    if settings.trust_network and external is None:
        return None
    return LOOPBACK | {settings.host.strip("[]").lower()} | ({external} if external else set())


def is_secure(settings: DashboardSettings) -> bool:
    """Whether browsers reach it by https."""
    return settings.external_url is not None and urlsplit(settings.external_url).scheme == "https"


def own_origins(settings: DashboardSettings) -> frozenset[str]:
    """Host and port of pages that are ours though the request names another host, as behind a proxy."""
    external = urlsplit(settings.external_url).netloc if settings.external_url else ""
    return frozenset({external.lower()} if external else ())


def may_not_change(headers: Headers, own: Collection[str] = ()) -> Refusal | None:
    """Whether a request that changes anything is refused whoever sends it, as pages of other sites are: None
    where it is not. ``own``: as :func:`own_origins` gives it. Which role it needs is the gate's business
    (:mod:`monitor.dashboard.auth.needs`)."""
    if _from_elsewhere(headers, own):
        return (403, "A page of another site may not send this.", "Programs send no Origin header.")
    return None


def who(request: HTTPConnection) -> str:
    """Who is at it, for the audit: a user's name, ``token:`` and a token's, or ``local`` without a login."""
    principal = principal_of(request)
    return NOBODY if principal is None else principal.name


def host_name(host: str) -> str:
    """The name in a ``Host`` header, without port and brackets."""
    name = host.rsplit("]", 1)[0].lstrip("[") if host.startswith("[") else host.rsplit(":", 1)[0]
    return name.lower()


class Guard:
    """ASGI middleware; ``hosts`` as :func:`allowed_hosts` gives them, ``own`` as :func:`own_origins` does.
    ``secure``: browsers are told to come by https only. ``login``: nobody is anybody until the gate says
    so."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] | None,
        own: Collection[str] = (),
        *,
        secure: bool = False,
        login: bool = False,
    ) -> None:
        self.app = app
        self._hosts = hosts
        self._own = own
        self._login = login
        self._headers = {**SECURITY_HEADERS, **ENCRYPTED} if secure else SECURITY_HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        if self._login:
            scope.setdefault("state", {})[STATE] = None
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        answer = self.app if refusal is None else problem(*refusal)
        await answer(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        host = headers.get("host", "")
        if self._hosts is not None and scope["path"] not in PROBES and host_name(host) not in self._hosts:
            return (
                421,
                f"The dashboard does not answer to the name {host[:200]!r}.",
                "Use http://localhost, or set dashboard.external_url to the name it is reached by.",
            )
        return may_not_change(headers, self._own) if scope["method"] not in SAFE else None


def _from_elsewhere(headers: Headers, own: Collection[str]) -> bool:
    """Whether a browser says that a foreign page sends this."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        named = urlsplit(origin).netloc.lower()
    except ValueError:
        return True
    return named != headers.get("host", "").lower() and named not in own

"""What stands before every request: whose name we answer to, which sites may post, which headers go out."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.dashboard.answers import problem
from monitor.settings import DashboardSettings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
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


def allowed_hosts(settings: DashboardSettings) -> frozenset[str] | None:
    """Names the dashboard answers to; None: any. A page of a stranger whose name is made to point to the
    loopback (DNS rebinding) must not be able to read it. Only where the network is trusted and nobody said
    what the dashboard is called there, any name will do."""
    external = urlsplit(settings.external_url).hostname if settings.external_url else None
    if settings.trust_network and external is None:
        return None
    return LOOPBACK | {settings.host.strip("[]").lower()} | ({external} if external else set())


def host_name(host: str) -> str:
    """The name in a ``Host`` header, without port and brackets."""
    name = host.rsplit("]", 1)[0].lstrip("[") if host.startswith("[") else host.rsplit(":", 1)[0]
    return name.lower()


class Guard:
    """ASGI middleware; ``hosts`` as :func:`allowed_hosts` gives them."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self.app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        answer = self.app if refusal is None else problem(*refusal)
        await answer(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        if self._hosts is not None and scope["path"] not in PROBES and host_name(host) not in self._hosts:
            return (
                421,
                f"The dashboard does not answer to the name {host[:200]!r}.",
                "Use http://localhost, or set dashboard.external_url to the name it is reached by.",
            )
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and _from_elsewhere(headers, host):
            return (403, "A page of another site may not send this.", "Programs send no Origin header.")
        return None


def _from_elsewhere(headers: Headers, host: str) -> bool:
    """Whether a browser says that a foreign page sends this."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != host.lower()

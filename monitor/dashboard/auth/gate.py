"""The gate before every route: finds out who asks, and whether they may."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.dashboard.auth.errors import NotAllowed, NotLoggedIn
from monitor.dashboard.auth.needs import Need, Open, needs
from monitor.dashboard.auth.principal import STATE
from monitor.dashboard.auth.service import Auth


def gated(routes: Iterable[BaseRoute], auth: Auth | None) -> list[BaseRoute]:
    """The same routes, each behind the gate; without ``auth`` there is none. Raises TypeError for a kind of
    route that nobody knows how to guard."""
    found = list(routes)
    if auth is not None:
        for route in found:
            if not isinstance(route, Route | Mount):
                raise TypeError(f"{route!r} cannot be guarded")
            route.app = _Gate(route.app, route.path, auth)
    return found


class _Gate:
    def __init__(self, app: ASGIApp, path: str, auth: Auth) -> None:
        self._app = app
        self._path = path
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        need = needs(self._path, scope["method"], self._auth.settings)
        await self._check(scope, need)
        await self._app(scope, receive, send)

    async def _check(self, scope: Scope, need: Need) -> None:
        """Raises NotLoggedIn, NotAllowed; for routes that need no role, what is found out is only noted."""
        if self._path in ("/static", "/livez"):  # answered however the database is
            return
        principal = await self._auth.principal(HTTPConnection(scope))
        scope.setdefault("state", {})[STATE] = principal
        if isinstance(need, Open):
            return
        if principal is None:
            raise NotLoggedIn
        if not principal.role.covers(need):
            raise NotAllowed(
                f"This needs the role {need.value}; yours is {principal.role.value}.",
                mend="An admin can give it to you.",
            )

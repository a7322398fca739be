"""The table of who may use which route. Pure; a test goes over every route and every role.

Who reads must be a viewer, who changes anything an operator; what is otherwise is named here. Routes are
named by the path they are declared with, so what decides who may is what decides where a request goes.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from monitor.dashboard.receive import EVENTS, OPTIMIZE
from monitor.domain.access import Role
from monitor.settings.auth import AuthSettings


class Open(Enum):
    """Routes that ask for no role."""

    PUBLIC = "public"
    SOURCE = "source"
    """Takes events: by the token of an http source, else by an API token of an operator."""


Need = Role | Open

READS: Final = frozenset({"GET", "HEAD"})

_ANY_METHOD: Final[dict[str, Need]] = {
    "/livez": Open.PUBLIC,
    "/readyz": Open.PUBLIC,
    "/static": Open.PUBLIC,
    "/login": Open.PUBLIC,
    "/login/sso": Open.PUBLIC,
    "/login/sso/callback": Open.PUBLIC,
    EVENTS: Open.SOURCE,
    OPTIMIZE: Open.SOURCE,
    # one's own
    "/logout": Role.VIEWER,
    "/account": Role.VIEWER,
    "/account/password": Role.VIEWER,
    "/account/sessions/{session}/end": Role.VIEWER,
    # what may hold data that is not meant to be kept, and who did what from where
    "/inbox/{id}/discard": Role.OPERATOR,
    "/inbox/discard": Role.OPERATOR,
    "/silences/new": Role.OPERATOR,
    "/api/v1/inbox/{id}/body": Role.OPERATOR,
    "/audit": Role.OPERATOR,
    "/api/v1/audit": Role.OPERATOR,
    # whoever sees harm done may stop commands; letting them go again is another matter
    "/commands/resume": Role.ADMIN,
    "/api/v1/commands/resume": Role.ADMIN,
}

_ADMIN: Final = ("/admin/", "/api/v1/admin/")
"""Whatever lies below is for admins only."""

_BADGES: Final = "/badges/"


def needs(path: str, method: str, settings: AuthSettings | None = None) -> Need:
    """What a route, by its declared path, asks of whoever uses it."""
    if (named := _ANY_METHOD.get(path)) is not None:
        return named
    if path.startswith(_ADMIN):
        return Role.ADMIN
    public = settings.public if settings is not None else ()
    if path == "/metrics" and "metrics" in public:
        return Open.PUBLIC
    if path.startswith(_BADGES) and "badges" in public:
        return Open.PUBLIC
    return Role.VIEWER if method in READS else Role.OPERATOR

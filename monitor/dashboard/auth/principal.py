"""Who is behind a request."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from monitor.domain.access import Role
from monitor.domain.audit import LOCAL

STATE = "principal"


@dataclass(frozen=True, slots=True)
class Principal:
    """``name`` is what the audit says. ``session``: the digest of the session, in hexadecimal, empty for a
    token. ``user``: its number; None for a token. ``has_password``: kept here, not at a provider."""

    name: str
    role: Role
    session: str = ""
    user: int | None = None
    has_password: bool = False


ANYBODY = Principal(LOCAL, Role.ADMIN)
"""Everybody, where there is no login."""


def principal_of(connection: HTTPConnection) -> Principal | None:
    """None: somebody who is not logged in, on a page that does not need it."""
    found: Principal | None = connection.scope.get("state", {}).get(STATE, ANYBODY)
    return found


def may(connection: HTTPConnection, role: Role) -> bool:
    principal = principal_of(connection)
    return principal is not None and principal.role.covers(role)

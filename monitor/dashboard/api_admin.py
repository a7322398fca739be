"""Users and tokens below ``/api/v1/admin``, and one's own account."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.answers import answer
from monitor.dashboard.forms import json_of
from monitor.dashboard.pages import admin
from monitor.dashboard.pages.account import api_account
from monitor.dashboard.pages.login import auth_of
from monitor.dashboard.parameters import BadParameter
from monitor.dashboard.site import Handler, Site
from monitor.storage.access import ApiToken, User


async def users(site: Site, request: Request) -> Response:
    part = parameters.slice_of(request.query_params)
    found = await auth_of(site).access.users(site.now(), part.cursor, part.limit)
    return answer({"items": [_user(row) for row in found.rows], "next": found.next})


async def add_user(site: Site, request: Request) -> Response:
    given = await json_of(request)
    name, role, password = (_text(given.get(key), key) for key in ("name", "role", "password"))
    once = await admin.add_user(site, request, name or "", role or "viewer", password)
    return answer({"name": once.name, "password": once.secret or None}, 201)


async def change_user(site: Site, request: Request) -> Response:
    given = await json_of(request)
    disabled = given.get("disabled")
    if disabled is not None and not isinstance(disabled, bool):
        raise BadParameter("disabled is neither true nor false.")
    await admin.change_user(site, request, _text(given.get("role"), "role"), disabled)
    return answer({"name": request.path_params["name"]})


async def reset_password(site: Site, request: Request) -> Response:
    await json_of(request)
    once = await admin.reset_password(site, request)
    return answer({"name": once.name, "password": once.secret})


async def remove_user(site: Site, request: Request) -> Response:
    await json_of(request)
    await admin.remove_user(site, request)
    return answer({"name": request.path_params["name"]})


async def tokens(site: Site, request: Request) -> Response:
    part = parameters.slice_of(request.query_params)
    found = await auth_of(site).access.tokens(part.cursor, part.limit)
    return answer({"items": [_token(row) for row in found.rows], "next": found.next})


async def make_token(site: Site, request: Request) -> Response:
    given = await json_of(request)
    name, role = _text(given.get("name"), "name"), _text(given.get("role"), "role")
    days = given.get("days", 365)
    if days is not None and (isinstance(days, bool) or not isinstance(days, int)):
        raise BadParameter("days is no whole number.", mend="null stands for: until it is revoked.")
    made = await admin.make_token(site, request, name or "", role or "viewer", days)
    return answer({**_token(made.token), "token": made.secret}, 201)


async def revoke_token(site: Site, request: Request) -> Response:
    await json_of(request)
    return answer({"id": await admin.revoke_token(site, request)})


READ: tuple[tuple[str, Handler], ...] = (
    ("/account", api_account),
    ("/admin/users", users),
    ("/admin/tokens", tokens),
)
CHANGE: tuple[tuple[str, Handler], ...] = (
    ("/admin/users", add_user),
    ("/admin/users/{name}", change_user),
    ("/admin/users/{name}/password", reset_password),
    ("/admin/users/{name}/remove", remove_user),
    ("/admin/tokens", make_token),
    ("/admin/tokens/{id}/revoke", revoke_token),
)


def _user(row: User) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "provider": row.issuer,
        "role": row.role,
        "disabled": row.disabled,
        "created": row.created,
        "last_login": row.last_login,
        "sessions": row.sessions,
    }


def _token(row: ApiToken) -> dict[str, object]:
    return row._asdict()


def _text(value: object, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise BadParameter(f"{name} is no text.")
    return value or None

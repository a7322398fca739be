"""Who may log in, and which programs may ask: for admins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard import parameters
from monitor.dashboard.auth.passwords import generated, judge
from monitor.dashboard.auth.service import TOKEN_SHOWN, Auth, digest, new_token
from monitor.dashboard.guard import who
from monitor.dashboard.pages.login import auth_of
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.site import Site
from monitor.domain.access import LONGEST_NAME, Role, user_name
from monitor.errors import InvalidInput
from monitor.storage.access import ApiToken

LONGEST_DAYS = 3650

Fields = Mapping[str, str]


class Once(NamedTuple):
    """A secret that is shown this once."""

    name: str
    secret: str


class Made(NamedTuple):
    token: ApiToken
    secret: str


# pages ----------------------------------------------------------------------------------------------------


async def users(site: Site, request: Request) -> Response:
    return await _users(site, request)


async def _users(
    site: Site,
    request: Request,
    status: int = 200,
    *,
    once: Once | None = None,
    error: InvalidInput | None = None,
    given: Fields | None = None,
) -> Response:
    auth = auth_of(site)
    part = parameters.slice_of(request.query_params)
    response = await site.page(
        request,
        "users.html",
        title="Users",
        section="users",
        status=status,
        found=await auth.access.users(site.now(), part.cursor, part.limit),
        first_page=part.cursor is None,
        roles=[role.value for role in Role],
        local=auth.settings.local,
        provider=auth.settings.oidc,
        once=once,
        error=error,
        given=given or {},
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def tokens(site: Site, request: Request) -> Response:
    return await _tokens(site, request)


async def _tokens(
    site: Site,
    request: Request,
    status: int = 200,
    *,
    once: Once | None = None,
    error: InvalidInput | None = None,
    given: Fields | None = None,
) -> Response:
    auth = auth_of(site)
    part = parameters.slice_of(request.query_params)
    response = await site.page(
        request,
        "tokens.html",
        title="API tokens",
        section="tokens",
        status=status,
        found=await auth.access.tokens(part.cursor, part.limit),
        first_page=part.cursor is None,
        roles=[role.value for role in Role],
        once=once,
        error=error,
        given=given or {},
    )
    response.headers["Cache-Control"] = "no-store"
    return response


# forms ----------------------------------------------------------------------------------------------------


async def add(site: Site, request: Request, fields: Fields) -> Response:
    name, role = fields.get("name", ""), fields.get("role", "")
    try:
        once = await add_user(site, request, name, role, fields.get("password") or None)
    except InvalidInput as error:
        return await _users(site, request, 400, error=error, given=fields)
    return await _users(site, request, once=once) if once.secret else _back(request, "users")


async def role(site: Site, request: Request, fields: Fields) -> Response:
    return await _changed(site, request, role=fields.get("role", ""))


async def disable(site: Site, request: Request, _: Fields) -> Response:
    return await _changed(site, request, disabled=True)


async def enable(site: Site, request: Request, _: Fields) -> Response:
    return await _changed(site, request, disabled=False)


async def _changed(
    site: Site, request: Request, *, role: str | None = None, disabled: bool | None = None
) -> Response:
    try:
        await change_user(site, request, role, disabled)
    except InvalidInput as error:
        return await _users(site, request, 400, error=error)
    return _back(request, "users")


async def set_password(site: Site, request: Request, _: Fields) -> Response:
    try:
        once = await reset_password(site, request)
    except InvalidInput as error:
        return await _users(site, request, 400, error=error)
    return await _users(site, request, once=once)


async def remove(site: Site, request: Request, _: Fields) -> Response:
    try:
        await remove_user(site, request)
    except InvalidInput as error:
        return await _users(site, request, 400, error=error)
    return _back(request, "users")


async def create(site: Site, request: Request, fields: Fields) -> Response:
    days = fields.get("days", "").strip()
    try:
        lasts = None if not days else parameters.whole(fields, "days")
        made = await make_token(site, request, fields.get("name", ""), fields.get("role", ""), lasts)
    except InvalidInput as error:
        return await _tokens(site, request, 400, error=error, given=fields)
    return await _tokens(site, request, once=Once(made.token.name, made.secret))


async def revoke(site: Site, request: Request, _: Fields) -> Response:
    await revoke_token(site, request)
    return _back(request, "tokens")


def _back(request: Request, where: str) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/admin/{where}", status_code=303)


# shared with the API --------------------------------------------------------------------------------------


async def add_user(site: Site, request: Request, name: str, role: str, password: str | None) -> Once:
    """Without ``password`` one is made up, and told. Raises InvalidInput."""
    auth = auth_of(site)
    called, wanted = _name(name), _role(role)
    if not auth.settings.local:
        raise BadParameter("Nobody has a password here.", mend="Users come with their first login.")
    given = password or generated()
    judge(given, called)
    await auth.access.add_user(called, await auth.passwords.hash(given), wanted, who(request), site.now())
    return Once(called, "" if password else given)


async def change_user(site: Site, request: Request, role: str | None, disabled: bool | None) -> None:
    auth, name = auth_of(site), request.path_params["name"]
    if role is not None:
        await auth.access.set_role(name, _role(role), who(request), site.now())
        auth.forget()
    if disabled is not None:
        await auth.access.set_disabled(name, disabled, who(request), site.now())
        auth.forget()


async def reset_password(site: Site, request: Request) -> Once:
    auth, name = auth_of(site), request.path_params["name"]
    password = generated()
    hashed = await auth.passwords.hash(password)
    await auth.access.set_password(name, hashed, who(request), site.now())
    auth.forget()
    return Once(name, password)


async def remove_user(site: Site, request: Request) -> None:
    auth = auth_of(site)
    await auth.access.remove_user(request.path_params["name"], who(request), site.now())
    auth.forget()


async def make_token(site: Site, request: Request, name: str, role: str, days: int | None) -> Made:
    """``days`` None: until it is revoked. Raises InvalidInput."""
    auth: Auth = auth_of(site)
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise BadParameter(f"A token lasts 1 to {LONGEST_DAYS} days, or until it is revoked.")
    called, wanted, secret, now = _name(name), _role(role), new_token(), site.now()
    expires = None if days is None else now + timedelta(days=days)
    shown = secret[:TOKEN_SHOWN]
    made = await auth.access.create_token(called, digest(secret), shown, wanted, expires, who(request), now)
    return Made(made, secret)


async def revoke_token(site: Site, request: Request) -> int:
    auth = auth_of(site)
    number = parameters.identifier(request.path_params["id"], "token")
    if not await auth.access.revoke_token(number, who(request), site.now()):
        raise NotFound(f"There is no valid token {number}.")
    auth.forget()
    return number


def _name(name: str) -> str:
    called = user_name(name)
    if called is None:
        raise BadParameter(
            "This cannot be a name.",
            mend=f"It has 1 to {LONGEST_NAME} characters, no blanks, none of : / \\ < > \" ', and is neither"
            " local nor nobody.",
        )
    return called


def _role(role: str) -> Role:
    if role not in [one.value for one in Role]:
        raise BadParameter("There is no such role.", mend="It may be viewer, operator or admin.")
    return Role(role)

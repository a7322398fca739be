"""Silences: what is not told for a while."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard import alert_desk, parameters
from monitor.dashboard.alert_desk import DURATIONS
from monitor.dashboard.alert_requests import desk_of
from monitor.dashboard.guard import who
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.site import Site

IN_FORCE = 200
"""Silences that are not over, on one page."""

Fields = Mapping[str, str]


async def silence_list(site: Site, request: Request) -> Response:
    part = parameters.slice_of(request.query_params)
    store, now = desk_of(site).store, site.now()
    first_page = part.cursor is None
    return await site.page(
        request,
        "silences.html",
        title="Silences",
        section="alerts",
        now_on=(await store.silences(None, IN_FORCE, over=False, now=now)).rows if first_page else (),
        found=await store.silences(part.cursor, part.limit, over=True, now=now),
        first_page=first_page,
    )


async def silence_form(site: Site, request: Request) -> Response:
    desk_of(site)
    return await _form(site, request, {"matchers": request.query_params.get("matchers", "")[:2000]})


async def create(site: Site, request: Request, fields: Fields) -> Response:
    desk = desk_of(site)
    try:
        wish = alert_desk.wish_of(fields, site.now())
    except BadParameter as error:
        return await _form(site, request, fields, error)
    await desk.store.silence(wish.matchers, wish.starts, wish.ends, wish.comment, who(request), site.now())
    return RedirectResponse(f"{request.scope.get('root_path', '')}/silences", status_code=303)


async def expire(site: Site, request: Request, _: Fields) -> Response:
    number = parameters.identifier(request.path_params["id"], "silence")
    if not await desk_of(site).store.expire(number, who(request), site.now()):
        raise NotFound("This silence is over.", mend="Load the list again.")
    return RedirectResponse(f"{request.scope.get('root_path', '')}/silences", status_code=303)


async def _form(site: Site, request: Request, given: Fields, error: BadParameter | None = None) -> Response:
    return await site.page(
        request,
        "silence_new.html",
        title="Silence",
        section="alerts",
        status=200 if error is None else 400,
        given={"matchers": "", "duration": "4h", "comment": "", **given},
        error=error,
        durations=DURATIONS,
    )

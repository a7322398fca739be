"""Who is told, how they stand, and each message to them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.alerts.sample import sample
from monitor.dashboard import alert_requests, parameters
from monitor.dashboard.alert_requests import desk_of
from monitor.dashboard.guard import who
from monitor.dashboard.parameters import NotFound
from monitor.dashboard.site import Site

Fields = Mapping[str, str]


async def receiver_list(site: Site, request: Request) -> Response:
    desk = desk_of(site)
    part = parameters.slice_of(request.query_params)
    receiver = parameters.text(request.query_params, "receiver")
    return await site.page(
        request,
        "receivers.html",
        title="Receivers",
        section="alerts",
        rows=await alert_requests.receiver_rows(site),
        receiver=receiver,
        found=await desk.store.notifications(receiver, part.cursor, part.limit),
        first_page=part.cursor is None,
    )


async def notification(site: Site, request: Request) -> Response:
    desk = desk_of(site)
    number = parameters.identifier(request.path_params["id"], "message")
    found = await desk.store.notification(number, desk.external_url)
    if found is None:
        raise NotFound(f"There is no message {number}, or no longer.")
    row, sent, attempts = found
    return await site.page(
        request,
        "notification.html",
        title=f"Message to {row.receiver}",
        section="alerts",
        row=row,
        sent=sent,
        attempts=attempts,
    )


async def resend(site: Site, request: Request, _: Fields) -> Response:
    number = await send_again(site, request)
    return RedirectResponse(f"{request.scope.get('root_path', '')}/notifications/{number}", status_code=303)


async def enable(site: Site, request: Request, _: Fields) -> Response:
    await try_again(site, request)
    return _back(request)


async def test(site: Site, request: Request, _: Fields) -> Response:
    number = await send_sample(site, request)
    return RedirectResponse(f"{request.scope.get('root_path', '')}/notifications/{number}", status_code=303)


async def send_again(site: Site, request: Request) -> int:
    """Raises NotFound."""
    number = parameters.identifier(request.path_params["id"], "message")
    if not await desk_of(site).store.resend(number, who(request), site.now()):
        raise NotFound(f"There is no message {number} that could be sent again.")
    return number


async def try_again(site: Site, request: Request) -> str:
    """Raises NotFound."""
    name = await alert_requests.receiver_of(site, request)
    if not await desk_of(site).store.enable(name, who(request), site.now()):
        raise NotFound(f"The receiver {name} is not disabled.")
    return name


async def send_sample(site: Site, request: Request) -> int:
    """Raises NotFound."""
    name, desk = await alert_requests.receiver_of(site, request), desk_of(site)
    made = sample(name, desk.external_url, site.now(), uuid4().hex)
    return await desk.store.test(name, made.id, made.alerts, who(request), site.now())


def _back(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/receivers", status_code=303)

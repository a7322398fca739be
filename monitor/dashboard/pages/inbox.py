"""The inbox: what could not be placed, in groups and one by one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import body, parameters
from monitor.dashboard.parameters import NotFound
from monitor.dashboard.site import Site


async def inbox(site: Site, request: Request) -> Response:
    wanted = parameters.inbox_filter(request.query_params)
    part = parameters.slice_of(request.query_params)
    return await site.page(
        request,
        "inbox.html",
        title="Inbox",
        section="inbox",
        groups=await site.views.inbox_groups(),
        found=await site.views.inbox(wanted.reason, wanted.type, part.cursor, part.limit),
        wanted=wanted,
        first_page=part.cursor is None,
    )


async def item(site: Site, request: Request) -> Response:
    number = parameters.identifier(request.path_params["id"], "message")
    row = await site.views.inbox_item(number)
    if row is None:
        raise NotFound(
            f"There is no message {number} in the inbox.", mend="It may have been removed meanwhile."
        )
    key = body.show(row.message_key) if row.message_key is not None else None
    return await site.page(
        request,
        "inbox_item.html",
        title=f"Message {number}",
        section="inbox",
        item=row,
        shown=body.show(row.body),
        message_key=key,
    )

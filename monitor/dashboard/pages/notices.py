"""Notices: what people should know that is about no single trace, such as spells of blindness."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.site import Site


async def notice_list(site: Site, request: Request) -> Response:
    kind = parameters.notice_kind(request.query_params)
    part = parameters.slice_of(request.query_params)
    return await site.page(
        request,
        "notices.html",
        title="Notices",
        section="notices",
        found=await site.views.notices(kind, part.cursor, part.limit),
        kind=kind,
        first_page=part.cursor is None,
    )

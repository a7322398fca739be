"""Notices: what people should know that is about no single trace, such as spells of blindness."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.site import Site

LASTING = 200
"""Lasting notices shown; of one kind and subject there is one, so there are as many as there are troubles."""


async def notice_list(site: Site, request: Request) -> Response:
    kind = parameters.notice_kind(request.query_params)
    part = parameters.slice_of(request.query_params)
    first_page = part.cursor is None
    lasting = (await site.views.notices(kind, limit=LASTING, ended=False)).rows if first_page else ()
    return await site.page(
        request,
        "notices.html",
        title="Notices",
        section="notices",
        lasting=lasting,
        found=await site.views.notices(kind, part.cursor, part.limit, ended=True),
        kind=kind,
        first_page=first_page,
    )

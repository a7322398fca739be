"""Every finding of every trace, the newest first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.site import Site


async def finding_list(site: Site, request: Request) -> Response:
    wanted = parameters.finding_filter(request.query_params)
    part = parameters.slice_of(request.query_params)
    return await site.page(
        request,
        "findings.html",
        title="Findings",
        section="findings",
        found=await site.views.findings(wanted, part.cursor, part.limit),
        wanted=wanted,
        flows=await site.views.flows(),
        first_page=part.cursor is None,
    )

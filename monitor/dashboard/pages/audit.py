"""The audit: who changed what."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.site import Site
from monitor.dashboard.words import ACTIONS


async def audit(site: Site, request: Request) -> Response:
    action = parameters.choice(request.query_params, "action", ACTIONS)
    part = parameters.slice_of(request.query_params)
    return await site.page(
        request,
        "audit.html",
        title="Audit",
        section="audit",
        found=await site.views.audit(action, part.cursor, part.limit),
        action=action,
        first_page=part.cursor is None,
    )

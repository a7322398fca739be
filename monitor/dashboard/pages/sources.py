"""The sources: how far each is read, and which are blind."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard.site import Site


async def source_list(site: Site, request: Request) -> Response:
    return await site.page(request, "sources.html", title="Sources", section="sources")

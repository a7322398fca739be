"""The first page: what needs attention, then the flows, then what happened last."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard.site import Site
from monitor.storage.views import TraceFilter, TraceRow

ATTENTION = 12
RECENT = 10

WANTED = (
    TraceFilter(sla="breached"),
    TraceFilter(sla="at_risk"),
    TraceFilter(verdict="deviating", state="open"),
)


async def overview(site: Site, request: Request) -> Response:
    views = site.views
    attention: dict[int, TraceRow] = {}
    for wanted in WANTED:
        attention.update((row.id, row) for row in (await views.traces(wanted, limit=ATTENTION)).rows)
    return await site.page(
        request,
        "overview.html",
        title="Overview",
        section="overview",
        attention=list(attention.values())[:ATTENTION],
        flows=await views.flows(),
        recent=(await views.traces(TraceFilter(), limit=RECENT)).rows,
    )

"""Traces by how their SLA clocks stand, the worst first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.site import Site
from monitor.storage.views import TraceFilter

STATES = ("breached", "at_risk", "running", "missed", "met")


async def sla_list(site: Site, request: Request) -> Response:
    query = request.query_params
    state = parameters.choice(query, "state", STATES) or STATES[0]
    flow = parameters.text(query, "flow")
    part = parameters.slice_of(query)
    found = await site.views.traces(TraceFilter(sla=state, flow=flow), part.cursor, part.limit)
    return await site.page(
        request,
        "slas.html",
        title="SLAs",
        section="slas",
        found=found,
        evaluated=[one for one in await site.evaluations() if flow in (None, one.flow)],
        state=state,
        states=STATES,
        flow=flow,
        flows=await site.views.flows(),
        first_page=part.cursor is None,
    )

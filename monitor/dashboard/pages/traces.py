"""The trace list."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.site import Site

_FILTERS = ("q", "flow", "state", "verdict", "finding", "sla", "within", "since", "until", "sort", "limit")
_NO_FILTERS = ("sort", "limit")


async def trace_list(site: Site, request: Request) -> Response:
    wanted = parameters.trace_filter(request.query_params, site.now())
    part = parameters.slice_of(request.query_params)
    found = await site.views.traces(wanted, part.cursor, part.limit)
    given = {name: parameters.text(request.query_params, name) for name in _FILTERS}
    return await site.page(
        request,
        "traces.html",
        title="Traces",
        section="traces",
        found=found,
        given=given,
        filtered=any(value for name, value in given.items() if name not in _NO_FILTERS),
        first_page=part.cursor is None,
        flows=await site.views.flows(),
        sla_states=parameters.SLA_STATES,
    )

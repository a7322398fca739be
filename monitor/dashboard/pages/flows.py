"""The expected flows: which there are, how their traces fare, what each looks like."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard.parameters import NotFound
from monitor.dashboard.site import Site
from monitor.storage.views import FlowRow, TraceFilter

RECENT = 10


async def flow_list(site: Site, request: Request) -> Response:
    return await site.page(
        request, "flows.html", title="Flows", section="flows", flows=await site.views.flows()
    )


async def find_flow(site: Site, key: str) -> FlowRow:
    for row in await site.views.flows():
        if row.key == key:
            return row
    raise NotFound(f"There is no flow {key[:100]}.", mend="Flows come from the models in the configuration.")


async def flow(site: Site, request: Request) -> Response:
    row = await find_flow(site, request.path_params["key"])
    return await site.page(
        request,
        "flow.html",
        title=row.name or row.key,
        section="flows",
        flow=row,
        judged_to=await site.judged_to(row.key),
        picture=await site.pictures.flow(row.id),
        labels=sorted((await site.pictures.labels(row.id)).items()),
        recent=(await site.views.traces(TraceFilter(flow=row.key), limit=RECENT)).rows,
    )

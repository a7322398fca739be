"""The search box: straight to the trace where what was typed is exactly its key, else to the list."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard import parameters
from monitor.dashboard.site import Site
from monitor.dashboard.templating import query
from monitor.storage.views import TraceFilter, Views

LOOK = 20
"""So many traces are looked at to tell which one is meant."""


async def search(site: Site, request: Request) -> Response:
    root = request.scope.get("root_path", "")
    wanted = parameters.text(request.query_params, "q")
    found = await meant(site.views, wanted) if wanted else None
    address = f"/traces/{found}" if found is not None else f"/traces{query({'q': wanted})}"
    return RedirectResponse(f"{root}{address}", 303)


async def meant(views: Views, wanted: str) -> int | None:
    """The one trace whose key is exactly this, else the one of which another key, an event id or a kept
    attribute is; None where there is none or several."""
    found = await views.traces(TraceFilter(search=exactly(wanted)), limit=LOOK)
    named = [row.id for row in found.rows if wanted in (row.key, row.key.partition("=")[2])]
    some = named or [row.id for row in found.rows]
    return some[0] if len(some) == 1 and found.next is None else None


def exactly(wanted: str) -> str:
    """What was typed, as a search that finds nothing that only begins with it. Terms with names or quotes say
    what they mean already."""
    if "=" in wanted or '"' in wanted:
        return wanted
    return '"{}"'.format(wanted.replace("\\", "\\\\"))

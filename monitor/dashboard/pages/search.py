"""The search box: straight to the trace where what was typed is exactly its key, else to the list."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard import parameters
from monitor.dashboard.site import Site
from monitor.dashboard.templating import query
from monitor.storage.views import TraceFilter, TraceRow, Views

LOOK = 20
NAMES = 5
"""So many traces are looked at, and so many names of keys tried, to tell which one is meant."""


async def search(site: Site, request: Request) -> Response:
    root = request.scope.get("root_path", "")
    wanted = parameters.text(request.query_params, "q")
    found = await meant(site.views, wanted) if wanted else None
    address = f"/traces/{found}" if found is not None else f"/traces{query({'q': wanted})}"
    return RedirectResponse(f"{root}{address}", 303)


async def meant(views: Views, wanted: str) -> int | None:
    """The one trace whose key, or one of whose keys or event ids, is exactly this; None where there is none
    or several. A search finds what begins with it, too: of many only those with the same names of keys are
    tried."""
    found = await views.traces(TraceFilter(search=wanted), limit=LOOK)
    rows: Sequence[TraceRow] = found.rows
    if found.next is not None:
        rows = [row for name in _names(rows) for row in await _exactly(views, name, wanted)]
    exact = {row.id for row in rows if wanted in (row.key, row.key.partition("=")[2])}
    if not exact and len(rows) == 1:
        detail = await views.trace(rows[0].id)
        if detail is not None and (
            any(wanted in (key.value, f"{key.name}={key.value}") for key in detail.keys)
            or any(event.event_id == wanted for event in detail.events)
        ):
            exact = {rows[0].id}
    return exact.pop() if len(exact) == 1 else None


def _names(rows: Sequence[TraceRow]) -> Sequence[str]:
    names = dict.fromkeys(row.key.partition("=")[0] for row in rows if "=" in row.key)
    return list(names)[:NAMES]


async def _exactly(views: Views, name: str, value: str) -> Sequence[TraceRow]:
    return (await views.traces(TraceFilter(search=f"{name}={value}"), limit=2)).rows

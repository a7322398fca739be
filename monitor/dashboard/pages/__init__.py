"""The HTML pages, one module for each part of the navigation."""

from __future__ import annotations

from starlette.routing import Route

from monitor.dashboard.pages import (
    findings,
    flows,
    inbox,
    notices,
    overview,
    search,
    slas,
    sources,
    trace,
    traces,
)
from monitor.dashboard.site import Handler, Site, page_route

PAGES: tuple[tuple[str, Handler], ...] = (
    ("/", overview.overview),
    ("/traces", traces.trace_list),
    ("/traces/{id}", trace.trace),
    ("/flows", flows.flow_list),
    ("/flows/{key}", flows.flow),
    ("/slas", slas.sla_list),
    ("/findings", findings.finding_list),
    ("/inbox", inbox.inbox),
    ("/inbox/{id}", inbox.item),
    ("/sources", sources.source_list),
    ("/notices", notices.notice_list),
    ("/search", search.search),
)


def page_routes(site: Site) -> list[Route]:
    return [page_route(site, path, handler) for path, handler in PAGES]

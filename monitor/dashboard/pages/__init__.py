"""The HTML pages, one module for each part of the navigation."""

from __future__ import annotations

from starlette.routing import Route

from monitor.dashboard.pages import (
    acknowledge,
    audit,
    findings,
    flow,
    flow_compare,
    flows,
    inbox,
    login,
    notices,
    overview,
    search,
    slas,
    sources,
    trace,
    traces,
)
from monitor.dashboard.site import FormHandler, Handler, Site, form_route, page_route

PAGES: tuple[tuple[str, Handler], ...] = (
    ("/", overview.overview),
    ("/traces", traces.trace_list),
    ("/traces/{id}", trace.trace),
    ("/flows", flows.flow_list),
    ("/flows/{key}", flow.flow),
    ("/flows/{key}/compare", flow_compare.flow_compare),
    ("/slas", slas.sla_list),
    ("/slas/{flow}/{name:path}", slas.sla),
    ("/findings", findings.finding_list),
    ("/inbox", inbox.inbox),
    ("/inbox/group", inbox.group),
    ("/inbox/discard", inbox.discard_group_page),
    ("/inbox/{id}", inbox.item),
    ("/inbox/{id}/discard", inbox.discard_page),
    ("/audit", audit.audit),
    ("/sources", sources.source_list),
    ("/sources/{name:path}", sources.source),
    ("/notices", notices.notice_list),
    ("/search", search.search),
)

FORMS: tuple[tuple[str, FormHandler], ...] = (
    ("/traces/{id}/findings/{finding}/acknowledge", acknowledge.acknowledge),
    ("/traces/{id}/findings/{finding}/resume", acknowledge.resume),
    ("/inbox/replay", inbox.replay_group),
    ("/inbox/discard", inbox.discard_group),
    ("/inbox/{id}/try", inbox.attempt),
    ("/inbox/{id}/replay", inbox.replay),
    ("/inbox/{id}/discard", inbox.discard),
)
"""Where forms are sent that change something, or try to."""


def page_routes(site: Site) -> list[Route]:
    return [
        *(page_route(site, path, handler) for path, handler in PAGES),
        *(form_route(site, path, handler) for path, handler in FORMS),
        *login.login_routes(site),
    ]

"""The HTML pages, one module for each part of the navigation."""

from __future__ import annotations

from starlette.routing import Route

from monitor.dashboard.pages import (
    account,
    acknowledge,
    admin,
    alerts,
    audit,
    commands,
    findings,
    flow,
    flow_compare,
    flows,
    inbox,
    login,
    notices,
    overview,
    receivers,
    search,
    silences,
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
    ("/commands", commands.command_list),
    ("/commands/{id}", commands.command),
    ("/traces/{id}/commands/{name}", commands.preview),
    ("/sources", sources.source_list),
    ("/sources/{name:path}", sources.source),
    ("/notices", notices.notice_list),
    ("/alerts", alerts.alert_list),
    ("/alerts/{id}", alerts.alert),
    ("/silences", silences.silence_list),
    ("/silences/new", silences.silence_form),
    ("/receivers", receivers.receiver_list),
    ("/notifications/{id}", receivers.notification),
    ("/search", search.search),
    ("/account", account.account),
    ("/admin/users", admin.users),
    ("/admin/tokens", admin.tokens),
)

FORMS: tuple[tuple[str, FormHandler], ...] = (
    ("/traces/{id}/findings/{finding}/acknowledge", acknowledge.acknowledge),
    ("/traces/{id}/findings/{finding}/resume", acknowledge.resume),
    ("/traces/{id}/commands/{name}", commands.send),
    ("/commands/stop", commands.stop),
    ("/commands/resume", commands.resume),
    ("/commands/{id}/approve", commands.approve),
    ("/commands/{id}/cancel", commands.cancel),
    ("/commands/{id}/again", commands.again),
    ("/alerts/{id}/acknowledge", alerts.acknowledge),
    ("/alerts/{id}/resume", alerts.resume),
    ("/silences", silences.create),
    ("/silences/{id}/expire", silences.expire),
    ("/receivers/{name}/enable", receivers.enable),
    ("/receivers/{name}/test", receivers.test),
    ("/notifications/{id}/resend", receivers.resend),
    ("/inbox/replay", inbox.replay_group),
    ("/inbox/discard", inbox.discard_group),
    ("/inbox/{id}/try", inbox.attempt),
    ("/inbox/{id}/replay", inbox.replay),
    ("/inbox/{id}/discard", inbox.discard),
    ("/account/password", account.password),
    ("/account/sessions/{session}/end", account.end_session),
    ("/admin/users/add", admin.add),
    ("/admin/users/{name}/role", admin.role),
    ("/admin/users/{name}/password", admin.set_password),
    ("/admin/users/{name}/disable", admin.disable),
    ("/admin/users/{name}/enable", admin.enable),
    ("/admin/users/{name}/remove", admin.remove),
    ("/admin/tokens/create", admin.create),
    ("/admin/tokens/{id}/revoke", admin.revoke),
)
"""Where forms are sent that change something, or try to."""


def page_routes(site: Site) -> list[Route]:
    return [
        *(page_route(site, path, handler) for path, handler in PAGES),
        *(form_route(site, path, handler) for path, handler in FORMS),
        *login.login_routes(site),
    ]

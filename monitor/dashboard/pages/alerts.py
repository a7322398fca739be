"""Alerts: all of them, and the life of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.alerts.base import Alert
from monitor.alerts.born import NAMES
from monitor.alerts.wording import silencing
from monitor.dashboard import alert_desk, alert_requests, parameters
from monitor.dashboard.alert_requests import desk_of
from monitor.dashboard.filtering import Label, chips, views
from monitor.dashboard.pages.findings import ACKNOWLEDGED, SEVERITIES
from monitor.dashboard.site import Site
from monitor.storage.alerting import AlertFilter

STATES = {"firing": "Firing", "facts": "Facts", "resolved": "Resolved"}
LABELS = {
    "state": Label("State", STATES),
    "name": Label("Alert"),
    "flow": Label("Flow"),
    "severity": Label("Severity", SEVERITIES),
    "acknowledged": Label("Taken care of", ACKNOWLEDGED),
    "trace": Label("Trace"),
}
SUGGESTED = (
    ("Firing", "state=firing"),
    ("Nobody takes care of", "state=firing&acknowledged=no"),
    ("Facts", "state=facts"),
    ("Resolved", "state=resolved"),
)

Fields = Mapping[str, str]


def alert_filter(given: Mapping[str, str]) -> AlertFilter:
    trace = parameters.text(given, "trace")
    return AlertFilter(
        state=parameters.choice(given, "state", STATES),
        name=parameters.choice(given, "name", NAMES),
        flow=parameters.text(given, "flow"),
        severity=parameters.choice(given, "severity", parameters.SEVERITIES),
        trace=None if trace is None else parameters.whole(given, "trace"),
        acknowledged=parameters.yes_or_no(given, "acknowledged"),
    )


async def alert_list(site: Site, request: Request) -> Response:
    query = request.query_params
    desk = desk_of(site)
    part = parameters.slice_of(query)
    given = {name: parameters.text(query, name) for name in (*LABELS, "limit")}
    return await site.page(
        request,
        "alerts.html",
        title="Alerts",
        section="alerts",
        found=await desk.store.alerts(alert_filter(query), part.cursor, part.limit),
        given=given,
        chips=chips(given, LABELS),
        without_filters={"limit": given["limit"]},
        views=views(given, SUGGESTED),
        flows=await site.views.flows(),
        names=sorted(NAMES),
        states=STATES,
        severities=SEVERITIES,
        acknowledged=ACKNOWLEDGED,
        first_page=part.cursor is None,
        shown=alert_desk.shown_state,
        told=desk.policy is not None,
    )


async def alert(site: Site, request: Request) -> Response:
    detail = await alert_requests.detail_of(site, request)
    return await site.page(
        request,
        "alert.html",
        title=f"{detail.row.alert.name}: {detail.row.alert.labels.get('key') or detail.row.alert.id[:8]}",
        section="alerts",
        detail=detail,
        row=detail.row,
        alert=detail.row.alert,
        state=alert_desk.shown_state(detail.row),
        silencing=silencing(detail.row.alert),
        clock={name: _instant(detail.row.alert, name) for name in ("started", "due")},
        told=desk_of(site).policy is not None,
    )


async def acknowledge(site: Site, request: Request, fields: Fields) -> Response:
    await alert_requests.acknowledge(site, request, fields.get("note", ""))
    return _back(request)


async def resume(site: Site, request: Request, _: Fields) -> Response:
    await alert_requests.acknowledge(site, request, None)
    return _back(request)


def _instant(alert: Alert, name: str) -> datetime | None:
    said = alert.annotations.get(name)
    return None if said is None else datetime.fromisoformat(said)


def _back(request: Request) -> Response:
    root = request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/alerts/{request.path_params['id']}#acknowledge", status_code=303)

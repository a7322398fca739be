"""Every finding of every trace, the newest first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters, words
from monitor.dashboard.filtering import Label, chips, views
from monitor.dashboard.site import Site

SUGGESTED = (
    ("Nobody takes care of", "state=confirmed&acknowledged=no"),
    ("Critical", "severity=critical&state=confirmed"),
    ("Taken back", "state=retracted"),
)
KINDS = {kind.value: word for kind, word in words.KINDS.items()}
STATES = {"confirmed": "Confirmed", "provisional": "Provisional", "retracted": "Retracted"}
SEVERITIES = {"info": "Info", "warning": "Warning", "critical": "Critical"}
ACKNOWLEDGED = {"yes": "Acknowledged", "no": "By nobody"}
LABELS = {
    "q": Label("Search"),
    "flow": Label("Flow"),
    "kind": Label("Kind", KINDS),
    "state": Label("Holds", STATES),
    "severity": Label("Severity", SEVERITIES),
    "acknowledged": Label("Taken care of", ACKNOWLEDGED),
    "element": Label("At"),
}


async def finding_list(site: Site, request: Request) -> Response:
    query = request.query_params
    wanted = parameters.finding_filter(query)
    part = parameters.slice_of(query)
    given = {name: parameters.text(query, name) for name in (*LABELS, "limit")}
    return await site.page(
        request,
        "findings.html",
        title="Findings",
        section="findings",
        found=await site.views.findings(wanted, part.cursor, part.limit),
        given=given,
        chips=chips(given, LABELS),
        without_filters={"limit": given["limit"]},
        more=[name for name in ("element",) if given[name]],
        views=views(given, SUGGESTED),
        flows=await site.views.flows(),
        first_page=part.cursor is None,
        choices={
            "kind": KINDS,
            "state": STATES,
            "severity": SEVERITIES,
            "acknowledged": ACKNOWLEDGED,
        },
    )

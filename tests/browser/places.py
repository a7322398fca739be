"""Every page there is, in every state worth a look. A new page or state is a new line here."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from tests.browser.landscape import Monitor


class Place(NamedTuple):
    """``route``: the page's path in :data:`monitor.dashboard.pages.PAGES`. ``path``: an address of it, with
    ``{o-1}`` for the number of that order's trace, ``{unmapped}`` or ``{undecodable}`` for the newest such
    message of the inbox, ``{alert}`` for the newest alert and ``{message}`` for the newest message to a
    receiver. ``said``: what its content says. ``status``: of the answer.
    ``still``: it does not update itself."""

    route: str
    path: str
    said: str
    status: int = 200
    still: bool = False


PLACES = {
    "overview": Place("/", "/", "breached"),
    "traces": Place("/traces", "/traces", "o-1"),
    "traces by filter": Place(
        "/traces",
        "/traces?q=order%3Do-3&flow=order&verdict=deviating&since=2020-01-01T00:00&sort=first",
        "o-3",
    ),
    "traces by all filters": Place(
        "/traces",
        "/traces?q=data.orderId%3Do-3&flow=order&version=1&state=open&verdict=deviating&finding=missing"
        "&min=1s&max=99d&since=2020-01-01T00:00&until=2099-01-01T00:00&order=asc&element=none",
        "No trace matches",
    ),
    "traces by attribute": Place("/traces", "/traces?q=orderId%3Do-3", "o-3"),
    "traces, more": Place("/traces", "/traces?limit=1", "More"),
    "traces, none": Place("/traces", "/traces?q=nobody", "No trace matches"),
    "traces, not understood": Place("/traces", "/traces?state=odd", "It may be", 400),
    "trace breached": Place("/traces/{id}", "/traces/{o-1}", "is waiting for"),
    "trace deviating": Place("/traces/{id}", "/traces/{o-3}", "deviation"),
    "trace complete": Place("/traces/{id}", "/traces/{o-4}", "is complete since"),
    "trace, none": Place("/traces/{id}", "/traces/999999", "There is no trace", 404),
    "flows": Place("/flows", "/flows", "Order fulfilment"),
    "flow": Place("/flows/{key}", "/flows/order", "GoodsShipped"),
    "flow, waiting": Place(
        "/flows/{key}",
        "/flows/order?heat=waiting&stat=p95&sort=waiting&funnel=all&variants=all",
        "95 % within",
    ),
    "flow, deviations": Place(
        "/flows/{key}", "/flows/order?heat=deviations&period=all", "Confirmed deviations"
    ),
    "flow, standing": Place(
        "/flows/{key}", "/flows/order?heat=standing&version=all", "Where open traces stand"
    ),
    "flow, not understood": Place("/flows/{key}", "/flows/order?period=2d", "It may be", 400),
    "flow compare": Place("/flows/{key}/compare", "/flows/order/compare", "one version only"),
    "slas": Place("/slas", "/slas", "Breached now"),
    "slas of 30 days": Place("/slas", "/slas?flow=order&period=30d", "30 days"),
    "sla": Place("/slas/{flow}/{name:path}", "/slas/order/{sla}", "Time taken against the limit"),
    "sla, none": Place("/slas/{flow}/{name:path}", "/slas/order/none", "There is no SLA", 404),
    "findings": Place("/findings", "/findings", "GoodsShipped"),
    "findings by filter": Place("/findings", "/findings?q=o-3&state=confirmed&acknowledged=no", "o-3"),
    "inbox": Place("/inbox", "/inbox", "Not readable"),
    "inbox group": Place(
        "/inbox/group", "/inbox/group?reason=unmapped&type=com.shop.NewsletterSent&source=web", "Replay"
    ),
    "inbox group, empty": Place("/inbox/group", "/inbox/group?reason=failed&source=web", "Nothing is left"),
    "inbox discard": Place(
        "/inbox/discard", "/inbox/discard?reason=unmapped&type=com.shop.NewsletterSent&source=web", "Keep"
    ),
    "inbox item": Place("/inbox/{id}", "/inbox/{unmapped}", "How to mend it"),
    "inbox item, bytes": Place("/inbox/{id}", "/inbox/{unmapped}?view=hex", "000000"),
    "inbox item discard": Place("/inbox/{id}/discard", "/inbox/{unmapped}/discard", "Discard it"),
    "audit": Place("/audit", "/audit", "Audit"),
    "commands": Place("/commands", "/commands", "Kill switch"),
    "commands by filter": Place("/commands", "/commands?status=dry_run&name=release", "o-1"),
    "commands, none": Place("/commands", "/commands?status=refused", "No command matches"),
    "command": Place("/commands/{id}", "/commands/{command}", "exactly these"),
    "command, none": Place("/commands/{id}", "/commands/999999", "There is no command", 404),
    "command preview": Place(
        "/traces/{id}/commands/{name}", "/traces/{o-1}/commands/release", "What goes out", still=True
    ),
    "command preview, not now": Place(
        "/traces/{id}/commands/{name}", "/traces/{o-2}/commands/remind", "second person", still=True
    ),
    "command preview, not offered": Place(
        "/traces/{id}/commands/{name}", "/traces/{o-4}/commands/release", "is not offered", 409
    ),
    "inbox item of bytes": Place("/inbox/{id}", "/inbox/{undecodable}", "not text"),
    "sources": Place("/sources", "/sources", "web"),
    "source": Place("/sources/{name:path}", "/sources/web", "When it was blind"),
    "notices": Place("/notices", "/notices", "Notices"),
    "alerts": Place("/alerts", "/alerts", "History was read in"),
    "alerts by filter": Place(
        "/alerts", "/alerts?state=firing&name=SlaBreached&flow=order&severity=critical", "Firing"
    ),
    "alerts, none": Place("/alerts", "/alerts?flow=nowhere&state=resolved", "No alert matches"),
    "alert": Place("/alerts/{id}", "/alerts/{alert}", "Who is told"),
    "alert, none": Place("/alerts/{id}", "/alerts/none", "There is no alert", 404),
    "silences": Place("/silences", "/silences", "Nothing is silenced"),
    "silence, new": Place(
        "/silences/new", "/silences/new?matchers=alertname%3D%22SlaBreached%22", "Silence them"
    ),
    "receivers": Place("/receivers", "/receivers", "Send a sample"),
    "notification": Place("/notifications/{id}", "/notifications/{message}", "What it tells"),
    "search": Place("/search", "/search?q=o-3", "deviation"),
    "account, no login": Place("/account", "/account", "There is no login here", 404),
    "users, no login": Place("/admin/users", "/admin/users", "There is no login here", 404),
    "tokens, no login": Place("/admin/tokens", "/admin/tokens", "There is no login here", 404),
    "nowhere": Place("", "/nowhere", "Overview", 404),
}

EMPTY_PLACES = {
    "overview": Place("/", "/", "No events yet"),
    "traces": Place("/traces", "/traces", "No events yet"),
    "flows": Place("/flows", "/flows", "No flows yet"),
    "slas": Place("/slas", "/slas", "No flows yet"),
    "findings": Place("/findings", "/findings", "No findings"),
    "inbox": Place("/inbox", "/inbox", "The inbox is empty"),
    "sources": Place("/sources", "/sources", "No source has reported yet"),
    "notices": Place("/notices", "/notices", "No notices"),
    "alerts": Place("/alerts", "/alerts", "Nobody is told"),
    "silences": Place("/silences", "/silences", "Nothing is silenced"),
    "receivers": Place("/receivers", "/receivers", "No receivers"),
    "audit": Place("/audit", "/audit", "Nothing was changed yet"),
    "commands": Place("/commands", "/commands", "Commands are off"),
}
"""What a monitor shows that nobody has configured yet."""


async def address_of(monitor: Monitor, path: str) -> str:
    """The address, with the numbers that this run gave to traces and messages."""
    for name in re.findall(r"\{([\w-]+)\}", path):
        path = path.replace(f"{{{name}}}", str(await _number(monitor, name)))
    return f"{monitor.address}{path}"


async def _number(monitor: Monitor, name: str) -> int | str:
    if name.startswith("o-"):
        return await monitor.trace(name)
    if name == "alert":
        known = await monitor.until("/alerts", lambda answer: answer["items"])
        return str(known["items"][0]["id"])
    if name == "message":
        sent = await monitor.until("/notifications", lambda answer: answer["items"])
        return int(sent["items"][0]["id"])
    if name == "sla":
        first: str = (await monitor.get("/slas"))["items"][0]["name"]
        return quote(first)
    if name == "command":
        last: int = (await monitor.get("/commands"))["items"][0]["id"]
        return last
    newest: int = (await monitor.get(f"/inbox?reason={name}"))["items"][0]["id"]
    return newest

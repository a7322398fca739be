"""Status badges: small pictures of how a flow or an SLA stands, to be shown in other pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.dashboard import words
from monitor.dashboard.body import spell_out
from monitor.dashboard.site import Site, route
from monitor.diagram import svg
from monitor.diagram.text import measure
from monitor.domain.objective import Evaluation
from monitor.storage.views import ClockCounts, FlowRow

COLOURS = {
    "ok": "#17713f",
    "warn": "#8a5200",
    "bad": "#b3261e",
    "blind": "#6a3fa0",
    "quiet": "#5c6673",
}
"""White stands out from each."""

LABEL = "#3d4653"
LONGEST = 60
"""Longer names are cut, in characters."""

_HEADERS = {
    "Cache-Control": "no-cache, max-age=0",
    "Cross-Origin-Resource-Policy": "cross-origin",  # a badge is there to be shown elsewhere
}
_HEIGHT = 20
_SIZE = 11
_PAD = 7


class Badge(NamedTuple):
    """``label`` says of what, ``told`` how it stands, ``tone`` (of :data:`COLOURS`) the same in colour."""

    label: str
    told: str
    tone: str


def badge_routes(site: Site) -> list[Route]:
    return [
        route(site, "/badges/{flow}.svg", flow_badge),
        route(site, "/badges/{flow}/{sla:path}.svg", sla_badge),
    ]


async def flow_badge(site: Site, request: Request) -> Response:
    row = await _flow(site, request)
    if row is None:
        return _unknown(request)
    return _answer(of_flow(row, is_blind(await site.judged_to(row.key), site.now(), site.blind_after)))


async def sla_badge(site: Site, request: Request) -> Response:
    at = (request.path_params["flow"], request.path_params["sla"])
    if at not in site.promises:
        return _unknown(request)
    clocks = (await site.views.clock_counts()).get(at, ClockCounts())
    judged_to = await site.judged_to(at[0])
    objective = site.promises[at].objective
    told = None
    if objective is not None and judged_to is not None:
        told = await site.summaries.evaluation(*at, objective, judged_to)
    return _answer(of_sla(at[1], clocks, told, is_blind(judged_to, site.now(), site.blind_after)))


async def _flow(site: Site, request: Request) -> FlowRow | None:
    wanted = request.path_params["flow"]
    return next((row for row in await site.views.flows() if row.key == wanted), None)


def _unknown(request: Request) -> Response:
    name = request.path_params.get("sla") or request.path_params["flow"]
    return _answer(Badge(name, "not known", "quiet"), 404)


def _answer(badge: Badge, status: int = 200) -> Response:
    return Response(draw(badge), status, _HEADERS, media_type="image/svg+xml")


def is_blind(judged_to: datetime | None, now: datetime, after: timedelta) -> bool:
    """Whether a flow is not seen up to now, and not for a moment only."""
    return judged_to is None or now - judged_to > after


def of_flow(row: FlowRow, blind: bool) -> Badge:
    """What is overdue is so however little is seen; that all is well is not said without seeing."""
    label = row.name or row.key
    if row.breached:
        return Badge(label, f"{words.thousands(row.breached)} breached", "bad")
    if blind:
        return Badge(label, "blind", "blind")
    if row.at_risk:
        return Badge(label, f"{words.thousands(row.at_risk)} at risk", "warn")
    if not row.traces:
        return Badge(label, "no traces", "quiet")
    share = 1 - row.deviating / row.traces
    return Badge(label, f"{words.percent(share)} conforming", "warn" if row.deviating else "ok")


def of_sla(name: str, clocks: ClockCounts, told: Evaluation | None, blind: bool) -> Badge:
    """``told``: how its objective stands, None where it has none or nothing can be judged. An objective that
    is missed is told before the clocks of now, one that is kept after them."""
    if told is not None and told.compliance is not None and not told.is_kept:
        return Badge(name, f"{words.percent(told.compliance)} met", "bad")
    if clocks.breached:
        return Badge(name, f"{words.thousands(clocks.breached)} breached", "bad")
    if blind:
        return Badge(name, "blind", "blind")
    if clocks.at_risk:
        return Badge(name, f"{words.thousands(clocks.at_risk)} at risk", "warn")
    if told is not None and told.compliance is not None:
        return Badge(name, f"{words.percent(told.compliance)} met", "warn" if told.burning else "ok")
    return Badge(name, "in time", "ok")


def draw(badge: Badge) -> str:
    """The badge as SVG; what it shows is its title, too."""
    name = spell_out(badge.label)
    label = name if len(name) <= LONGEST else f"{name[:LONGEST]}…"
    left = measure(label, _SIZE) + 2 * _PAD
    right = measure(badge.told, _SIZE) + 2 * _PAD
    text: dict[str, svg.Value] = {"y": 14, "text_anchor": "middle", "fill": "#fff"}
    return svg.element(
        "svg",
        svg.text("title", f"{label}: {badge.told}"),
        svg.element("rect", width=left, height=_HEIGHT, fill=LABEL),
        svg.element("rect", x=left, width=right, height=_HEIGHT, fill=COLOURS[badge.tone]),
        svg.text("text", label, x=left / 2, **text),
        svg.text("text", badge.told, x=left + right / 2, **text),
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_label=f"{label}: {badge.told}",
        width=left + right,
        height=_HEIGHT,
        viewBox=f"0 0 {svg.number(left + right)} {_HEIGHT}",
        font_family="system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', Verdana, sans-serif",
        font_size=_SIZE,
    )

"""The expected flows: which there are and how their traces fare."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard.flow_charts import begun_line
from monitor.dashboard.flow_numbers import Spread, spread
from monitor.dashboard.site import Site
from monitor.statistics import day_of
from monitor.storage.views import FlowRow, FlowTrend

DAYS = 30
"""How far back the list looks, today included."""


@dataclass(frozen=True, slots=True)
class FlowLine:
    """``trend`` is None where no trace began in the last days."""

    row: FlowRow
    trend: FlowTrend | None
    took: Spread
    line: Markup | None


async def flow_lines(site: Site) -> list[FlowLine]:
    today = day_of(site.now())
    since = today - DAYS + 1
    trends = await site.summaries.trends(since)
    lines = []
    for at, row in enumerate(await site.views.flows()):
        trend = trends.get(row.key)
        line = None
        if trend is not None:
            line = begun_line(trend.begun, since, today, f"begun{at}", row.name or row.key)
        lines.append(FlowLine(row, trend, spread(trend.duration if trend else {}), line))
    return lines


async def flow_list(site: Site, request: Request) -> Response:
    return await site.page(
        request,
        "flows.html",
        title="Flows",
        section="flows",
        lines=await flow_lines(site),
        days=DAYS,
        uncounted=await site.summaries.uncounted(),
    )

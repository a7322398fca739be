"""The first page: what needs attention, by cause; then the flows and sources, then what happened last."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Sequence

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import words
from monitor.dashboard.attention import (
    LEAST_SAMPLE,
    RECENT,
    SAMPLE,
    Landscape,
    Matter,
    at_once,
    matters,
    worst_slas,
)
from monitor.dashboard.pages.sources import HOUR, minutes, spark
from monitor.dashboard.site import Glance, Site
from monitor.dashboard.sparks import sparkline
from monitor.domain.notice import NoticeKind
from monitor.statistics import day_of
from monitor.storage.views import FlowRow, FlowTrend, TraceFilter

LAST = 10
"""Traces shown of those with the newest events."""

DAYS = 14
"""Of each flow the traces of the last so many days are drawn."""

EACH = 100
"""Deviations of a kind that are read to be grouped."""


async def attention(site: Site, glance: Glance, flows: Sequence[FlowRow]) -> list[Matter]:
    """Everything that needs attention, the gravest first. Each question is bounded."""
    views, now = site.views, site.now()
    clocks = await views.clock_counts()
    worst = tuple(worst_slas(clocks, site.promises))
    evaluated, overdue, deviations, unreadable, inbox = await gather(
        site.evaluations(),
        site.summaries.overdue(worst, max(LEAST_SAMPLE, SAMPLE // max(1, len(worst)))),
        site.summaries.deviations(RECENT, EACH),
        views.notices(NoticeKind.UNREADABLE_CLOCK, ended=False),
        views.inbox_groups(),
    )
    told = Landscape(
        names={flow.key: flow.name for flow in flows},
        promises=site.promises,
        clocks=clocks,
        overdue=overdue,
        deviations=deviations,
        each=EACH,
        sources=glance.sources,
        feeds=site.feeds,
        objectives=[(one.flow, one.sla, one.told) for one in evaluated if one.told is not None],
        notices=unreadable.rows,
        inbox=inbox,
        configuration=site.configuration,
    )
    return matters(told, now)


async def overview(site: Site, request: Request) -> Response:
    now = site.now()
    glance = await site.glance()
    flows = await site.views.flows()
    today = day_of(now)
    needing, trends, rates, recent = await gather(
        attention(site, glance, flows),
        site.summaries.trends(today - DAYS + 1),
        site.summaries.rates(HOUR),
        site.views.traces(TraceFilter(), limit=LAST),
    )
    shown, folded = at_once(needing)
    return await site.page(
        request,
        "overview.html",
        title="Overview",
        section="overview",
        matters=shown,
        folded=folded,
        flows=[(flow, trend(trends.get(flow.key), today, number)) for number, flow in enumerate(flows)],
        sources=[
            (one, spark(one.row.name, minutes(rates.get(one.row.name, ()), now), number))
            for number, one in enumerate(glance.sources)
        ],
        recent=recent.rows,
    )


def trend(told: FlowTrend | None, today: int, number: int) -> Markup | None:
    """Traces that began on each of the last days."""
    if told is None:
        return None
    values = [told.begun.get(day, 0) for day in range(today - DAYS + 1, today + 1)]
    return sparkline(
        values,
        name=f"trend-{number}",
        title=f"Traces begun on each of the last {DAYS} days",
        told=f"{words.count(told.traces, 'trace')}, {words.thousands(values[-1])} of them today;"
        f" {words.thousands(told.deviating)} deviating.",
    )

"""One flow: where its traces go, where time goes, and what they do differently."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import flow_charts, parameters
from monitor.dashboard.flow_numbers import (
    HEATS,
    SORTS,
    STATISTICS,
    TIMED,
    Heat,
    Statistic,
    element_numbers,
    funnel,
    heat_overlay,
    sort_elements,
    spread,
)
from monitor.dashboard.flow_question import ALIKE, DEFAULT_PERIOD, PERIODS, question, together
from monitor.dashboard.site import Site
from monitor.dashboard.variants import coverage, usual_elements, variants
from monitor.statistics import day_of
from monitor.storage.views import TraceFilter

RECENT = 10
FEW_VARIANTS = 12
MOST_VARIANTS = 100


async def flow(site: Site, request: Request) -> Response:
    query = request.query_params
    heat = parameters.word(query, "heat", Heat) or Heat.FREQUENCY
    statistic = parameters.word(query, "stat", Statistic) or Statistic.MEDIAN
    sort = parameters.choice(query, "sort", SORTS) or SORTS[0]
    whole_funnel = parameters.choice(query, "funnel", ("all",)) is not None
    all_variants = parameters.choice(query, "variants", ("all",)) is not None
    asked = await question(site, request)
    row, shown = asked.flow, asked.shown
    told = await site.summaries.statistics(asked.ids, asked.since)
    rows = element_numbers(await site.pictures.outline(shown.id), told)
    labels = await site.pictures.labels(shown.id)
    days = await site.summaries.daily(asked.ids)
    frequent = together(await site.summaries.variants(asked.ids, MOST_VARIANTS))
    complete = sum(day.complete for day in days)
    number = await site.summaries.variant_count(asked.ids)
    usual = usual_elements(frequent, labels)
    reached = funnel(rows, None if whole_funnel or not usual else usual)
    chains = variants(frequent[: MOST_VARIANTS if all_variants else FEW_VARIANTS], complete)
    covered = coverage(frequent, complete)
    took = spread(told.duration)
    overlay = heat_overlay(rows, heat, statistic)
    return await site.page(
        request,
        "flow.html",
        title=row.name or row.key,
        section="flows",
        flow=row,
        asked=asked,
        given=_given(query),
        periods=[(word, short) for word, (short, _, _) in PERIODS.items()],
        default_period=DEFAULT_PERIOD,
        alike=ALIKE,
        heat=heat.value,
        heats=[(one.value, *said) for one, said in HEATS.items()],
        statistic=statistic.value,
        statistics=[(one.value, said) for one, said in STATISTICS.items()],
        timed=heat in TIMED,
        told=told,
        took=took,
        judged_to=await site.judged_to(row.key),
        uncounted=await site.summaries.uncounted(),
        picture=await site.pictures.overlaid(shown.id, overlay),
        is_warm=bool(overlay.heat),
        elements=sort_elements(rows, sort),
        unplaced=told.elements[""].deviations if "" in told.elements else {},
        sort=sort,
        took_chart=flow_charts.took_columns(told.duration, took),
        time_chart=flow_charts.time_shares(rows),
        days_chart=flow_charts.begun_columns(
            [day for day in days if asked.since is None or day.day >= asked.since],
            asked.since,
            day_of(site.now()),
        ),
        funnel_chart=flow_charts.funnel_bars(reached, told.traces) if reached else None,
        whole_funnel=whole_funnel,
        usual=usual,
        chains=chains,
        covered=covered,
        coverage_chart=flow_charts.coverage_shares(chains, covered, number) if chains and complete else None,
        variant_number=number,
        most_variants=MOST_VARIANTS,
        few_variants=FEW_VARIANTS,
        labels=sorted(labels.items()),
        recent=(await site.views.traces(TraceFilter(flow=row.key), limit=RECENT)).rows,
        base=str(request.base_url).rstrip("/"),
    )


def _given(query: Mapping[str, str]) -> dict[str, str]:
    """What the address says, to be kept in links that change one part of it."""
    kept = ("period", "version", "heat", "stat", "sort", "funnel", "variants")
    return {name: query[name] for name in kept if query.get(name)}

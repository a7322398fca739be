"""Two versions of a flow side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.flow_numbers import (
    ElementNumbers,
    Heat,
    Statistic,
    element_numbers,
    heat_overlay,
    heat_size,
)
from monitor.dashboard.flow_question import (
    PERIODS,
    find_flow,
    first_day,
    pick,
    versions_of,
)
from monitor.dashboard.site import Site
from monitor.dashboard.version_difference import (
    FEW,
    Difference,
    ElementDifference,
    elements,
    overall,
    too_few,
)
from monitor.storage.views import FlowRow, FlowStatistics, VersionRow

ALL_TIME = "all"
_SHOWN = (Heat.WAITING, Statistic.MEDIAN)
"""What the diagrams show."""


@dataclass(frozen=True, slots=True)
class Side:
    row: VersionRow
    told: FlowStatistics
    elements: Sequence[ElementNumbers]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Versions ``a`` and ``b`` of a flow; with fewer than two versions both are the same one."""

    flow: FlowRow
    versions: Sequence[VersionRow]
    period: str
    a: Side
    b: Side
    overall: Sequence[tuple[str, Difference]]
    elements: Sequence[ElementDifference]


async def comparison(site: Site, request: Request) -> Comparison:
    """Without versions in the address: the active one with the one before it. All traces unless a period is
    given, because versions follow one another."""
    flow = await find_flow(site, request.path_params["key"])
    query = request.query_params
    period = parameters.choice(query, "period", PERIODS) or ALL_TIME
    versions = await versions_of(site, flow)
    given = [parameters.text(query, name) for name in ("a", "b")]
    active = next(row for row in versions if row.active)
    before = next((row for row in versions if row.version < active.version), active)
    first = before if given[0] is None else pick(versions, "a", given[0])
    second = active if given[1] is None else pick(versions, "b", given[1])
    since = first_day(period, site.now())
    a, b = await _side(site, first, since), await _side(site, second, since)
    return Comparison(
        flow,
        versions,
        period,
        a,
        b,
        overall(a.told, b.told),
        elements(a.elements, b.elements, (a.told.traces, b.told.traces)),
    )


async def _side(site: Site, row: VersionRow, since: int | None) -> Side:
    told = await site.summaries.statistics([row.id], since)
    return Side(row, told, element_numbers(await site.pictures.outline(row.id), told))


async def flow_compare(site: Site, request: Request) -> Response:
    diagrams = parameters.choice(request.query_params, "diagrams", ("both",)) is not None
    found = await comparison(site, request)
    name = found.flow.name or found.flow.key
    sides = (found.a, found.b)
    hottest = max((heat_size(row, *_SHOWN) for side in sides for row in side.elements), default=0.0)
    return await site.page(
        request,
        "flow_compare.html",
        title=_title(name, found),
        section="flows",
        found=found,
        name=name,
        periods=[(word, short) for word, (short, _, _) in PERIODS.items()],
        said=PERIODS[found.period][1],
        few=too_few([(side.row.version, side.told.traces) for side in sides]),
        enough=FEW,
        diagrams=[
            (side, await _picture(site, side, f"{at}-", hottest))
            for at, side in zip("ab", sides, strict=True)
        ]
        if diagrams
        else [],
        uncounted=await site.summaries.uncounted(),
    )


def _title(name: str, found: Comparison) -> str:
    if len(found.versions) < 2:
        return f"{name}: versions"
    return f"{name}: versions {found.a.row.version} and {found.b.row.version}"


async def _picture(site: Site, side: Side, prefix: str, hottest: float) -> Markup | None:
    """On one scale, so that the same colour is the same time in both."""
    return await site.pictures.overlaid(side.row.id, heat_overlay(side.elements, *_SHOWN, hottest), prefix)

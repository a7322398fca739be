"""The SLAs: how each stands, the worst first, and the page of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard import charts, histograms, parameters, sparks, words
from monitor.dashboard.parameters import NotFound
from monitor.dashboard.promises import Promise
from monitor.dashboard.site import Site
from monitor.dashboard.sla_standing import (
    PERIODS,
    Standing,
    budget_left,
    burn_told,
    compliance_columns,
    filled,
    shares_told,
    spark_of,
    step_of,
    within,
    worst_first,
)
from monitor.dashboard.templating import query as query_string
from monitor.diagram import Overlay, Timing
from monitor.domain.objective import Evaluation
from monitor.statistics import Histogram, day_of
from monitor.storage.views import ClockCounts, Offender, OutcomeStep

DAYS = 30
"""Distributions are of traces that began in the last so many days."""

OFFENDERS = 10
DEFAULT_PERIOD = "24h"


async def standings(site: Site, flow: str | None, length: timedelta) -> list[Standing]:
    """Every SLA of every active flow, or of one, the worst first."""
    chosen = {at: one for at, one in site.promises.items() if flow in (None, one.flow)}
    clocks = await site.views.clock_counts()
    met = await site.summaries.met(tuple(chosen), length)
    shares = await site.summaries.shares(*_days(site.now()))
    told = {(one.flow, one.sla): one.told for one in await site.evaluations()}
    return worst_first(
        Standing(promise, clocks.get(at, ClockCounts()), met[at], told.get(at), shares.get(at, {}))
        for at, promise in chosen.items()
    )


def _days(now: datetime) -> tuple[int, int]:
    today = day_of(now)
    return today - DAYS + 1, today + 1


async def sla_list(site: Site, request: Request) -> Response:
    query = request.query_params
    flow = parameters.text(query, "flow")
    if (state := parameters.choice(query, "state", parameters.SLA_STATES)) is not None:
        root = request.scope.get("root_path", "")  # where this list was before SLAs had one of their own
        return RedirectResponse(f"{root}/traces{query_string({'sla': state, 'flow': flow})}")
    period = parameters.choice(query, "period", PERIODS) or DEFAULT_PERIOD
    found = await standings(site, flow, PERIODS[period])
    return await site.page(
        request,
        "slas.html",
        title="SLAs",
        section="slas",
        standings=[
            (one, sparkline(one, number), shares_told(one.shares)) for number, one in enumerate(found)
        ],
        flow=flow,
        flows=await site.views.flows(),
        period=period,
        periods=tuple(PERIODS),
        days=DAYS,
    )


def sparkline(standing: Standing, number: int) -> Markup | None:
    """The distribution in little, with the limit at 100 %."""
    if not any(standing.shares.values()):
        return None
    return sparks.sketch(
        spark_of(standing.shares),
        name=f"shares-{number}",
        title=f"Clocks of {standing.promise.name} by the share of their time they took",
        told=shares_told(standing.shares),
        limit=10,
    )


@dataclass(frozen=True, slots=True)
class SlaPage:
    """All there is to say of one SLA. ``steps`` of length ``step`` go from ``since`` to ``until``, the window
    of its objective or the period asked for."""

    standing: Standing
    since: datetime
    until: datetime
    step: timedelta
    steps: Sequence[OutcomeStep]
    budget: Sequence[float] | None
    offenders: Sequence[Offender]
    judged_to: datetime | None

    @property
    def failed_allowed(self) -> float | None:
        objective = self.standing.promise.objective
        return None if objective is None else 1 - objective.target


def find_promise(site: Site, path: Mapping[str, str]) -> Promise:
    """By the address, whose two parts may both hold slashes."""
    wanted = f"{path['flow']}/{path['name']}"
    for (flow, name), promise in site.promises.items():
        if f"{flow}/{name}" == wanted:
            return promise
    raise NotFound(
        f"There is no SLA {wanted[:200]}.",
        mend="SLAs come from the models and from slas in the configuration.",
    )


async def sla_page(site: Site, promise: Promise, period: str | None) -> SlaPage:
    now = site.now()
    at = (promise.flow, promise.name)
    judged_to = await site.judged_to(promise.flow)
    objective = promise.objective
    told: Evaluation | None = None
    if objective is not None and judged_to is not None:
        told = await site.summaries.evaluation(promise.flow, promise.name, objective, judged_to)
    if period is None and told is not None:
        since, until = told.since, told.until
    else:
        until = now
        since = now - PERIODS[period or "7d"]
    step = step_of(until - since)
    steps = filled(await site.summaries.steps(*at, since, until, step), since, until, step)
    shares: Histogram = (await site.summaries.shares(*_days(now), promise.flow)).get(at, {})
    clocks = (await site.views.clock_counts()).get(at, ClockCounts())
    met = await site.summaries.met((at,), until - since)
    return SlaPage(
        standing=Standing(promise, clocks, met[at], told, shares),
        since=since,
        until=until,
        step=step,
        steps=steps,
        budget=budget_left(objective, steps) if objective and period is None else None,
        offenders=await site.views.offenders(*at, now, OFFENDERS),
        judged_to=judged_to,
    )


async def sla(site: Site, request: Request) -> Response:
    promise = find_promise(site, request.path_params)
    period = parameters.choice(request.query_params, "period", PERIODS)
    shown = await sla_page(site, promise, period)
    return await site.page(
        request,
        "sla.html",
        title=promise.name,
        section="slas",
        promise=promise,
        shown=shown,
        standing=shown.standing,
        charts=_charts(shown),
        burns=[(burn, burn_told(burn)) for burn in shown.standing.told.burns] if shown.standing.told else (),
        offenders=[(one, _share(one)) for one in shown.offenders],
        picture=await _picture(site, promise),
        period=period,
        periods=tuple(PERIODS),
        days=DAYS,
    )


class Charts(NamedTuple):
    compliance: Markup
    budget: Markup | None
    shares: Markup


def _charts(shown: SlaPage) -> Charts:
    name = shown.standing.promise.name
    allowed = shown.failed_allowed
    columns = compliance_columns(shown.steps, shown.step, allowed)
    decided = any(one.decided.total for one in shown.steps)
    each = "day" if shown.step == timedelta(days=1) else words.duration(shown.step)
    total = sum(one.decided.total for one in shown.steps)
    failed = sum(one.decided.failed for one in shown.steps)
    compliance = charts.columns(
        columns if decided else (),
        name="compliance",
        title=f"Share of clocks of {name} that failed, per {each}",
        desc=f"{words.thousands(failed)} of {words.count(total, 'clock')} failed."
        if decided
        else "No clock has been decided in this time.",
        heads=("From (UTC)", "Decided"),
        levels=[charts.Level(allowed, f"{allowed * 100:g} % may fail", "bad")] if allowed else (),
        most=max([column.value for column in columns] + ([2 * allowed] if allowed else [])) or 1,
    )
    return Charts(compliance, _budget_chart(shown, each), _shares_chart(shown))


def _budget_chart(shown: SlaPage, each: str) -> Markup | None:
    if not shown.budget:
        return None
    left = shown.budget[-1]
    return charts.curve(
        [1.0, *shown.budget],
        name="budget",
        title=f"Error budget left over the window, per {each}",
        desc=f"{left * 100:.0f} % of the budget is left."
        if left > 0
        else "The budget is used up: more failed than may.",
        labels=("full", f"{shown.since:%Y-%m-%d}", f"{shown.until:%Y-%m-%d}"),
        tone="ok" if left > 0.25 else "warn" if left > 0 else "bad",
    )


def _shares_chart(shown: SlaPage) -> Markup:
    shares, promise = shown.standing.shares, shown.standing.promise
    lines = [charts.Line(20, "limit", "bad")]
    if promise.risk is not None:
        lines.insert(0, charts.Line(promise.risk * 20, f"at risk from {promise.risk * 100:.0f} %", "warn"))
    return charts.columns(
        histograms.clock_shares(shares),
        name="shares",
        title=f"Clocks of {promise.name} by the share of their time they took",
        desc=shares_told(shares),
        heads=("Time taken", "Clocks"),
        lines=lines,
    )


def _share(offender: Offender) -> float | None:
    """By how many times the time there was it is late; None where there was none."""
    limit = offender.due - offender.started
    return offender.over / limit if limit > timedelta(0) else None


async def _picture(site: Site, promise: Promise) -> Markup | None:
    """The flow with the places its clock is bound to."""
    row = next((row for row in await site.views.flows() if row.key == promise.flow), None)
    if row is None or not promise.places:
        return None
    told: dict[str, list[Timing]] = {}
    for place in promise.places:
        told.setdefault(place.element, []).append(Timing("running", f"{promise.name}: {place.role}"))
    return await site.pictures.overlaid(row.id, Overlay(clocks=told))


__all__ = ["sla", "sla_list", "sla_page", "standings", "within"]

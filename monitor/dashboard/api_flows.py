"""The JSON twins of the pages about flows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.answers import answer
from monitor.dashboard.flow_numbers import ElementNumbers, Spread, element_numbers, spread
from monitor.dashboard.flow_question import date_of, find_flow, question, together
from monitor.dashboard.pages.flow import MOST_VARIANTS
from monitor.dashboard.pages.flow_compare import Side, comparison
from monitor.dashboard.pages.flows import flow_lines
from monitor.dashboard.site import Site
from monitor.dashboard.variants import usual_elements
from monitor.storage.views import FlowStatistics, FlowTrend, VersionRow


async def flows(site: Site, _: Request) -> Response:
    items = [
        {
            **{field.name: getattr(line.row, field.name) for field in fields(line.row)},
            "lately": None if line.trend is None else trend_json(line.trend, line.took),
        }
        for line in await flow_lines(site)
    ]
    return answer({"items": items, "next": None})


async def flow(site: Site, request: Request) -> Response:
    row = await find_flow(site, request.path_params["key"])
    labels = sorted((await site.pictures.labels(row.id)).items())
    return answer(
        {
            "flow": row,
            "judged_to": await site.judged_to(row.key),
            "labels": [{"label": label, "elements": list(ids)} for label, ids in labels],
            "versions": [version_json(one) for one in await site.summaries.versions(row.key)],
        }
    )


async def statistics(site: Site, request: Request) -> Response:
    asked = await question(site, request)
    told = await site.summaries.statistics(asked.ids, asked.since)
    rows = element_numbers(await site.pictures.outline(asked.shown.id), told)
    labels = await site.pictures.labels(asked.shown.id)
    usual = usual_elements(together(await site.summaries.variants(asked.ids, MOST_VARIANTS)), labels)
    days = await site.summaries.daily(asked.ids)
    return answer(
        {
            "flow": asked.flow.key,
            "versions": [row.version for row in asked.chosen],
            "versions_left_out": [row.version for row in asked.apart],
            "period": asked.period,
            "since": None if asked.since is None else date_of(asked.since),
            **whole_json(told),
            "days": [
                {
                    "day": date_of(day.day),
                    "traces": day.traces,
                    "complete": day.complete,
                    "deviating": day.deviating,
                }
                for day in days
                if asked.since is None or day.day >= asked.since
            ],
            "elements": [element_json(row, usual) for row in rows],
            "uncounted": await site.summaries.uncounted(),
        }
    )


async def variants(site: Site, request: Request) -> Response:
    asked = await question(site, request)
    part = parameters.slice_of(request.query_params)
    rows = together(await site.summaries.variants(asked.ids, part.limit))[: part.limit]
    return answer(
        {
            "flow": asked.flow.key,
            "versions": [row.version for row in asked.chosen],
            "complete": sum(day.complete for day in await site.summaries.daily(asked.ids)),
            "variants": await site.summaries.variant_count(asked.ids),
            "items": [
                {
                    "variant": row.variant,
                    "labels": list(row.labels),
                    "traces": row.traces,
                    "deviating": row.deviating,
                    "mean_seconds": row.mean.total_seconds(),
                }
                for row in rows
            ],
        }
    )


async def compare(site: Site, request: Request) -> Response:
    found = await comparison(site, request)
    return answer(
        {
            "flow": found.flow.key,
            "period": found.period,
            "a": side_json(found.a),
            "b": side_json(found.b),
            "uncounted": await site.summaries.uncounted(),
        }
    )


def side_json(side: Side) -> dict[str, Any]:
    return {
        "version": version_json(side.row),
        **whole_json(side.told),
        "elements": [element_json(row) for row in side.elements],
    }


def version_json(row: VersionRow) -> dict[str, Any]:
    return {
        "version": row.version,
        "name": row.name,
        "file": row.file,
        "deployed": row.deployed,
        "active": row.active,
        "traces": row.traces,
    }


def whole_json(told: FlowStatistics) -> dict[str, Any]:
    return {
        "traces": told.traces,
        "complete": told.complete,
        "deviating": told.deviating,
        "duration": spread_json(spread(told.duration)),
    }


def trend_json(trend: FlowTrend, took: Spread) -> dict[str, Any]:
    return {
        "traces": trend.traces,
        "complete": trend.complete,
        "deviating": trend.deviating,
        "duration": spread_json(took),
        "begun": [{"day": date_of(day), "traces": traces} for day, traces in trend.begun.items()],
    }


def element_json(row: ElementNumbers, usual: frozenset[str] | None = None) -> Mapping[str, Any]:
    """``usual``: elements of the most frequent variant, where that is told."""
    told: dict[str, Any] = {
        "id": row.step.id,
        "name": row.step.name,
        "type": row.step.type,
        "observable": row.step.observable,
        "reached": row.reached,
        "passed": row.passed,
        "standing": row.standing,
        "waiting": spread_json(row.waiting),
        "working": spread_json(row.working),
        "deviations": dict(row.deviations),
    }
    return told if usual is None else {**told, "usual": row.step.id in usual}


def spread_json(times: Spread) -> dict[str, Any]:
    return {
        "count": times.count,
        "median_seconds": _seconds(times.median),
        "p95_seconds": _seconds(times.p95),
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 3)

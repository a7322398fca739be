"""The JSON twins of the pages of SLAs and of one source, and of what needs attention."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from monitor.checking import objective_json
from monitor.dashboard import parameters
from monitor.dashboard.answers import answer
from monitor.dashboard.attention import Matter
from monitor.dashboard.health import SourceHealth
from monitor.dashboard.pages.slas import DEFAULT_PERIOD, find_promise, sla_page, standings
from monitor.dashboard.pages.sources import find_source, spells_of
from monitor.dashboard.site import Handler, Site
from monitor.dashboard.sla_standing import PERIODS, Standing
from monitor.dashboard.stored import fields_of
from monitor.statistics import STILL_RUNNING


async def slas(site: Site, request: Request) -> Response:
    flow = parameters.text(request.query_params, "flow")
    period = parameters.choice(request.query_params, "period", PERIODS) or DEFAULT_PERIOD
    found = await standings(site, flow, PERIODS[period])
    return answer({"items": [standing_json(one) for one in found], "next": None})


async def sla(site: Site, request: Request) -> Response:
    promise = find_promise(site, request.path_params)
    shown = await sla_page(site, promise, parameters.choice(request.query_params, "period", PERIODS))
    return answer(
        {
            **standing_json(shown.standing),
            "also": list(promise.also),
            "places": [
                {"element": one.element, "name": one.name, "role": one.role} for one in promise.places
            ],
            "judged_to": shown.judged_to,
            "since": shown.since,
            "until": shown.until,
            "step_seconds": shown.step.total_seconds(),
            "steps": [
                {"begin": one.begin, "met": one.decided.met, "failed": one.decided.failed}
                for one in shown.steps
            ],
            "budget": None if shown.budget is None else list(shown.budget),
            "offenders": [
                {
                    "trace": one.trace,
                    "trace_key": one.trace_key,
                    "occurrence": one.occurrence,
                    "started": one.started,
                    "due": one.due,
                    "ended": one.ended,
                    "over_seconds": one.over.total_seconds(),
                }
                for one in shown.offenders
            ],
        }
    )


def standing_json(one: Standing) -> dict[str, Any]:
    promise = one.promise
    objective = promise.objective
    return {
        "flow": promise.flow,
        "name": promise.name,
        "severity": promise.severity,
        "kind": promise.kind,
        "limit": promise.limit,
        "promise": promise.sentence,
        "calendar": promise.calendar,
        "at_risk_share": promise.risk,
        "clocks": {
            "running": one.clocks.running,
            "at_risk": one.clocks.at_risk,
            "breached": one.clocks.breached,
        },
        "met": one.decided.met,
        "failed": one.decided.failed,
        "objective": None
        if objective is None
        else {"flow": promise.flow, **objective_json(promise.name, objective, one.told)},
        "shares": [
            {
                "from": None if bucket == STILL_RUNNING else bucket / 20,
                "running": bucket == STILL_RUNNING,
                "clocks": count,
            }
            for bucket, count in sorted(one.shares.items())
        ],
    }


async def source(site: Site, request: Request) -> Response:
    one = await find_source(site, request.path_params["name"])
    return answer(
        {
            **source_json(one.health),
            "errors": list(one.health.errors),
            "minutes": list(one.minutes),
            "flows": [flow for flow, _ in one.flows],
            "spells": list(await spells_of(site, one.health.row.name)),
        }
    )


def source_json(source: SourceHealth) -> dict[str, Any]:
    return {
        **fields_of(source.row),
        "state": source.state,
        "blind": source.blind,
        "silent": source.silent,
    }


def matter_json(matter: Matter) -> dict[str, Any]:
    return {
        "kind": matter.kind,
        "severity": matter.severity,
        "count": matter.count,
        "exact": matter.exact,
        "message": matter.said,
        "detail": matter.detail,
        "since": matter.since,
        "flow": matter.flow,
        "page": matter.address,
    }


READ: tuple[tuple[str, Handler], ...] = (
    ("/slas", slas),
    ("/slas/{flow}/{name:path}", sla),
    ("/sources/{name:path}", source),
)

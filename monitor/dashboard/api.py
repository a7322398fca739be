"""The JSON twins of the pages below ``/api/v1``. ``openapi.json`` beside this file describes every one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from monitor.checking import objective_json
from monitor.configuration import Configuration
from monitor.dashboard import (
    api_admin,
    api_alerts,
    api_commands,
    api_flows,
    api_inbox,
    api_slas,
    parameters,
    words,
)
from monitor.dashboard.answers import answer
from monitor.dashboard.api_slas import matter_json, source_json
from monitor.dashboard.pages import acknowledge
from monitor.dashboard.pages.overview import attention
from monitor.dashboard.pages.trace import event_cursor, parts_of
from monitor.dashboard.parameters import NotFound
from monitor.dashboard.site import Handler, Site, route
from monitor.dashboard.stored import fields_of, stored_json
from monitor.dashboard.tracecontext import trace_context
from monitor.domain.verdict import Clock
from monitor.storage.views import EventRow, FindingRow, Page, TraceDetail, TraceRow
from monitor.timing import Part

OPENAPI = Path(__file__).parent / "openapi.json"
PREFIX = "/api/v1"
CHANGES = (
    *api_inbox.CHANGE,
    *acknowledge.CHANGE,
    *api_alerts.CHANGE,
    *api_admin.CHANGE,
    *api_commands.CHANGE,
)


def api_routes(site: Site) -> list[Route]:
    paths: tuple[tuple[str, Handler], ...] = (
        ("/overview", overview),
        ("/traces", traces),
        ("/traces/{id}", trace),
        ("/traces/{id}/events", trace_events),
        ("/flows", api_flows.flows),
        ("/flows/{key}", api_flows.flow),
        ("/flows/{key}/statistics", api_flows.statistics),
        ("/flows/{key}/variants", api_flows.variants),
        ("/flows/{key}/compare", api_flows.compare),
        ("/findings", findings),
        *api_inbox.READ,
        *api_commands.READ,
        ("/sources", sources),
        *api_slas.READ,
        *api_alerts.READ,
        ("/notices", notices),
        ("/objectives", objectives),
        *api_admin.READ,
    )
    document = Route(f"{PREFIX}/openapi.json", partial(_openapi, OPENAPI.read_bytes()), methods=["GET"])
    return [
        document,
        *(route(site, PREFIX + path, handler) for path, handler in paths),
        *(route(site, PREFIX + path, handler, "POST") for path, handler in CHANGES),
    ]


def page_of(page: Page[Any], items: list[Any] | None = None) -> dict[str, object]:
    return {"items": list(page.rows) if items is None else items, "next": page.next}


async def _openapi(document: bytes, _: Request) -> Response:
    return Response(document, media_type="application/json")


async def overview(site: Site, _: Request) -> Response:
    glance = await site.glance()
    flows = await site.views.flows()
    return answer(
        {
            "totals": glance.totals,
            "configuration": configuration_json(site.configuration),
            "attention": [matter_json(one) for one in await attention(site, glance, flows)],
            "flows": list(flows),
            "sources": [source_json(source) for source in glance.sources],
        }
    )


async def traces(site: Site, request: Request) -> Response:
    now = site.now()
    wanted = parameters.trace_filter(request.query_params, now)
    part = parameters.slice_of(request.query_params)
    found = await site.views.traces(wanted, part.cursor, part.limit)
    items = [trace_json(row, now) for row in found.rows]
    return answer({**page_of(found, items), "partial": found.partial})


async def trace(site: Site, request: Request) -> Response:
    number = parameters.identifier(request.path_params["id"], "trace")
    detail = await site.views.trace(number)
    if detail is None:
        raise NotFound(f"There is no trace {number}.")
    if detail.merged_into is not None:
        return RedirectResponse(f"{request.scope.get('root_path', '')}{PREFIX}/traces/{detail.merged_into}")
    told = detail_json(detail, await site.clocks(detail), site.now(), site.tracing)
    course = course_json(detail, await parts_of(site, detail))
    return answer({**told, **course, "visited": list(await site.pictures.visited(detail))})


async def trace_events(site: Site, request: Request) -> Response:
    number = parameters.identifier(request.path_params["id"], "trace")
    part = parameters.slice_of(request.query_params)
    cursor = event_cursor(request.query_params)
    if await site.views.trace(number, 0) is None:
        raise NotFound(f"There is no trace {number}.")
    found = await site.views.trace_events(number, cursor, part.limit)
    return answer(page_of(found, [event_json(row, site.tracing) for row in found.rows]))


async def findings(site: Site, request: Request) -> Response:
    wanted = parameters.finding_filter(request.query_params)
    part = parameters.slice_of(request.query_params)
    found = await site.views.findings(wanted, part.cursor, part.limit)
    items = [finding_json(row) for row in found.rows]
    return answer({**page_of(found, items), "partial": found.partial})


async def notices(site: Site, request: Request) -> Response:
    kind = parameters.notice_kind(request.query_params)
    part = parameters.slice_of(request.query_params)
    return answer(page_of(await site.views.notices(kind, part.cursor, part.limit)))


async def objectives(site: Site, _: Request) -> Response:
    items = [
        {"flow": one.flow, **objective_json(one.sla, one.objective, one.told)}
        for one in await site.evaluations()
    ]
    return answer({"items": items, "next": None})


async def sources(site: Site, _: Request) -> Response:
    return answer({"items": [source_json(source) for source in await site.sources()], "next": None})


def configuration_json(used: Configuration | None) -> dict[str, Any] | None:
    if used is None:
        return None
    refused = used.refused
    return {
        "since": used.since,
        "refused": None if refused is None else {"at": refused.at, "why": refused.why},
    }


def trace_json(row: TraceRow, now: datetime) -> dict[str, Any]:
    return {
        **fields_of(row),
        "duration": None if row.duration is None else row.duration.total_seconds(),
        "summary": words.plain(words.progress_sentence(row, (), now)),
    }


def detail_json(
    detail: TraceDetail, clocks: tuple[Clock, ...], now: datetime, tracing: str | None
) -> dict[str, Any]:
    return {
        "trace": trace_json(detail.row, now),
        "summary": words.plain(words.trace_sentence(detail, clocks, now)),
        "flow_id": detail.flow_id,
        "keys": detail.keys,
        "events": [event_json(row, tracing) for row in detail.events],
        "truncated": detail.truncated,
        "findings": [finding_json(row) for row in detail.findings],
        "clocks": list(clocks),
        "siblings": [trace_json(row, now) for row in detail.siblings],
        "related": [trace_json(row, now) for row in detail.related],
    }


def course_json(detail: TraceDetail, parts: Mapping[int, Part] | None) -> dict[str, Any]:
    """What the events did: null where their flow is not known."""
    if parts is None:
        return {"steps": None, "critical_path": None, "sequence": None}
    events = detail.events
    steps = [
        {
            "event": events[index].id,
            "label": events[index].label,
            "elements": part.step.elements,
            "after": None if part.after is None else events[part.after].id,
            "began": None if part.began is None else events[part.began].id,
            "since": part.span.since,
            "waited_seconds": _seconds(part.span.waited),
            "worked_seconds": _seconds(part.span.worked),
        }
        for index, part in sorted(parts.items())
    ]
    sequence = [
        {
            "event": event.id,
            "from": None if part is None or part.after is None else events[part.after].producer,
            "to": event.producer,
            "counted": part is not None,
        }
        for event, part in ((event, parts.get(index)) for index, event in enumerate(events))
    ]
    critical = [events[index].id for index, part in sorted(parts.items()) if part.critical]
    return {"steps": steps, "critical_path": critical, "sequence": sequence}


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def event_json(row: EventRow, tracing: str | None) -> dict[str, Any]:
    return {
        **fields_of(row),
        "headers": stored_json(row.headers),
        "data": stored_json(row.data),
        "tracing": trace_context(row, tracing),
    }


def finding_json(row: FindingRow) -> dict[str, Any]:
    return fields_of(row)

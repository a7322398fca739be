"""The trace list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters, words
from monitor.dashboard.filtering import Given, Label, chips, quoted, views
from monitor.dashboard.site import Site
from monitor.storage.views import TraceFilter, TraceRow

SUGGESTED = (
    ("Stuck longest", "state=open&sort=last&order=asc"),
    ("Deviating today", "verdict=deviating&within=24h"),
    ("Breached now", "sla=breached"),
    ("Slowest this week", "sort=duration&within=7d"),
)
STATES = {"open": "Open", "complete": "Complete"}
VERDICTS = {"conforming": "Conforming", "deviating": "Deviating", "checking": "Checking"}
KINDS = {kind.value: word for kind, word in words.KINDS.items()}
SLAS: dict[str, str] = {
    state.value: word for state, word in words.CLOCKS.items() if state.value in parameters.SLA_STATES
}
WITHIN = {"15m": "15 minutes", "1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}
SORTS = {"last": "Last event", "first": "Beginning", "events": "Number of events", "duration": "Duration"}
LABELS = {
    "q": Label("Search"),
    "flow": Label("Flow", dependents=("version",)),
    "version": Label("Version"),
    "state": Label("State", STATES),
    "verdict": Label("Verdict", VERDICTS),
    "finding": Label("Finding", KINDS),
    "element": Label("Stands at"),
    "sla": Label("SLA", SLAS),
    "min": Label("At least"),
    "max": Label("At most"),
    "variant": Label("Variant"),
    "within": Label("Within", WITHIN),
    "since": Label("From"),
    "until": Label("Until"),
}
ORDER = ("sort", "order", "limit")
_STRUCTURED = re.compile(r'[\s"=]')
MORE = ("version", "finding", "element", "min", "max", "since", "until")
"""Filters that stand behind “More filters”."""


async def trace_list(site: Site, request: Request) -> Response:
    query = request.query_params
    wanted = parameters.trace_filter(query, site.now())
    part = parameters.slice_of(query)
    found = await site.views.traces(wanted, part.cursor, part.limit)
    given = {name: parameters.text(query, name) for name in (*LABELS, *ORDER)}
    places = await _places(site, wanted, found.rows)
    named = {**LABELS, "element": Label("Stands at", places.get(None, {}))}
    return await site.page(
        request,
        "traces.html",
        title="Traces",
        section="traces",
        found=found,
        given=given,
        chips=chips(given, named),
        without_filters={name: given[name] for name in ORDER},
        more=[name for name in MORE if given[name]],
        views=views(given, (*SUGGESTED, *((one.name, one.query) for one in site.saved_views))),
        as_one_value=_as_one_value(wanted.search),
        exactly=_exactly(wanted.search) if found.next else None,
        first_page=part.cursor is None,
        flows=await site.views.flows(),
        versions=await site.summaries.versions(wanted.flow) if wanted.flow else (),
        places=places,
        longest=max((row.duration for row in found.rows if row.duration), default=timedelta(0)),
        headings=_headings(wanted, given),
        choices={
            "state": STATES,
            "verdict": VERDICTS,
            "finding": KINDS,
            "sla": SLAS,
            "within": WITHIN,
            "sort": SORTS,
        },
    )


def _as_one_value(search: str | None) -> str | None:
    """What to search instead where several words were perhaps meant as one value."""
    return quoted(search) if search and " " in search and '"' not in search else None


def _exactly(search: str | None) -> str | None:
    """What to search where only the value itself is meant, and not all that begin with it."""
    return quoted(search) if search and not _STRUCTURED.search(search) else None


def _headings(wanted: TraceFilter, given: Given) -> Mapping[str, tuple[str, Mapping[str, str | None]]]:
    """By sort: how the list is sorted by it now (``aria-sort``), and what sorts it so, or the other way
    round."""
    found = {}
    for sort in SORTS:
        chosen = wanted.sort == sort
        turned = "asc" if chosen and not wanted.ascending else None
        now = ("ascending" if wanted.ascending else "descending") if chosen else "none"
        found[sort] = (now, {**given, "sort": sort, "order": turned})
    return found


async def _places(
    site: Site, wanted: TraceFilter, rows: Sequence[TraceRow]
) -> Mapping[int | None, Mapping[str, str]]:
    """Names of elements by the version of the flow; under None those that can be chosen from."""
    found: dict[int | None, Mapping[str, str]] = {
        flow_id: await _names(site, flow_id) for flow_id in {row.flow_id for row in rows if row.standing}
    }
    if wanted.flow:
        known = [
            one for one in await site.summaries.versions(wanted.flow) if wanted.version in (None, one.version)
        ]
        names: dict[str, str] = {}
        for one in reversed(known[:5]):
            names |= await _names(site, one.id)
        found[None] = dict(sorted(names.items(), key=lambda pair: pair[1]))
    return found


async def _names(site: Site, flow_id: int) -> Mapping[str, str]:
    return {step.id: step.name for step in await site.pictures.outline(flow_id)}

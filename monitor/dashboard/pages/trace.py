"""One trace's page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard import parameters, words
from monitor.dashboard.parameters import NotFound
from monitor.dashboard.site import Site
from monitor.domain.verdict import Clock, ClockState, FindingState
from monitor.storage.views import EventRow, FindingRow, TraceDetail

_FINDING_ORDER = (FindingState.CONFIRMED, FindingState.PROVISIONAL, FindingState.RETRACTED)
_CLOCK_ORDER = (
    ClockState.BREACHED,
    ClockState.BLIND,
    ClockState.AT_RISK,
    ClockState.RUNNING,
    ClockState.MISSED,
    ClockState.MET,
    ClockState.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the timeline: ``delta`` since the event before, ``delay`` until it reached us."""

    event: EventRow
    delta: timedelta | None
    delay: timedelta
    late: bool
    findings: Sequence[FindingRow]


def timeline(detail: TraceDetail) -> Sequence[Entry]:
    shown_at: defaultdict[bytes, list[FindingRow]] = defaultdict(list)
    for finding in detail.findings:
        if finding.identity is not None and finding.state is not FindingState.RETRACTED:
            shown_at[finding.identity].append(finding)
    entries = []
    before: EventRow | None = None
    for event in detail.events:
        delay = event.received - event.time
        delta = event.time - before.time if before else None
        entries.append(Entry(event, delta, delay, delay > words.LATE, shown_at.get(event.identity, ())))
        before = event
    return entries


def passed(clock: Clock, now: datetime) -> float:
    """The share of a clock's time that has passed, 0 to 1, by the wall clock."""
    whole = clock.due - clock.started
    part = (clock.ended or now) - clock.started
    return 1.0 if whole <= timedelta(0) else min(1.0, max(0.0, part / whole))


async def trace(site: Site, request: Request) -> Response:
    number = parameters.identifier(request.path_params["id"], "trace")
    detail = await site.views.trace(number)
    if detail is None:
        raise NotFound(
            f"There is no trace {number}.", mend="It may have been removed after its retention time."
        )
    if detail.merged_into is not None:
        return RedirectResponse(
            f"{request.scope.get('root_path', '')}/traces/{detail.merged_into}?from={number}"
        )
    clocks = await site.clocks(detail)
    return await site.page(
        request,
        "trace.html",
        title=words.subject(detail.row, detail.keys),
        section="traces",
        detail=detail,
        row=detail.row,
        sentence=words.trace_sentence(detail, clocks, site.now()),
        picture=await site.pictures.trace(detail, clocks),
        findings=sorted(
            detail.findings, key=lambda finding: (_FINDING_ORDER.index(finding.state), finding.time)
        ),
        clocks=[
            (clock, words.clock_sentence(clock, site.now()), passed(clock, site.now()))
            for clock in sorted(clocks, key=lambda clock: (_CLOCK_ORDER.index(clock.state), clock.due))
        ],
        timeline=timeline(detail),
        merged_from=_merged_from(request.query_params),
    )


def _merged_from(query: Mapping[str, str]) -> str | None:
    value = query.get("from", "")
    return value if value.isascii() and value.isdigit() else None

"""One trace's page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard import command_words, parameters, words
from monitor.dashboard.gantt import row_bar, ruler
from monitor.dashboard.pages.commands import of_trace
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.sequence import drawn, sequence
from monitor.dashboard.site import Site
from monitor.dashboard.timeline import timeline, where_time_went
from monitor.dashboard.tracecontext import TraceContext, trace_context
from monitor.domain.verdict import Clock, ClockState, FindingState
from monitor.storage.views import EventRow, FindingRow, TraceDetail
from monitor.timing import Part, told

EVENTS = 200
"""Events on one page, and rows of its timeline."""

SKEW = timedelta(milliseconds=50)
"""What came this long before it happened, by its producer's clock, tells of clocks that differ."""

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
    """One event. ``delta``: since the event before; ``delay``: until it reached us, ``late`` or ``skewed``
    (it came before it happened) where that is remarkable; ``after``: the event that made it possible."""

    event: EventRow
    delta: timedelta | None
    delay: timedelta
    late: bool
    skewed: bool
    findings: Sequence[FindingRow]
    context: TraceContext | None
    after: EventRow | None


@dataclass(frozen=True, slots=True)
class Shown:
    """The events of one page, each with its index among the first ones of the trace (None: further on).
    ``next``: where the next page begins."""

    events: Sequence[tuple[int | None, EventRow]]
    next: str | None


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
    now = site.now()
    cursor = event_cursor(request.query_params)
    shown = await _shown(site, detail, cursor)
    parts = await parts_of(site, detail)
    clocks = sorted(await site.clocks(detail), key=lambda clock: (_CLOCK_ORDER.index(clock.state), clock.due))
    indexed = [(index, event) for index, event in shown.events if index is not None]
    within = parts if len(indexed) == len(shown.events) else None
    rows = timeline(
        detail,
        within,
        indexed if within is not None else list(enumerate(event for _, event in shown.events)),
        clocks,
        await site.pictures.labels(detail.flow_id),
        now,
        is_last=shown.next is None,
    )
    talk = sequence(detail.events[:EVENTS], parts)
    return await site.page(
        request,
        "trace.html",
        title=words.subject(detail.row, detail.keys),
        section="traces",
        detail=detail,
        row=detail.row,
        sentence=words.trace_sentence(detail, clocks, now),
        acknowledges=site.acknowledges is not None,
        alerts=site.alerts is not None,
        commands=await of_trace(site, request, detail),
        command_words=command_words,
        picture=await site.pictures.trace(detail, clocks),
        findings=sorted(
            detail.findings, key=lambda finding: (_FINDING_ORDER.index(finding.state), finding.time)
        ),
        clocks=[(clock, words.clock_sentence(clock, now), passed(clock, now)) for clock in clocks],
        timeline=rows,
        ruler=rows and ruler(rows.axis),
        bars=[row_bar(row, rows.axis, now) for row in rows.rows] if rows else (),
        took=where_time_went(parts, detail.events) if parts and not detail.truncated else None,
        talk=talk,
        talk_picture=talk and drawn(talk),
        entries=entries(detail, parts, shown, site.tracing),
        on_page=frozenset(event.id for _, event in shown.events),
        first_page=cursor is None,
        next=shown.next,
        most_causes=len(detail.events),
        merged_from=_merged_from(request.query_params),
    )


async def parts_of(site: Site, detail: TraceDetail) -> Mapping[int, Part] | None:
    """What the first events of a trace did, by index; None where its flow is not known."""
    course = await site.pictures.course(detail)
    return None if course is None else told(course, [event.time for event in detail.events])


def event_cursor(query: Mapping[str, str]) -> int | None:
    """The event after which a page begins. Raises :class:`BadParameter` where it is none."""
    value = query.get("cursor") or None
    if value is not None and (not (value.isascii() and value.isdigit()) or int(value) >= 2**63):
        raise BadParameter("The page cursor cannot be read.", mend="Begin again without it.")
    return None if value is None else int(value)


async def _shown(site: Site, detail: TraceDetail, cursor: int | None) -> Shown:
    if cursor is None:
        first = detail.events[:EVENTS]
        more = len(detail.events) > EVENTS or detail.truncated
        return Shown(list(enumerate(first)), str(first[-1].id) if more and first else None)
    page = await site.views.trace_events(detail.row.id, cursor, EVENTS)
    places = {(event.id, event.label): index for index, event in enumerate(detail.events)}
    return Shown([(places.get((event.id, event.label)), event) for event in page.rows], page.next)


def entries(
    detail: TraceDetail, parts: Mapping[int, Part] | None, shown: Shown, tracing: str | None
) -> Sequence[Entry]:
    about: defaultdict[bytes, list[FindingRow]] = defaultdict(list)
    for finding in detail.findings:
        if finding.identity is not None and finding.state is not FindingState.RETRACTED:
            about[finding.identity].append(finding)
    found = []
    before: EventRow | None = None
    for index, event in shown.events:
        delay = event.received - event.time
        part = None if parts is None or index is None else parts.get(index)
        found.append(
            Entry(
                event,
                event.time - before.time if before else None,
                delay,
                delay > words.LATE,
                delay < -SKEW,
                about.get(event.identity, ()),
                trace_context(event, tracing),
                None if part is None or part.after is None else detail.events[part.after],
            )
        )
        before = event
    return found


def passed(clock: Clock, now: datetime) -> float:
    """The share of a clock's time that has passed, 0 to 1, by the wall clock; as long as it is paused, by
    when it was."""
    whole = clock.due - clock.started
    part = (clock.ended or clock.paused or now) - clock.started
    return 1.0 if whole <= timedelta(0) else min(1.0, max(0.0, part / whole))


def _merged_from(query: Mapping[str, str]) -> str | None:
    value = query.get("from", "")
    return value if value.isascii() and value.isdigit() else None

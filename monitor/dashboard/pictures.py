"""Flow pictures: the model's diagram with what a trace did on it, rendered once for each thing to show."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Protocol

from markupsafe import Markup

from monitor.bpmn.document import Document
from monitor.bpmn.outline import Outlined
from monitor.dashboard import words
from monitor.diagram import Mark, Overlay, Timing, render
from monitor.diagram.legend import as_list
from monitor.domain.verdict import Clock, ClockState, FindingState
from monitor.storage.views import EventRow, FindingRow, TraceDetail
from monitor.timing import Course


class FlowPictures(Protocol):
    """Where documents of deployed flows come from; the composition root provides it."""

    async def document(self, flow_id: int) -> Document | None:
        """The model of this flow version; None when it is not known (any more)."""

    async def labels(self, flow_id: int) -> Mapping[str, Sequence[str]]:
        """The labels this flow version knows events by, each with the ids of its elements."""

    async def places(self, flow_id: int) -> Mapping[str, str]:
        """By SLA of this flow version: the id of the element where its clocks stand."""

    async def outline(self, flow_id: int) -> Sequence[Outlined]:
        """This flow version's elements in the order a trace meets them."""

    async def visited(self, flow_id: int, events: Sequence[EventRow]) -> Sequence[str]:
        """The ids of elements and sequence flows that these events of a trace, in its order, passed."""

    async def course(self, flow_id: int, events: Sequence[EventRow]) -> Course | None:
        """What each of these events of a trace, in its order, did; None where the flow is not known."""


class Pictures:
    """Renders and remembers the last ``keep`` pictures; a flow version never changes."""

    def __init__(self, flows: FlowPictures, *, keep: int = 128) -> None:
        self._flows = flows
        self._keep = keep
        self._outlines: dict[int, Sequence[Outlined]] = {}
        self._rendered: OrderedDict[tuple[object, ...], Markup] = OrderedDict()

    async def trace(self, detail: TraceDetail, clocks: Sequence[Clock] | None = None) -> Markup | None:
        """The model of the trace's flow version with what the trace did. ``clocks``: as shown, blind ones
        included; else as stored."""
        places = await self._flows.places(detail.flow_id)
        overlay = trace_overlay(detail, await self.visited(detail), clocks, places)
        return await self._picture(detail.flow_id, overlay)

    async def overlaid(self, flow_id: int, overlay: Overlay, prefix: str = "flow") -> Markup | None:
        """The model with what many traces did; None when it is not known. ``prefix``: of the ids in it, where
        a page has several."""
        return await self._picture(flow_id, overlay, prefix)

    async def visited(self, detail: TraceDetail) -> Sequence[str]:
        """What the trace passed: as stored, or found from its events where it is not."""
        return detail.visited or await self._flows.visited(detail.flow_id, detail.events)

    async def course(self, detail: TraceDetail) -> Course | None:
        """What the events of the trace did."""
        return await self._flows.course(detail.flow_id, detail.events) if detail.events else None

    async def labels(self, flow_id: int) -> Mapping[str, Sequence[str]]:
        return await self._flows.labels(flow_id)

    async def outline(self, flow_id: int) -> Sequence[Outlined]:
        if not self._outlines.get(flow_id):
            self._outlines[flow_id] = await self._flows.outline(flow_id)
        return self._outlines[flow_id]

    async def _picture(self, flow_id: int, overlay: Overlay | None, prefix: str = "flow") -> Markup | None:
        key = (flow_id, prefix, *(_identity(overlay) if overlay else ()))
        if key in self._rendered:
            self._rendered.move_to_end(key)
            return self._rendered[key]
        document = await self._flows.document(flow_id)
        if document is None:
            return None
        picture = draw(document, overlay, prefix)
        self._rendered[key] = picture
        while len(self._rendered) > self._keep:
            self._rendered.popitem(last=False)
        return picture


def draw(document: Document, overlay: Overlay | None, prefix: str = "flow") -> Markup:
    """Every diagram of the document, one below the other, and what the overlay's signs mean."""
    pictures = [
        render(document, diagram=number, overlay=overlay, prefix=f"{prefix}{number}")
        for number in range(max(1, len(document.diagrams)))
    ]
    if overlay is not None:
        pictures.append(as_list(overlay))
    # Every text of the model is escaped where the SVG is written.
    return Markup("\n".join(pictures))  # noqa: S704


def _identity(overlay: Overlay) -> tuple[object, ...]:
    """What tells apart two overlays of :func:`trace_overlay`."""
    return (
        overlay.visited,
        tuple(sorted(overlay.standing.items())),
        *(
            tuple(sorted((element, tuple(told)) for element, told in each.items()))
            for each in (overlay.findings, overlay.clocks, overlay.tips)
        ),
        *(tuple(sorted(each.items())) for each in (overlay.heat, overlay.weights, overlay.counts)),
        overlay.heat_kind,
        overlay.heat_ends,
    )


def trace_overlay(
    detail: TraceDetail,
    visited: Sequence[str],
    clocks: Sequence[Clock] | None = None,
    places: Mapping[str, str] | None = None,
) -> Overlay:
    """The visited path, standing tokens, SLA clocks, and a badge for every finding that holds. ``clocks``:
    as shown, blind ones included; else as stored. An element's clock tells its SLA findings, too.
    ``places``: by SLA, where clocks about no single element stand."""
    timings = clock_timings(detail.clocks if clocks is None else clocks, places or {})
    marks: dict[str, tuple[Mark, ...]] = {}
    for finding in detail.findings:
        element = finding.element
        if element is None or finding.state is FindingState.RETRACTED:
            continue
        if finding.kind.is_deviation or element not in timings:
            marks[element] = (*marks.get(element, ()), _mark(finding))
    standing: dict[str, int] = {}
    for element in detail.row.standing:
        standing[element] = standing.get(element, 0) + 1
    return Overlay(visited=frozenset(visited), standing=standing, findings=marks, clocks=timings)


def clock_timings(clocks: Sequence[Clock], places: Mapping[str, str]) -> dict[str, list[Timing]]:
    """Clocks by the element they are about, else that of ``places``."""
    timings: dict[str, list[Timing]] = {}
    for clock in clocks:
        element = clock.element or places.get(clock.sla)
        if element:
            timings.setdefault(element, []).append(Timing(clock.state.value, clock_words(clock)))
    return timings


def clock_words(clock: Clock) -> str:
    """What a clock's badge says: its SLA, how it stands, and when it is due. Without reading the time, so
    that a picture stays what it is until something happens."""
    due = words.instant(clock.due)
    if clock.paused is not None:
        return f"{clock.sla}: paused since {words.instant(clock.paused)}."
    match clock.state:
        case ClockState.MET | ClockState.MISSED if clock.ended:
            apart = words.duration(abs(clock.due - clock.ended))
            how = "before it was due" if clock.state is ClockState.MET else "too late"
            return f"{clock.sla}: {words.CLOCKS[clock.state].lower()}, {apart} {how} ({due})."
        case ClockState.BREACHED:
            return f"{clock.sla}: breached, was due {due}."
        case ClockState.CANCELLED:
            return f"{clock.sla}: no longer applies, the flow took another path."
        case ClockState.BLIND:
            return f"{clock.sla}: was due {due}, but a source is not read up to it: nobody can say yet."
    return f"{clock.sla}: {words.CLOCKS[clock.state].lower()}, due {due}."


def _mark(finding: FindingRow) -> Mark:
    return Mark(finding.kind.value, f"{words.KINDS[finding.kind]}: {finding.message}")

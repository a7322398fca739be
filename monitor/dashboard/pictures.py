"""Flow pictures: the model's diagram with what a trace did on it, rendered once for each thing to show."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Protocol

from markupsafe import Markup

from monitor.bpmn.document import Document
from monitor.dashboard import words
from monitor.diagram import Mark, Overlay, render
from monitor.domain.verdict import FindingState
from monitor.storage.views import EventRow, FindingRow, TraceDetail


class FlowPictures(Protocol):
    """Where documents of deployed flows come from; the composition root provides it."""

    async def document(self, flow_id: int) -> Document | None:
        """The model of this flow version; None when it is not known (any more)."""

    async def labels(self, flow_id: int) -> Mapping[str, Sequence[str]]:
        """The labels this flow version knows events by, each with the ids of its elements."""

    async def visited(self, flow_id: int, events: Sequence[EventRow]) -> Sequence[str]:
        """The ids of elements and sequence flows that these events of a trace, in its order, passed."""


class Pictures:
    """Renders and remembers the last ``keep`` pictures; a flow version never changes."""

    def __init__(self, flows: FlowPictures, *, keep: int = 128) -> None:
        self._flows = flows
        self._keep = keep
        self._rendered: OrderedDict[tuple[object, ...], Markup] = OrderedDict()

    async def flow(self, flow_id: int) -> Markup | None:
        """The model as it is; None when it is not known."""
        return await self._picture(flow_id, None)

    async def trace(self, detail: TraceDetail) -> Markup | None:
        """The model of the trace's flow version with what the trace did."""
        return await self._picture(detail.flow_id, trace_overlay(detail, await self.visited(detail)))

    async def visited(self, detail: TraceDetail) -> Sequence[str]:
        """What the trace passed: as stored, or found from its events where it is not."""
        return detail.visited or await self._flows.visited(detail.flow_id, detail.events)

    async def labels(self, flow_id: int) -> Mapping[str, Sequence[str]]:
        return await self._flows.labels(flow_id)

    async def _picture(self, flow_id: int, overlay: Overlay | None) -> Markup | None:
        key = (flow_id, *_identity(overlay)) if overlay else (flow_id,)
        if key in self._rendered:
            self._rendered.move_to_end(key)
            return self._rendered[key]
        document = await self._flows.document(flow_id)
        if document is None:
            return None
        picture = draw(document, overlay)
        self._rendered[key] = picture
        while len(self._rendered) > self._keep:
            self._rendered.popitem(last=False)
        return picture


def draw(document: Document, overlay: Overlay | None) -> Markup:
    """Every diagram of the document, one below the other."""
    pictures = (
        render(document, diagram=number, overlay=overlay, prefix=f"flow{number}")
        for number in range(max(1, len(document.diagrams)))
    )
    # Every text of the model is escaped where the SVG is written.
    return Markup("\n".join(pictures))  # noqa: S704


def _identity(overlay: Overlay) -> tuple[object, ...]:
    """What tells apart two overlays of :func:`trace_overlay`."""
    return (
        overlay.visited,
        tuple(sorted(overlay.standing.items())),
        tuple(sorted((element, tuple(marks)) for element, marks in overlay.findings.items())),
    )


def trace_overlay(detail: TraceDetail, visited: Sequence[str]) -> Overlay:
    """The visited path, standing tokens, and a badge for every deviation or SLA matter that holds."""
    marks: dict[str, tuple[Mark, ...]] = {}
    for finding in detail.findings:
        if finding.element and finding.state is not FindingState.RETRACTED:
            marks[finding.element] = (*marks.get(finding.element, ()), _mark(finding))
    standing: dict[str, int] = {}
    for element in detail.row.standing:
        standing[element] = standing.get(element, 0) + 1
    return Overlay(visited=frozenset(visited), standing=standing, findings=marks)


def _mark(finding: FindingRow) -> Mark:
    return Mark(finding.kind.value, f"{words.KINDS[finding.kind]}: {finding.message}")

"""Pictures for mails: a trace in its flow, by itself, and of a large flow the part where it hurts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from monitor.bpmn.document import Bounds, Document
from monitor.dashboard.pictures import trace_overlay
from monitor.diagram import Overlay, render
from monitor.diagram.flat import flattened
from monitor.diagram.plane import plane
from monitor.storage.views import EventRow, TraceDetail

WHOLE = 1000.0
"""Up to this width a picture is shown whole: names stay readable in a mail."""
AROUND = 250.0
"""Shown on either side of where it hurts."""

_TROUBLED = frozenset({"at_risk", "breached", "missed", "blind"})
_VIEW = re.compile(r'viewBox="([-\d.]+) ([-\d.]+) ([\d.]+) ([\d.]+)" width="[\d.]+"')


class Traces(Protocol):
    """Where traces are read."""

    async def trace(self, trace_id: int, events: int = ...) -> TraceDetail | None: ...


class Models(Protocol):
    """Where models of deployed flows are found."""

    async def document(self, flow_id: int) -> Document | None: ...
    async def places(self, flow_id: int) -> Mapping[str, str]: ...
    async def visited(self, flow_id: int, events: Sequence[EventRow]) -> Sequence[str]: ...


class TracePictures:
    """What messages show of a trace."""

    def __init__(self, traces: Traces, models: Models) -> None:
        self._traces = traces
        self._models = models

    async def svg(self, trace: int) -> str | None:
        """The trace as it stands now, with no need of a stylesheet; None where its model is not known."""
        detail = await self._traces.trace(trace)
        document = await self._models.document(detail.flow_id) if detail is not None else None
        if detail is None or document is None:
            return None
        visited = detail.visited or await self._models.visited(detail.flow_id, detail.events)
        overlay = trace_overlay(detail, visited, None, await self._models.places(detail.flow_id))
        return await asyncio.to_thread(picture, document, overlay)


def picture(document: Document, overlay: Overlay) -> str:
    """Of several diagrams the first that shows where it hurts, else where it stands, else the first. A wide
    one is cut to the columns around that."""
    hurt = troubled(overlay)
    number, around = _shown(document, hurt or set(overlay.standing))
    whole = render(document, diagram=number, overlay=overlay, standalone=True, interactive=False)
    view = _VIEW.search(whole)
    if around is None or view is None or float(view[3]) <= WHOLE:
        return flattened(whole)
    left, width = _columns(float(view[1]), float(view[3]), around)
    bare = render(document, diagram=number, overlay=overlay, interactive=False)  # a legend would be cut, too
    view = _VIEW.search(bare)
    assert view is not None
    cut = f'viewBox="{left:g} {view[2]} {width:g} {view[4]}" width="{width:g}"'
    return flattened(f"{bare[: view.start()]}{cut}{bare[view.end() :]}")


def troubled(overlay: Overlay) -> set[str]:
    """The elements with a finding, or with a clock that stands badly."""
    clocks = {
        element
        for element, timings in overlay.clocks.items()
        if any(timing.state in _TROUBLED for timing in timings)
    }
    return {element for element, marks in overlay.findings.items() if marks} | clocks


def _shown(document: Document, elements: set[str]) -> tuple[int, Bounds | None]:
    """The diagram, and the box around those of the elements that it shows."""
    for number in range(max(1, len(document.diagrams))):
        boxes = [each.shape.bounds for each in plane(document, number).shapes if each.thing.id in elements]
        if boxes:
            left, top = min(box.x for box in boxes), min(box.y for box in boxes)
            right = max(box.x + box.width for box in boxes)
            bottom = max(box.y + box.height for box in boxes)
            return number, Bounds(left, top, right - left, bottom - top)
    return 0, None


def _columns(left: float, width: float, around: Bounds) -> tuple[float, float]:
    """What is shown of so wide a picture: its left edge and its width, at least ``WHOLE`` wide."""
    wanted = min(max(around.width + 2 * AROUND, WHOLE), width)
    middle = around.x + around.width / 2
    return min(max(middle - wanted / 2, left), left + width - wanted), wanted

"""Automatic layout: a diagram for documents, or parts of them, that carry none.

Processes run from left to right; pools lie one below the other, with message flows between them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from monitor.bpmn.document import (
    EVENTS,
    GATEWAYS,
    Artifact,
    Bounds,
    Choreography,
    Collaboration,
    Diagram,
    Document,
    Lane,
    Participant,
    Process,
    Shape,
    walk,
)
from monitor.diagram import messages
from monitor.diagram.satellites import connected
from monitor.diagram.scope import Content, draw
from monitor.diagram.sheet import Sheet

_HEADER = 30.0
_PADDING = 30.0
_BLACK_BOX_HEIGHT = 60.0
_POOL_WIDTH = 600.0
_APART = 50.0


def layout(document: Document, element: str | None = None) -> Diagram:
    """A diagram of everything in ``document``, or of one process, collaboration or subprocess (by id; of
    everything if there is no such element).

    Deterministic; shapes come outer before inner ones; subprocesses with content are expanded.
    """
    for process in document.processes:
        if process.id == element:
            return _diagram(element, _Band(process).draw(0.0))
        for node in process.walk():
            if node.id == element and node.children:
                return _diagram(element, draw(Content(node.children, node.flows, node.artifacts)).sheet)
    for choreography in document.choreographies:
        if choreography.id == element:
            return _diagram(element, _exchange(choreography))
        for node in walk(choreography.nodes):
            if node.id == element and node.children:
                return _diagram(element, draw(Content(node.children, node.flows, node.artifacts)).sheet)
    chosen = [c for c in document.collaborations if c.id == element]
    sheet = Sheet()
    shown: set[str] = set()
    for collaboration in chosen or document.collaborations:
        _append(sheet, _collaboration(document, collaboration, shown))
    for process in () if chosen else document.processes:
        if process.id not in shown:
            _append(sheet, _Band(process).draw(0.0))
    for choreography in () if chosen else document.choreographies:
        _append(sheet, _exchange(choreography))
    return _diagram(element, sheet)


def _exchange(choreography: Choreography) -> Sheet:
    return draw(Content(choreography.nodes, choreography.flows, choreography.artifacts)).sheet


def _diagram(element: str | None, sheet: Sheet) -> Diagram:
    return Diagram(element, shapes=tuple(sheet.shapes), edges=tuple(sheet.edges))


def _append(sheet: Sheet, other: Sheet) -> None:
    if other.shapes:
        sheet.paste(other, 0.0, sheet.height + _APART if sheet.height else 0.0)


class _Strip(NamedTuple):
    """A lane over the leaf lanes ``first`` to ``last``, ``depth`` lanes inside the pool."""

    lane: Lane
    depth: int
    first: int
    last: int


class _Band:
    """A process with its lanes, to be drawn with or without a pool around it."""

    def __init__(
        self, process: Process, labels_above: Collection[str] = (), notes: Sequence[Artifact] = ()
    ) -> None:
        self._strips: list[_Strip] = []
        lane_of: dict[str, int] = {}
        count = 0
        for lane in process.lanes:
            count = self._flatten(lane, 0, count, lane_of)
        self._depth = max((strip.depth + 1 for strip in self._strips), default=0)
        content = Content(process.nodes, process.flows, (*process.artifacts, *notes))
        self._drawing = draw(content, lane_of=lane_of, lanes=count, labels_above=labels_above)

    def _flatten(self, lane: Lane, depth: int, first: int, lane_of: dict[str, int]) -> int:
        """Numbers the leaf lanes from ``first``; returns the number after the last. Nodes of a lane with
        lanes inside, but in none of these, go to the first."""
        at = len(self._strips)
        after = first
        for child in lane.children:
            after = self._flatten(child, depth + 1, after, lane_of)
        for node in lane.nodes:
            lane_of.setdefault(node, first)
        after = max(after, first + 1)
        self._strips.insert(at, _Strip(lane, depth, first, after - 1))
        return after

    def lanes(self) -> Iterator[str]:
        return (strip.lane.id for strip in self._strips)

    def width(self, header: float) -> float:
        inner = self._drawing.sheet.width + 2 * _PADDING
        return header + self._depth * _HEADER + inner if header or self._depth else inner - 2 * _PADDING

    def draw(self, header: float, width: float = 0.0, pool: str | None = None) -> Sheet:
        """The process right of a pool's header, ``width`` wide or as wide as it must be."""
        width = max(width, self.width(header))
        content, borders = self._drawing
        boxed = bool(header or borders)
        x = header + self._depth * _HEADER + (_PADDING if boxed else 0.0)
        y = _PADDING if boxed and not borders else 0.0
        height = borders[-1] if borders else content.height + 2 * y
        sheet = Sheet(width, height)
        if pool is not None:
            sheet.shapes.append(Shape(pool, Bounds(0.0, 0.0, width, height), horizontal=True, expanded=True))
        for strip in self._strips:
            left = header + strip.depth * _HEADER
            top = borders[strip.first]
            bounds = Bounds(left, top, width - left, borders[strip.last + 1] - top)
            sheet.shapes.append(Shape(strip.lane.id, bounds, horizontal=True))
        sheet.paste(content, x, y)
        return sheet


def _collaboration(document: Document, collaboration: Collaboration, shown: set[str]) -> Sheet:
    """All pools of a collaboration with what is in them. Adds the drawn processes' ids to ``shown``."""
    processes = {process.id: process for process in document.processes}
    inside: dict[str, Process] = {}
    for participant in collaboration.participants:
        process = processes.get(participant.process or "")
        if process and process.id not in shown and (process.nodes or process.lanes):
            shown.add(process.id)
            inside[participant.id] = process
    home = dict(_home_of(collaboration.participants, inside))
    exchanged = [
        (home[flow.source], home[flow.target])
        for flow in collaboration.message_flows
        if flow.source in home and flow.target in home
    ]
    order = messages.near([participant.id for participant in collaboration.participants], exchanged)
    participants = sorted(collaboration.participants, key=lambda participant: order.index(participant.id))
    pool_of = {id_: order.index(pool) for id_, pool in home.items()}
    above = {
        flow.source
        for flow in collaboration.message_flows
        if pool_of.get(flow.source, 0) < pool_of.get(flow.target, 0)
    }
    above |= {
        flow.target
        for flow in collaboration.message_flows
        if pool_of.get(flow.target, 0) < pool_of.get(flow.source, 0)
    }
    notes = {id_: _notes_on(process, collaboration.artifacts) for id_, process in inside.items()}
    bands = {id_: _Band(process, above, notes[id_]) for id_, process in inside.items()}
    width = max([_POOL_WIDTH, *(band.width(_HEADER) for band in bands.values())])
    spoken = [artifact for artifact in collaboration.artifacts if "onversation" in artifact.type]
    talks = draw(Content((), (), spoken)).sheet
    passing = messages.crossings(collaboration.message_flows, pool_of)
    sheet = Sheet()
    for index, participant in enumerate(participants):
        band = bands.get(participant.id)
        pool = band.draw(_HEADER, width, participant.id) if band else _black_box(participant, width)
        sheet.paste(pool, 0.0, sheet.height)
        sheet.height += _APART + messages.TRACK * passing[index]
        if talks.shapes and index == 0:  # between those who talk
            sheet.paste(talks, 2 * _HEADER, sheet.height)
            sheet.height += _APART
    sheet.height -= _APART if participants else 0.0
    ground = messages.Ground(
        at={shape.element: shape.bounds for shape in sheet.shapes},
        pools=[participant.id for participant in participants],
        pool_of=pool_of,
        round=frozenset(
            node.id
            for process in inside.values()
            for node in process.walk()
            if node.type in EVENTS | GATEWAYS
        ),
        containers=frozenset(
            {participant.id for participant in participants}
            | {lane for band in bands.values() for lane in band.lanes()}
        ),
    )
    sheet.edges.extend(messages.route(collaboration.message_flows, ground))
    elsewhere = {artifact.id for each in (spoken, *notes.values()) for artifact in each}
    rest = [artifact for artifact in collaboration.artifacts if artifact.id not in elsewhere]
    _append(sheet, draw(Content((), (), rest)).sheet)
    drawn = {edge.element for edge in sheet.edges}
    sheet.edges.extend(connected([a for a in collaboration.artifacts if a.id not in drawn], sheet))
    return sheet


def _notes_on(process: Process, artifacts: Sequence[Artifact]) -> list[Artifact]:
    """Annotations of the collaboration that are about a node of the process, with what ties them to it: they
    stand with the node."""
    nodes = {node.id for node in process.nodes}
    notes = {artifact.id: artifact for artifact in artifacts if artifact.type == "textAnnotation"}
    found: list[Artifact] = []
    for tie in artifacts:
        note = notes.get(tie.source or "") or notes.get(tie.target or "")
        if note is not None and not nodes.isdisjoint({tie.source, tie.target}) and note not in found:
            found += [note, tie]
    return found


def _black_box(participant: Participant, width: float) -> Sheet:
    bounds = Bounds(0.0, 0.0, width, _BLACK_BOX_HEIGHT)
    shape = Shape(participant.id, bounds, horizontal=True, expanded=False)
    return Sheet(width, _BLACK_BOX_HEIGHT, [shape])


def _home_of(participants: Sequence[Participant], inside: Mapping[str, Process]) -> Iterator[tuple[str, str]]:
    """Each pool, and each node in one, with its pool."""
    for participant in participants:
        yield participant.id, participant.id
        if participant.id in inside:
            for node in inside[participant.id].walk():
                yield node.id, participant.id

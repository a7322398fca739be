"""Layout of one scope: the content of a process or of a subprocess, subprocesses inside drawn first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from monitor.bpmn.document import EVENTS, GATEWAYS, Artifact, Bounds, Edge, FlowNode, SequenceFlow, Shape
from monitor.diagram import labels
from monitor.diagram.choreography import heights, messages_room
from monitor.diagram.layered import Arrangement, Cell, Link, arrange
from monitor.diagram.satellites import Satellites
from monitor.diagram.sheet import Sheet
from monitor.diagram.text import Block, fit, measure

_EVENT = 36.0
_GATEWAY = 50.0
_TASK = (100.0, 80.0)
_WIDE_TASK = 140.0
_LEFT, _TOP, _BOTTOM = 30.0, 40.0, 30.0  # padding of an expanded subprocess
_PORT_APART = 46.0
_GAP = 40.0
_ROW_WIDTH = 900.0


class Content(NamedTuple):
    """What a process or subprocess contains."""

    nodes: Sequence[FlowNode]
    flows: Sequence[SequenceFlow]
    artifacts: Sequence[Artifact]


class Drawing(NamedTuple):
    """``lanes``: the borders between lanes on the sheet, one more than lanes; none without lanes."""

    sheet: Sheet
    lanes: tuple[float, ...]


@dataclass(slots=True)
class _Body:
    """A node as it will be drawn: its size, its label outside of it, what it contains, and the boundary
    events on its bottom side with their x offsets from its centre."""

    node: FlowNode
    width: float
    height: float
    label: Block | None = None
    label_above: bool = False
    inside: Sheet | None = None
    ports: list[_Body] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)


def draw(
    content: Content,
    *,
    lane_of: Mapping[str, int] | None = None,
    lanes: int = 0,
    labels_above: Collection[str] = (),
) -> Drawing:
    """Lays out a scope. ``lane_of`` gives nodes their lane (0 where it is silent) of ``lanes``;
    ``labels_above``: events whose label must not stand below, because a message flow leaves there."""
    return _Drawer(content, lane_of or {}, labels_above).draw(lanes)


class _Drawer:
    def __init__(self, content: Content, lane_of: Mapping[str, int], labels_above: Collection[str]) -> None:
        nodes = {node.id: node for node in content.nodes}
        self._bodies = {id_: _body(node, labels_above) for id_, node in nodes.items()}
        self._host = {
            node.id: node.attached_to
            for node in nodes.values()
            if node.attached_to in nodes and nodes[node.attached_to].is_activity
        }
        for port, host in self._host.items():
            self._bodies[host].ports.append(self._bodies[port])
        for host in set(self._host.values()):
            _spread_ports(self._bodies[host])
        placed = [id_ for id_ in nodes if id_ not in self._host]
        self._satellites = Satellites(content.artifacts, placed, set(self._host.values()))
        self._names: dict[str, str] = {}
        self._links = list(self._make_links(content))
        self._cells = [self._cell(self._bodies[id_], lane_of.get(id_, 0)) for id_ in placed]
        self._routed: dict[str, tuple[tuple[float, float], ...]] = {}

    def draw(self, lanes: int) -> Drawing:
        sheet = Sheet()
        borders: tuple[float, ...] = ()
        if lanes:
            arrangement = arrange(self._cells, self._links, lanes)
            self._paste(sheet, arrangement, 0.0, 0.0)
            borders = arrangement.lanes
        else:
            self._draw_components(sheet)
        y = sheet.height + _GAP if sheet.height else 0.0
        for row in _rows(self._satellites.free, max(sheet.width, _ROW_WIDTH)):
            x = 0.0
            for satellite in row:
                sheet.shapes.append(satellite.shape(x, y))
                x += satellite.width + _GAP
            sheet.width = max(sheet.width, x - _GAP)
            sheet.height = y + max(satellite.height for satellite in row)
            y = sheet.height + _GAP
        self._satellites.connect(sheet, self._routed)
        return Drawing(sheet, borders)

    def _draw_components(self, sheet: Sheet) -> None:
        """Connected parts one below the other; nodes without any flow in rows below them."""
        y = 0.0
        singles: list[Cell] = []
        for cells, links in _components(self._cells, self._links):
            if not links:
                singles.extend(cells)
                continue
            arrangement = arrange(cells, links)
            self._paste(sheet, arrangement, 0.0, y)
            y += arrangement.height + _GAP
        for row in _rows(singles, max(sheet.width, _ROW_WIDTH)):
            up = max(cell.up for cell in row)
            x = 0.0
            for cell in row:
                alone = Arrangement(cell.width, up + cell.down, {cell.id: (cell.width / 2, up)})
                self._paste(sheet, alone, x, y)
                x += cell.width + _GAP
            y = sheet.height + _GAP

    # -- what is placed

    def _make_links(self, content: Content) -> Iterable[Link]:
        """Sequence flows within the scope, and associations from boundary events (to what compensates)."""
        seen: set[str] = set()
        ends: list[tuple[str, str | None, str | None, str]] = [
            (f.id, f.source, f.target, f.name) for f in content.flows
        ]
        ends += [(a.id, a.source, a.target, "") for a in content.artifacts if a.source in self._host]
        for id_, source, target, name in ends:
            if (
                source not in self._bodies
                or target not in self._bodies
                or target in self._host
                or id_ in seen
            ):
                continue
            seen.add(id_)
            room = labels.edge_label(name).width if name else 0.0
            self._names[id_] = name
            if source in self._host:
                host = self._bodies[self._host[source]]
                port = host.ports.index(self._bodies[source]) + 1
                yield Link(id_, host.node.id, target, port, room)
            else:
                yield Link(id_, source, target, 0, room)

    def _cell(self, body: _Body, lane: int) -> Cell:
        node = body.node
        half_width, half_height = body.width / 2, body.height / 2
        up = down = half_height
        width = body.width
        room = body.label.height + labels.GAP if body.label else 0.0
        if body.label:
            width = max(width, body.label.width)
        if node.type in GATEWAYS:
            up, down = up + room, down + room
        elif body.label_above:
            up += room
        else:
            down += room
        for port, offset in zip(body.ports, body.offsets, strict=True):
            beside = port.label.width + labels.GAP if port.label else _EVENT / 2
            width = max(width, 2 * (offset + beside))
            below = port.label.height + labels.GAP if port.label else 0.0
            down = max(down, half_height + _EVENT / 2 + below)
        beside, above, below = self._satellites.room(node.id)
        sent_above, sent_below = messages_room(node)
        up, down = up + sent_above, down + sent_below
        return Cell(
            id=node.id,
            width=max(width, beside),
            up=up + above,
            down=down + below,
            half_width=half_width,
            half_height=half_height,
            forks=node.type in GATEWAYS and not (above or below),
            top_free=not above and not body.label_above,
            bottom_free=not below and not body.ports and (body.label is None or node.type in GATEWAYS),
            ports=tuple(body.offsets),
            port_reach=_EVENT / 2,
            lane=lane,
        )

    # -- what is drawn

    def _paste(self, sheet: Sheet, arrangement: Arrangement, x: float, y: float) -> None:
        routes = {
            id_: tuple((px + x, py + y) for px, py in route) for id_, route in arrangement.routes.items()
        }
        self._routed.update(routes)
        touched = {(round(x), round(y)) for route in routes.values() for x, y in (route[0], route[-1])}
        for id_, (cx, cy) in arrangement.centres.items():
            self._paste_node(sheet, self._bodies[id_], x + cx, y + cy, touched)
        trunks = labels.shared_beginnings(routes.values())
        for id_, route in routes.items():
            name = self._names[id_]
            shared = labels.beginning(route) in trunks
            label = labels.on_edge(route, labels.edge_label(name), shared=shared) if name else None
            sheet.edges.append(Edge(id_, route, label))
        sheet.width = max(sheet.width, x + arrangement.width)
        sheet.height = max(sheet.height, y + arrangement.height)

    def _paste_node(
        self, sheet: Sheet, body: _Body, x: float, y: float, touched: Collection[tuple[int, int]]
    ) -> None:
        bounds = Bounds(x - body.width / 2, y - body.height / 2, body.width, body.height)
        top, bottom = bounds.y, bounds.y + bounds.height
        label = None
        if body.label:
            free_top = _untouched(x, top, touched)
            upper = body.label_above or (body.node.type in GATEWAYS and free_top)
            label = labels.above(bounds, body.label) if upper else labels.below(bounds, body.label)
            if body.node.type in GATEWAYS and not upper and not _untouched(x, bottom, touched):
                label = Bounds(x - 8 - body.label.width, label.y - 4, label.width, label.height)
            top, bottom = min(top, label.y), max(bottom, label.y + label.height)
        nests = body.node.is_subprocess or body.node.type == "subChoreography"
        expanded = body.inside is not None if nests else None
        sheet.shapes.append(Shape(body.node.id, bounds, label, expanded=expanded, marker_visible=True))
        if body.inside:
            sheet.paste(body.inside, bounds.x, bounds.y)
        for port, offset in zip(body.ports, body.offsets, strict=True):
            at = Bounds(x + offset - _EVENT / 2, bounds.y + bounds.height - _EVENT / 2, _EVENT, _EVENT)
            tag = None
            if port.label:
                right = Bounds(x + offset + labels.GAP, at.y + _EVENT + 2, 0.0, 0.0)
                tag = Bounds(right.x, right.y, port.label.width, port.label.height)
                bottom = max(bottom, tag.y + tag.height)
            bottom = max(bottom, at.y + _EVENT)
            sheet.shapes.append(Shape(port.node.id, at, tag))
        sent_above, sent_below = messages_room(body.node)
        shapes = self._satellites.draw(body.node.id, x, top - sent_above, bottom + sent_below)
        sheet.shapes.extend(shapes)


def _untouched(x: float, y: float, touched: Collection[tuple[int, int]]) -> bool:
    """Whether no flow ends at a place, to the pixel or nearly so."""
    return not any((round(x) + dx, round(y) + dy) in touched for dx in (-1, 0, 1) for dy in (-1, 0, 1))


def _body(node: FlowNode, labels_above: Collection[str]) -> _Body:
    if node.type in EVENTS or node.type in GATEWAYS:
        side = _EVENT if node.type in EVENTS else _GATEWAY
        label = labels.node_label(node.name) if node.name else None
        above = label is not None and node.id in labels_above and node.type in EVENTS
        return _Body(node, side, side, label, above)
    upper, lower = heights(node)
    if node.children:
        content = draw(Content(node.children, node.flows, node.artifacts)).sheet
        inside = Sheet()
        inside.paste(content, _LEFT, _TOP + upper)
        height = max(inside.height + _BOTTOM + lower, 100.0)
        return _Body(node, max(inside.width + _LEFT, 140.0), height, inside=inside)
    width, height = _TASK
    longest = max((measure(word, labels.SIZE) for word in node.name[:1000].split()), default=0.0)
    if longest > width - 12 or fit(node.name, width - 12, height - 24).size < labels.SIZE:
        width = _WIDE_TASK
    if node.bands:
        width, height = _WIDE_TASK, height - 20 + upper + lower
    return _Body(node, width, height)


def _spread_ports(body: _Body) -> None:
    """Boundary events side by side at the right of the bottom side; the node grows if they need it."""
    steps = [max(_PORT_APART, 1.1 * port.label.width + 12 if port.label else 0.0) for port in body.ports[:-1]]
    body.width = max(body.width, sum(steps) + _EVENT + 20)
    offset = body.width / 2 - _EVENT / 2 - 10 - sum(steps)
    body.offsets.append(offset)
    for step in steps:
        offset += step
        body.offsets.append(offset)


def _components(cells: Sequence[Cell], links: Sequence[Link]) -> list[tuple[list[Cell], list[Link]]]:
    """Cells connected by links, with these links; in the order of their first cells."""
    root = {cell.id: cell.id for cell in cells}

    def find(id_: str) -> str:
        while root[id_] != id_:
            root[id_] = root[root[id_]]
            id_ = root[id_]
        return id_

    for link in links:
        root[find(link.target)] = find(link.source)
    parts: dict[str, tuple[list[Cell], list[Link]]] = {}
    for cell in cells:
        parts.setdefault(find(cell.id), ([], []))[0].append(cell)
    for link in links:
        parts[find(link.source)][1].append(link)
    return list(parts.values())


class _Wide(Protocol):
    @property
    def width(self) -> float: ...


W = TypeVar("W", bound=_Wide)


def _rows(things: Sequence[W], width: float) -> list[list[W]]:
    rows: list[list[W]] = []
    used = width
    for thing in things:
        if not rows or used + thing.width > width:
            rows.append([])
            used = 0.0
        rows[-1].append(thing)
        used += thing.width + _GAP
    return rows

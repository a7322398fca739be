"""The values the stages of a layered drawing hand on. Sizes are pixels, y grows downwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.diagram.geometry import Point


@dataclass(frozen=True, slots=True)
class Cell:
    """What is placed. ``width`` and the space ``up`` and ``down`` from its centre line include labels;
    ``half_width`` and ``half_height`` are of the shape itself, where links end.

    ``forks``: links may leave and enter at top and bottom (diamonds). ``top_free`` and ``bottom_free``:
    nothing hangs there, so that a loop may end there. ``ports``: x offsets of the bottom ports (boundary
    events), port 1 first, and ``port_reach``, how far these stick out below the shape.
    """

    id: str
    width: float
    up: float
    down: float
    half_width: float
    half_height: float
    forks: bool = False
    top_free: bool = True
    bottom_free: bool = True
    ports: tuple[float, ...] = ()
    port_reach: float = 0.0
    lane: int = 0


class Link(NamedTuple):
    """``port`` 0 leaves the cell itself, k its k-th bottom port. ``room`` is the width of its label."""

    id: str
    source: str
    target: str
    port: int = 0
    room: float = 0.0


@dataclass(slots=True, eq=False)
class Vertex:
    """A cell's place in its rank, or (``cell`` None) a bend of a long link or a lane's border."""

    rank: int
    lane: int
    up: float
    down: float
    cell: Cell | None = None
    separator: bool = False
    position: float = 0.0
    y: float = 0.0


@dataclass(slots=True, eq=False)
class Chain:
    """A link cut into hops of one rank each, left to right: ``vertices[i]`` and ``vertices[i + 1]`` are in
    neighbouring ranks. ``back``: the link itself runs right to left. ``head`` and ``tail`` are bends in the
    rank of the link's right and left end, right above or below it: where loops turn and bottom ports lead."""

    link: Link
    vertices: list[Vertex]
    source: Vertex
    target: Vertex
    back: bool = False
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Centres of cells and the bends of links in a box from (0, 0) to (``width``, ``height``); ``lanes``
    holds the borders of the lanes, one more than there are lanes (none without lanes)."""

    width: float
    height: float
    centres: Mapping[str, Point] = field(default_factory=dict)
    routes: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    lanes: tuple[float, ...] = ()

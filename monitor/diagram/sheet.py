"""A piece of drawing: shapes and edges in a box of their own, to be put together into a diagram."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from monitor.bpmn.document import Bounds, Edge, Shape


def moved(bounds: Bounds, dx: float, dy: float) -> Bounds:
    return Bounds(bounds.x + dx, bounds.y + dy, bounds.width, bounds.height)


@dataclass(slots=True)
class Sheet:
    """Everything lies between (0, 0) and (``width``, ``height``). Shapes come outer before inner ones."""

    width: float = 0.0
    height: float = 0.0
    shapes: list[Shape] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def paste(self, other: Sheet, x: float, y: float) -> None:
        """Adds another sheet with its corner at (x, y); grows to hold it."""
        for shape in other.shapes:
            label = moved(shape.label, x, y) if shape.label else None
            self.shapes.append(replace(shape, bounds=moved(shape.bounds, x, y), label=label))
        for edge in other.edges:
            label = moved(edge.label, x, y) if edge.label else None
            points = tuple((px + x, py + y) for px, py in edge.waypoints)
            self.edges.append(replace(edge, waypoints=points, label=label))
        self.width = max(self.width, x + other.width)
        self.height = max(self.height, y + other.height)

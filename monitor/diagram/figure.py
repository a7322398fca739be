"""A drawn element, and its name where that stands outside of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from monitor.bpmn.document import Bounds, Shape
from monitor.diagram import canvas, labels
from monitor.diagram.geometry import usable
from monitor.diagram.text import Block


class Figure(NamedTuple):
    """An element drawn: its outline and signs, its label, the boxes they fill, and what it is in words."""

    outline: str
    label: str
    boxes: tuple[Bounds, ...]
    noun: str
    classes: tuple[str, ...]


class Label(NamedTuple):
    drawn: str
    boxes: tuple[Bounds, ...]


def outside(name: str, shape: Shape, wrapped: Callable[[str], Block]) -> Label:
    """A label beside its shape: where the diagram says, else below."""
    if not name:
        return Label("", ())
    if shape.label is not None and usable(shape.label):
        return given_label(name, shape.label)
    block = wrapped(name)
    box = labels.below(shape.bounds, block)
    return Label(canvas.centred(block, box), (box,))


def given_label(name: str, box: Bounds) -> Label:
    """In a given box; text that needs more room than it says grows around its middle and downwards."""
    block = labels.unbroken(name, max(box.width + 2, 60.0))
    x = box.x + (box.width - block.width) / 2
    real = Bounds(x, box.y, block.width, block.height)
    return Label(canvas.centred(block, real), (real,))

"""What a trace, or many, did on a diagram: drawn over the model without changing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Mark(NamedTuple):
    """A badge on an element: ``kind`` picks its sign (a finding's kind, or any other word for a plain
    exclamation mark), ``text`` is the sentence it tells on hover and focus."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """All keys are element or sequence flow ids of the model; ids the diagram does not show are ignored.

    ``visited``: what was passed, sequence flows too. ``standing``: tokens waiting on an element.
    ``findings``: badges, in the order they shall appear. ``heat``: 0 (cold) to 1 (hot), values beyond are
    clamped; ``counts``: a short text, mostly a number, shown on an element.
    """

    visited: frozenset[str] = frozenset()
    standing: Mapping[str, int] = field(default_factory=dict)
    findings: Mapping[str, Sequence[Mark]] = field(default_factory=dict)
    heat: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, str] = field(default_factory=dict)

    def marks(self, element: str) -> Sequence[Mark]:
        return self.findings.get(element, ())

    def words(self, element: str) -> tuple[str, ...]:
        """The overlay's classes for an element, in a fixed order; they are also what is read out."""
        told = (
            ("visited", element in self.visited),
            ("standing", self.standing.get(element, 0) > 0),
            ("skipped", any(mark.kind == "missing" for mark in self.marks(element))),
            ("deviating", bool(self.marks(element))),
        )
        return tuple(word for word, holds in told if holds)

"""What a trace, or many, did on a diagram: drawn over the model without changing it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

LEVELS = 5
"""How many shades heat has: as many as can be told apart."""

CLOCK_STATES = ("breached", "missed", "blind", "at_risk", "running", "met", "cancelled")
"""An SLA clock's states, what needs attention first."""


class Mark(NamedTuple):
    """A badge on an element: ``kind`` picks its sign (a finding's kind, or any other word for a plain
    exclamation mark), ``text`` is the sentence it tells on hover and focus, lines apart by line breaks.
    ``number``: how often, shown beside the sign; 0: not shown."""

    kind: str
    text: str
    number: int = 0


class Timing(NamedTuple):
    """An SLA clock on an element: ``state`` (of :data:`CLOCK_STATES`) picks its sign, ``text`` is the
    sentence it tells on hover and focus."""

    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """All keys are element or sequence flow ids of the model; ids the diagram does not show are ignored.

    Of one trace: ``visited``: what was passed, sequence flows too. ``standing``: tokens waiting on an
    element. ``findings``: badges, in the order they shall appear. ``clocks``: SLA clocks.

    Of many traces: ``heat``: 0 (cold) to 1 (hot), values beyond are clamped; ``heat_kind`` says in a word or
    two what it measures ("Frequency"), ``heat_ends`` what the coldest and the hottest shade stand for
    ("1 trace", "120 traces"): both for the legend. ``counts``: a short text, mostly a number, shown on an
    element or sequence flow. ``tips``: lines told of an element on hover and focus. ``weights``: 0 to 1, how
    thick a sequence flow is drawn. ``standing`` then counts traces.
    """

    visited: frozenset[str] = frozenset()
    standing: Mapping[str, int] = field(default_factory=dict)
    findings: Mapping[str, Sequence[Mark]] = field(default_factory=dict)
    heat: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, str] = field(default_factory=dict)
    clocks: Mapping[str, Sequence[Timing]] = field(default_factory=dict)
    tips: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    heat_kind: str = ""
    heat_ends: tuple[str, str] = ("", "")

    @property
    def of_many(self) -> bool:
        """Whether it tells of many traces: then nothing steps back for not having been passed."""
        return bool(self.heat or self.weights or self.heat_kind)

    def marks(self, element: str) -> Sequence[Mark]:
        return self.findings.get(element, ())

    def skipped(self, element: str) -> bool:
        return not self.of_many and any(mark.kind == "missing" for mark in self.marks(element))

    def passed(self, element: str) -> bool:
        """Whether it was passed: what a trace skipped lies on its path, too, but was not."""
        return element in self.visited and not self.skipped(element)

    def level(self, element: str) -> int:
        """The shade of an element's heat: 1 to :data:`LEVELS`; 0 is none."""
        return math.ceil(_share(self.heat, element) * LEVELS)

    def warmth(self, element: str) -> float:
        return _share(self.heat, element)

    def weight(self, flow: str) -> float:
        return _share(self.weights, flow)

    def waiting(self, element: str) -> str:
        """How many wait at an element, in words; empty if none do."""
        number = self.standing.get(element, 0)
        if number <= 0:
            return ""
        if self.of_many:
            return f"{number} {'trace stands' if number == 1 else 'traces stand'} here"
        return f"{number} {'token waits' if number == 1 else 'tokens wait'} here"

    def words(self, element: str) -> tuple[str, ...]:
        """The overlay's classes for an element, in a fixed order; they are also what is read out."""
        level = self.level(element)
        told = (
            ("visited", self.passed(element)),
            ("standing", self.standing.get(element, 0) > 0),
            ("skipped", self.skipped(element)),
            ("deviating", bool(self.marks(element))),
            (f"heat-{level}", level > 0),
        )
        return tuple(word for word, holds in told if holds)


def _share(shares: Mapping[str, float], element: str) -> float:
    value = shares.get(element, 0.0)
    return min(value, 1.0) if math.isfinite(value) and value > 0 else 0.0

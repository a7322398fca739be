"""Rows about flows: their versions, and what many of their traces amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.statistics import Histogram


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A flow's active version with the counts of its traces, all versions together (as :class:`Totals`)."""

    id: int
    key: str
    version: int
    name: str
    file: str
    deployed: datetime
    traces: int
    open: int
    deviating: int
    at_risk: int
    breached: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a flow that has traces or is active; ``traces`` counted so far."""

    id: int
    flow: str
    version: int
    name: str
    file: str
    deployed: datetime
    active: bool
    traces: int


@dataclass(frozen=True, slots=True)
class ElementStatistics:
    """An element over many traces: how many ``reached`` it and how often it was ``passed``; how long it was
    waited for and worked on (see :class:`~monitor.statistics.Measure`), how many open traces stand there
    now, and confirmed deviations by kind."""

    reached: int = 0
    passed: int = 0
    standing: int = 0
    waited: Histogram = field(default_factory=dict)
    worked: Histogram = field(default_factory=dict)
    deviations: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FlowStatistics:
    """Traces of some versions of a flow that began in some days. ``elements`` by id, only those of which
    something was counted; ``""`` holds deviations at no element. ``slas``: for each SLA its clocks by the
    share of their time they took (:func:`~monitor.statistics.share_of`)."""

    traces: int
    complete: int
    deviating: int
    duration: Histogram
    elements: Mapping[str, ElementStatistics]
    slas: Mapping[str, Histogram]


@dataclass(frozen=True, slots=True)
class DayRow:
    """Traces that began on a day (days since 1970, UTC), and how many of them are complete, or deviate."""

    day: int
    traces: int
    complete: int
    deviating: int


@dataclass(frozen=True, slots=True)
class FlowTrend:
    """Traces of all versions of a flow that began in some days: how many, how long the complete ones took,
    and how many ``begun`` on each day."""

    traces: int
    complete: int
    deviating: int
    duration: Histogram
    begun: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class VariantRow:
    """Complete traces with the same labels in the same order; ``mean`` is how long they took."""

    flow_id: int
    variant: str
    labels: tuple[str, ...]
    traces: int
    deviating: int
    mean: timedelta

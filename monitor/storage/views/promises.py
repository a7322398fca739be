"""Rows about SLAs and about what needs attention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.domain.objective import Count
from monitor.domain.verdict import FindingKind


@dataclass(frozen=True, slots=True)
class Offender:
    """A clock that is overdue (``ended`` is None, ``over`` grows), or that ended ``over`` too late."""

    trace: int
    trace_key: str
    sla: str
    occurrence: int
    started: datetime
    due: datetime
    ended: datetime | None
    over: timedelta


class ClockCounts(NamedTuple):
    """How many clocks of an SLA run now: with time left, close to their due time, past it."""

    running: int = 0
    at_risk: int = 0
    breached: int = 0


class OutcomeStep(NamedTuple):
    """Clocks ``decided`` from ``begin`` on, one step long."""

    begin: datetime
    decided: Count


@dataclass(frozen=True, slots=True)
class OverdueRow:
    """A clock that is past due and still runs, with where its trace stands."""

    flow: str
    sla: str
    severity: str
    trace: int
    trace_key: str
    started: datetime
    due: datetime
    element: str | None
    standing: tuple[str, ...]
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviationRow:
    """A confirmed deviation nobody takes care of yet. ``open``: its trace still is."""

    flow: str
    kind: FindingKind
    element: str | None
    name: str
    severity: str
    message: str
    trace: int
    trace_key: str
    found: datetime
    open: bool

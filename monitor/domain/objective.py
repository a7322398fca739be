"""Objectives: how many clocks of an SLA are to be met over a window of time; budget and burn rate. Pure.

The budget is the share of clocks that may fail (99 % leave 1 %). Its burn rate over some time is how many
times faster than evenly it was used up then. Windows of burn rates come in pairs, as in the Site Reliability
Workbook (Google, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts"): the long one shows that it matters, the
short one that it still goes on. Those given there are for 30 days, and scaled to other windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

TICK = timedelta(minutes=5)
"""Outcomes are counted by ticks of this length: every window begins with one."""

PERIODS = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "quarter": timedelta(days=91),
    "year": timedelta(days=365),
}
"""Calendar windows with their usual length. Weeks begin on Monday."""

_MONTH = timedelta(days=30)
_PAIRS = (
    (14.4, timedelta(hours=1), timedelta(minutes=5), "critical"),
    (6.0, timedelta(hours=6), timedelta(minutes=30), "critical"),
    (1.0, timedelta(days=3), timedelta(hours=6), "warning"),
)


class Count(NamedTuple):
    """How many clocks were met, and how many were not."""

    met: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.met + self.failed


class BurnWindow(NamedTuple):
    """The budget burns too fast where it does so ``factor`` times over both."""

    factor: float
    long: timedelta
    short: timedelta
    severity: str


class Burn(NamedTuple):
    """``rate``: over the long window, None where there is too little to tell."""

    window: BurnWindow
    rate: float | None
    burning: bool


@dataclass(frozen=True, slots=True)
class Objective:
    """``target``: the share to be met, above 0 and below 1. Exactly one of ``window`` (rolling) and
    ``period`` (one of :data:`PERIODS`, in ``timezone``). Below ``minimum`` clocks nothing is claimed."""

    target: float
    window: timedelta | None = None
    period: str | None = None
    timezone: str = "UTC"
    minimum: int = 20

    @property
    def length(self) -> timedelta:
        return self.window or PERIODS[self.period or "month"]

    def begin(self, until: datetime) -> datetime:
        """When the window that ``until`` is in began."""
        if self.window is not None:
            return until - self.window
        zone = ZoneInfo(self.timezone)
        day = until.astimezone(zone).date()
        if self.period == "week":
            day -= timedelta(days=day.weekday())
        elif self.period == "month":
            day = day.replace(day=1)
        elif self.period == "quarter":
            day = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        elif self.period == "year":
            day = day.replace(month=1, day=1)
        return datetime.combine(day, time(), zone)

    def burn_windows(self) -> tuple[BurnWindow, ...]:
        scale = self.length / _MONTH
        return tuple(
            BurnWindow(factor, max(long * scale, 2 * TICK), max(short * scale, TICK), severity)
            for factor, long, short, severity in _PAIRS
        )

    def begins(self, until: datetime) -> tuple[datetime, ...]:
        """From when on to count: for the window itself, then for the long and the short one of each pair."""
        spans = [span for window in self.burn_windows() for span in (window.long, window.short)]
        return (self.begin(until), *(until - span for span in spans))

    def said(self) -> str:
        """``99 % in 30 d``, ``99.5 % a month``."""
        over = f"a {self.period}" if self.period else f"in {_days(self.length)}"
        return f"{self.target * 100:g} % {over}"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How an objective stands ``until`` then. ``compliance`` (share met) and ``budget_left`` (share of the
    budget, below 0 once more failed than may) are None below the minimum."""

    objective: Objective
    since: datetime
    until: datetime
    count: Count
    compliance: float | None
    budget_left: float | None
    burns: tuple[Burn, ...]

    @property
    def burning(self) -> Burn | None:
        """The fastest that burns too fast."""
        return next((burn for burn in self.burns if burn.burning), None)

    @property
    def is_kept(self) -> bool | None:
        return None if self.compliance is None else self.compliance >= self.objective.target


def evaluate(objective: Objective, until: datetime, counts: Sequence[Count]) -> Evaluation:
    """``counts``: one for each of :meth:`Objective.begins`."""
    whole, *rest = counts
    enough = whole.total >= objective.minimum
    allowed = 1 - objective.target
    burns = []
    for number, window in enumerate(objective.burn_windows()):
        long, short = rest[2 * number], rest[2 * number + 1]
        rate = _rate(long, allowed) if long.total >= objective.minimum else None
        still = bool(short.total) and _rate(short, allowed) >= window.factor
        burns.append(Burn(window, rate, rate is not None and rate >= window.factor and still))
    return Evaluation(
        objective,
        objective.begin(until),
        until,
        whole,
        whole.met / whole.total if enough and whole.total else None,
        1 - _rate(whole, allowed) if enough and whole.total else None,
        tuple(burns),
    )


def _rate(count: Count, allowed: float) -> float:
    return count.failed / count.total / allowed


def tick_of(instant: datetime) -> datetime:
    """The beginning of the tick that an instant is in."""
    return instant - timedelta(
        minutes=instant.minute % 5, seconds=instant.second, microseconds=instant.microsecond
    )


def _days(length: timedelta) -> str:
    return f"{length.days} d" if not length % timedelta(days=1) else f"{length / timedelta(hours=1):g} h"

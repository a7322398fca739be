"""How SLAs stand, put together from counts: what their list and the page of one show. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from monitor.dashboard import words
from monitor.dashboard.charts import Column
from monitor.dashboard.promises import SEVERITIES, Promise
from monitor.domain.objective import TICK, Burn, Count, Evaluation, Objective
from monitor.statistics import STILL_RUNNING, Histogram
from monitor.storage.views import ClockCounts, OutcomeStep

PERIODS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
"""Over which the share of clocks that were met may be asked for, by the word that asks for it."""

STEPS = (
    TICK,
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=7),
)
MOST_STEPS = 92
"""Columns in a chart over time: a day each for a quarter of a year."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOW_BUDGET = 0.25
_SPARK_GROUP = 2
_SPARK_BUCKETS = 32


@dataclass(frozen=True, slots=True)
class Standing:
    """One SLA now. ``decided``: clocks met and failed in the period shown. ``told``: its objective, where it
    has one and something can be judged. ``shares``: clocks by the share of their time they took."""

    promise: Promise
    clocks: ClockCounts
    decided: Count
    told: Evaluation | None
    shares: Histogram

    @property
    def met_share(self) -> float | None:
        return self.decided.met / self.decided.total if self.decided.total else None

    @property
    def rank(self) -> int:
        """0 is the worst: late now and critical, then a budget that burns or is used up, late now, at risk,
        and nothing of these."""
        if self.clocks.breached and self.promise.severity == SEVERITIES[0]:
            return 0
        if self.told is not None and (self.told.burning or self.told.is_kept is False):
            return 1
        return 2 if self.clocks.breached else 3 if self.clocks.at_risk else 4


def worst_first(standings: Iterable[Standing]) -> list[Standing]:
    return sorted(
        standings,
        key=lambda one: (
            one.rank,
            -one.clocks.breached,
            -one.clocks.at_risk,
            one.promise.flow,
            one.promise.name,
        ),
    )


def budget_tone(left: float) -> str:
    """``met``, ``at_risk`` or ``breached``, as a clock of which so much is left would be."""
    return "met" if left > _LOW_BUDGET else "at_risk" if left > 0 else "breached"


def step_of(length: timedelta) -> timedelta:
    """The shortest step of which a chart over ``length`` has room."""
    return next((step for step in STEPS if length / step <= MOST_STEPS), STEPS[-1])


def filled(
    steps: Sequence[OutcomeStep], since: datetime, until: datetime, step: timedelta
) -> list[OutcomeStep]:
    """All steps from the one that ``since`` is in to the one that ``until`` is in, those with nothing
    decided too; at most :data:`MOST_STEPS` and two, the latest."""
    known = {one.begin: one.decided for one in steps}
    first = _EPOCH + (since - _EPOCH) // step * step
    count = (until - first) // step + 1
    begins = [first + step * at for at in range(max(0, count - MOST_STEPS - 2), count)]
    return [OutcomeStep(begin, known.get(begin, Count())) for begin in begins]


def compliance_columns(steps: Sequence[OutcomeStep], step: timedelta, allowed: float | None) -> list[Column]:
    """One column for each step: the share of its clocks that failed. Above ``allowed`` (the share that may
    fail) it is bad; without an objective every failure is."""
    columns = []
    every = max(1, len(steps) // 5)
    for at, (begin, count) in enumerate(steps):
        share = count.failed / count.total if count.total else 0.0
        told = "nothing was decided"
        if count.total:
            told = (
                f"{words.thousands(count.failed)} of {words.thousands(count.total)} failed"
                f" ({words.percent(1 - share)} met)"
            )
        columns.append(
            Column(
                when_text(begin, step),
                share,
                told,
                "bad" if share > (allowed or 0) else "warn",
                when_text(begin, step, short=True) if at % every == 0 else "",
            )
        )
    return columns


def when_text(begin: datetime, step: timedelta, *, short: bool = False) -> str:
    """A step as its column is called: a day, or a time of a day (UTC)."""
    if step >= timedelta(days=1):
        return f"{begin:%m-%d}" if short else f"{begin:%Y-%m-%d}"
    return f"{begin:%H:%M}" if short and step < timedelta(hours=6) else f"{begin:%m-%d %H:%M}"


def budget_left(objective: Objective, steps: Sequence[OutcomeStep]) -> list[float] | None:
    """What was left of the window's budget after each step, of 1: the budget is that of all clocks decided
    in these steps, so the last value is what is left now. None where nothing was decided."""
    allowed = sum(one.decided.total for one in steps) * (1 - objective.target)
    if not allowed:
        return None
    return [1 - failed / allowed for failed in accumulate(one.decided.failed for one in steps)]


def spark_of(shares: Histogram) -> list[int]:
    """The distribution in little: counts by tenths of the time, up to 160 % and what is beyond."""
    values = [0] * (_SPARK_BUCKETS // _SPARK_GROUP + 1)
    for bucket, count in shares.items():
        values[min(bucket // _SPARK_GROUP, len(values) - 1)] += count
    return values


def within(shares: Histogram, share: float) -> int:
    """How many clocks took less than this share of their time (in steps of 5 %)."""
    return sum(count for bucket, count in shares.items() if bucket < round(share * 20))


def shares_told(shares: Histogram) -> str:
    """The distribution in one sentence."""
    total = sum(shares.values())
    if not total:
        return "Nothing has been counted yet."
    late = total - within(shares, 1)
    running = shares.get(STILL_RUNNING, 0)
    median = _median(shares, total)
    told = f"{words.count(total, 'clock')}: half of them took {median}; {words.thousands(late)} took too long"
    return told + (f", {words.thousands(running)} of which still run." if running else ".")


def _median(shares: Histogram, total: int) -> str:
    below = 0
    for bucket in sorted(shares):
        below += shares[bucket]
        if 2 * below >= total:
            break
    if bucket == STILL_RUNNING:
        return "longer than they had, and still run"
    if bucket == STILL_RUNNING - 1:
        return "twice their time or more"
    return f"less than {(bucket + 1) * 5} % of their time"


def burn_told(burn: Burn) -> str:
    """What a window's burn rate says, in words."""
    if burn.rate is None:
        return "too few clocks to tell"
    if burn.burning:
        return "burns too fast, and still does"
    if burn.rate >= burn.window.factor:
        return "was too fast, and is no longer"
    return "in order" if burn.rate <= burn.window.factor / 2 else "close to too fast"

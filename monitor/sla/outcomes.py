"""What clocks count as in objectives, and what is said of those. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.objective import Count, Evaluation, Objective, evaluate, tick_of
from monitor.domain.verdict import Clock, ClockKind, ClockState
from monitor.sla.findings import duration_text


class Outcome(NamedTuple):
    """In which tick a clock was decided, and how."""

    tick: datetime
    counts: Count


def outcome_of(clock: Clock) -> Outcome | None:
    """A limit counts as met when it was, as failed when it was due; None while neither is known, and for what
    no longer applies."""
    if clock.kind is not ClockKind.LIMIT:
        return None
    if clock.state is ClockState.MET and clock.ended is not None:
        return Outcome(tick_of(clock.ended), Count(met=1))
    if clock.state in (ClockState.BREACHED, ClockState.MISSED):
        return Outcome(tick_of(clock.due), Count(failed=1))
    return None


def evaluated(objective: Objective, clocks: Iterable[Clock], until: datetime) -> Evaluation:
    """An objective by all clocks of its SLA."""
    ticks: dict[datetime, list[int]] = {}
    for clock in clocks:
        found = outcome_of(clock)
        if found is not None:
            sums = ticks.setdefault(found.tick, [0, 0])
            sums[0] += found.counts.met
            sums[1] += found.counts.failed
    return evaluate(objective, until, sums_since(objective.begins(until), ticks, until))


def sums_since(
    begins: Sequence[datetime], ticks: Mapping[datetime, Sequence[int]], until: datetime
) -> list[Count]:
    """The sums of the ticks from each of ``begins`` to ``until``."""
    found = []
    for begin in begins:
        first = tick_of(begin)
        inside = [sums for tick, sums in ticks.items() if first <= tick <= until]
        found.append(Count(sum(met for met, _ in inside), sum(failed for _, failed in inside)))
    return found


def burn_notice(flow: str, sla: str, told: Evaluation, now: datetime) -> Notice | None:
    """That the budget burns too fast, None where it does not."""
    burn = told.burning
    if burn is None or burn.rate is None:
        return None
    left = told.budget_left
    rest = "" if left is None else f" {left * 100:.0f} % of it is left." if left > 0 else " It is used up."
    return Notice(
        kind=NoticeKind.BURN_RATE,
        subject=f"{flow}/{sla}",
        message=(
            f"“{sla}” of {flow} fails too often: the error budget of {told.objective.said()} burns"
            f" {burn.window.factor:g} times too fast or more over {duration_text(burn.window.long)}.{rest}"
        ),
        since=told.until - burn.window.long,
        noticed=now,
        flow=flow,
        severity=burn.window.severity,
    )

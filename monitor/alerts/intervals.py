"""Times of the week and the year, as Alertmanager's ``time_intervals`` have them. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

Span = tuple[int, int]
"""Both ends belong to it."""

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True)
class Interval:
    """Holds where each of its parts does; an empty part always does. ``times``: minutes of the day, the end
    not included. ``weekdays``: 0 is Monday. ``days``: of the month, negative ones from its end (-1 is the
    last). ``zone``: whose clock is read."""

    times: tuple[Span, ...] = ()
    weekdays: tuple[Span, ...] = ()
    days: tuple[Span, ...] = ()
    months: tuple[Span, ...] = ()
    years: tuple[Span, ...] = ()
    zone: tzinfo = UTC

    def holds(self, instant: datetime) -> bool:
        local = instant.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        last = monthrange(local.year, local.month)[1]
        days = [(_day(first, last), _day(end, last)) for first, end in self.days]
        return (
            (not self.times or any(first <= minute < end for first, end in self.times))
            and _among(local.weekday(), self.weekdays)
            and (not days or any(first <= local.day <= end for first, end in days))
            and _among(local.month, self.months)
            and _among(local.year, self.years)
        )


def _day(day: int, last: int) -> int:
    """Counted from the first of the month, which has ``last`` days."""
    return last + 1 + day if day < 0 else day


def _among(value: int, spans: tuple[Span, ...]) -> bool:
    return not spans or any(first <= value <= end for first, end in spans)


def held_by(
    intervals: Mapping[str, tuple[Interval, ...]],
    mute: tuple[str, ...],
    active: tuple[str, ...],
    now: datetime,
) -> str | None:
    """Why a route says nothing now: the name of a mute interval that holds, or of the active ones, none of
    which does. None: it speaks."""
    for name in mute:
        if any(one.holds(now) for one in intervals[name]):
            return name
    if active and not any(one.holds(now) for name in active for one in intervals[name]):
        return f"outside {', '.join(active)}"
    return None

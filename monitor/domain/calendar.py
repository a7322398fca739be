"""Working time: when a limit of so many working hours is up.

Working hours are wall-clock intervals in a time zone. Their length is what really passes between their two
ends: a night shift across a change of the clocks is an hour shorter or longer, as for those who work it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 24 * 60

LONGEST_SEARCH = timedelta(days=366 * 100)
"""A limit not up by then never is, as far as anybody is concerned."""

END_OF_TIME = datetime.max.replace(tzinfo=UTC)

Interval = tuple[int, int]
"""From and to, in minutes after midnight, local time; 1440 is the next midnight."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """``week``: Monday to Sunday, each day's intervals in order, not overlapping. ``holidays``: days off."""

    name: str
    timezone: str
    week: tuple[tuple[Interval, ...], ...]
    holidays: frozenset[date] = frozenset()

    def after(self, start: datetime, work: timedelta) -> datetime:
        """The instant (UTC) at which ``work`` of working time has passed since ``start``. No work is done at
        once, whenever that is. The end of time where the calendar never gets there."""
        left = work
        if left <= timedelta(0):
            return start.astimezone(UTC)
        for begin, end in self._spans(start):
            begin = max(begin, start)
            if end - begin >= left:
                return begin + left
            if end > begin:
                left -= end - begin
        return END_OF_TIME

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from ``start`` to ``end``."""
        total = timedelta(0)
        for begin, stop in self._spans(start):
            if begin >= end:
                break
            total += max(timedelta(0), min(stop, end) - max(begin, start))
        return total

    def _spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Working intervals as instants (UTC), from the day of ``start`` on."""
        zone = _zone(self.timezone)
        try:
            day = start.astimezone(zone).date()
            last = day + LONGEST_SEARCH
            while day <= last:
                if day not in self.holidays:
                    for begin, end in self.week[day.weekday()]:
                        yield _instant(day, begin, zone), _instant(day, end, zone)
                day += timedelta(days=1)
        except OverflowError:  # a producer's clock at the end of the calendar
            return


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """A wall-clock time as an instant. One the clocks skip is read by the offset before the change, one they
    show twice is the first."""
    if minutes == MINUTES_A_DAY:
        day, minutes = day + timedelta(days=1), 0
    return datetime.combine(day, time(*divmod(minutes, 60)), zone).astimezone(UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)

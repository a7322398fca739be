"""Working time: when a limit of so many working hours or days is up.

An instant is working time where the clock on the wall, in the calendar's time zone, shows a time within the
working hours of a working day. So the hour that the clocks show twice counts twice, and the one they skip not
at all, as for those who work through that night.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 24 * 60

LONGEST_SEARCH = timedelta(days=366 * 100)
"""A limit not up by then never is, as far as anybody is concerned."""

END_OF_TIME = datetime.max.replace(tzinfo=UTC)

MAX_REMEMBERED = 4_000
"""Days whose working time each calendar keeps at hand."""

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)

Interval = tuple[int, int]
"""From and to, in minutes after midnight, local time; 1440 is the next midnight."""

Spans = tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """``week``: Monday to Sunday, each day's intervals in order, not overlapping. ``holidays``: days off, in
    order."""

    name: str
    timezone: str
    week: tuple[tuple[Interval, ...], ...]
    holidays: tuple[date, ...] = ()
    _off: frozenset[date] = field(init=False, repr=False, compare=False)
    _known: dict[date, Spans] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_off", frozenset(self.holidays))

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

    def days_after(self, start: datetime, days: int) -> datetime:
        """The same time of day (UTC instant) ``days`` working days later; what starts outside working time
        starts with the next working hour."""
        if days <= 0:
            return start.astimezone(UTC)
        begin = next((max(begin, start) for begin, end in self._spans(start) if end > start), None)
        if begin is None:
            return END_OF_TIME
        zone = _zone(self.timezone)
        local = begin.astimezone(zone)
        day = self._working_day(local.date() + _DAY, days - 1)
        return END_OF_TIME if day is None else _instant(datetime.combine(day, local.time()), zone)

    def by(self, start: datetime, minutes: int, days: int = 0, cutoff: int | None = None) -> datetime:
        """The instant (UTC) at which the clock on the wall shows so many ``minutes`` after midnight on the
        working day of ``start``, or ``days`` working days after it. What starts on no working day, later in
        the day than ``cutoff``, or too late for that time of day counts as of the next working day."""
        zone = _zone(self.timezone)
        try:
            local = start.astimezone(zone)
            first = local.date()
            if cutoff is not None and local.replace(tzinfo=None) > _wall(first, cutoff):
                first += _DAY
            while (day := self._working_day(first, 0)) is not None:
                until = self._working_day(day + _DAY, days - 1) if days else day
                if until is None:
                    break
                due = _instant(_wall(until, minutes), zone)
                if due > start:
                    return due
                first = day + _DAY
        except OverflowError:  # a producer's clock at the end of the calendar
            pass
        return END_OF_TIME

    def _working_day(self, first: date, further: int) -> date | None:
        """The first working day from ``first`` on, or the one so many ``further``."""
        try:
            last = first + LONGEST_SEARCH
            day = first
            while day <= last:
                if self.week[day.weekday()] and day not in self._off:
                    if further <= 0:
                        return day
                    further -= 1
                day += _DAY
        except OverflowError:
            pass
        return None

    def _spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Working time as instants (UTC), from the day of ``start`` on."""
        try:
            # One day back: where the clocks go back at midnight, the day before is not over yet.
            day = start.astimezone(_zone(self.timezone)).date() - _DAY
            last = day + LONGEST_SEARCH
            while day <= last:
                yield from self._of_day(day)
                day += _DAY
        except OverflowError:  # a producer's clock at the end of the calendar
            return

    def _of_day(self, day: date) -> Spans:
        spans = self._known.get(day)
        if spans is None:
            hours = () if day in self._off else self.week[day.weekday()]
            spans = _shown(day, hours, self.timezone) if hours else ()
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[day] = spans
        return spans


def _shown(day: date, hours: tuple[Interval, ...], timezone: str) -> Spans:
    """When the clock on the wall shows a time within ``hours`` of that day."""
    midnight = datetime.combine(day, time(), UTC)
    spans = [
        (max(midnight + timedelta(minutes=begin) - offset, since), min(midnight + _until(end, offset), until))
        for since, until, offset in _offsets(day, timezone)
        for begin, end in hours
    ]
    return tuple(sorted((begin, end) for begin, end in spans if begin < end))


def _until(minutes: int, offset: timedelta) -> timedelta:
    return timedelta(minutes=minutes) - offset


@lru_cache(maxsize=1024)
def _offsets(day: date, timezone: str) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """The zone's offsets from UTC while it shows that day, each with from when to when it holds. Zones change
    theirs once in the two days this looks at, if at all."""
    zone = _zone(timezone)
    midnight = datetime.combine(day, time(), UTC)
    first, last = midnight - timedelta(hours=25), midnight + timedelta(hours=49)
    before, after = _offset(first, zone), _offset(last, zone)
    if before == after:
        return ((first, last, before),)
    low, high = first, last
    while high - low > _SECOND:
        middle = low + ((high - low) // _SECOND + 1) // 2 * _SECOND
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return ((first, high, before), (high, last, after))


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def _wall(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minutes)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """A wall-clock time as an instant. One the clocks skip is read by the offset before the change, one they
    show twice is the first."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


BUSINESS = Calendar("business", "UTC", (*(((9 * 60, 17 * 60),),) * 5, (), ()))
"""Monday to Friday, nine to five: the calendar there always is, unless a configuration has its own."""


def every_day(timezone: str) -> Calendar:
    """All hours of all days are worked."""
    return Calendar("every day", timezone, (((0, MINUTES_A_DAY),),) * 7)

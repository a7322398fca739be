"""Durations and cycles of ISO 8601 as written: ``P2D`` is two days, not 48 hours, where days count."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.domain.calendar import END_OF_TIME, Calendar

LONGEST_TEXT = 200

_NUMBER = r"(\d{1,9}(?:[.,]\d{1,9})?)"
_DURATION = re.compile(
    rf"P(?=[\dT])(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
)
_CYCLE = re.compile(r"R(-1|\d{0,9})/(.*)")


@dataclass(frozen=True, slots=True)
class Span:
    """A duration. Months have no fixed length; with a calendar, a day is a working day, and a week as many as
    the calendar's week has."""

    months: int = 0
    weeks: int = 0
    days: int = 0
    time: timedelta = timedelta(0)

    @classmethod
    def parse(cls, text: str) -> Span:
        """Raises ValueError that says what is wrong."""
        matched = _DURATION.fullmatch(text.strip()) if len(text) <= LONGEST_TEXT else None
        if matched is None:
            raise ValueError(f"{text[:80]!r} is not an ISO 8601 duration such as PT30S, PT15M, P2D")
        years, months, weeks, days, hours, minutes, seconds = (
            float(part.replace(",", ".")) if part else 0.0 for part in matched.groups()
        )
        if years % 1 or months % 1:
            raise ValueError(f"{text!r} has a fraction of a year or month, which is no fixed time")
        try:
            time = timedelta(
                weeks=weeks % 1, days=days % 1, hours=hours, minutes=minutes, seconds=round(seconds, 6)
            )
            span = cls(int(years) * 12 + int(months), int(weeks), int(days), time)
            timedelta(weeks=span.weeks, days=span.days + span.months * 31) + span.time
        except OverflowError:
            raise ValueError(f"{text!r} is longer than any calendar reaches") from None
        return span

    @property
    def plain(self) -> timedelta | None:
        """As so much time, a day being 24 hours; None where it has months."""
        return None if self.months else timedelta(weeks=self.weeks, days=self.days) + self.time

    def __bool__(self) -> bool:
        return bool(self.months or self.weeks or self.days or self.time)

    def __str__(self) -> str:
        """ISO 8601."""
        dates = [(self.months, "M"), (self.weeks, "W"), (self.days, "D")]
        date = "".join(f"{count}{unit}" for count, unit in dates if count)
        minutes, seconds = divmod(self.time, timedelta(minutes=1))
        hours, minutes = divmod(minutes, 60)
        text = f"{seconds / timedelta(seconds=1):.6f}".rstrip("0").rstrip(".")
        times = [(str(hours), "H"), (str(minutes), "M"), (text, "S")]
        time = "".join(f"{count}{unit}" for count, unit in times if count != "0")
        return f"P{date}{'T' + time if time else ''}" if date or time else "PT0S"

    def after(self, start: datetime, calendar: Calendar | None = None) -> datetime:
        """The instant (UTC) this much after ``start``: months first, a day that the month lacks being its
        last; then weeks and days; then the time."""
        try:
            begin = _months_later(start.astimezone(UTC), self.months)
            if calendar is None:
                return begin + timedelta(weeks=self.weeks, days=self.days) + self.time
        except (OverflowError, ValueError):
            return END_OF_TIME
        working = sum(1 for day in calendar.week if day)
        return calendar.after(calendar.days_after(begin, self.weeks * working + self.days), self.time)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A repetition: ``times`` times (None: for ever) every ``every``, from ``start`` on if it says so."""

    every: Span
    times: int | None = None
    start: datetime | None = None

    @classmethod
    def parse(cls, text: str) -> Cycle:
        """``R3/PT1H``, ``R/PT1H``, ``R3/2026-01-01T00:00:00Z/PT1H``. Raises ValueError."""
        matched = _CYCLE.fullmatch(text.strip()) if len(text) <= LONGEST_TEXT else None
        if matched is None:
            raise ValueError(f"{text[:80]!r} is not an ISO 8601 repetition such as R3/PT1H")
        times, rest = matched.groups()
        begin, separator, every = rest.rpartition("/")
        start = None
        if separator:
            start = datetime.fromisoformat(begin)
            start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
        span = Span.parse(every)
        if not span:
            raise ValueError(f"{text!r} repeats without any time in between")
        return cls(span, None if times in ("", "-1") else int(times), start)


def _months_later(start: datetime, months: int) -> datetime:
    if not months:
        return start
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))

"""When a clock is due: a limit counted from its start, a wall-clock time, a date, or what the event says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.domain.calendar import END_OF_TIME, Calendar, every_day
from monitor.domain.duration import Span


@dataclass(frozen=True, slots=True)
class Limit:
    """Exactly one of:

    ``span``: so long after the start; with a ``calendar`` its weeks and days are working days and its hours
    working hours. ``by``: the next time the wall clock shows so many minutes after midnight, ``span``'s days
    later if there is one; what starts after ``cutoff`` counts as of the next day. ``at``: a date that is the
    same for all. ``field``: the event that starts the clock says when, under this name; where it does not,
    ``span`` counts, or without one nothing is promised.
    """

    span: Span | None = None
    by: int | None = None
    cutoff: int | None = None
    at: datetime | None = None
    field: str | None = None
    calendar: Calendar | None = None
    timezone: str = "UTC"

    @classmethod
    def of(cls, within: timedelta, calendar: Calendar | None = None) -> Limit:
        """So much time, or working time."""
        return cls(span=Span(time=within), calendar=calendar)

    def due(self, start: datetime, said: datetime | None = None) -> datetime | None:
        """When a clock that starts at ``start`` is due; ``said``: when its event says, under ``field``. None
        where nothing says when."""
        if self.at is not None:
            return self.at
        if self.by is not None:
            days = 0 if self.span is None else self.span.days
            working = self.calendar or every_day(self.timezone)
            return working.by(start, self.by, days, self.cutoff)
        if said is not None:
            return said
        return None if self.span is None else self.span.after(start, self.calendar)

    def after(self, start: datetime, work: timedelta) -> datetime:
        """``work`` later, working time where there is a calendar."""
        if self.calendar is not None:
            return self.calendar.after(start, work)
        try:
            return start.astimezone(UTC) + work
        except OverflowError:  # a producer's clock at the end of the calendar
            return END_OF_TIME

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The time from ``start`` to ``end`` as it counts, none if ``end`` comes first."""
        if self.calendar is not None:
            return self.calendar.between(start, end)
        return max(timedelta(0), end - start)

    def risk(self, start: datetime, due: datetime, at_risk: float | timedelta | None) -> datetime | None:
        """When a clock counts as at risk: once that share of its time has passed, or so much is left."""
        if at_risk is None:
            return None
        whole = self.between(start, due)
        passed = whole - at_risk if isinstance(at_risk, timedelta) else whole * at_risk
        return min(self.after(start, max(timedelta(0), passed)), due)

"""Working time, by examples at the edges and against counting minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.calendar import END_OF_TIME, MINUTES_A_DAY, Calendar, Interval
from tests.support.effort import examples

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Calendar(
    "office",
    "Europe/Berlin",
    (((9 * 60, 12 * 60), (13 * 60, 17 * 60)),) * 5 + ((), ()),
    (date(2026, 1, 6),),
)
NIGHT = Calendar("night", "Europe/Berlin", (((0, 6 * 60), (22 * 60, MINUTES_A_DAY)),) * 7)


def berlin(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        (berlin(1, 5, 10), 1, berlin(1, 5, 11)),
        (berlin(1, 5, 11), 2, berlin(1, 5, 14)),  # over lunch
        (berlin(1, 5, 16, 30), 1, berlin(1, 7, 9, 30)),  # over a holiday
        (berlin(1, 9, 16), 2, berlin(1, 12, 10)),  # over a weekend
        (berlin(1, 10, 3), 7, berlin(1, 12, 17)),  # a whole day ends when work does
        (berlin(1, 5, 3), 0, berlin(1, 5, 3)),
    ],
)
def test_due_after_working_hours(start: datetime, hours: float, due: datetime) -> None:
    assert OFFICE.after(start, timedelta(hours=hours)) == due


@pytest.mark.parametrize(
    ("start", "due"),
    [
        (berlin(3, 28, 22), berlin(3, 29, 6)),  # seven hours in the night that loses one
        (berlin(10, 24, 22), berlin(10, 25, 4)),  # and seven in the night that has one twice
    ],
)
def test_a_shift_lasts_as_long_as_it_does(start: datetime, due: datetime) -> None:
    assert NIGHT.after(start, timedelta(hours=7)) == due
    assert NIGHT.between(start, due) == timedelta(hours=7)


def test_a_calendar_that_never_works() -> None:
    never = Calendar("never", "UTC", ((),) * 7)
    assert never.after(datetime(2026, 1, 1, tzinfo=UTC), timedelta(seconds=1)) == END_OF_TIME


def test_the_end_of_the_calendar() -> None:
    assert OFFICE.after(datetime(9999, 12, 31, 23, tzinfo=UTC), timedelta(days=9)) == END_OF_TIME


EDGES = range(49)
"""Half hours, inside the hours that clocks skip or show twice, too."""


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    def day() -> tuple[Interval, ...]:
        edges = sorted(draw(st.sets(st.sampled_from(EDGES), max_size=6)))
        return tuple((a * 30, b * 30) for a, b in zip(edges[::2], edges[1::2], strict=False))

    zone = draw(
        st.sampled_from(
            [
                "UTC",
                "Europe/Berlin",
                "America/New_York",
                "Australia/Lord_Howe",
                "Asia/Kathmandu",
                "Africa/Cairo",
                "Asia/Beirut",
                "America/Havana",
                "Pacific/Apia",
            ]
        )
    )
    return Calendar("any", zone, tuple(day() for _ in range(7)), (date(2026, 3, 30),))


CHANGES = [
    datetime(2026, month, day, tzinfo=UTC)
    for month, day in ((3, 7), (3, 28), (4, 4), (4, 23), (10, 3), (10, 24), (10, 28), (10, 31))
]


@given(calendars(), st.sampled_from(CHANGES), st.integers(0, 2880), st.integers(1, 1500))
@examples(50)
def test_against_counting_minutes(calendar: Calendar, change: datetime, offset: int, work: int) -> None:
    """Worked is every minute whose wall-clock time lies in an interval; around changes of the clocks."""
    start = change + timedelta(minutes=offset)
    zone = ZoneInfo(calendar.timezone)
    due = calendar.after(start, timedelta(minutes=work))
    at, worked = start, 0
    while worked < work and at - start < timedelta(days=9):
        local = at.astimezone(zone)
        minute = local.hour * 60 + local.minute
        if local.date() not in calendar.holidays and any(
            begin <= minute < end for begin, end in calendar.week[local.weekday()]
        ):
            worked += 1
        at += timedelta(minutes=1)
    if worked == work:
        assert due == at, (due, at)
        assert calendar.between(start, at) == timedelta(minutes=work)
    else:
        assert due >= at


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (berlin(1, 5, 10), 1, berlin(1, 7, 10)),  # over a holiday
        (berlin(1, 8, 16), 2, berlin(1, 12, 16)),  # over a weekend
        (berlin(1, 10, 3), 1, berlin(1, 13, 9)),  # what comes on a Saturday starts on Monday
        (berlin(1, 8, 18), 1, berlin(1, 12, 9)),  # after hours: the next morning
        (berlin(1, 8, 12, 30), 1, berlin(1, 9, 13)),  # at lunch: after it
        (berlin(3, 27, 10), 1, berlin(3, 30, 10)),  # 71 hours, for the clocks change
        (berlin(10, 23, 10), 5, berlin(10, 30, 10)),
        (berlin(1, 10, 3), 0, berlin(1, 10, 3)),
    ],
)
def test_working_days_later(start: datetime, days: int, due: datetime) -> None:
    assert OFFICE.days_after(start, days) == due


@pytest.mark.parametrize(
    ("start", "by", "days", "cutoff", "due"),
    [
        (berlin(1, 5, 10), 17, 0, None, berlin(1, 5, 17)),
        (berlin(1, 5, 17), 17, 0, None, berlin(1, 7, 17)),  # too late for today, and a holiday
        (berlin(1, 5, 20), 17, 1, None, berlin(1, 7, 17)),
        (berlin(1, 8, 13, 59), 17, 0, 14, berlin(1, 8, 17)),
        (berlin(1, 8, 14), 17, 0, 14, berlin(1, 8, 17)),
        (berlin(1, 8, 14, 1), 17, 0, 14, berlin(1, 9, 17)),
        (berlin(1, 9, 14, 1), 17, 1, 14, berlin(1, 13, 17)),
        (berlin(1, 10, 3), 17, 0, 14, berlin(1, 12, 17)),  # on a Saturday
        (berlin(1, 10, 23), 17, 0, 14, berlin(1, 12, 17)),  # late on a Saturday is Monday all the same
        (berlin(3, 27, 18), 24, 0, None, berlin(3, 28)),
    ],
)
def test_by_a_time_of_day(start: datetime, by: int, days: int, cutoff: int | None, due: datetime) -> None:
    assert OFFICE.by(start, by * 60, days, cutoff and cutoff * 60) == due


@given(calendars(), st.sampled_from(CHANGES), st.integers(0, 2880), st.integers(0, 4), st.integers(0, 1440))
@examples(50)
def test_days_against_counting_them(
    calendar: Calendar, change: datetime, offset: int, days: int, minutes: int
) -> None:
    """Days counted one by one, times of day found minute by minute."""
    start = change + timedelta(minutes=offset)
    zone = ZoneInfo(calendar.timezone)

    def worked(day: date) -> bool:
        return day not in calendar.holidays and bool(calendar.week[day.weekday()])

    if not any(calendar.week):
        assert calendar.by(start, minutes, days) == END_OF_TIME
        assert calendar.days_after(start, days) == (END_OF_TIME if days else start)
        return
    due = calendar.by(start, minutes, days)
    assert due > start
    shown = due.astimezone(zone)
    if minutes < 1440 and (shown.hour * 60 + shown.minute) == minutes:  # else the clocks skip it
        assert worked(shown.date())
        first = start.astimezone(zone).date()
        counted = sum(worked(first + timedelta(days=n)) for n in range((shown.date() - first).days))
        assert counted in (days, days + 1)  # one more where today's time of day is past
    later = calendar.days_after(start, days)
    if days:
        begin = calendar.after(start, timedelta(microseconds=1)) - timedelta(microseconds=1)
        local, until = begin.astimezone(zone), later.astimezone(zone)
        if until.time() == local.time():
            assert worked(until.date())
        span = (until.date() - local.date()).days
        assert sum(worked(local.date() + timedelta(days=n + 1)) for n in range(span)) in (days, days - 1)

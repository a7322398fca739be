"""Working time, by examples at the edges and against counting minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.calendar import END_OF_TIME, MINUTES_A_DAY, Calendar, Interval

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Calendar(
    "office",
    "Europe/Berlin",
    (((9 * 60, 12 * 60), (13 * 60, 17 * 60)),) * 5 + ((), ()),
    frozenset({date(2026, 1, 6)}),
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


EDGES = (0, 1, *range(8, 49))
"""Half hours; none inside the hours that clocks skip or show twice, where a wall-clock time is no instant."""


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    def day() -> tuple[Interval, ...]:
        edges = sorted(draw(st.sets(st.sampled_from(EDGES), max_size=6)))
        return tuple((a * 30, b * 30) for a, b in zip(edges[::2], edges[1::2], strict=False))

    zone = draw(
        st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
    )
    return Calendar("any", zone, tuple(day() for _ in range(7)), frozenset({date(2026, 3, 30)}))


CHANGES = [
    datetime(2026, month, day, tzinfo=UTC)
    for month, day in ((3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31))
]


@given(calendars(), st.sampled_from(CHANGES), st.integers(0, 2880), st.integers(1, 1500))
@settings(max_examples=150, deadline=None)
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
        assert due == at
        assert calendar.between(start, at) == timedelta(minutes=work)
    else:
        assert due >= at

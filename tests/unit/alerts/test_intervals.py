"""Times of the week and the year."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts.intervals import Interval, held_by


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "instant", "holds"),
    [
        (Interval(), "2026-03-01 12:00", True),
        (Interval(times=((540, 1020),)), "2026-03-01 09:00", True),
        (Interval(times=((540, 1020),)), "2026-03-01 17:00", False),
        (Interval(times=((1320, 1440), (0, 360))), "2026-03-01 23:59", True),
        (Interval(times=((1320, 1440), (0, 360))), "2026-03-01 06:00", False),
        (Interval(weekdays=((0, 4),)), "2026-03-01 12:00", False),  # a Sunday
        (Interval(weekdays=((0, 4),)), "2026-03-02 12:00", True),
        (Interval(days=((1, 5),)), "2026-03-05 12:00", True),
        (Interval(days=((-3, -1),)), "2026-02-26 12:00", True),
        (Interval(days=((-3, -1),)), "2026-02-25 12:00", False),
        (Interval(days=((31, 31),)), "2026-02-28 12:00", False),
        (Interval(days=((28, 31),)), "2026-02-28 12:00", True),
        (Interval(days=((25, -1),)), "2026-02-28 12:00", True),
        (Interval(months=((12, 12), (1, 2))), "2026-03-01 12:00", False),
        (Interval(years=((2026, 2026),)), "2026-12-31 23:30", True),
        (Interval(years=((2026, 2026),), zone=ZoneInfo("Europe/Berlin")), "2026-12-31 23:30", False),
        (Interval(times=((540, 1020),), zone=ZoneInfo("Europe/Berlin")), "2026-07-01 07:00", True),
        (Interval(times=((540, 1020),), zone=ZoneInfo("Europe/Berlin")), "2026-01-01 07:59", False),
        (Interval(times=((0, 60),), weekdays=((6, 6),)), "2026-03-01 01:30", False),
    ],
)
def test_when_it_holds(interval: Interval, instant: str, holds: bool) -> None:
    assert interval.holds(utc(instant)) is holds


def test_why_a_route_says_nothing() -> None:
    night = (Interval(times=((1320, 1440),)), Interval(times=((0, 360),)))
    office = (Interval(times=((540, 1020),), weekdays=((0, 4),)),)
    known = {"night": night, "office": office}
    monday_noon, monday_night = utc("2026-03-02 12:00"), utc("2026-03-02 23:00")
    assert held_by(known, (), (), monday_night) is None
    assert held_by(known, ("night",), (), monday_noon) is None
    assert held_by(known, ("night",), (), monday_night) == "night"
    assert held_by(known, (), ("office",), monday_noon) is None
    assert held_by(known, (), ("office",), monday_night) == "outside office"

"""Objectives: windows, compliance, budget and burn rates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.objective import TICK, Count, Objective, evaluate, tick_of

MONTH = Objective(0.99, timedelta(days=30))
NOW = datetime(2026, 11, 18, 10, 7, 30, tzinfo=UTC)


def counts(whole: Count, *pairs: Count) -> list[Count]:
    """``pairs``: the windows of burn rates; nothing happened in those not given."""
    return [whole, *pairs, *[Count()] * (6 - len(pairs))]


def test_the_numbers_of_the_documentation() -> None:
    told = evaluate(MONTH, NOW, counts(Count(3974, 26), Count(68, 12), Count(5, 1)))
    assert told.compliance == pytest.approx(0.9935)
    assert told.is_kept
    assert told.budget_left == pytest.approx(0.35)
    assert told.burning is not None
    assert told.burning.rate == pytest.approx(15)
    assert told.burning.window == (14.4, timedelta(hours=1), timedelta(minutes=5), "critical")


def test_below_the_minimum_nothing_is_claimed() -> None:
    told = evaluate(MONTH, NOW, counts(Count(2, 1), Count(2, 1), Count(2, 1)))
    assert (told.compliance, told.budget_left, told.is_kept, told.burning) == (None, None, None, None)
    assert told.burns[0].rate is None


def test_the_budget_may_be_overdrawn() -> None:
    told = evaluate(MONTH, NOW, counts(Count(90, 10)))
    assert told.is_kept is False
    assert told.budget_left == pytest.approx(-9)


def test_what_no_longer_goes_on_does_not_burn() -> None:
    """The long window is full of failures, the short one is not."""
    told = evaluate(MONTH, NOW, counts(Count(900, 60), Count(40, 40), Count(20, 0)))
    assert told.burns[0].rate == pytest.approx(50)
    assert told.burning is None


@pytest.mark.parametrize(
    ("period", "timezone", "begin"),
    [
        ("day", "UTC", "2026-11-18T00:00:00+00:00"),
        ("day", "Asia/Tokyo", "2026-11-18T00:00:00+09:00"),
        ("week", "UTC", "2026-11-16T00:00:00+00:00"),
        ("month", "Europe/Berlin", "2026-11-01T00:00:00+01:00"),
        ("quarter", "Europe/Berlin", "2026-10-01T00:00:00+02:00"),
        ("year", "America/New_York", "2026-01-01T00:00:00-05:00"),
    ],
)
def test_periods_of_the_calendar(period: str, timezone: str, begin: str) -> None:
    found = Objective(0.9, period=period, timezone=timezone).begin(NOW)
    assert found == datetime.fromisoformat(begin)


def test_a_day_that_changes_the_clocks_is_a_day() -> None:
    until = datetime(2026, 3, 29, 20, tzinfo=UTC)
    begin = Objective(0.9, period="day", timezone="Europe/Berlin").begin(until)
    assert until - begin == timedelta(hours=21)


def test_windows_of_burn_rates_are_scaled() -> None:
    week = Objective(0.9, timedelta(days=7)).burn_windows()
    assert week[2].long == timedelta(days=7) / 10
    assert week[0].short == TICK
    assert [one.factor for one in week] == [14.4, 6, 1]


@given(st.floats(0.01, 0.9999), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 1000))
def test_compliance_and_budget_say_the_same(target: float, met: int, failed: int, minimum: int) -> None:
    objective = Objective(target, timedelta(days=30), minimum=minimum)
    told = evaluate(objective, NOW, counts(Count(met, failed)))
    if met + failed < minimum:
        assert told.compliance is told.budget_left is None
        return
    assert told.compliance is not None
    assert told.budget_left is not None
    if abs(told.compliance - target) > 1e-9:
        assert (told.compliance > target) == (told.budget_left > 0)
    assert told.budget_left <= 1


@given(st.datetimes(timezones=st.just(UTC)))
def test_ticks(instant: datetime) -> None:
    tick = tick_of(instant)
    assert timedelta(0) <= instant - tick < TICK
    assert tick_of(tick) == tick
    assert tick.minute % 5 == 0

"""Buckets and what is read from them, held against the durations themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.verdict import FindingKind
from monitor.statistics import KINDS, LEAST, SHARES, bucket_of, day_of, edges, quantile, share_of

spans = st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=4000))


@given(spans)
def test_a_duration_lies_between_the_edges_of_its_bucket(span: timedelta) -> None:
    low, high = edges(bucket_of(span))
    # a float's last digits decide at an edge
    assert low * (1 - 1e-9) <= span.total_seconds() <= high * (1 + 1e-9)
    assert high / low == pytest.approx(2 ** (1 / 4))


@pytest.mark.parametrize("span", [timedelta(0), timedelta(-1), timedelta(microseconds=999), timedelta.min])
def test_what_took_no_time_has_a_bucket_of_its_own(span: timedelta) -> None:
    assert bucket_of(span) == LEAST
    assert quantile({LEAST: 3}, 0.5) is not None
    assert quantile({LEAST: 3}, 0.95) < timedelta(milliseconds=1)  # type: ignore[operator]


def test_no_duration_is_too_long() -> None:
    assert bucket_of(timedelta.max) < 200


@given(st.lists(spans, min_size=1, max_size=60), st.sampled_from([0.5, 0.95]))
def test_quantiles_are_at_most_a_bucket_off(several: list[timedelta], share: float) -> None:
    histogram: dict[int, int] = {}
    for span in several:
        histogram[bucket_of(span)] = histogram.get(bucket_of(span), 0) + 1
    ordered = sorted(several)
    exact = next(one for at, one in enumerate(ordered, 1) if at >= share * len(ordered)).total_seconds()
    found = quantile(histogram, share)
    assert found is not None
    assert exact / 1.19 <= found.total_seconds() <= exact * 1.19


def test_nothing_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({3: 0}, 0.5) is None


@pytest.mark.parametrize(
    ("passed", "limit", "bucket"),
    [
        (timedelta(0), timedelta(hours=1), 0),
        (timedelta(minutes=59), timedelta(hours=1), 19),
        (timedelta(hours=1), timedelta(hours=1), 20),
        (timedelta(minutes=90), timedelta(hours=1), 30),
        (timedelta(days=900), timedelta(hours=1), SHARES - 1),
        (timedelta(hours=1), timedelta(0), SHARES - 1),
        (timedelta(hours=-1), timedelta(hours=1), 0),
    ],
)
def test_shares_of_a_limit(passed: timedelta, limit: timedelta, bucket: int) -> None:
    assert share_of(passed, limit) == bucket


@pytest.mark.parametrize(
    ("time", "day"),
    [
        (datetime(1970, 1, 1, 23, 59, tzinfo=UTC), 0),
        (datetime(1969, 12, 31, 23, 59, tzinfo=UTC), -1),
        (datetime(2026, 3, 1, tzinfo=UTC), 20_513),
    ],
)
def test_days(time: datetime, day: int) -> None:
    assert day_of(time) == day


def test_every_deviation_has_its_place_for_good() -> None:
    """The places are stored: the kinds known so far must never move."""
    assert KINDS[:8] == (
        "out_of_order",
        "missing",
        "duplicate",
        "unexpected",
        "unknown",
        "after_end",
        "too_early",
        "condition",
    )
    assert set(KINDS) == {kind.value for kind in FindingKind if kind.is_deviation}

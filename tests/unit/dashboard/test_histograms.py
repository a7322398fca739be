"""Histograms as columns: nothing counted is lost, and lines stand where they belong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.dashboard.histograms import MOST_COLUMNS, clock_shares, durations
from monitor.statistics import LEAST, SHARES, STILL_RUNNING, bucket_of

BUCKETS = st.dictionaries(st.integers(LEAST, 160), st.integers(0, 1000), max_size=12)


@given(BUCKETS)
def test_every_count_is_in_a_column_and_the_chart_fits(histogram: dict[int, int]) -> None:
    shown = durations(histogram, "trace")
    assert sum(column.value for column in shown.columns) == sum(histogram.values())
    assert len(shown.columns) <= MOST_COLUMNS + 1


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=5))
def test_a_duration_is_at_the_column_that_counts_it(milliseconds: list[int]) -> None:
    spans = [timedelta(milliseconds=one) for one in milliseconds]
    histogram = {bucket_of(span): 1 for span in spans}
    shown = durations(histogram, "trace")
    for span in spans:
        at = (bucket_of(span) - shown.first) // shown.group
        assert at - 0.01 <= shown.at(span) <= at + 1.01 or bucket_of(span) == LEAST
        assert shown.columns[at].value > 0


def test_columns_say_from_when_to_when() -> None:
    (column,) = durations({bucket_of(timedelta(hours=2)): 1}, "trace").columns
    assert (column.label, column.told) == ("1 h 54 min to 2 h 16 min", "1 trace")


def test_nothing_counted_is_no_column() -> None:
    assert durations({}, "trace").columns == ()
    assert durations({3: 0}, "trace").columns == ()
    assert clock_shares({}) == []


@pytest.mark.parametrize(("bucket", "tone"), [(0, "ok"), (19, "ok"), (20, "bad"), (SHARES - 1, "bad")])
def test_past_the_limit_is_bad(bucket: int, tone: str) -> None:
    columns = clock_shares({bucket: 3})
    assert [(at, column.tone) for at, column in enumerate(columns) if column.value] == [(bucket, tone)]


def test_clocks_that_still_run_have_a_column_of_their_own() -> None:
    assert clock_shares({STILL_RUNNING: 2})[-1].told == "2 clocks"
    assert len(clock_shares({3: 2})) == SHARES

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from monitor.decode.times import epoch, instant, moment

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00z",
        "2024-05-01t12:00:00Z",
        "2024-05-01T14:00:00+02:00",
        "2024-05-01T14:00:00+0200",
        "2024-05-01T06:30:00-05:30",
        "2024-05-01 12:00:00",
        "2024-05-01T12:00:00",
        "2024-05-01 12:00",
        "2024-05-01T12:00:00.000000000Z",
        "2024-05-01T12:00:00,000Z",
        "2024-05-01T14:00:00+02:00[Europe/Berlin]",
        "2024-05-01 12:00:00 UTC",
        "2024-05-01 14:00:00 +0200",
        "2024/05/01 12:00:00.000",
        "20240501T120000Z",
        "2024-05-01T11:59:60Z",
        " 2024-05-01T12:00:00Z ",
    ],
)
def test_instants(text: str) -> None:
    found = instant(text)
    assert found == NOON
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        1714564800, 1714564800.0, 1714564800000, 1714564800000000, 1714564800000000000,
        "1714564800", "1714564800.0", "1714564800000", "20240501120000",
        datetime(2024, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)  # fmt: skip
def test_moments(value: object) -> None:
    assert moment(value) == NOON


def test_precision_and_far_years() -> None:
    assert moment(1714564800123456) == NOON + timedelta(microseconds=123456)
    assert instant("2024-05-01T12:00:00.123456789Z").microsecond == 123456
    assert instant("1948-01-01T00:00:00Z").year == 1948
    assert moment(-694224000).year == 1948
    assert instant("2024-05-01") == datetime(2024, 5, 1, tzinfo=UTC)
    assert moment("20240501") == datetime(2024, 5, 1, tzinfo=UTC)
    assert epoch(1000, unit=1000) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "", "now", "12:00", "2024-02-30T00:00:00Z", "2024-05-01T25:00:00Z", "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "01.05.2024",
        "99999999999999", True, None, [], {}, 1e300, -1e300, float("nan"), float("inf"), 10**30,
    ],
)  # fmt: skip
def test_nonsense(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        moment(value)

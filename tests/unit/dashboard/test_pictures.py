"""What SLA clocks say on a picture, and where they stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.dashboard.pictures import clock_timings, clock_words
from monitor.domain.verdict import Clock, ClockState

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
CLOCK = Clock("Ship", 0, ClockState.RUNNING, START, START + timedelta(hours=2))


@pytest.mark.parametrize(
    ("state", "ended", "said"),
    [
        (ClockState.RUNNING, None, "Ship: running, due 2026-07-01 10:00:00 UTC."),
        (ClockState.AT_RISK, None, "Ship: at risk, due 2026-07-01 10:00:00 UTC."),
        (ClockState.BREACHED, None, "Ship: breached, was due 2026-07-01 10:00:00 UTC."),
        (ClockState.MET, 1, "Ship: met, 1 h before it was due (2026-07-01 10:00:00 UTC)."),
        (ClockState.MISSED, 5, "Ship: missed, 3 h too late (2026-07-01 10:00:00 UTC)."),
        (ClockState.CANCELLED, 1, "Ship: no longer applies, the flow took another path."),
    ],
)
def test_a_clock_says_how_it_stands_without_reading_the_time(
    state: ClockState, ended: int | None, said: str
) -> None:
    end = None if ended is None else START + timedelta(hours=ended)
    assert clock_words(CLOCK._replace(state=state, ended=end)) == said


def test_a_blind_or_paused_clock_says_so() -> None:
    assert "nobody can say yet" in clock_words(CLOCK._replace(state=ClockState.BLIND))
    assert clock_words(CLOCK._replace(paused=START)) == "Ship: paused since 2026-07-01 08:00:00 UTC."


def test_a_clock_stands_on_its_element_else_at_its_place_else_nowhere() -> None:
    clocks = [CLOCK._replace(element="pack"), CLOCK, CLOCK._replace(sla="Whole")]
    found = clock_timings(clocks, {"Ship": "ship"})
    assert {element: len(told) for element, told in found.items()} == {"pack": 1, "ship": 1}

"""Two versions side by side: signs, words, and what is better or worse."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.bpmn.outline import Outlined
from monitor.dashboard.flow_numbers import ElementNumbers, element_numbers
from monitor.dashboard.version_difference import (
    Difference,
    elements,
    overall,
    rates,
    shares,
    times,
    too_few,
)
from monitor.storage.views import ElementStatistics, FlowStatistics

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("a", "b", "better", "said", "tone"),
    [
        ((50, 100), (60, 100), 1, "+10.0 points", "ok"),
        ((50, 100), (60, 100), -1, "+10.0 points", "bad"),
        ((60, 100), (50, 100), 1, "−10.0 points", "bad"),
        ((60, 100), (50, 100), 0, "−10.0 points", "quiet"),
        ((500, 1000), (505, 1000), 1, "+0.5 points", "quiet"),
        ((50, 100), (500, 1000), 1, "the same", "quiet"),
        ((0, 0), (50, 100), 1, "", "quiet"),
    ],
)
def test_shares(a: tuple[int, int], b: tuple[int, int], better: int, said: str, tone: str) -> None:
    found = shares(a, b, better)
    assert (found.said, found.tone) == (said, tone)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (10, 15, Difference("10 min", "15 min", "5 min longer (+50 %)", "bad")),
        (10, 5, Difference("10 min", "5 min", "5 min shorter (−50 %)", "ok")),
        (100, 104, Difference("1 h 40 min", "1 h 44 min", "4 min longer (+4 %)", "quiet")),
        (100, 101, Difference("1 h 40 min", "1 h 41 min", "about the same", "quiet")),
        (0, 5, Difference("0 ms", "5 min", "5 min longer", "bad")),
        (None, 5, Difference("–", "5 min", "", "quiet")),
    ],
)
def test_times(a: int | None, b: int | None, expected: Difference) -> None:
    assert times(*(None if one is None else one * MINUTE for one in (a, b))) == expected


def test_rates_may_be_more_than_one_a_trace() -> None:
    assert rates((300, 100), (150, 100)) == Difference("300.0", "150.0", "−150.0", "ok")


def side(*steps: tuple[str, str, int]) -> list[ElementNumbers]:
    outline = [Outlined(id, name, "task", True) for id, name, _ in steps]
    counted = {id: ElementStatistics(reached=reached, passed=reached) for id, _, reached in steps}
    return element_numbers(outline, FlowStatistics(100, 90, 0, {}, counted, {}))


def test_elements_are_matched_by_id_else_by_name() -> None:
    a = side(("pay", "Paid", 50), ("old", "Shipped", 40), ("gone", "Gone", 5))
    b = side(("pay", "Payment received", 60), ("new", "Shipped", 45), ("fresh", "Fresh", 5))
    told = [(one.name, one.only, one.reached.a, one.reached.b) for one in elements(a, b, (100, 100))]
    assert told == [
        ("Payment received", "", "50.0 %", "60.0 %"),
        ("Shipped", "", "40.0 %", "45.0 %"),
        ("Fresh", "b", "–", "5.0 %"),
        ("Gone", "a", "5.0 %", "–"),
    ]


def test_a_name_that_two_elements_have_matches_none() -> None:
    a = side(("a1", "Mail", 50), ("a2", "Mail", 40))
    b = side(("b1", "Mail", 60))
    assert [one.only for one in elements(a, b, (100, 100))] == ["b", "a", "a"]


def test_whole_traces() -> None:
    a = FlowStatistics(100, 50, 10, {48: 50}, {}, {})
    b = FlowStatistics(200, 150, 10, {44: 150}, {}, {})
    told = dict(overall(a, b))
    assert told["Complete"] == Difference("50.0 %", "75.0 %", "+25.0 points", "ok")
    assert told["Deviating"].tone == "ok"
    assert "shorter" in told["Median duration"].said


def test_few_traces_are_told() -> None:
    assert too_few([(1, 29), (2, 30)]) == [(1, 29)]

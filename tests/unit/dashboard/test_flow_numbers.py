"""Numbers of elements over many traces, and the heat they make."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.bpmn.outline import Outlined
from monitor.dashboard.flow_numbers import (
    SORTS,
    ElementNumbers,
    Heat,
    Statistic,
    element_numbers,
    funnel,
    heat_overlay,
    heat_value,
    lines,
    sort_elements,
    spread,
)
from monitor.statistics import bucket_of
from monitor.storage.views import ElementStatistics, FlowStatistics

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OUTLINE = (
    Outlined("start", "OrderPlaced", "startEvent", True),
    Outlined("choice", "Paid?", "exclusiveGateway", False),
    Outlined("ship", "GoodsShipped", "task", True),
    Outlined("end", "OrderCompleted", "endEvent", True),
)


def histogram(**spans: int) -> dict[int, int]:
    return {bucket_of(timedelta(**{unit: 1})): number for unit, number in spans.items()}


def statistics(**elements: ElementStatistics) -> FlowStatistics:
    return FlowStatistics(100, 80, 5, {}, elements, {})


TOLD = statistics(
    start=ElementStatistics(reached=100, passed=100),
    ship=ElementStatistics(
        reached=80, passed=120, standing=3, waited=histogram(hours=90, minutes=10), deviations={"missing": 4}
    ),
    end=ElementStatistics(reached=79, passed=79, waited=histogram(minutes=79), worked=histogram(minutes=3)),
)


def numbers(told: FlowStatistics = TOLD) -> dict[str, ElementNumbers]:
    return {row.step.id: row for row in element_numbers(OUTLINE, told)}


def test_only_what_is_seen_or_counted_has_numbers_in_the_flows_order() -> None:
    assert list(numbers()) == ["start", "ship", "end"]
    gateway = statistics(choice=ElementStatistics(standing=2), other=ElementStatistics(reached=1))
    rows = element_numbers(OUTLINE, gateway)
    assert [row.step.id for row in rows] == ["start", "choice", "ship", "end", "other"]
    assert [row.place for row in rows] == [0, 1, 2, 3, 4]


def test_deviations_at_no_element_are_at_no_element() -> None:
    assert list(numbers(statistics(**{"": ElementStatistics(deviations={"unknown": 3})}))) == [
        "start",
        "ship",
        "end",
    ]


def test_shares_are_of_all_traces_and_of_all_time() -> None:
    rows = numbers()
    assert rows["ship"].share == pytest.approx(0.8)
    assert sum(row.time for row in rows.values()) == pytest.approx(1)
    assert rows["ship"].time > 0.9
    nothing = numbers(FlowStatistics(0, 0, 0, {}, {}, {})).values()
    assert all(row.share == 0 and row.time == 0 for row in nothing)


def test_a_spread_is_close_to_what_was_measured() -> None:
    told = spread(histogram(hours=90, minutes=10))
    assert told.count == 100
    assert told.median is not None
    assert told.p95 is not None
    assert 0.8 * HOUR < told.median <= told.p95 < 1.2 * HOUR
    assert 0.8 < told.total / (90 * HOUR + 10 * MINUTE) < 1.2
    assert spread({}).median is None


@pytest.mark.parametrize("heat", Heat)
def test_the_hottest_is_hot_and_what_was_not_measured_is_cold(heat: Heat) -> None:
    rows = element_numbers(OUTLINE, TOLD)
    overlay = heat_overlay(rows, heat, Statistic.P95)
    assert max(overlay.heat.values()) == 1
    assert set(overlay.heat) == {row.step.id for row in rows if heat_value(row, heat, Statistic.P95)}
    assert overlay.of_many
    assert all(overlay.heat_ends)
    assert heat_overlay([], heat, Statistic.MEDIAN).heat_ends == ("", "")


def test_heat_is_told_in_words() -> None:
    rows = element_numbers(OUTLINE, TOLD)
    assert heat_overlay(rows, Heat.FREQUENCY, Statistic.MEDIAN).counts["ship"] == "120"
    waiting = heat_overlay(rows, Heat.WAITING, Statistic.MEDIAN)
    assert (waiting.heat_kind, set(waiting.counts)) == ("Waiting, median", {"ship", "end"})
    assert waiting.counts["ship"].endswith("min")
    deviations = heat_overlay(rows, Heat.DEVIATIONS, Statistic.MEDIAN)
    assert [(mark.kind, mark.number, mark.text) for mark in deviations.findings["ship"]] == [
        ("missing", 4, "Missing: 4 times")
    ]


def test_two_pictures_can_share_a_scale() -> None:
    rows = element_numbers(OUTLINE, TOLD)
    assert heat_overlay(rows, Heat.FREQUENCY, Statistic.MEDIAN, 240).heat["ship"] == pytest.approx(0.5)


def test_an_element_tells_all_its_numbers() -> None:
    said = lines(numbers()["ship"])
    assert said[0] == "Reached by 80 traces (80 %), passed 120 times"
    assert said[1].startswith("Waited for: median ")
    assert said[2:] == ["Missing: 4 times", "Open traces here now: 3"]


@pytest.mark.parametrize("by", SORTS)
def test_sorts_put_the_largest_first_and_keep_the_order_otherwise(by: str) -> None:
    rows = sort_elements(element_numbers(OUTLINE, TOLD), by)
    first = {"place": "start", "reached": "start", "working": "end"}.get(by, "ship")
    assert rows[0].step.id == first
    assert len(rows) == 3


def test_a_funnel_says_what_is_lost_from_one_to_the_next() -> None:
    rows = element_numbers(OUTLINE, TOLD)
    assert [(one.row.step.id, one.lost) for one in funnel(rows, None)] == [
        ("start", None),
        ("ship", 20),
        ("end", 1),
    ]
    assert [one.lost for one in funnel(rows, frozenset({"start", "end"}))] == [None, 21]

"""How SLAs stand, from counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from monitor.dashboard.sla_standing import (
    MOST_STEPS,
    Standing,
    budget_left,
    budget_tone,
    compliance_columns,
    filled,
    shares_told,
    spark_of,
    step_of,
    worst_first,
)
from monitor.domain.objective import Count, Objective, evaluate
from monitor.statistics import STILL_RUNNING
from monitor.storage.views import ClockCounts, OutcomeStep

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "step"),
    [
        (HOUR, timedelta(minutes=5)),
        (DAY, HOUR),
        (timedelta(days=7), timedelta(hours=6)),
        (timedelta(days=30), DAY),
        (timedelta(days=91), DAY),
        (timedelta(days=365), timedelta(days=7)),
        (timedelta(days=36500), timedelta(days=7)),
    ],
)
def test_steps_fit_the_chart(length: timedelta, step: timedelta) -> None:
    assert step_of(length) == step


def test_steps_without_anything_are_filled_in_and_bounded() -> None:
    known = [OutcomeStep(NOON - HOUR, Count(3, 1))]
    steps = filled(known, NOON - 2 * HOUR - timedelta(minutes=10), NOON, HOUR)
    assert [one.begin for one in steps] == [NOON - at * HOUR for at in (3, 2, 1, 0)]
    assert [one.decided.total for one in steps] == [0, 0, 4, 0]
    assert len(filled([], NOON - timedelta(days=36500), NOON, HOUR)) <= MOST_STEPS + 2


def test_budget_ends_where_the_objective_says() -> None:
    objective = Objective(0.9, DAY, minimum=1)
    steps = [
        OutcomeStep(NOON, Count(10, 0)),
        OutcomeStep(NOON + HOUR, Count(8, 2)),
        OutcomeStep(NOON + 2 * HOUR, Count(19, 1)),
    ]
    left = budget_left(objective, steps)
    assert left == pytest.approx([1, 0.5, 0.25])
    whole = Count(37, 3)
    told = evaluate(objective, NOON, [whole] * len(objective.begins(NOON)))
    assert left is not None
    assert told.budget_left == pytest.approx(left[-1])
    assert budget_left(objective, [OutcomeStep(NOON, Count())]) is None
    assert [budget_tone(one) for one in (0.6, 0.25, 0, -3)] == ["met", "at_risk", "breached", "breached"]


def test_columns_are_the_share_that_failed() -> None:
    steps = [
        OutcomeStep(NOON, Count(99, 1)),
        OutcomeStep(NOON + DAY, Count()),
        OutcomeStep(NOON + 2 * DAY, Count(1, 1)),
    ]
    columns = compliance_columns(steps, DAY, 0.05)
    assert [column.value for column in columns] == [0.01, 0.0, 0.5]
    assert [column.tone for column in columns] == ["warn", "warn", "bad"]
    assert columns[0].told == "1 of 100 failed (99.00 % met)"
    assert columns[1].told == "nothing was decided"
    assert compliance_columns(steps, DAY, None)[0].tone == "bad"


def test_distribution_in_words_and_in_little() -> None:
    shares = {4: 50, 15: 30, 22: 5, STILL_RUNNING: 2}
    assert shares_told(shares) == (
        "87 clocks: half of them took less than 25 % of their time; 7 took too long, 2 of which still run."
    )
    assert shares_told({}) == "Nothing has been counted yet."
    assert "twice their time or more" in shares_told({40: 3})
    assert "still run" in shares_told({STILL_RUNNING: 3})
    spark = spark_of(shares)
    assert sum(spark) == 87
    assert sum(spark[10:]) == 7  # past the limit


def test_worst_first(make: SimpleNamespace) -> None:
    def standing(name: str, severity: str = "warning", failed: int = 0, **clocks: int) -> Standing:
        objective = Objective(0.9, DAY, minimum=1)
        counts = [Count(100 - failed, failed)] * len(objective.begins(NOON))
        (promise,) = make.promises(name, severity=severity).values()
        return Standing(promise, ClockCounts(**clocks), Count(), evaluate(objective, NOON, counts), {})

    ordered = [
        standing("critical and late", "critical", breached=1),
        standing("budget used up", failed=30),
        standing("many late", breached=7),
        standing("one late", breached=1),
        standing("at risk", at_risk=9),
        standing("all well", running=9),
        standing("nothing"),
    ]
    assert [one.promise.name for one in worst_first(reversed(ordered))] == [
        one.promise.name for one in ordered
    ]
    assert ordered[0].met_share is None

"""What one trace adds, from steps given by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.conformance.checker import Aligned
from monitor.domain.event import Observation
from monitor.domain.verdict import Clock, ClockKind, ClockState, FindingKind
from monitor.statistics import STILL_RUNNING, Cell, Measure, bucket_of, day_of
from monitor.statistics.contribution import Contribution, Stands, contribution, variant_of
from monitor.timing import Step

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def seen(label: str, minute: float) -> Observation:
    return Observation("order", label, NOON + minute * MINUTE, f"{label}{minute}".encode())


def stands(*observations: Observation, **changed: Any) -> Stands:
    times = [one.time for one in observations]
    values: dict[str, Any] = {
        "flow": "order",
        "flow_id": 1,
        "first": min(times, default=NOON),
        "last": max(times, default=NOON),
        "complete": False,
        "standing": (),
        "observations": observations,
        "deviations": (),
        "clocks": (),
    }
    return Stands(**{**values, **changed})


def cells(told: Contribution, measure: Measure) -> dict[tuple[str, int], int]:
    return {(cell.element, cell.bucket): n for cell, n in told.cells.items() if cell.measure is measure}


def test_waits_go_back_to_the_cause_and_past_what_was_skipped() -> None:
    a, c, d = seen("A", 0), seen("C", 30), seen("D", 40)
    counted = [Aligned("A", a), Aligned("B", None), Aligned("C", c), Aligned("D", d)]
    steps = [Step(("a",), None), Step(("b",), 0), Step(("c",), 1), Step(("d",), 0)]
    told = contribution(stands(a, c, d), counted, steps)
    assert cells(told, Measure.WAITED) == {
        ("c", bucket_of(30 * MINUTE)): 1,
        ("d", bucket_of(40 * MINUTE)): 1,
    }
    assert cells(told, Measure.REACHED) == {("a", 0): 1, ("c", 0): 1, ("d", 0): 1}


def test_an_activity_waits_until_it_starts_and_then_works() -> None:
    a, begun, ended = seen("A", 0), seen("B started", 10), seen("B", 25)
    counted = [Aligned(one.label, one) for one in (a, begun, ended)]
    steps = [Step(("a",), None), Step(("b",), 0, is_start=True), Step(("b",), 1, began=1)]
    told = contribution(stands(a, begun, ended), counted, steps)
    assert cells(told, Measure.WAITED) == {("b", bucket_of(10 * MINUTE)): 1}
    assert cells(told, Measure.WORKED) == {("b", bucket_of(15 * MINUTE)): 1}
    assert cells(told, Measure.PASSED) == {("a", 0): 1, ("b", 0): 1}
    under_way = contribution(stands(a, begun), counted[:2], steps[:2])
    assert cells(under_way, Measure.REACHED)["b", 0] == 1
    assert ("b", 0) not in cells(under_way, Measure.PASSED)


def test_a_loop_passes_more_often_than_it_is_reached() -> None:
    several = [seen("A", minute) for minute in range(3)]
    steps = [Step(("a",), at - 1 if at else None) for at in range(3)]
    told = contribution(stands(*several), [Aligned("A", one) for one in several], steps)
    assert cells(told, Measure.PASSED) == {("a", 0): 3}
    assert cells(told, Measure.REACHED) == {("a", 0): 1}


def test_only_complete_traces_have_a_duration_and_a_variant() -> None:
    a, b = seen("A", 0), seen("B", 5)
    is_open = contribution(stands(a, b, standing=("x", "x", "y")), (), ())
    assert (is_open.variant, is_open.duration) == (None, None)
    assert cells(is_open, Measure.STANDING) == {("x", 0): 1, ("y", 0): 1}
    done = contribution(stands(a, b, complete=True, standing=("x",)), (), ())
    assert done.labels == ("A", "B")
    assert done.variant == variant_of(("A", "B")) != variant_of(("B", "A"))
    assert done.duration == 5 * MINUTE
    assert cells(done, Measure.STANDING) == {}
    unseen = contribution(stands(complete=True), (), ())  # too long, or undecided
    assert (unseen.variant, unseen.duration) == (None, timedelta(0))


def test_names_do_not_run_into_one_another() -> None:
    assert variant_of(("AB", "C")) != variant_of(("A", "BC"))


def test_deviations_count_where_they_are_and_make_the_trace_deviating() -> None:
    told = contribution(
        stands(
            deviations=(("t", FindingKind.MISSING), ("t", FindingKind.MISSING), (None, FindingKind.UNKNOWN))
        ),
        (),
        (),
    )
    assert told.deviating
    assert told.cells[Cell(Measure.DEVIATING, "", 0)] == 1
    assert cells(told, Measure.DEVIATION) == {("t", 1): 2, ("", 4): 1}


def a_clock(state: ClockState, ended: float | None = None, **changed: Any) -> Clock:
    end = None if ended is None else NOON + ended * MINUTE
    return Clock("ship", 0, state, NOON, NOON + 60 * MINUTE, ended=end, **changed)


def test_clocks_count_once_they_are_decided() -> None:
    several = (
        a_clock(ClockState.MET, 30),
        a_clock(ClockState.MISSED, 90),
        a_clock(ClockState.BREACHED),
        a_clock(ClockState.RUNNING),
        a_clock(ClockState.CANCELLED, 5),
        a_clock(ClockState.MET, 30, kind=ClockKind.REMINDER),
    )
    told = contribution(stands(clocks=several), (), ())
    assert cells(told, Measure.SHARE) == {("ship", 10): 1, ("ship", 30): 1, ("ship", STILL_RUNNING): 1}
    assert [(one.sla, one.over) for one in told.late] == [("ship", 30 * MINUTE)]


def test_traces_are_counted_by_the_day_they_began() -> None:
    a = seen("A", 60 * 13)
    assert contribution(stands(a, first=NOON, last=a.time), (), ()).day == day_of(NOON)

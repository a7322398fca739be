"""What each step waited for, and how long, in small flows worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Flow
from monitor.conformance.checker import Checker
from monitor.timing import Span, Timings, critical_path, spans, steps
from tests.support.flows import flow_of, tasks, word

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def at(*minutes: int | None) -> list[datetime | None]:
    return [None if minute is None else DAY + timedelta(minutes=minute) for minute in minutes]


def minutes(length: timedelta | None) -> int | None:
    return None if length is None else length // timedelta(minutes=1)


def causes(flow: Flow, labels: Sequence[str]) -> list[int | None]:
    return [step.after for step in steps(flow, labels)]


BRANCHES = flow_of(
    f"""
    <startEvent id="s"/>
    {tasks("A", "B", "C", "D", "E")}
    <parallelGateway id="split"/><parallelGateway id="join"/>
    <endEvent id="e"/>
    s -> A -> split -> B -> C -> join
    split -> D -> join -> E -> e
    """
)


def test_in_a_sequence_each_step_comes_after_the_one_before() -> None:
    flow = flow_of(f'<startEvent id="s"/>{tasks("A", "B", "C")}\ns -> A -> B -> C')
    assert causes(flow, "ABC") == [None, 0, 1]
    assert [step.elements for step in steps(flow, "ABC")] == [("A",), ("B",), ("C",)]


def test_a_branch_goes_on_after_its_own_last_step_and_a_join_after_the_last_branch() -> None:
    assert causes(BRANCHES, "ABDCE") == [None, 0, 0, 1, 3]
    assert causes(BRANCHES, "ABCDE") == [None, 0, 1, 0, 3]
    times = at(0, 10, 15, 40, 50)
    found = steps(BRANCHES, "ABDCE")
    assert [minutes(span.waited) for span in spans(found, times)] == [None, 10, 15, 30, 10]
    assert critical_path(found, times) == (0, 1, 3, 4)


def test_a_branch_the_start_made_possible_waited_since_the_flow_was_first_seen() -> None:
    flow = flow_of(
        f"""
        <startEvent id="s"/><parallelGateway id="split"/>{tasks("A", "B")}
        s -> split -> A
        split -> B
        """
    )
    found = steps(flow, "AB")
    assert [step.after for step in found] == [None, None]
    assert spans(found, at(0, 7)) == (
        Span(0, ("A",), None, None, None),
        Span(1, ("B",), timedelta(minutes=7), None, DAY),
    )
    assert critical_path(found, at(0, 7)) == (1,)


def test_every_round_of_a_loop_comes_after_the_one_before() -> None:
    flow = flow_of(
        f"""
        <startEvent id="s"/><exclusiveGateway id="m"/><exclusiveGateway id="x"/>{tasks("A", "B")}
        s -> m -> A -> x -> m
        x -> B
        """
    )
    assert causes(flow, "AAAB") == [None, 0, 1, 2]


SUBPROCESS = """
    <startEvent id="s"/>
    <subProcess id="sub">
      <task id="B" name="B"/><task id="C" name="C"/>
      <sequenceFlow id="in" sourceRef="B" targetRef="C"/>
    </subProcess>
    <boundaryEvent id="stop" name="Stop" attachedToRef="sub"{}><messageEventDefinition/></boundaryEvent>
    <task id="A" name="A"/><task id="D" name="D"/><task id="H" name="H"/>
    s -> A -> sub -> D
    stop -> H
    """


def test_what_follows_a_subprocess_comes_after_the_last_step_in_it() -> None:
    assert causes(flow_of(SUBPROCESS.format("")), "ABCD") == [None, 0, 1, 2]


def test_a_boundary_event_is_possible_since_its_activity_is_open() -> None:
    assert causes(flow_of(SUBPROCESS.format("")), ["A", "B", "Stop", "H"]) == [None, 0, 0, 2]


def test_one_that_does_not_interrupt_leaves_its_activity_waiting_as_before() -> None:
    flow = flow_of(SUBPROCESS.format(' cancelActivity="false"'))
    assert causes(flow, ["A", "B", "Stop", "C", "H", "D"]) == [None, 0, 0, 1, 2, 3]


def test_an_activity_whose_start_is_seen_waits_and_works() -> None:
    flow = flow_of(
        f'<startEvent id="s"/>{tasks("A", "B")}\ns -> A -> B',
        Options(bind={"B begins": "B:start", "B ends": "B:end"}),
    )
    found = steps(flow, ["A", "B begins", "B ends"])
    assert [(step.elements, step.after, step.began, step.is_start) for step in found] == [
        (("A",), None, None, False),
        (("B",), 0, None, True),
        (("B",), 1, 1, False),
    ]
    took = spans(found, at(0, 5, 25))
    assert [(minutes(span.waited), minutes(span.worked)) for span in took] == [
        (None, None),
        (5, None),
        (None, 20),
    ]
    assert critical_path(found, at(0, 5, 25)) == (0, 1, 2)


def test_a_skipped_step_has_no_span_and_what_follows_waited_past_it() -> None:
    found = steps(BRANCHES, "ABDCE")
    times = at(0, 10, 15, None, 50)
    took = spans(found, times)
    assert [span.index for span in took] == [0, 1, 2, 4]
    assert (took[-1].since, minutes(took[-1].waited)) == (times[1], 40)
    assert critical_path(found, times) == (0, 1, 4)
    assert critical_path((), ()) == ()


def test_the_steps_of_a_deviating_trace_are_what_its_alignment_counts() -> None:
    observed = word(["A", "B", "Unknown", "D", "E"])
    counted = Checker(BRANCHES).aligned(observed)
    assert [step.label for step in counted] == ["A", "B", "D", "C", "E"]
    assert [step.observation for step in counted] == [
        observed[0],
        observed[1],
        observed[3],
        None,
        observed[4],
    ]


def test_times_that_contradict_the_order_last_no_time() -> None:
    found = steps(BRANCHES, "AB")
    assert minutes(spans(found, at(3, 1))[1].waited) == 0


def test_labels_that_fit_no_run_come_after_the_one_before() -> None:
    found = steps(BRANCHES, ["A", "B", "A", "E"])
    assert [(step.elements, step.after) for step in found] == [(("A",), None), (("B",), 0), ((), 1), ((), 2)]


@pytest.mark.parametrize("bound", [{"keep": 2}, {"keep_labels": 4}])
def test_variants_are_remembered_up_to_a_bound(bound: dict[str, int]) -> None:
    timings = Timings(BRANCHES, **bound)
    first = timings.steps("AB")
    assert timings.steps("AB") is first
    timings.steps("AD")
    assert timings.steps("AB") is first
    timings.steps("A")  # AD goes, which was asked for longest ago
    assert timings.steps("AB") is first
    assert timings.steps("AB") == steps(BRANCHES, "AB")

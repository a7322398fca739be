"""SLA clocks: what events do to them, and what time does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Sla
from monitor.domain.calendar import END_OF_TIME
from monitor.domain.limit import Limit
from monitor.domain.verdict import Clock, ClockState
from monitor.judging import Judge, as_of
from monitor.sla import clocks
from monitor.sla.findings import clock_finding, duration_text
from tests.support.flows import START, flow_of, tasks, word

HOUR = timedelta(hours=1)

LINE = f"""
<startEvent id="s"/> {tasks("A", "B", "C")} <endEvent id="e"/>
s -> A -> B -> C -> e
"""

CHOICE = f"""
<startEvent id="s"/> {tasks("A", "B", "C")}
<exclusiveGateway id="x"/> <exclusiveGateway id="m"/> <endEvent id="e"/>
s -> A -> x -> B -> m -> e
x -> C -> m
"""

LOOP = f"""
<startEvent id="s"/> {tasks("A", "B")}
<exclusiveGateway id="m"/> <exclusiveGateway id="x"/> <endEvent id="e"/>
s -> m -> A -> B -> x -> e
x -> m
"""


def states(
    model: str, sla: Sla, labels: Sequence[str], minutes: Sequence[float], until: float
) -> list[tuple[ClockState, float]]:
    """Each clock's state ``until`` minutes in, and when (minutes) it was due."""
    judge = Judge(flow_of(model, Options(slas=(sla,))))
    trace, rest = judge.replay(word(labels, minutes))
    assert not rest
    verdict = as_of(trace.verdict, START + timedelta(minutes=until))
    return [(clock.state, (clock.due - START) / timedelta(minutes=1)) for clock in verdict.clocks]


WITHIN = Limit.of(HOUR)

BETWEEN = Sla("a to b", WITHIN, start="A", end="B", at_risk=0.8)


@pytest.mark.parametrize(
    ("labels", "minutes", "until", "expected"),
    [
        ("A", [0], 10, [(ClockState.RUNNING, 60)]),
        ("A", [0], 47.9, [(ClockState.RUNNING, 60)]),
        ("A", [0], 48, [(ClockState.AT_RISK, 60)]),
        ("A", [0], 60, [(ClockState.BREACHED, 60)]),
        ("AB", [0, 60], 90, [(ClockState.MET, 60)]),
        ("AB", [0, 60.1], 90, [(ClockState.MISSED, 60)]),
        ("AC", [0, 10], 90, [(ClockState.CANCELLED, 60)]),
        ("AC", [0, 70], 90, [(ClockState.MISSED, 60)]),
        ("BA", [0, 10], 90, []),
    ],
)
def test_between(labels: str, minutes: list[float], until: float, expected: list[object]) -> None:
    """The last: B came before A, so nothing is owed any more when A comes."""
    assert states(LINE, BETWEEN, list(labels), minutes, until) == expected


def test_cancelled_when_the_path_leads_elsewhere() -> None:
    assert states(CHOICE, Sla("b", WITHIN, start="A", end="B"), ["A", "C"], [0, 5], 500) == [
        (ClockState.CANCELLED, 60)
    ]


def test_each_round_of_a_loop_has_a_clock() -> None:
    assert states(LOOP, BETWEEN, list("ABABA"), [0, 10, 20, 90, 100], 101) == [
        (ClockState.MET, 60),
        (ClockState.MISSED, 80),
        (ClockState.RUNNING, 160),
    ]


def test_on_starts_when_the_element_becomes_expected() -> None:
    """A stuck flow breaches with no further event."""
    sla = Sla("b in time", WITHIN, on=("B",))
    assert states(LINE, sla, ["A"], [0], 61) == [(ClockState.BREACHED, 60)]
    assert states(LINE, sla, ["A", "B"], [0, 30], 61) == [(ClockState.MET, 60)]
    assert states(CHOICE, sla, ["A", "C"], [0, 30], 61) == [(ClockState.CANCELLED, 60)]


def test_from_start_to_end_of_the_process() -> None:
    sla = Sla("whole", WITHIN)
    assert states(LINE, sla, ["A", "B"], [0, 30], 61) == [(ClockState.BREACHED, 60)]
    assert states(LINE, sla, ["A", "B", "C"], [0, 30, 59], 61) == [(ClockState.MET, 60)]


def test_idle_is_set_back_by_every_event() -> None:
    sla = Sla("idle", WITHIN, idle=True)
    assert states(LINE, sla, ["A", "B"], [0, 50], 109) == [(ClockState.RUNNING, 110)]
    assert states(LINE, sla, ["A", "B"], [0, 50], 110) == [(ClockState.BREACHED, 110)]
    assert states(LINE, sla, ["A", "B"], [0, 70], 80) == [(ClockState.MISSED, 60), (ClockState.RUNNING, 130)]
    assert states(LINE, sla, ["A", "B", "C"], [0, 50, 60], 999) == [(ClockState.MET, 110)]


def test_no_absence_is_judged_without_a_watermark() -> None:
    judge = Judge(flow_of(LINE, Options(slas=(BETWEEN,))))
    trace, _ = judge.replay(word(["A"]))
    assert as_of(trace.verdict, None).clocks[0].state is ClockState.RUNNING


def test_going_on_from_the_stored_state_equals_a_replay() -> None:
    flow = flow_of(
        LOOP, Options(slas=(BETWEEN, Sla("idle", WITHIN, idle=True), Sla("on", WITHIN, on=("B",))))
    )
    observations = word(list("ABABAB"), [0, 10, 20, 90, 100, 101])
    whole, _ = Judge(flow).replay(observations)
    stored, _ = Judge(flow).replay(observations[:1])
    for observation in observations[1:]:
        assert stored.stored is not None
        advanced = Judge(flow).advance(stored.stored, [observation])
        assert advanced is not None
        stored = advanced
    assert stored.verdict == whole.verdict
    assert stored.stored == whole.stored


def test_a_producers_clock_at_the_end_of_time() -> None:
    late = datetime.max.replace(tzinfo=UTC)
    step = clocks.Step("A", late, {}, {"B": 1}, {}, complete=False, first=True, said={})
    (clock,) = clocks.follow((BETWEEN,), (), (step,))
    assert clock.due == END_OF_TIME


@pytest.mark.parametrize(
    ("state", "ended", "message"),
    [
        (
            ClockState.BREACHED,
            None,
            "“x” is breached for o-1: it was due 2026-01-01 09:00:00 UTC and has not been met.",
        ),
        (
            ClockState.MISSED,
            START + 3 * HOUR,
            "“x” was missed for o-1: due 2026-01-01 09:00:00 UTC, met 2 h late.",
        ),
        (ClockState.AT_RISK, None, "“x” is at risk for o-1: due 2026-01-01 09:00:00 UTC, not met yet."),
    ],
)
def test_findings_in_a_sentence(state: ClockState, ended: datetime | None, message: str) -> None:
    finding = clock_finding(Clock("x", 0, state, START, START + HOUR, ended=ended), "o-1")
    assert finding is not None
    assert finding.message == message


def test_breached_and_missed_are_one_finding() -> None:
    breached = clock_finding(Clock("x", 0, ClockState.BREACHED, START, START + HOUR), "o-1")
    missed = clock_finding(
        Clock("x", 0, ClockState.MISSED, START, START + HOUR, ended=START + 2 * HOUR), "o-1"
    )
    assert breached is not None
    assert missed is not None
    assert breached.key() == missed.key()
    assert clock_finding(Clock("x", 0, ClockState.MET, START, START + HOUR), "o-1") is None


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(seconds=0.4), "0.4 s"),
        (timedelta(0), "0 s"),
        (timedelta(seconds=90), "1 min 30 s"),
        (timedelta(days=2, hours=4, minutes=59), "2 d 4 h"),
        (-timedelta(hours=1), "1 h"),
    ],
)
def test_durations_as_people_say_them(duration: timedelta, text: str) -> None:
    assert duration_text(duration) == text

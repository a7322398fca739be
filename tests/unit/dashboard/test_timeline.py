"""The rows and the axis of a trace's timeline, and its sequence between services, from hand-made traces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.dashboard import sequence as sequences
from monitor.dashboard.gantt import row_bar, ruler
from monitor.dashboard.sequence import drawn, sequence
from monitor.dashboard.timeline import RowKind, Timeline, timeline, where_time_went
from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.storage.views import EventRow, TraceDetail
from monitor.timing import Course, Part, Step, told

MINUTE = timedelta(minutes=1)


class Case:
    """A trace with an event at each of ``minutes`` after five hours ago."""

    def __init__(self, make: SimpleNamespace, labels: str, minutes: Sequence[int], **detail: Any) -> None:
        self.make = make
        self.begin = make.ago(hours=5)
        self.events = tuple(
            make.event_row(number + 1, label=label, time=self.begin + MINUTE * minute)
            for number, (label, minute) in enumerate(zip(labels, minutes, strict=True))
        )
        row = make.trace_row(
            last=self.events[-1].time, events=len(labels), complete=detail.pop("complete", True)
        )
        self.detail: TraceDetail = make.trace_detail(row, events=self.events, **detail)

    def parts(self, *steps: Step, events: Sequence[int | None] | None = None) -> dict[int, Part]:
        course = Course(steps, tuple(range(len(steps))) if events is None else tuple(events))
        return dict(told(course, [event.time for event in self.events]))

    def rows(self, parts: dict[int, Part] | None, **changed: Any) -> Timeline:
        shown = changed.pop("shown", list(enumerate(self.events)))
        clocks = changed.pop("clocks", ())
        made = timeline(self.detail, parts, shown, clocks, {"C": ("c",)}, self.make.NOW, is_last=True)
        assert made is not None
        return made


def seq(*after: int | None) -> list[Step]:
    return [Step((f"e{at}",), one) for at, one in enumerate(after)]


def test_each_step_waits_since_what_made_it_possible(make: SimpleNamespace) -> None:
    case = Case(make, "ABC", [0, 10, 30])
    made = case.rows(case.parts(*seq(None, 0, 0)))
    assert [(row.label, row.waited) for row in made.rows] == [
        ("A", None),
        ("B", MINUTE * 10),
        ("C", MINUTE * 30),
    ]
    assert [row.critical for row in made.rows] == [True, False, True]
    assert (made.axis.begin, made.axis.end, made.axis.cut) == (case.begin, case.begin + MINUTE * 30, False)
    assert [tick.text for tick in made.axis.ticks] == [
        "0",
        "5 min",
        "10 min",
        "15 min",
        "20 min",
        "25 min",
        "30 min",
    ]


def test_an_activity_seen_to_start_is_one_row(make: SimpleNamespace) -> None:
    case = Case(make, "ABC", [0, 10, 30])
    made = case.rows(case.parts(Step(("a",), None), Step(("b",), 0, None, True), Step(("b",), 1, 1)))
    assert [row.label for row in made.rows] == ["A", "B – C"]
    row = made.rows[1]
    assert (row.waited, row.worked, row.critical) == (MINUTE * 10, MINUTE * 20, True)
    open_ = case.rows(case.parts(Step(("a",), None), Step(("b",), 0, None, True), events=[0, 1])).rows
    assert open_[1].works is not None
    assert open_[1].works.goes_on
    assert open_[2].kind is RowKind.UNCOUNTED


def test_what_is_missing_stands_where_it_was_missed_and_retracted_ones_nowhere(make: SimpleNamespace) -> None:
    missing = {"kind": FindingKind.MISSING, "identity": None, "time": make.ago(hours=5) + MINUTE * 5}
    case = Case(
        make,
        "AC",
        [0, 10],
        findings=(
            make.finding_row(name="B", **missing),
            make.finding_row(name="X", state=FindingState.RETRACTED, **missing),
            make.finding_row(name="C", identity=b"\x02" * 16),
        ),
    )
    made = case.rows(case.parts(*seq(None, 0, 1), events=[0, None, 1]))
    assert [(row.kind, row.label) for row in made.rows] == [
        (RowKind.STEP, "A"),
        (RowKind.MISSING, "B"),
        (RowKind.STEP, "C"),
    ]
    assert [finding.name for finding in made.rows[2].findings] == ["C"]
    assert made.rows[2].waited == MINUTE * 10


def test_what_is_expected_now_waits_with_its_due_time(make: SimpleNamespace) -> None:
    case = Case(make, "AB", [0, 10], complete=False)
    case.detail = make.trace_detail(
        make.trace_row(last=case.events[-1].time, expected=("C", "D")), events=case.events
    )
    due = make.NOW + MINUTE
    clocks = (
        make.clock(element="c", due=due),
        make.clock(element="c", state=ClockState.MET, due=make.ago(hours=6), ended=make.ago(hours=6)),
    )
    made = case.rows(case.parts(*seq(None, 0)), clocks=clocks)
    assert [(row.kind, row.label, row.due) for row in made.rows[2:4]] == [
        (RowKind.EXPECTED, "C", due),
        (RowKind.EXPECTED, "D", None),
    ]
    assert [row.kind for row in made.rows[4:]] == [RowKind.CLOCK] * 2
    assert made.axis.end == due, "what is due next is seen"
    later = case.rows(case.parts(*seq(None, 0)), clocks=(make.clock(due=make.NOW + MINUTE * 600),))
    assert later.axis.cut, "it has been open far longer than what happened took"
    assert later.axis.end == case.events[-1].time + MINUTE * 80, "but not at any price"


def test_a_page_whose_causes_are_not_known_shows_each_since_the_one_before(make: SimpleNamespace) -> None:
    case = Case(make, "ABC", [0, 10, 30])
    made = case.rows(None)
    assert not made.known
    assert [row.waited for row in made.rows] == [None, MINUTE * 10, MINUTE * 20]


def test_what_is_not_drawn_is_said(make: SimpleNamespace) -> None:
    case = Case(make, "A", [0])
    clocks = tuple(make.clock(occurrence=number) for number in range(25))
    made = case.rows(case.parts(*seq(None)), clocks=clocks)
    assert list(made.hidden) == ["5 more SLA clocks"]
    assert len(made.rows) == 21
    assert timeline(case.detail, {}, (), (), {}, make.NOW, is_last=True) is None


def test_where_time_went_is_told_of_the_critical_path(make: SimpleNamespace) -> None:
    case = Case(make, "ABCD", [0, 10, 12, 100])
    said = where_time_went(case.parts(*seq(None, 0, 0, 1)), case.events)
    assert said == "1 h 40 min from A to D, of which 1 h 30 min waiting for D."
    assert where_time_went({}, ()) is None
    same = Case(make, "AB", [0, 0])
    assert where_time_went(same.parts(*seq(None, 0)), same.events) is None


def test_bars_stay_within_their_row_and_say_nothing_of_their_own(make: SimpleNamespace) -> None:
    case = Case(make, "AB", [0, 10], complete=False)
    made = case.rows(case.parts(*seq(None, 0)), clocks=(make.clock(due=make.NOW + MINUTE * 600),))
    for bar in (ruler(made.axis), *(row_bar(row, made.axis, make.NOW) for row in made.rows)):
        assert 'aria-hidden="true"' in bar
        assert "-" not in [part.split('"')[0][:1] for part in str(bar).split('x1="')[1:]]
    assert 'class="waits open"' in row_bar(made.rows[2], made.axis, make.NOW)
    assert 'class="critical"' in row_bar(made.rows[1], made.axis, make.NOW)
    assert "due" not in row_bar(made.rows[3], made.axis, make.NOW), "past the end of the axis"


# between services ---------------------------------------------------------------------------------------


def told_by(make: SimpleNamespace, *producers: str | None) -> tuple[EventRow, ...]:
    return tuple(make.event_row(number + 1, producer=one) for number, one in enumerate(producers))


def parts_of(events: Sequence[EventRow], *after: int | None) -> dict[int, Part]:
    return dict(told(Course(tuple(seq(*after)), tuple(range(len(after)))), [event.time for event in events]))


def test_a_message_goes_from_the_producer_of_its_cause_to_its_own(make: SimpleNamespace) -> None:
    events = told_by(make, "/shop", "/pay", "/ship", None)
    talk = sequence(events, parts_of(events, None, 0, 0))
    assert talk is not None
    assert list(talk.lifelines) == ["/shop", "/pay", "/ship", "producer not told"]
    assert [(one.source, one.target, one.counted) for one in talk.messages] == [
        (None, 0, True),
        (0, 1, True),
        (0, 2, True),
        (None, 3, False),
    ]
    assert 'class="message stray"' in drawn(talk)


def test_one_producer_alone_or_unknown_causes_make_no_sequence(make: SimpleNamespace) -> None:
    events = told_by(make, "/shop", "/shop")
    assert sequence(events, parts_of(events, None, 0)) is None
    assert sequence(told_by(make, "/shop", "/pay"), None) is None


def test_many_services_and_messages_are_bounded(
    make: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequences, "MOST_MESSAGES", 12)
    events = told_by(make, *(f"/s{number % 15}" for number in range(20)))
    talk = sequence(events, parts_of(events, *(number - 1 if number else None for number in range(20))))
    assert talk is not None
    assert len(talk.lifelines) == 8
    assert talk.lifelines[-1] == "8 other producers"
    assert (len(talk.messages), talk.left) == (12, 8)
    assert max(message.target for message in talk.messages) == 7


def test_hostile_names_are_inert_in_the_sequence(make: SimpleNamespace) -> None:
    evil = "<script>\u202e" + "x" * 1_000_000
    events = tuple(make.event_row(number, producer=f"{number}{evil}", label=evil) for number in (1, 2))
    talk = sequence(events, parts_of(events, None, 0))
    assert talk is not None
    svg = str(drawn(talk))
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert len(svg) < 10_000

"""Durations, names and the sentence that says how a trace stands."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from monitor.dashboard import words
from monitor.domain.event import Key
from monitor.domain.verdict import ClockState, FindingKind, FindingState


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.0354, "35 ms"),
        (0.9999, "1000 ms"),
        (1.24, "1.2 s"),
        (9.0, "9 s"),
        (42.4, "42 s"),
        (59.6, "1 min"),
        (65, "1 min 5 s"),
        (600, "10 min"),
        (725, "12 min"),
        (3600 * 3, "3 h"),
        (3600 * 3 + 60 * 20, "3 h 20 min"),
        (86400 * 2 + 3600 * 4, "2 d 4 h"),
        (86400 * 40, "40 d"),
        (-90, "−1 min 30 s"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == said


def test_counts() -> None:
    assert words.count(1, "event") == "1 event"
    assert words.count(0, "event") == "0 events"
    assert words.count(12345, "reply", "replies") == "12\u202f345 replies"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["A"], "A"),
        (["A", "B"], "A or B"),
        (["A", "B", "C"], "A, B or C"),
        (list("ABCDE"), "A, B, C or 2 others"),
    ],
)
def test_alternatives(names: list[str], said: str) -> None:
    assert words.either(names) == said


@pytest.mark.parametrize(
    ("key", "keys", "said"),
    [
        ("order=o-17", (), "Order o-17"),
        ("o-17", (Key("payment", "p"), Key("order", "o-17")), "Order o-17"),
        ("o-17", (Key("subject", "o-17"),), "Order o-17"),
        ("subject=x=y", (), "Order x=y"),
        ("return_slip=r-1", (), "Return slip r-1"),
    ],
)
def test_what_a_trace_is_called(make: SimpleNamespace, key: str, keys: tuple[Key, ...], said: str) -> None:
    assert words.subject(make.trace_row(key=key, flow="order"), keys) == said


def sentence(make: SimpleNamespace, clocks: tuple[object, ...] = (), **changed: object) -> str:
    findings = changed.pop("findings", ())
    detail = make.trace_detail(make.trace_row(**changed), findings=findings)
    return words.plain(words.trace_sentence(detail, clocks, make.NOW))  # type: ignore[arg-type]


def test_a_waiting_trace(make: SimpleNamespace) -> None:
    assert sentence(make, findings=(make.finding_row(),)) == (
        "Order o-17 is waiting for GoodsShipped since 2026-03-04 14:02:11 UTC (3 h). 1 deviation."
    )


def test_a_complete_trace(make: SimpleNamespace) -> None:
    assert sentence(make, complete=True, expected=()) == (
        "Order o-17 is complete since 2026-03-04 14:02:11 UTC after 2 h. No deviations."
    )


def test_a_trace_that_cannot_go_on_is_not_said_to_wait(make: SimpleNamespace) -> None:
    assert "cannot continue as its flow expects" in sentence(make, expected=())


def test_an_undecided_trace_is_neither_blamed_nor_praised(make: SimpleNamespace) -> None:
    said = sentence(make, undecided=True)
    assert "too many readings" in said
    assert "deviation" not in said


def test_a_trace_without_events(make: SimpleNamespace) -> None:
    assert sentence(make, last=None, first=None, events=0).startswith("Order o-17 has no events yet.")


def test_retracted_findings_and_sla_matters_are_no_deviations(make: SimpleNamespace) -> None:
    findings = (
        make.finding_row(state=FindingState.RETRACTED),
        make.finding_row(kind=FindingKind.SLA_BREACH),
    )
    assert "No deviations." in sentence(make, findings=findings)


def test_provisional_findings_are_said_to_be_so(make: SimpleNamespace) -> None:
    findings = (make.finding_row(), make.finding_row(state=FindingState.PROVISIONAL))
    assert "2 deviations. 1 of them may still change" in sentence(make, findings=findings)


def test_deviations_that_are_all_provisional_are_said_to_be_so(make: SimpleNamespace) -> None:
    findings = (make.finding_row(state=FindingState.PROVISIONAL),)
    assert "1 deviation, still provisional: late events can arrive." in sentence(make, findings=findings)


def test_clocks_are_told_the_worst_first(make: SimpleNamespace) -> None:
    clocks = tuple(
        make.clock(state=state)
        for state in (ClockState.AT_RISK, ClockState.BREACHED, ClockState.BREACHED, ClockState.MET)
    )
    assert sentence(make, clocks).endswith("No deviations. 2 SLAs breached. 1 SLA at risk.")


@pytest.mark.parametrize(
    ("state", "due", "ended", "said"),
    [
        (ClockState.RUNNING, -60, None, "1 h left"),
        (ClockState.AT_RISK, 1, None, "due now"),
        (ClockState.BREACHED, 90, None, "overdue by 1 h 30 min"),
        (ClockState.MET, 60, 120, "done 1 h before it was due"),
        (ClockState.MISSED, 120, 60, "done 1 h too late"),
        (ClockState.CANCELLED, 0, None, "no longer applies: the flow took another path"),
    ],
)
def test_clock_sentences(
    make: SimpleNamespace, state: ClockState, due: int, ended: int | None, said: str
) -> None:
    clock = make.clock(
        state=state, due=make.ago(minutes=due), ended=make.ago(minutes=ended) if ended is not None else None
    )
    assert words.plain(words.clock_sentence(clock, make.NOW)) == said


def test_every_kind_state_and_reason_has_its_word() -> None:
    from monitor.domain.event import InboxReason

    assert set(words.KINDS) == set(FindingKind)
    assert set(words.CLOCKS) == set(ClockState)
    assert set(words.REASONS) == {reason.value for reason in InboxReason}


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "–"), (0, 7, "0 %"), (1, 1000, "< 1 %"), (999, 1000, "> 99 %"), (7, 7, "100 %"), (1, 3, "33 %")],
)
def test_shares_in_words(part: int, whole: int, said: str) -> None:
    assert words.share_told(part, whole) == said

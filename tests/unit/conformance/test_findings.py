"""What is said about a deviating trace: kind, element, alternatives and sentence (DESIGN 3.4)."""

from __future__ import annotations

import pytest

from monitor.conformance.checker import Checker
from monitor.conformance.explain import listed
from monitor.domain.verdict import FindingKind as Kind
from tests.support.flows import flow_of, judged, tasks, word

LINE = flow_of(f"""
<startEvent id="s"/> {tasks("A", "B", "C", "D")} <endEvent id="e"/>
s -> A -> B -> C -> D -> e
""")

CHOICE = flow_of(f"""
<startEvent id="s"/> {tasks("A", "B", "C", "D")}
<exclusiveGateway id="x"/> <exclusiveGateway id="m"/> <endEvent id="e"/>
s -> A -> x -> B -> m -> D -> e
x -> C -> m
""")


def told(labels: str, flow: object = LINE) -> list[tuple[Kind, str, str | None, tuple[str, ...]]]:
    verdict = judged(flow, list(labels)).verdict  # type: ignore[arg-type]
    return [(f.kind, f.name, f.event, f.expected) for f in verdict.findings]


@pytest.mark.parametrize(
    ("labels", "cost", "complete", "findings"),
    [
        ("ABCD", 0, True, []),
        ("AB", 0, False, []),
        ("ACBD", 2, True, [(Kind.OUT_OF_ORDER, "C", "e1", ("B",))]),
        ("ABDC", 2, True, [(Kind.OUT_OF_ORDER, "D", "e2", ("C",))]),
        ("BACD", 2, True, [(Kind.OUT_OF_ORDER, "B", "e0", ("A",))]),
        ("ACD", 1, True, [(Kind.MISSING, "B", None, ("B",))]),
        ("AC", 1, False, [(Kind.MISSING, "B", None, ("B",))]),
        ("ABBCD", 1, True, [(Kind.DUPLICATE, "B", "e2", ("C",))]),
        ("ABCDD", 1, True, [(Kind.DUPLICATE, "D", "e4", ())]),
        ("AXBCD", 1, True, [(Kind.UNKNOWN, "X", "e1", ("B",))]),
        ("BCD", 1, True, [(Kind.MISSING, "A", None, ("A",))]),
        ("ABCDB", 1, True, [(Kind.DUPLICATE, "B", "e4", ())]),
    ],
)
def test_line(labels: str, cost: int, complete: bool, findings: list[object]) -> None:
    verdict = judged(LINE, list(labels)).verdict
    assert told(labels) == findings
    assert (verdict.cost, verdict.complete, verdict.conforms) == (cost, complete, not findings)


def test_the_other_branch_is_unexpected() -> None:
    assert told("ABCD", CHOICE) == [(Kind.UNEXPECTED, "C", "e2", ("D",))]


def test_a_branch_not_taken_after_the_end() -> None:
    assert told("ABDC", CHOICE) == [(Kind.AFTER_END, "C", "e3", ())]


def test_an_early_event_counts_once_its_turn_comes() -> None:
    """C came before B: after B the trace waits for D, not for C once more."""
    verdict = judged(LINE, list("ACB")).verdict
    assert verdict.expected == ("D",)
    assert [finding.kind for finding in verdict.findings] == [Kind.OUT_OF_ORDER]
    assert not verdict.complete


def test_elements_are_named_by_id() -> None:
    flow = flow_of("""
    <startEvent id="s"/> <task id="Task_1" name="Pay"/> <task id="Task_2" name="Ship"/>
    s -> Task_1 -> Task_2
    """)
    (finding,) = judged(flow, ["Ship"]).verdict.findings
    assert (finding.element, finding.name) == ("Task_1", "Pay")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("ACBD", "C came too early: before B (expected B)."),
        ("ADBC", "D came too early: before B and C (expected B)."),
        ("ACD", "B is missing: C came without it."),
        (
            "ABBCD",
            "B happened again, which the flow does not allow here (expected C). It fits without the repeat.",
        ),
        (
            "ABCDD",
            "D happened again, which the flow does not allow here and nothing more was expected."
            " It fits without the repeat.",
        ),
        ("AXBCD", "X is not part of the flow “Test”."),
    ],
)
def test_sentences(labels: str, message: str) -> None:
    assert [finding.message for finding in judged(LINE, list(labels)).verdict.findings] == [message]


def test_findings_say_when() -> None:
    observations = word(list("ACD"))
    trace, _ = Checker(LINE).replay(observations)
    assert trace.verdict.findings[0].time == observations[1].time


def test_two_skips_of_one_element_are_two_findings() -> None:
    flow = flow_of(f"""
    <startEvent id="s"/> {tasks("A", "B", "C")}
    <exclusiveGateway id="m"/> <exclusiveGateway id="x"/> <endEvent id="e"/>
    s -> m -> A -> B -> C -> x -> e
    x -> m
    """)
    findings = judged(flow, list("ACAC")).verdict.findings
    assert len({finding.key() for finding in findings}) == 2


def test_a_start_event_after_a_complete_trace_begins_a_new_one() -> None:
    first, rest = Checker(LINE).replay(word(list("ABCDAB")))
    assert [o.label for o in first.observations] == list("ABCD")
    second, rest = Checker(LINE).replay(rest)
    assert [o.label for o in second.observations] == list("AB")
    assert not rest
    assert first.verdict.conforms
    assert second.verdict.conforms


def test_a_deviating_trace_can_be_followed_by_a_new_one() -> None:
    first, rest = Checker(LINE).replay(word(list("ACBDAB")))
    assert first.verdict.cost == 2
    assert [o.label for o in rest] == list("AB")


def test_a_start_event_inside_a_trace_is_a_repeat() -> None:
    assert told("ABACD") == [(Kind.DUPLICATE, "A", "e2", ("C",))]


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([], ""),
        (["A"], "A"),
        (["A", "B"], "A or B"),
        (["A", "B", "B", "C"], "A, B or C"),
        (["A", "B", "C", "D"], "A, B, C or D"),
        (["A", "B", "C", "D", "E"], "A, B, C or 2 more"),
    ],
)
def test_listed(labels: list[str], text: str) -> None:
    assert listed(labels, "or") == text

"""Which observations have a known order, and what an unknown one means for a verdict (DESIGN 3.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Ordering
from monitor.conformance import concurrent
from monitor.conformance.checker import Checker
from monitor.conformance.order import parts, windows
from monitor.domain.event import Observation
from monitor.domain.verdict import FindingKind
from tests.support.flows import START, flow_of, tasks, word

LINE = f"""
<startEvent id="s"/> {tasks("A", "B", "C")} <endEvent id="e"/>
s -> A -> B -> C -> e
"""


def at(label: str, seconds: float, number: int, **hints: Any) -> Observation:
    return Observation(
        "f",
        label,
        START + timedelta(seconds=seconds),
        number.to_bytes(2, "big"),
        event_id=f"e{number}",
        **hints,
    )


def grouped(observations: list[Observation], tolerance: float = 0) -> list[list[str]]:
    return [[o.label for o in w.observations] for w in windows(observations, timedelta(seconds=tolerance))]


def before(observations: list[Observation], tolerance: float = 0) -> dict[str, set[str]]:
    (window,) = windows(observations, timedelta(seconds=tolerance))
    labels = [o.label for o in window.observations]
    return {
        label: {labels[i] for i in range(len(labels)) if mask >> i & 1}
        for label, mask in zip(labels, window.before, strict=True)
    }


def test_times_order() -> None:
    assert grouped([at("B", 2, 1), at("A", 1, 0), at("C", 3, 2)]) == [["A"], ["B"], ["C"]]


def test_equal_times_are_concurrent() -> None:
    assert grouped([at("A", 1, 0), at("B", 1, 1), at("C", 2, 2)]) == [["A", "B"], ["C"]]


def test_within_the_tolerance_is_concurrent_and_beyond_it_ordered() -> None:
    assert before([at("A", 0, 0), at("B", 2, 1), at("C", 4, 2)], 2) == {"A": set(), "B": set(), "C": {"A"}}
    assert grouped([at("A", 0, 0), at("B", 2.001, 1)], 2) == [["A"], ["B"]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"lane": "k/t/0", "offset": 4, "producer": "p"}, {"lane": "k/t/0", "offset": 5, "producer": "p"}),
        ({"sequence": 1, "producer": "p"}, {"sequence": 2, "producer": "p"}),
        ({}, {"cause": "e0"}),
    ],
    ids=["partition", "sequence", "cause"],
)
def test_a_producers_own_order_is_kept(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert before([at("B", 0, 0, **first), at("A", 0, 1, **second)]) == {"A": {"B"}, "B": set()}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"lane": "k/t/0", "offset": 4, "producer": "p"}, {"lane": "k/t/0", "offset": 5, "producer": "q"}),
        ({"lane": "k/t/0", "offset": 4}, {"lane": "k/t/1", "offset": 5}),
        ({"sequence": 1, "producer": "p"}, {"sequence": 2, "producer": "q"}),
        ({"sequence": 1}, {"sequence": 2}),
    ],
    ids=["two producers", "two partitions", "two numberings", "numbers of nobody"],
)
def test_other_orders_mean_nothing(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert before([at("A", 0, 0, **first), at("B", 0, 1, **second)]) == {"A": set(), "B": set()}


def test_the_clock_wins_over_numbers_beyond_the_tolerance() -> None:
    early, late = at("A", 0, 0, sequence=2, producer="p"), at("B", 9, 1, sequence=1, producer="p")
    assert grouped([late, early]) == [["A"], ["B"]]
    bridge = at("M", 5, 2)
    assert before([early, late, bridge], 5) == {"A": set(), "M": set(), "B": {"A"}}


def test_contradictions_are_no_order() -> None:
    assert before([at("A", 0, 0, cause="e1"), at("B", 0, 1, cause="e0")]) == {"A": set(), "B": set()}


def test_any_order_of_concurrent_events_that_conforms_is_accepted() -> None:
    trace, _ = Checker(flow_of(LINE)).replay([at("C", 5, 0), at("B", 5, 1), at("A", 0, 2)])
    assert trace.verdict.conforms
    assert trace.verdict.complete


def test_a_known_order_that_does_not_conform_is_a_deviation() -> None:
    lane = {"lane": "k/t/0", "producer": "p"}
    observations = [at("A", 0, 0), at("C", 5, 1, offset=1, **lane), at("B", 5, 2, offset=2, **lane)]
    trace, _ = Checker(flow_of(LINE)).replay(observations)
    assert [finding.kind for finding in trace.verdict.findings] == [FindingKind.OUT_OF_ORDER]


def test_skew_within_the_tolerance_is_no_deviation() -> None:
    observations = [at("A", 0, 0), at("C", 1, 1), at("B", 1.5, 2)]
    for tolerance, conforms in ((0, False), (1, True)):
        options = Options(ordering=Ordering(tolerance=timedelta(seconds=tolerance)))
        trace, _ = Checker(flow_of(LINE, options)).replay(observations)
        assert trace.verdict.conforms is conforms


def test_concurrent_repeats_stay_small() -> None:
    """Forty equal events at one instant are one case, not 2^40."""
    flow = flow_of(f"""
    <startEvent id="s"/> {tasks("A")}
    <exclusiveGateway id="m"/> <exclusiveGateway id="x"/> <endEvent id="e"/>
    s -> m -> A -> x -> e
    x -> m
    """)
    trace, _ = Checker(flow).replay([at("A", 0, number) for number in range(40)])
    assert trace.verdict.conforms
    assert trace.verdict.complete


def test_too_many_orders_at_once_are_undecided_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrent, "MAX_CONCURRENT", 3)
    flow = flow_of(f"""
    <startEvent id="s"/> {tasks("A", "B", "C", "D")}
    <parallelGateway id="p"/> <parallelGateway id="q"/> <endEvent id="e"/>
    s -> p -> A -> q -> e
    p -> B -> q
    p -> C -> q
    p -> D -> q
    """)
    trace, _ = Checker(flow).replay([at(label, 0, number) for number, label in enumerate("ABCD")])
    assert trace.verdict.undecided
    assert trace.verdict.conforms
    assert not trace.verdict.complete


def test_a_stored_state_of_another_flow_is_refused() -> None:
    one, other = flow_of(LINE), flow_of(LINE.replace("B", "X"))
    stored = Checker(one).replay(word(["A"]))[0].stored
    assert stored is not None
    assert Checker(one).advance(stored, word(["A", "B"])[1:]) is not None
    assert Checker(other).advance(stored, word(["A", "B"])[1:]) is None


@pytest.mark.parametrize("broken", ["", "x", "{hash}\n[]\n[]\n[]", "{hash}\n[0,[[9]]]\n[0,[[9]]]\n[]"])
def test_a_broken_stored_state_is_replayed(broken: str) -> None:
    flow = flow_of(LINE)
    assert Checker(flow).advance(broken.replace("{hash}", flow.hash), word(["A"])) is None


def test_thousands_of_events_at_one_instant_are_answered() -> None:
    """Of no known order, of several lanes, and in a chain of causes: looked at once, not pair by pair."""
    flow = flow_of(f"""
    <startEvent id="s"/> {tasks("A")}
    <exclusiveGateway id="m"/> <exclusiveGateway id="x"/> <endEvent id="e"/>
    s -> m -> A -> x -> e
    x -> m
    """)
    for said in ({}, {"lane": "k/t/0", "producer": "p"}):
        trace, _ = Checker(flow).replay(
            [at("A", 0, number, offset=number if said else None, **said) for number in range(3_000)]
        )
        assert (trace.verdict.conforms, trace.verdict.undecided) == (True, False)


def test_a_crowd_that_deviates_is_undecided_not_blamed() -> None:
    trace, _ = Checker(flow_of(LINE)).replay([at("A", 0, number) for number in range(600)])
    assert (trace.verdict.undecided, trace.verdict.conforms, trace.verdict.findings) == (True, True, ())


def test_parts_are_cut_where_the_order_is_known() -> None:
    lane = {"lane": "k/t/0", "producer": "p"}
    (window,) = windows(
        [at("A", 0, 0, offset=1, **lane), at("B", 0, 1, offset=2, **lane), at("C", 0, 2, offset=2, **lane)],
        timedelta(0),
    )
    assert [[one.label for one in part.observations] for part in parts(window)] == [["A"], ["B", "C"]]

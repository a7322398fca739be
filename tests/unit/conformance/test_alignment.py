"""The alignment search at its limits: long traces, wide flows, and past its bound."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import chain
from math import inf

import pytest

from monitor.bpmn.flow import Flow
from monitor.conformance import alignment
from monitor.conformance import segment as checking
from monitor.conformance.alignment import align
from monitor.conformance.checker import Checker
from monitor.conformance.moves import Alignment, MoveKind, shape_of
from tests.support.flows import flow_of, judged, tasks, word

LOOP = flow_of(f"""
<startEvent id="s"/> {tasks("A", "B", "Z")}
<exclusiveGateway id="m"/> <exclusiveGateway id="x"/>
s -> m -> A -> B -> x -> Z
x -> m
""")


def parallel(*labels: str) -> Flow:
    branches = "\n".join(f"p -> {label} -> q" for label in labels)
    gateways = '<parallelGateway id="p"/> <parallelGateway id="q"/>'
    return flow_of(f'<startEvent id="s"/> {gateways} {tasks(*labels, "Z")}\ns -> p\nq -> Z\n{branches}')


def any_of(*labels: str) -> Flow:
    choices = "\n".join(f"x -> {label} -> m" for label in labels)
    gateways = '<exclusiveGateway id="m"/> <exclusiveGateway id="x"/>'
    return flow_of(f'<startEvent id="s"/> {gateways} {tasks(*labels, "Z")}\ns -> m -> x -> Z\n{choices}')


def aligned(flow: Flow, labels: Sequence[str]) -> Alignment:
    return align(Checker(flow).automaton, shape_of(labels))


def is_sound(found: Alignment, flow: Flow, labels: Sequence[str]) -> bool:
    """Every event is told of once, in order; what is counted is a way through the flow; the cost adds up."""
    automaton = Checker(flow).automaton
    state = automaton.initial
    for move in found.moves:
        if move.kind is not MoveKind.LOG:
            after = automaton.step(state, move.label)
            assert after is not None
            state = after
        assert move.state.key == state.key
    told = [(move.window, move.label) for move in found.moves if move.kind is not MoveKind.MODEL]
    assert found.cost <= sum(move.kind is not MoveKind.SYNC for move in found.moves)
    return told == list(enumerate(labels))


TWELVE = [f"T{number}" for number in range(12)]


@pytest.mark.parametrize(
    ("flow", "labels", "cost"),
    [
        (LOOP, [*"AB" * 500, "B", *"AB" * 500, "Z"], 1),
        (LOOP, ["B", *"AB" * 1000], 1),
        (parallel(*TWELVE), [*TWELVE[:5], *TWELVE[6:], "Z"], 1),
        (parallel(*TWELVE), [*TWELVE, *TWELVE[:4], "Z"], 4),
        (parallel(*TWELVE), ["T0", *["?"] * 30, *TWELVE[1:], "Z"], 30),
        (any_of(*TWELVE), [*TWELVE * 20, "Z", *TWELVE * 2, "?"], 3),
    ],
    ids=["one too many", "one too early", "one skipped", "repeats", "unknown", "loops"],
)
def test_little_work_for_little_trouble(flow: Flow, labels: list[str], cost: int) -> None:
    """Counted in moves, not in seconds: a machine may be busy."""
    found = aligned(flow, labels)
    assert found.exact
    assert found.cost == cost
    assert found.work < 40 * len(labels) + 8_000, found.work
    assert is_sound(found, flow, labels)


def test_long_loops_are_not_aligned_at_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every A could begin a new trace."""
    calls = 0

    def counting(*args: object) -> Alignment:
        nonlocal calls
        calls += 1
        return align(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(checking, "align", counting)
    verdict = judged(LOOP, ["B", *"AB" * 300, "Z"]).verdict
    assert (verdict.cost, verdict.complete) == (1, True)
    assert calls < 5


def noisy(seed: int) -> list[str]:
    random_ = random.Random(seed)
    labels = list("AB" * 60)
    for _ in range(30):
        at = random_.randrange(len(labels))
        if random_.random() < 0.5:
            labels.insert(at, random_.choice("ABZ?"))
        else:
            labels.pop(at)
    return labels


@pytest.mark.parametrize("seed", range(6))
def test_past_the_bound_the_alignment_is_good_and_says_so(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    labels = noisy(seed)
    optimal = aligned(LOOP, labels)
    assert optimal.exact
    monkeypatch.setattr(alignment, "MAX_WORK", 100)
    monkeypatch.setattr(alignment, "LOCAL_WORK", 60)
    monkeypatch.setattr(alignment, "WORK_PER_EVENT", 2)
    good = aligned(LOOP, labels)
    assert not good.exact
    assert is_sound(good, LOOP, labels)
    assert optimal.cost <= good.cost <= 2 * optimal.cost


def test_past_every_bound_what_does_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("MAX_WORK", "LOCAL_WORK", "WORK_PER_EVENT"):
        monkeypatch.setattr(alignment, bound, 0)
    labels = list("ABBABA")
    found = aligned(LOOP, labels)
    assert not found.exact
    assert found.cost == 1
    assert is_sound(found, LOOP, labels)


def test_the_verdict_says_that_it_is_approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "MAX_WORK", 0)
    monkeypatch.setattr(alignment, "WORK_PER_EVENT", 0)
    verdict = Checker(LOOP).replay(word(noisy(0)))[0].verdict
    assert not verdict.exact
    assert not verdict.conforms
    assert verdict.findings


def test_the_search_for_a_deviating_traces_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    line = flow_of(f'<startEvent id="s"/> {tasks("A", "B", "C")}\ns -> A -> B -> C')
    labels = list(chain.from_iterable("AACBC" for _ in range(3)))
    _, rest = Checker(line).replay(word(labels))
    assert rest
    monkeypatch.setattr(checking, "MAX_ENDS_WORK", 0)
    everything, rest = Checker(line).replay(word(list("ABABABABC")))
    assert not rest
    assert len(everything.observations) == 9


def test_an_early_event_can_stand_in_for_the_last_step() -> None:
    """D C for C D: complete, at the cost of the whole trace."""
    line = flow_of(f'<startEvent id="s"/> {tasks("A", "B", "C")}\ns -> A -> B -> C')
    found = aligned(line, list("ACB"))
    assert (found.complete, found.cost) == (True, 2)
    assert [(move.kind.name, move.label) for move in found.moves] == [
        ("SYNC", "A"),
        ("LOG", "C"),
        ("SYNC", "B"),
        ("MODEL", "C"),
    ]


def test_a_repeat_is_told_of_the_second_and_a_swap_of_the_early_one() -> None:
    line = flow_of(f'<startEvent id="s"/> {tasks("A", "B", "C", "D")}\ns -> A -> B -> C -> D')

    def logs(labels: str) -> list[int]:
        return [move.window for move in aligned(line, list(labels)).moves if move.kind is MoveKind.LOG]

    assert logs("AABCD") == [1]
    assert logs("ACBD") == [1]
    assert logs("ABCDD") == [4]


def test_bounds_on_what_may_still_come() -> None:
    automaton = Checker(parallel("A", "B", "C")).automaton
    assert automaton.ahead(automaton.initial) == pytest.approx({"A": 1, "B": 1, "C": 1, "Z": 1})
    after = automaton.step(automaton.initial, "A")
    assert after is not None
    assert automaton.ahead(after) == pytest.approx({"B": 1, "C": 1, "Z": 1})
    loop = Checker(LOOP).automaton
    assert loop.ahead(loop.initial) == {"A": inf, "B": inf, "Z": inf}

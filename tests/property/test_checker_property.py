"""The checker against an independent meaning of block-structured models, by exhaustive search."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.flow import Flow, Ordering
from monitor.conformance.alignment import align
from monitor.conformance.checker import Checker, Judged
from monitor.conformance.moves import shape_of
from monitor.domain.event import Observation
from tests.support.effort import examples
from tests.support.trees import ALPHABET, Language, Tree, document, labels_of, trees

START = datetime(2026, 1, 1, tzinfo=UTC)


def compiled(tree: Tree, **options: object) -> Flow:
    flow, problems = compile_flow(document(tree), Options(**options))  # type: ignore[arg-type]
    assert flow is not None, problems
    return flow


def observed(word: list[str], every: timedelta = timedelta(minutes=1)) -> list[Observation]:
    return [
        Observation("f", label, START + every * at, at.to_bytes(2, "big"), event_id=f"e{at}")
        for at, label in enumerate(word)
    ]


def whole(checker: Checker, observations: list[Observation]) -> list[Judged]:
    judged = []
    rest: tuple[Observation, ...] = tuple(observations)
    while rest:
        one, rest = checker.replay(rest)
        judged.append(one)
    return judged


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tree, list[str]]:
    """A tree that observes something, and a word its language allows, then changed a little."""
    tree = draw(trees())
    assume(labels_of(tree))
    language = Language(tree)
    states, word = language.start, []
    for _ in range(draw(st.integers(0, 9))):
        possible = [label for label in ALPHABET if language.step(states, label)]
        if not possible:
            break
        label = draw(st.sampled_from(possible))
        word.append(label)
        states = language.step(states, label)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(word)))
        match draw(st.sampled_from(["drop", "insert", "swap", "repeat"])):
            case "drop":
                word[at : at + 1] = []
            case "insert":
                word.insert(at, draw(st.sampled_from(ALPHABET)))
            case "swap" if at + 1 < len(word):
                word[at], word[at + 1] = word[at + 1], word[at]
            case "repeat" if at < len(word):
                word.insert(at, word[at])
    return tree, word


@given(cases())
@examples(100)
def test_language(case: tuple[Tree, list[str]]) -> None:
    """Exactly the words the reference allows are allowed, and given up on at the same event."""
    tree, word = case
    language = Language(tree)
    checker = Checker(compiled(tree))
    state = checker.automaton.initial
    deviation = None
    for at, label in enumerate(word):
        following = checker.automaton.step(state, label)
        if following is None:
            deviation = at
            break
        state = following
        assert not state.undecided
    assert deviation == language.first_deviation(word)
    if deviation is None:
        assert state.final == language.accepts(word)


@given(cases())
@examples(60)
def test_alignment_is_optimal(case: tuple[Tree, list[str]]) -> None:
    """No explanation with fewer changes exists; complete means the whole word was explained."""
    tree, word = case
    assume(word)
    language = Language(tree)
    checker = Checker(compiled(tree))
    alignment = align(checker.automaton, shape_of(word))
    assert alignment.exact
    alphabet = sorted(set(labels_of(tree)))
    expected = language.distance(word, alphabet, finish=alignment.complete, most=alignment.cost)
    assert alignment.cost == expected
    counted = [move.label for move in alignment.moves if move.kind != 1]
    assert language.first_deviation(counted) is None
    assert language.accepts(counted) == alignment.complete


@given(cases(), st.randoms(use_true_random=False), st.data())
@examples(60)
def test_verdict_is_a_function_of_the_set(
    case: tuple[Tree, list[str]], random: object, data: st.DataObject
) -> None:
    """Arrival order, batching and restarts never show: going on from stored states where that is possible,
    and replaying where it is not, says what one replay of everything says."""
    tree, word = case
    assume(word)
    tolerance = data.draw(st.sampled_from([timedelta(0), timedelta(minutes=1)]))
    every = data.draw(st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(minutes=2)]))
    assume(len(word) <= 7 or every > tolerance)
    flow = compiled(tree, ordering=Ordering(tolerance=tolerance))
    observations = observed(word, every)
    expected = [(j.verdict, j.observations, j.stored) for j in whole(Checker(flow), observations)]

    arrival = data.draw(st.permutations(observations))
    checker = Checker(flow)
    traces: list[Judged] = []
    arrived: list[Observation] = []
    while arrival:
        size = data.draw(st.integers(1, len(arrival)))
        batch, arrival = arrival[:size], arrival[size:]
        arrived += batch
        if data.draw(st.booleans()):
            checker = Checker(flow)  # a restart
        stored = traces[-1].stored if traces else None
        advanced = checker.advance(stored, batch) if stored is not None else None
        if advanced is None:
            traces = whole(checker, arrived)
        else:
            together = tuple(
                sorted(
                    (*traces[-1].observations, *advanced.observations),
                    key=lambda o: (o.time, o.label, o.identity),
                )
            )
            traces[-1] = Judged(advanced.verdict, together, advanced.path, advanced.stored)
    assert [(j.verdict, j.observations, j.stored) for j in traces] == expected

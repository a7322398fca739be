"""What made each step possible, against the runs of block-structured models told without tokens.

The reference follows a block together with since when each part of it goes on, and tries every run. What the
program says of a word must be what one of those runs says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import product

from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.bpmn.compile import compile_flow
from monitor.bpmn.read import read
from monitor.conformance.automaton import Automaton
from monitor.timing import Timings, critical_path, spans, steps
from tests.property.test_checker_property import START, compiled
from tests.support.flows import bpmn
from tests.support.sketch import DEFINITIONS, models
from tests.support.trees import (
    ALPHABET,
    Act,
    And,
    Language,
    Loop,
    Or,
    Scope,
    Seq,
    Skip,
    Tree,
    Xor,
    labels_of,
    trees,
)

FLOW_START = -1
MOST_RUNS = 3_000


@dataclass(frozen=True)
class Going:
    """A block under way: ``parts`` of it are going on at once, then the ``rest`` follows. A block not begun
    is a Ready; one that is over is the event it ended with."""

    parts: tuple[State, ...]
    rest: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Ready:
    tree: Tree
    since: int


@dataclass(frozen=True)
class Guarded:
    """A scope under way, opened ``since``, in which ``last`` happened last."""

    body: State
    scope: Scope
    since: int
    last: int
    fired: bool = False


State = Going | Ready | Guarded | int
"""An int: over, since that event."""


@lru_cache(maxsize=50_000)
def begun(tree: Tree, since: int) -> frozenset[State]:
    """Every way a block may begin."""
    match tree:
        case Skip():
            return frozenset({since})
        case Act():
            return frozenset({Ready(tree, since)})
        case Seq(parts):
            return frozenset({Going((Ready(parts[0], since),), tuple(parts[1:]))})
        case Xor(parts):
            return frozenset(Ready(part, since) for part in parts)
        case And(parts):
            return frozenset({Going(tuple(Ready(part, since) for part in parts))})
        case Or(parts):
            return frozenset(
                Going(tuple(Ready(part, since) for at, part in enumerate(parts) if mask >> at & 1))
                for mask in range(1, 1 << len(parts))
            )
        case Loop(body, redo):
            return frozenset({Going((Ready(body, since),)), Going((Ready(body, since),), (redo, tree))})
        case Scope(body):
            return frozenset({Guarded(Ready(body, since), tree, since, since)})
    raise AssertionError(tree)


@lru_cache(maxsize=200_000)
def ends(state: State) -> frozenset[int]:
    """Since which event it may be over, if nothing more happens."""
    match state:
        case int():
            return frozenset({state})
        case Ready(tree, since):
            if isinstance(tree, Act):
                return frozenset()
            return frozenset(end for way in begun(tree, since) for end in ends(way))
        case Going(parts, rest):
            over = {max(chosen) for chosen in product(*map(ends, parts))}
            for tree in rest:
                over = {end for since in over for end in ends(Ready(tree, since))}
            return frozenset(over)
        case Guarded(body, scope, _, last):
            over = {max(end, last) for end in ends(body)}
            if scope.label is None and scope.interrupting:
                over |= ends(Ready(scope.handler, last))
            return frozenset(over)


@lru_cache(maxsize=200_000)
def after(state: State, label: str, event: int) -> frozenset[tuple[int, State]]:
    """What may have made ``event`` possible, and what there is after it."""
    found: set[tuple[int, State]] = set()
    match state:
        case Ready(Act(own), since):
            if own == label:
                found.add((since, event))
        case Ready(tree, since):
            for way in begun(tree, since):
                found |= after(way, label, event)
        case Going(parts, rest):
            for at, part in enumerate(parts):
                for cause, left in after(part, label, event):
                    found.add((cause, Going((*parts[:at], left, *parts[at + 1 :]), rest)))
            if rest:
                for since in {max(chosen) for chosen in product(*map(ends, parts))}:
                    found |= after(Going((Ready(rest[0], since),), rest[1:]), label, event)
        case Guarded():
            found |= _after_guarded(state, label, event)
    return frozenset(found)


def _after_guarded(state: Guarded, label: str, event: int) -> set[tuple[int, State]]:
    body, scope, since, last, fired = state.body, state.scope, state.since, state.last, state.fired
    found: set[tuple[int, State]] = {
        (cause, Guarded(left, scope, since, event, fired)) for cause, left in after(body, label, event)
    }
    handler = scope.handler
    if scope.interrupting:
        if scope.label == label:
            found.add((since, Ready(handler, event)))
        elif scope.label is None:
            found |= after(Ready(handler, last), label, event)
    elif scope.label == label:
        found.add((since, Going((state, Ready(handler, event)))))
    elif scope.label is None and not fired:
        beside = Guarded(body, scope, since, last, True)
        found |= {
            (cause, Going((beside, left))) for cause, left in after(Ready(handler, since), label, event)
        }
    return found


def told(tree: Tree, word: Sequence[str]) -> set[tuple[int | None, ...]]:
    """What each run over ``word`` says made its events possible."""
    layer: set[tuple[tuple[int, ...], State]] = {((), Ready(tree, FLOW_START))}
    for event, label in enumerate(word):
        layer = {
            ((*causes, cause), left) for causes, state in layer for cause, left in after(state, label, event)
        }
        assume(len(layer) < MOST_RUNS)
    return {tuple(None if cause == FLOW_START else cause for cause in causes) for causes, _ in layer}


@st.composite
def allowed(draw: st.DrawFn) -> tuple[Tree, list[str]]:
    tree = draw(trees())
    assume(labels_of(tree))
    language = Language(tree)
    states, word = language.start, []
    for _ in range(draw(st.integers(1, 8))):
        possible = [label for label in ALPHABET if language.step(states, label)]
        if not possible:
            break
        word.append(draw(st.sampled_from(possible)))
        states = language.step(states, word[-1])
    return tree, word


@given(allowed())
def test_causes_are_those_of_a_run(case: tuple[Tree, list[str]]) -> None:
    tree, word = case
    runs = told(tree, word)
    found = steps(compiled(tree), word)
    assert runs, "the reference allows the word"
    assert tuple(step.after for step in found) in runs
    assert all(len(step.elements) == 1 for step in found)


CONSTRUCTS = ("inclusive", "loop", "event", "race", "subprocess", "guarded-task", "repeated", "error", "undo")


@given(models(*CONSTRUCTS), st.data())
def test_every_step_comes_after_one_before_it_and_the_critical_path_is_as_long_as_the_trace(
    text: str, data: st.DataObject
) -> None:
    document = read(bpmn(text, DEFINITIONS), "test.bpmn")
    flow, _ = compile_flow(document)
    assume(flow is not None)
    assert flow is not None
    automaton, word = Automaton(flow), list[str]()
    state = automaton.initial
    for _ in range(data.draw(st.integers(1, 8))):
        if not (possible := automaton.labels(state)):
            break
        word.append(data.draw(st.sampled_from(sorted(possible))))
        further = automaton.step(state, word[-1])
        assert further is not None
        state = further
    assume(word and not state.undecided)
    found = steps(flow, word)
    assert found == Timings(flow).steps(word)
    assert len(found) == len(word)
    for index, (step, label) in enumerate(zip(found, word, strict=True)):
        assert step.elements, "the automaton allows the word, so there is a run"
        assert step.elements[0] in flow.labels[label]
        assert step.after is None or 0 <= step.after < index
        assert step.began is None or step.began == step.after
    times = [
        START + timedelta(seconds=second)
        for second in sorted(data.draw(st.lists(st.integers(0, 99), min_size=len(word), max_size=len(word))))
    ]
    took = spans(found, times)
    path = critical_path(found, times)
    assert path[-1] == len(word) - 1
    whole = sum(((took[at].worked or took[at].waited or timedelta(0)) for at in path), timedelta(0))
    assert whole == times[-1] - times[0]

"""The checker on small random models of every construct, against BPMN's token game played by the book.

The reference tries everything and reduces nothing. Where its search grows too large a comparison ends early;
what was compared until then counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.document import Document, Severity
from monitor.bpmn.flow import Flow, Ordering
from monitor.bpmn.read import read
from monitor.conformance.alignment import align
from monitor.conformance.automaton import Automaton, State
from monitor.conformance.moves import MoveKind, shape_of
from monitor.domain.event import Observation
from monitor.domain.verdict import Verdict
from monitor.judging import Judge
from tests.support.effort import examples
from tests.support.flows import bpmn, word
from tests.support.naive import Reference, States, TooLarge
from tests.support.sketch import ALPHABET, DEFINITIONS, models, tangles

CONSTRUCTS = {
    "boundary events": ("guarded-task", "subprocess"),
    "inclusive gateways": ("inclusive", "loop", "conditional", "link", "ending"),
    "events": ("event", "race", "signals", "guarded-task"),
    "beginnings": ("beginnings", "race", "inclusive"),
    "errors": ("error", "guarded-task"),
    "event subprocesses": ("event-subprocess", "subprocess", "event", "signals", "error"),
    "repeated activities": ("repeated", "guarded-task"),
    "ad-hoc subprocesses": ("ad-hoc", "guarded-task", "event"),
    "complex gateways": ("complex", "inclusive", "ending"),
    "compensation": ("undoable", "undo", "going-on", "subprocess"),
    "compensation of what is repeated": ("undoable", "undo", "repeated"),
    "transactions": ("transaction", "undo", "guarded-task"),
}

every_construct = pytest.mark.parametrize("constructs", CONSTRUCTS.values(), ids=CONSTRUCTS)

MOST_STATES = 40
LONGEST = 4


def document_of(text: str) -> Document:
    document = read(bpmn(text, DEFINITIONS), "random.bpmn")
    assert not [problem for problem in document.problems if problem.severity is Severity.ERROR]
    return document


def compiled(document: Document, options: Options | None = None) -> Flow:
    """A model without a single task or message is no flow: then the case is left out."""
    flow, problems = compile_flow(document, options)
    assume({problem.code for problem in problems} != {"nothing-observable"})
    assert flow is not None, [str(problem) for problem in problems]
    return flow


def said(automaton: Automaton, labels: Sequence[str]) -> tuple[int | None, bool]:
    """Where the labels first deviate (None: nowhere), and whether they are a whole run."""
    state = automaton.initial
    for at, label in enumerate(labels):
        following = automaton.step(state, label)
        if following is None:
            return at, False
        state = following
        assert not state.undecided
    return None, state.final


def pairs(automaton: Automaton, reference: Reference) -> Iterator[tuple[str, State, States]]:
    """What both make of every word that is allowed, shortest first, and nothing twice."""
    pending = [("", automaton.initial, reference.initial)]
    seen = set[tuple[str, States]]()
    for labels, state, states in pending:
        if (state.key, states) in seen or len(labels) > LONGEST:
            continue
        if len(seen) == MOST_STATES:
            return
        seen.add((state.key, states))
        yield labels, state, states
        for label, after in sorted(reference.steps(states).items()):
            following = automaton.step(state, label)
            assert following is not None
            pending.append((labels + label, following, after))


@every_construct
@given(data=st.data())
@examples(14)
def test_every_short_word(constructs: tuple[str, ...], data: st.DataObject) -> None:
    """The same labels are possible after every allowed word, and the same words are whole runs."""
    hold_every_short_word(document_of(data.draw(models(*constructs))))


@every_construct
@given(data=st.data())
@examples(8)
def test_every_short_word_of_tangles(constructs: tuple[str, ...], data: st.DataObject) -> None:
    """The same with sequence flows from anywhere to anywhere."""
    hold_every_short_word(document_of(data.draw(tangles(*constructs))))


def hold_every_short_word(document: Document) -> None:
    automaton = Automaton(compiled(document))
    try:
        reference = Reference(document, LONGEST + 1)
        for labels, state, states in pairs(automaton, reference):
            assert not state.undecided
            assert set(automaton.labels(state)) == set(reference.steps(states)), labels
            assert state.final == reference.final(states), labels
    except TooLarge:
        return


@st.composite
def words(draw: st.DrawFn, reference: Reference, longest: int) -> tuple[list[str], list[str]]:
    """A word the reference allows, and the same with one event dropped, repeated, swapped or put in."""
    states, labels = reference.initial, list[str]()
    for _ in range(draw(st.integers(1, longest))):
        possible = reference.steps(states)
        if not possible:
            break
        label = draw(st.sampled_from(sorted(possible)))
        labels.append(label)
        states = possible[label]
    changed, at = list(labels), draw(st.integers(0, max(0, len(labels) - 1)))
    match draw(st.sampled_from(["drop", "repeat", "swap", "insert"])):
        case "drop":
            changed[at : at + 1] = []
        case "repeat":
            changed[at:at] = labels[at : at + 1]
        case "swap":
            changed[at : at + 2] = reversed(labels[at : at + 2])
        case "insert":
            changed.insert(at, draw(st.sampled_from([*ALPHABET, "?"])))
    return labels, changed


@every_construct
@given(data=st.data())
@examples(20)
def test_words_and_changed_words(constructs: tuple[str, ...], data: st.DataObject) -> None:
    """What the reference plays fits; what one change makes of it deviates where exhaustive search says, or
    does not."""
    document = document_of(data.draw(models(*constructs)))
    automaton = Automaton(compiled(document))
    try:
        reference = Reference(document, 9)
        played, changed = data.draw(words(reference, 8))
        assert reference.verdict(played)[0] is None
        for labels in (played, changed):
            assert said(automaton, labels) == reference.verdict(labels)
    except TooLarge:
        return


@every_construct
@given(data=st.data())
@examples(10)
def test_alignments_cost_least(constructs: tuple[str, ...], data: st.DataObject) -> None:
    """No explanation with fewer changes exists, and the one given is allowed."""
    document = document_of(data.draw(models(*constructs, left=5)))
    automaton = Automaton(compiled(document))
    try:
        reference = Reference(document, 8)
        _, labels = data.draw(words(reference, 4))
        labels += data.draw(st.lists(st.sampled_from(ALPHABET), max_size=1))
        assume(labels)
        alignment = align(automaton, shape_of(labels))
        assert alignment.exact
        least = reference.distance(labels, finish=alignment.complete, most=alignment.cost)
        assert alignment.cost == least
        counted = [move.label for move in alignment.moves if move.kind is not MoveKind.LOG]
        assert said(automaton, counted) == (None, alignment.complete)
    except TooLarge:
        return


@st.composite
def nearly_fitting(draw: st.DrawFn, flow: Flow) -> list[str]:
    automaton = Automaton(flow)
    state, labels = automaton.initial, list[str]()
    for _ in range(draw(st.integers(1, 7))):
        possible = automaton.labels(state)
        fits = bool(possible) and draw(st.integers(0, 4)) > 0
        labels.append(draw(st.sampled_from(sorted(possible) if fits else [*ALPHABET, "?"])))
        state = automaton.step(state, labels[-1]) or state
    return labels


def everything(judge: Judge, observations: Sequence[Observation]) -> list[tuple[Verdict, str | None]]:
    told, rest = list[tuple[Verdict, str | None]](), tuple(observations)
    while rest:
        judged, rest = judge.replay(rest)
        told.append((judged.verdict, judged.stored))
    return told


@every_construct
@given(data=st.data())
@examples(15)
def test_arrival_never_shows(constructs: tuple[str, ...], data: st.DataObject) -> None:
    """Order of arrival, batches, restarts and repeats: what is said in the end is what one replay says."""
    tolerance = timedelta(minutes=data.draw(st.sampled_from([0, 1])))
    document = document_of(data.draw(models(*constructs, left=5)))
    flow = compiled(document, Options(ordering=Ordering(tolerance)))
    labels = data.draw(nearly_fitting(flow))
    minutes = sorted(data.draw(st.lists(st.integers(0, 9), min_size=len(labels), max_size=len(labels))))
    observations = word(labels, minutes)
    expected = everything(Judge(flow), observations)

    arriving = data.draw(st.permutations(observations * 2)) if data.draw(st.booleans()) else observations
    judge, told = Judge(flow), list[tuple[Verdict, str | None]]()
    chain: dict[bytes, Observation] = {}
    while arriving:
        size = data.draw(st.integers(1, len(arriving)))
        batch, arriving = arriving[:size], arriving[size:]
        new = list({one.identity: one for one in batch if one.identity not in chain}.values())
        chain.update((one.identity, one) for one in new)
        if data.draw(st.booleans()):
            judge = Judge(flow)  # a restart
        if not new:
            continue
        stored = told[-1][1] if told else None
        advanced = judge.advance(stored, new) if stored is not None else None
        if advanced is None:
            told = everything(judge, list(chain.values()))
        else:
            told[-1] = (advanced.verdict, advanced.stored)
    assert told == expected

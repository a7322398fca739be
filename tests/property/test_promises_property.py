"""Clocks on random models against the token game played by the book; and what lint says of them is so.

The rules are those of docs/slas.md, written anew in terms of what may come (:class:`Naive`). Where a document
grows too large for the reference, or the label stands at several places, a case is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.document import Document, Severity
from monitor.bpmn.flow import Flow, Sla
from monitor.bpmn.read import read
from monitor.domain.limit import Limit
from monitor.domain.verdict import ClockState
from monitor.judging import Judge, as_of
from monitor.soundness import promises
from tests.support.effort import examples
from tests.support.flows import START, bpmn, word
from tests.support.naive import Reference, States, TooLarge
from tests.support.sketch import DEFINITIONS, models

LONGEST = 6
HOUR = timedelta(hours=1)
CONSTRUCTS = ("inclusive", "race", "conditional", "ending")

Told = tuple[ClockState, datetime]


@dataclass
class Open:
    """A clock that runs."""

    due: datetime
    sure: bool = True


class Naive:
    """What one label's clocks come to, by what the reference says may come and must."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    def walks(self, choices: Sequence[int]) -> list[tuple[str, States]]:
        """A run: at each step one of the labels that may come."""
        states, found = self._reference.initial, []
        for choice in choices:
            ways = sorted(self._reference.steps(states).items())
            if not ways:
                break
            label, states = ways[choice % len(ways)]
            found.append((label, states))
        return found

    def awaited(self, states: States, label: str) -> tuple[bool, bool]:
        """Whether it may come next, and whether it may wherever the flow is by now."""
        may = label in self._reference.steps(states)
        alone = (self._reference._closed([state]) for state in states)
        return may, may and all(label in self._reference.steps(one) for one in alone)

    def reachable(self, states: States, label: str) -> bool:
        seen, pending = {states}, [states]
        while pending:
            for name, after in self._reference.steps(pending.pop()).items():
                if name == label:
                    return True
                if after not in seen:
                    seen.add(after)
                    pending.append(after)
        return False

    def on(
        self, label: str, run: Sequence[tuple[str, States]], times: Sequence[datetime], until: datetime
    ) -> list[Told]:
        found: list[Told] = []
        clock: Open | None = None
        for (came, states), time in zip(run, times, strict=True):
            may, sure = self.awaited(states, label)
            wanted = may and not self._reference.final(states)
            if clock is not None and came == label:
                found.append((ClockState.MISSED if time > clock.due else ClockState.MET, clock.due))
                clock = None
            elif clock is not None and not wanted:
                late = time > clock.due and clock.sure
                found.append((ClockState.MISSED if late else ClockState.CANCELLED, clock.due))
                clock = None
            if wanted and clock is None:
                clock = Open(time + HOUR)
            if clock is not None and (sure or time <= clock.due):
                clock.sure = sure
        if clock is not None:
            late = until >= clock.due and clock.sure
            found.append((ClockState.BREACHED if late else ClockState.RUNNING, clock.due))
        return found

    def between(
        self,
        start: str,
        end: str,
        run: Sequence[tuple[str, States]],
        times: Sequence[datetime],
        until: datetime,
    ) -> list[Told]:
        """One clock at most: ``end`` can come once only."""
        found: list[Told] = []
        due: datetime | None = None
        for (came, states), time in zip(run, times, strict=True):
            left = self.reachable(states, end)
            if due is not None and (came == end or not left):
                in_time = ClockState.MET if came == end else ClockState.CANCELLED
                found.append((ClockState.MISSED if time > due else in_time, due))
                due = None
            if came == start and left and due is None:
                due = time + HOUR
        if due is not None:
            found.append((ClockState.BREACHED if until >= due else ClockState.RUNNING, due))
        return found


def document_of(text: str, *, distinct: bool = False) -> Document:
    """``distinct``: no two tasks have one name."""
    if distinct:
        numbers = count()
        text = re.sub(r'(<task [^>]*name=")', lambda found: f"{found[1]}{next(numbers)}", text)
    document = read(bpmn(text, DEFINITIONS), "random.bpmn")
    assert not [problem for problem in document.problems if problem.severity is Severity.ERROR]
    return document


def flow_with(document: Document, *slas: Sla) -> Flow:
    flow, problems = compile_flow(document, Options(slas=slas, timers=False))
    assume({problem.code for problem in problems} != {"nothing-observable"})
    assert flow is not None, [str(problem) for problem in problems]
    return flow


def once(flow: Flow) -> list[str]:
    """Labels that stand at one place."""
    return sorted(label for label, places in flow.labels.items() if len(places) == 1)


def judged(flow: Flow, run: Sequence[str], minutes: Sequence[float], until: datetime) -> list[Told]:
    trace, rest = Judge(flow).replay(word(run, minutes))
    assert not rest
    verdict = as_of(trace.verdict, until)
    assert verdict.conforms
    assert not verdict.undecided
    return [(clock.state, clock.due) for clock in verdict.clocks]


plain = models("inclusive", left=4)
"""Without timers, and tasks of one name."""

tangled = models(*CONSTRUCTS, left=4)
choices = st.lists(st.integers(0, 5), min_size=1, max_size=LONGEST)
gaps = st.lists(st.sampled_from([1, 20, 60, 90]), min_size=LONGEST, max_size=LONGEST)


def instants(gaps: Sequence[int], count: int) -> list[float]:
    return [float(sum(gaps[: number + 1])) for number in range(count)]


@examples(60)
@given(plain, choices, gaps, st.integers(0, 300), st.data())
def test_clocks_on_a_label(
    text: str, chosen: list[int], apart: list[int], after: int, data: st.DataObject
) -> None:
    document = document_of(text, distinct=True)
    labels = once(flow_with(document))
    assume(labels)
    label = data.draw(st.sampled_from(labels))
    flow = flow_with(document, Sla("on", Limit.of(HOUR), on=(label,)))
    try:
        naive = Naive(Reference(document, LONGEST + 1))
        run = naive.walks(chosen)
        assume(run)
        minutes = instants(apart, len(run))
        times = [START + timedelta(minutes=minute) for minute in minutes]
        until = times[-1] + timedelta(minutes=after)
        expected = naive.on(label, run, times, until)
    except TooLarge:
        assume(False)
    assert judged(flow, [name for name, _ in run], minutes, until) == expected


@examples(60)
@given(plain, choices, gaps, st.integers(0, 300), st.data())
def test_clocks_between_two_labels(
    text: str, chosen: list[int], apart: list[int], after: int, data: st.DataObject
) -> None:
    document = document_of(text, distinct=True)
    labels = once(flow_with(document))
    assume(len(labels) > 1)
    start, end = data.draw(st.permutations(labels))[:2]
    flow = flow_with(document, Sla("between", Limit.of(HOUR), start=start, end=end))
    try:
        naive = Naive(Reference(document, LONGEST + 1))
        run = naive.walks(chosen)
        assume(run)
        minutes = instants(apart, len(run))
        times = [START + timedelta(minutes=minute) for minute in minutes]
        until = times[-1] + timedelta(minutes=after)
        expected = naive.between(start, end, run, times, until)
    except TooLarge:
        assume(False)
    assert judged(flow, [name for name, _ in run], minutes, until) == expected


@examples(60)
@given(tangled, choices, st.data())
def test_what_lint_says_of_slas_is_so(text: str, chosen: list[int], data: st.DataObject) -> None:
    """What can never start has no clock in any run, what is not sure is never breached by silence."""
    document = document_of(text)
    labels = sorted(flow_with(document).labels)
    first, second = data.draw(st.sampled_from(labels)), data.draw(st.sampled_from(labels))
    for sla in (
        Sla("between", Limit.of(HOUR), start=first, end=second),
        Sla("on", Limit.of(HOUR), on=(first,)),
    ):
        flow = flow_with(document, sla)
        codes = {problem.code for problem in promises(flow, [document])}
        try:
            run = [name for name, _ in Naive(Reference(document, LONGEST + 1)).walks(chosen)]
        except TooLarge:
            assume(False)
        assume(run)
        told = judged(flow, run, instants([1] * LONGEST, len(run)), START + timedelta(days=1))
        if "sla-never-starts" in codes:
            assert told == []
        if "sla-unsure" in codes:
            assert ClockState.BREACHED not in {state for state, _ in told}
        if "sla-never-ends" in codes:
            assert {state for state, _ in told} <= {ClockState.RUNNING, ClockState.BREACHED}

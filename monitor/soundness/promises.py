"""SLAs that cannot do what they say, as far as a bounded exploration of what events can do shows it: those
that never start or never stop, that no run can meet, or that another one outdoes. What is not sure is not
said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from monitor.bpmn.document import Document, Place, Problem, Severity
from monitor.bpmn.flow import Flow, Sla
from monitor.conformance.automaton import Automaton, State
from monitor.conformance.awaiting import Awaiting
from monitor.domain.verdict import ClockKind

MOST_STATES = 2_000
"""Past so many nothing is said."""


class _Step(NamedTuple):
    before: State
    label: str
    after: State


def promises(flow: Flow, documents: Sequence[Document]) -> tuple[Problem, ...]:
    """Problems of the flow's SLAs. ``documents``: those it was compiled from, its own first."""
    if not flow.slas:
        return ()
    automaton = Automaton(flow)
    steps = _explored(automaton)
    told = _Telling(flow, documents)
    found = list(_outdone(flow, told))
    if steps is not None:
        found += [
            problem
            for sla in flow.slas
            if sla.delay is not None  # else that is told already
            for problem in _of_sla(flow, automaton, steps, sla, told)
        ]
    return tuple(found)


def _explored(automaton: Automaton) -> list[_Step] | None:
    """Every step that events can make; None where there are too many, or one cannot be decided."""
    steps: list[_Step] = []
    pending, seen = [automaton.initial], {automaton.initial}
    while pending:
        state = pending.pop()
        for label in automaton.labels(state):
            after = automaton.step(state, label)
            if after is None or after.undecided:
                return None
            steps.append(_Step(state, label, after))
            if after not in seen:
                seen.add(after)
                pending.append(after)
                if len(seen) > MOST_STATES:
                    return None
    return steps


def _of_sla(
    flow: Flow, automaton: Automaton, steps: Sequence[_Step], sla: Sla, told: _Telling
) -> Iterator[Problem]:
    if sla.nodes or sla.begins:
        yield from _awaiting(automaton, steps, sla, told)
    elif sla.start is not None:
        yield from _between(flow, automaton, steps, sla, told)
    if sla.pause:
        after = [step.after for step in steps if step.label in sla.pause]
        if after and not any(automaton.ahead(state).get(label, 0) for state in after for label in sla.resume):
            said = (
                f"SLA “{sla.name}” never goes on once it is paused: {_named(sla.resume)} cannot come after"
                f" {_named(sla.pause)}. Name a label that does under resume."
            )
            yield told.problem("sla-never-resumes", said, sla)


def _between(
    flow: Flow, automaton: Automaton, steps: Sequence[_Step], sla: Sla, told: _Telling
) -> Iterator[Problem]:
    begins = [step for step in steps if step.label == sla.start]
    if not begins:
        said = f"SLA “{sla.name}” can never start: no run of the flow comes to {sla.start}."
        yield told.problem("sla-never-starts", said, sla)
    elif sla.end is not None and not any(automaton.ahead(step.after).get(sla.end, 0) for step in begins):
        said = f"SLA “{sla.name}” can never start: after {sla.start}, {sla.end} cannot come any more."
        yield told.problem("sla-never-starts", said, sla)
    else:
        yield from _too_short(flow, automaton, begins, sla, told)


def _too_short(
    flow: Flow, automaton: Automaton, begins: Sequence[_Step], sla: Sla, told: _Telling
) -> Iterator[Problem]:
    """A timer that has to pass in between takes longer than the limit."""
    within = None if sla.limit.span is None or sla.limit.calendar else sla.limit.span.plain
    wait = next((wait for wait in flow.waits if wait.label == sla.end), None)
    if within is None or wait is None or sla.limit.by is not None or sla.limit.field is not None:
        return
    if within < wait.least and all(wait.label not in automaton.labels(step.before) for step in begins):
        said = (
            f"SLA “{sla.name}” cannot be met: the flow itself waits longer before {wait.label} than the limit"
            f" (“{wait.name}”). Give it more time, or name another event to count from."
        )
        yield told.problem("sla-contradiction", said, sla)


def _awaiting(automaton: Automaton, steps: Sequence[_Step], sla: Sla, told: _Telling) -> Iterator[Problem]:
    awaiting = Awaiting(automaton, sla.nodes, sla.begins)
    states = {automaton.initial} | {step.after for step in steps}
    awaited = {state: awaiting.of(state) for state in states}
    runs = {state for state in states if awaited[state].most and not state.final}
    if not runs:
        said = f"SLA “{sla.name}” can never start: {_named(sla.on)} is never waited for."
        yield told.problem("sla-never-starts", said, sla)
        return
    onward: defaultdict[State, set[State]] = defaultdict(set)
    for step in steps:
        onward[step.after].add(step.before)
    stops = states - runs
    if sla.at_once:
        stops |= {step.before for step in steps if step.label in sla.ends and step.before in runs}
    pending = list(stops)
    while pending:
        for before in onward[pending.pop()] - stops:
            stops.add(before)
            pending.append(before)
    if runs - stops:
        said = f"SLA “{sla.name}” may never stop: nothing that can come ends the wait for {_named(sla.on)}."
        yield told.problem("sla-never-ends", said, sla)
    if sla.kind is ClockKind.LIMIT and not any(awaited[state].sure for state in runs):
        said = (
            f"SLA “{sla.name}” is never breached by silence: wherever {_named(sla.on)} is waited for, the"
            " flow may have gone another way that no event shows. It is missed only if it comes late."
        )
        yield told.problem("sla-unsure", said, sla, Severity.INFO)


def _outdone(flow: Flow, told: _Telling) -> Iterator[Problem]:
    """Two limits on the same, of which the longer says nothing that the shorter does not."""
    same: defaultdict[object, list[tuple[timedelta, Sla]]] = defaultdict(list)
    for sla in flow.slas:
        span, limit = sla.limit.span, sla.limit
        plain = None if span is None or limit.calendar or limit.by or limit.field else span.plain
        if plain is not None and sla.kind is ClockKind.LIMIT and not sla.pause and sla.objective is None:
            what = (sla.start, sla.end, sla.nodes, sla.begins, sla.idle)
            same[what].append((plain, sla))
    rank: Callable[[Sla], int] = lambda sla: ("info", "warning", "critical").index(sla.severity)  # noqa: E731
    for several in same.values():
        several.sort(key=lambda one: one[0])
        for number, (_, sla) in enumerate(several):
            shorter = next((one for _, one in several[:number] if rank(one) >= rank(sla)), None)
            if shorter is not None:
                said = (
                    f"SLA “{sla.name}” says nothing that “{shorter.name}” does not: both limit the same, and"
                    " this one is due no sooner and is no more severe. Remove it, or raise its severity."
                )
                yield told.problem("sla-outdone", said, sla)


def _named(names: Sequence[str] | frozenset[str]) -> str:
    return " or ".join(sorted(names)) or "it"


class _Telling:
    def __init__(self, flow: Flow, documents: Sequence[Document]) -> None:
        processes = [process for document in documents for process in document.processes]
        self._nodes = {node.id: node for process in reversed(processes) for node in process.walk()}
        self._home = next((process.place for process in processes if process.nodes), Place(flow.file, 0))

    def problem(self, code: str, said: str, sla: Sla, severity: Severity = Severity.WARNING) -> Problem:
        node = self._nodes.get(sla.element or "")
        if node is None:
            return Problem(severity, code, said, self._home)
        return Problem(severity, code, said, node.place, node.id, node.name or None)

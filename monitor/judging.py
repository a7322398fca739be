"""Stages 5 and 6 for one chain: verdict and clocks together, from scratch or from where they stood. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.bpmn.flow import Flow
from monitor.conformance.checker import Checker, Judged, Passed, Rejoined
from monitor.conformance.segments import Cutting
from monitor.domain.checkpoint import Checkpoint, Span, Sum
from monitor.domain.event import Observation
from monitor.domain.verdict import Clock, Verdict
from monitor.sla import clocks


@dataclass(frozen=True, slots=True)
class JudgedTrace:
    """One trace's verdict, clocks included (``running`` while they run: see :func:`as_of`), its
    observations in trace order (the new ones only, when it was advanced), and the text to go on from.

    Of a long trace the verdict's findings are those in ``spans``, of the ``deviations`` there are in all; its
    clocks are those that ``settled`` does not count: per SLA, how many clocks came before them."""

    verdict: Verdict
    observations: tuple[Observation, ...]
    stored: str | None
    spans: tuple[Span, ...]
    deviations: int
    settled: Mapping[str, int]


class Judge:
    """Judges the traces of one flow version."""

    def __init__(self, flow: Flow, cutting: Cutting | None = None) -> None:
        self.flow = flow
        self.checker = Checker(flow, cutting)

    def advance(self, stored: str, observations: Sequence[Observation]) -> JudgedTrace | None:
        """Go on with observations in order; None where only :meth:`replay` can tell."""
        state, _, kept = stored.rpartition("\n")
        judged = self.checker.advance(state, observations)
        if judged is None:
            return None
        return self._timed(judged, clocks.load(kept) if self.flow.slas else ())

    def replay(self, observations: Sequence[Observation]) -> tuple[JudgedTrace, tuple[Observation, ...]]:
        """The first trace of a chain, from all its observations, and the observations after it."""
        judged, rest = self.checker.replay(observations)
        return self._timed(judged, None), rest

    def resume(
        self, begin: Checkpoint, before: Sum, observations: Sequence[Observation]
    ) -> tuple[JudgedTrace, tuple[Observation, ...]] | None:
        """As :meth:`replay`, from a cut of a long trace on: see :meth:`Checker.resume`."""
        state, _, kept = begin.text.rpartition("\n")
        resumed = self.checker.resume(begin._replace(text=state), before, observations)
        if resumed is None:
            return None
        judged, rest = resumed
        return self._timed(judged, clocks.load(kept) if self.flow.slas else ()), rest

    def rejoin(
        self, begin: Checkpoint | None, before: Sum, observations: Sequence[Observation], end: Checkpoint
    ) -> Rejoined | None:
        """The part between two cuts alone: see :meth:`Checker.rejoin`. Clocks run on across cuts, so where
        there are any the trace is always judged to its end."""
        if self.flow.slas:
            return None
        first, last = (at and at._replace(text=at.text.rpartition("\n")[0]) for at in (begin, end))
        assert last is not None
        again = self.checker.rejoin(first, before, observations, last)
        if again is None:
            return None
        return Rejoined(again.findings, tuple(at._replace(text=f"{at.text}\n") for at in again.checkpoints))

    def _timed(self, judged: Judged, before: tuple[Clock, ...] | None) -> JudgedTrace:
        """``before``: the clocks so far (of a long trace the latest), None at the trace's beginning."""
        if not self.flow.slas and not judged.checkpoints:
            stored = None if judged.stored is None else f"{judged.stored}\n"
            spans = (Span(judged.since, None, ()),)
            return JudgedTrace(judged.verdict, judged.observations, stored, spans, judged.deviations, {})
        running = before or ()
        settled: dict[str, int] = {}
        for clock in running:
            settled.setdefault(clock.sla, clock.occurrence)
        steps = []
        if self.flow.slas:
            steps = [
                self._step(passed, first=before is None and at == 0) for at, passed in enumerate(judged.path)
            ]
        told: dict[tuple[str, int], Clock] = {}
        checkpoints: list[Checkpoint] = []
        for cut in (*judged.checkpoints, None):
            end = len(steps) if cut is None else bisect_left(steps, cut.time, key=lambda step: step.time)
            running = clocks.follow(self.flow.slas, running, steps[:end])
            steps = steps[end:]
            told.update(((clock.sla, clock.occurrence), clock) for clock in running)
            if cut is not None:
                running = clocks.latest(running)
                checkpoints.append(cut._replace(text=f"{cut.text}\n{self._kept(running)}"))
        return JudgedTrace(
            replace(judged.verdict, clocks=tuple(told.values())) if told else judged.verdict,
            judged.observations,
            None if judged.stored is None else f"{judged.stored}\n{self._kept(running)}",
            (Span(judged.since, None, tuple(checkpoints)),),
            judged.deviations,
            settled,
        )

    def _kept(self, running: Sequence[Clock]) -> str:
        return clocks.dump(running) if self.flow.slas else ""

    def _step(self, passed: Passed, *, first: bool) -> clocks.Step:
        """What is yet to come in the same instant is still expected, and the end is not before its end."""
        automaton, state = self.checker.automaton, passed.state
        return clocks.Step(
            label=passed.observation.label,
            time=passed.observation.time,
            expected=frozenset((*automaton.labels(state), *passed.rest)),
            ahead=automaton.ahead(state).keys() | set(passed.rest),
            complete=state.final and not state.undecided and not passed.rest,
            first=first,
        )


def as_of(verdict: Verdict, watermark: datetime | None) -> Verdict:
    """The verdict once everything up to ``watermark`` is known; None judges no absence."""
    if watermark is None or not verdict.clocks:
        return verdict
    return replace(verdict, clocks=tuple(clocks.at(clock, watermark) for clock in verdict.clocks))

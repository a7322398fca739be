"""Stages 5 and 6 for one chain: verdict and clocks together, from scratch or from where they stood. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.bpmn.flow import Flow
from monitor.conformance.checker import Checker, Judged, Passed
from monitor.domain.event import Observation
from monitor.domain.verdict import Clock, Verdict
from monitor.sla import clocks


@dataclass(frozen=True, slots=True)
class JudgedTrace:
    """One trace's verdict, clocks included (``running`` while they run: see :func:`as_of`), its
    observations in trace order (the new ones only, when it was advanced), and the text to go on from."""

    verdict: Verdict
    observations: tuple[Observation, ...]
    stored: str | None


class Judge:
    """Judges the traces of one flow version."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.checker = Checker(flow)

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

    def _timed(self, judged: Judged, before: tuple[Clock, ...] | None) -> JudgedTrace:
        """``before``: the clocks so far, None at the trace's beginning."""
        if not self.flow.slas:
            stored = None if judged.stored is None else f"{judged.stored}\n"
            return JudgedTrace(judged.verdict, judged.observations, stored)
        steps = [
            self._step(passed, first=before is None and at == 0) for at, passed in enumerate(judged.path)
        ]
        after = clocks.follow(self.flow.slas, before or (), steps)
        stored = None if judged.stored is None else f"{judged.stored}\n{clocks.dump(after)}"
        return JudgedTrace(replace(judged.verdict, clocks=after), judged.observations, stored)

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

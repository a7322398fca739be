"""Stages 5 and 6 for one chain: verdict and clocks together, from scratch or from where they stood. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from monitor.bpmn.flow import Flow
from monitor.conformance.checker import Checker, Judged, Passed, Rejoined
from monitor.conformance.segments import Cutting
from monitor.domain.checkpoint import Checkpoint, Span, Sum
from monitor.domain.event import Observation
from monitor.domain.verdict import Clock, ClockKind, ClockState, Finding, Verdict
from monitor.sla import clocks, waits
from monitor.sla.standing import Standings


class JudgedTrace(NamedTuple):
    """One trace's verdict, clocks included (``running`` while they run: see :func:`as_of`), its
    observations in trace order (the new ones only, when it was advanced), and the text to go on from.

    Of a long trace the verdict's findings are those in ``spans``, of the ``deviations`` there are in all; its
    clocks are those that ``settled`` does not count: per SLA, how many clocks came before them. ``moved``:
    its clocks are others than those it went on from."""

    verdict: Verdict
    observations: tuple[Observation, ...]
    stored: str | None
    spans: tuple[Span, ...]
    deviations: int
    settled: Mapping[str, int]
    moved: bool = True


class Judge:
    """Judges the traces of one flow version."""

    def __init__(self, flow: Flow, cutting: Cutting | None = None) -> None:
        self.flow = flow
        self.checker = Checker(flow, cutting)
        self._standings = Standings(flow, self.checker.automaton)

    def advance(self, stored: str, observations: Sequence[Observation]) -> JudgedTrace | None:
        """Go on with observations in order; None where only :meth:`replay` can tell, as of one that came too
        early."""
        state, _, kept = stored.rpartition("\n")
        judged = self.checker.advance(state, observations)
        if judged is None:
            return None
        timed = self._timed(judged, self._load(kept))
        return None if timed.verdict.conforms < judged.verdict.conforms else timed

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
        return self._timed(judged, self._load(kept)), rest

    def rejoin(
        self, begin: Checkpoint | None, before: Sum, observations: Sequence[Observation], end: Checkpoint
    ) -> Rejoined | None:
        """The part between two cuts alone: see :meth:`Checker.rejoin`. Clocks run on across cuts, so where
        there are any the trace is always judged to its end."""
        if self.flow.slas or self.flow.waits:
            return None
        first, last = (at and at._replace(text=at.text.rpartition("\n")[0]) for at in (begin, end))
        assert last is not None
        again = self.checker.rejoin(first, before, observations, last)
        if again is None:
            return None
        return Rejoined(again.findings, tuple(at._replace(text=f"{at.text}\n") for at in again.checkpoints))

    def _timed(self, judged: Judged, before: _Kept | None) -> JudgedTrace:
        """``before``: what is kept of the trace so far, None at its beginning."""
        flow = self.flow
        if not flow.slas and not flow.waits and not judged.checkpoints:
            stored = None if judged.stored is None else f"{judged.stored}\n"
            spans = (Span(judged.since, None, ()),)
            return JudgedTrace(judged.verdict, judged.observations, stored, spans, judged.deviations, {})
        kept = held = before or _Kept()
        settled: dict[str, int] = {}
        for clock in kept.clocks:
            settled.setdefault(clock.sla, clock.occurrence)
        told: dict[tuple[str, int], Clock] = {}
        early: list[Finding] = []
        checkpoints: list[Checkpoint] = []
        path, first = judged.path, before is None
        for cut in (*judged.checkpoints, None):
            end = len(path) if cut is None else bisect_left(path, cut.time, key=_time)
            kept, found = self._followed(kept, path[:end], first=first, conforming=_until(judged))
            first = first and not end
            path = path[end:]
            early += found
            told.update(((clock.sla, clock.occurrence), clock) for clock in kept.clocks)
            if cut is not None:
                kept = kept._replace(clocks=clocks.carried(kept.clocks))
                segment = cut.segment._replace(deviations=cut.segment.deviations + len(found))
                checkpoints.append(cut._replace(text=f"{cut.text}\n{self._dump(kept)}", segment=segment))
        verdict = judged.verdict._replace(clocks=tuple(told.values())) if told else judged.verdict
        deviations = judged.deviations + len(early)
        stored = None if judged.stored is None else f"{judged.stored}\n{self._dump(kept)}"
        if early or (deviations and verdict.conforms):
            verdict = verdict._replace(
                conforms=False,
                findings=tuple(sorted((*verdict.findings, *early), key=lambda finding: finding.time)),
            )
            stored = None
        return JudgedTrace(
            verdict,
            judged.observations,
            stored,
            (Span(judged.since, None, tuple(checkpoints)),),
            deviations,
            settled,
            before is None or kept.clocks != held.clocks,
        )

    def _followed(
        self, kept: _Kept, path: Sequence[Passed], *, first: bool, conforming: datetime | None
    ) -> tuple[_Kept, tuple[Finding, ...]]:
        """Clocks and waits after more of the path. What came too early is told up to where the trace
        conforms: past that, nobody knows what was possible since when."""
        flow = self.flow
        running, since = kept
        found: tuple[Finding, ...] = ()
        if flow.slas:
            steps = (self._standings.step(one, first=first and at == 0) for at, one in enumerate(path))
            running = clocks.follow(flow.slas, running, steps)
        if flow.waits:
            possible = (self._standings.possible(one) for one in path)
            since, early = waits.follow(flow.waits, since, possible, flow.ordering.tolerance)
            found = tuple(one for one in early if conforming is None or one.time < conforming)
        return _Kept(running, since), found

    def _dump(self, kept: _Kept) -> str:
        return _dump(kept) if self.flow.slas or self.flow.waits else ""

    def _load(self, text: str) -> _Kept:
        return _load(text) if text else _Kept()


class _Kept(NamedTuple):
    """What clocks and waits go on from."""

    clocks: tuple[Clock, ...] = ()
    since: Mapping[str, datetime] = {}


def _dump(kept: _Kept) -> str:
    """As one line of text."""
    said = [
        (c.sla, c.occurrence, c.state, c.started, c.due, c.at_risk, c.ended, c.severity, c.element)
        + ((c.kind, c.paused, c.sure) if c.kind is not ClockKind.LIMIT or c.paused or not c.sure else ())
        for c in kept.clocks
    ]
    return orjson.dumps([said, kept.since] if kept.since else [said]).decode()


def _load(text: str) -> _Kept:
    said, *rest = orjson.loads(text)
    since = {label: datetime.fromisoformat(begun) for label, begun in rest[0].items()} if rest else {}
    return _Kept(tuple(_clock(*one) for one in said), since)


def _clock(
    sla: str,
    occurrence: int,
    state: str,
    started: str,
    due: str,
    at_risk: str | None,
    ended: str | None,
    severity: str,
    element: str | None,
    kind: str = ClockKind.LIMIT,
    paused: str | None = None,
    sure: bool = True,
) -> Clock:
    return Clock(
        sla=sla,
        occurrence=occurrence,
        state=ClockState(state),
        started=datetime.fromisoformat(started),
        due=datetime.fromisoformat(due),
        at_risk=datetime.fromisoformat(at_risk) if at_risk else None,
        ended=datetime.fromisoformat(ended) if ended else None,
        severity=severity,
        element=element,
        kind=ClockKind(kind),
        paused=datetime.fromisoformat(paused) if paused else None,
        sure=sure,
    )


def _time(passed: Passed) -> datetime:
    return passed.observation.time


def _until(judged: Judged) -> datetime | None:
    """Up to when the trace conforms; None: it does."""
    return min((finding.time for finding in judged.verdict.findings), default=None)


def as_of(verdict: Verdict, watermark: datetime | None) -> Verdict:
    """The verdict once everything up to ``watermark`` is known; None judges no absence."""
    if watermark is None or not verdict.clocks:
        return verdict
    return verdict._replace(clocks=tuple(clocks.at(clock, watermark) for clock in verdict.clocks))

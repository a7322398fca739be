"""What others call: observations of one chain in, judged traces out (DESIGN 3.1).

A verdict is a function of the flow, the set of observations and the watermark. :meth:`Checker.replay` is
that function; :meth:`Checker.advance` gives the same result for observations that come in order, from the
state stored last time, and declines (None) whenever it could not. Long traces are judged in segments, and
:meth:`Checker.resume` and :meth:`Checker.rejoin` give the same result from one of the cuts on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from monitor.bpmn.flow import Flow
from monitor.conformance.automaton import Automaton, State
from monitor.conformance.concurrent import run
from monitor.conformance.knowledge import NOTHING_KNOWN, Knowledge
from monitor.conformance.moves import MoveKind
from monitor.conformance.order import Window, parts, windows
from monitor.conformance.segment import Passed, Segment, SegmentJudge, passed
from monitor.conformance.segments import (
    Cutting,
    Standing,
    Start,
    dump_standing,
    dump_start,
    load_standing,
    load_start,
)
from monitor.conformance.tokens import gone_against
from monitor.domain.checkpoint import Checkpoint, Sum, total
from monitor.domain.event import Observation
from monitor.domain.verdict import Finding, Verdict

__all__ = ["Aligned", "Checker", "Judged", "Passed", "Rejoined"]

MAX_VERDICTS = 10_000
"""Verdicts of fitting traces kept; then the memory starts anew."""


class Judged(NamedTuple):
    """One trace, or of a long one the part after the cut at ``since``: findings, observations and ``path``
    (the states they led to) are those of that part, all else is said of the whole trace.

    ``observations`` are in trace order (of :meth:`Checker.advance`: the new ones). ``stored`` is the text to
    go on from, None where the next observation needs a replay. ``checkpoints`` are the cuts after ``since``.
    ``deviations`` counts the findings of the whole trace."""

    verdict: Verdict
    observations: tuple[Observation, ...]
    path: tuple[Passed, ...]
    stored: str | None
    since: datetime | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    deviations: int = 0


@dataclass(frozen=True, slots=True)
class Rejoined:
    """The part of a trace between two cuts, judged again: what it says now. The last checkpoint is the second
    cut."""

    findings: tuple[Finding, ...]
    checkpoints: tuple[Checkpoint, ...]


class Aligned(NamedTuple):
    """One step of a trace that its flow counts; ``observation`` is None where it was skipped."""

    label: str
    observation: Observation | None


@dataclass(slots=True)
class _Course:
    """A trace in the making, segment by segment: ``start`` and ``last`` are those of the last one, None once
    it is cut after that, too."""

    start: Start
    path: list[Passed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)


class Checker:
    """The checker of one flow version. Bounded memory; not for several threads at once."""

    def __init__(self, flow: Flow, cutting: Cutting | None = None) -> None:
        self.flow = flow
        self.automaton = Automaton(flow)
        self.cutting = cutting or Cutting()
        self._segments = SegmentJudge(flow, self.automaton)
        self._knowledge = Knowledge(flow)
        self._tolerance = flow.ordering.tolerance
        self._fitting: dict[str, Verdict] = {}

    # incremental -------------------------------------------------------------------------------------

    def advance(self, stored: str, observations: Sequence[Observation]) -> Judged | None:
        """Go on from ``stored`` with observations none of which came before what it covers. None where only
        a replay can tell: a late one, a deviation, the start of a new trace, a state of another version."""
        standing = load_standing(stored, self.automaton, self.flow.hash)
        if standing is None:
            return None
        base, after, window, settled, events, (known_before, known) = standing
        cut = windows(observations, self._tolerance)
        first = cut[0].observations
        since = first[0].time
        if since - window[-1].time > self._tolerance:
            events += len(window)
            window = ()
        elif since < window[0].time or self.flow.slas:
            return None  # the clocks have judged a part of this instant already
        elif since == window[0].time and settled.events + events >= self.cutting.longest:
            return None  # which event is a window's first decides whether the trace is cut before it
        else:
            since = window[0].time
            cut[0] = windows((*window, *first), self._tolerance)[0]
            after, known = base, known_before
        cut = self._knowledge.informed(cut, known)
        path: list[Passed] = []
        checkpoints: list[Checkpoint] = []
        for at, group in enumerate(cut):
            reached = run(self.automaton, after, group)
            if reached is None:
                return None
            goes_on = bool(window) and at == 0
            if not goes_on and self.cutting.is_before(group, settled.events + events):
                start = Start(after, known=_known_around(group)[0])
                checkpoints.append(self._checkpoint(start, group.observations[0].time, Sum(events)))
                settled, events = total((settled, Sum(events))), 0
            base, after = after, reached
            path.extend(passed([o for o in group.observations if o not in window], after))
            events += len(group.observations)
        last = cut[-1].observations
        standing = Standing(base, after, last, settled, events - len(last), _known_around(cut[-1]))
        text = dump_standing(self.flow.hash, standing)
        return Judged(
            self._with(settled, self._fits(after)),
            tuple(one.observation for one in path),
            tuple(path),
            text,
            since,
            tuple(checkpoints),
            settled.deviations,
        )

    # from scratch, or from a cut -----------------------------------------------------------------------

    def replay(self, observations: Sequence[Observation]) -> tuple[Judged, tuple[Observation, ...]]:
        """Judge the first trace that a chain's observations make up, and give back those after it: a start
        event after a complete trace begins a new one (and that may follow another version of the flow)."""
        cut = self._knowledge.informed(windows(observations, self._tolerance), NOTHING_KNOWN)
        return self._replay(Start(self.automaton.initial), cut)

    def resume(
        self, begin: Checkpoint, before: Sum, observations: Sequence[Observation]
    ) -> tuple[Judged, tuple[Observation, ...]] | None:
        """As :meth:`replay`, given the observations from the cut ``begin`` on; ``before`` is what all
        segments before it amount to. None where the trace must be replayed from its beginning."""
        start, cut = self._start(begin, before, observations)
        return None if start is None else self._replay(start, cut)

    def rejoin(
        self, begin: Checkpoint | None, before: Sum, observations: Sequence[Observation], end: Checkpoint
    ) -> Rejoined | None:
        """Judge the part of a trace between two cuts (``begin`` None: from its beginning) again. None where
        the trace does not stand at ``end`` as it did, so that what comes after must be judged again."""
        start, cut = self._start(begin, before, observations)
        if start is None:
            return None
        course = _Course(start)
        last, at = self._follow(course, cut)
        if at < len(cut):
            return None
        learned = _known_around(cut[-1])[1]
        again = self._checkpoint(_settled(course.start, last, end.time, learned), end.time, last.sum)
        if again.text != end.text:
            return None
        return Rejoined(tuple(course.findings), (*course.checkpoints, again))

    def counted(self, observations: Sequence[Observation]) -> tuple[str, ...]:
        """The labels of :meth:`aligned`."""
        return tuple(step.label for step in self.aligned(observations))

    def aligned(self, observations: Sequence[Observation]) -> tuple[Aligned, ...]:
        """One trace's steps as its alignment counts them, in an order the flow allows: what happened and was
        allowed, and what was skipped."""
        cut = self._knowledge.informed(windows(observations, self._tolerance), NOTHING_KNOWN)
        trace = [part for window in cut for part in parts(window)]
        moves = self._segments.align(Start(self.automaton.initial), trace).moves
        self._forget()
        return tuple(
            Aligned(
                move.label,
                None if move.kind is MoveKind.MODEL else trace[move.window].observations[move.event],
            )
            for move in moves
            if move.kind is not MoveKind.LOG and gone_against(move.label) is None
        )

    # parts -------------------------------------------------------------------------------------------

    def _replay(self, start: Start, cut: Sequence[Window]) -> tuple[Judged, tuple[Observation, ...]]:
        course = _Course(start)
        last, end = self._follow(course, cut)
        settled = course.start.before
        stored = None
        if last.last is not None:
            window = cut[end - 1].observations
            before = last.sum.events - len(window)
            standing = Standing(*last.last, window, settled, before, _known_around(cut[end - 1]))
            stored = dump_standing(self.flow.hash, standing)
        verdict = self._verdict(settled, last, is_first=not settled.events)
        if course.findings:
            verdict = verdict._replace(findings=tuple(course.findings))
        judged = Judged(
            verdict,
            tuple(one.observation for one in course.path),
            tuple(course.path),
            stored,
            start.time,
            tuple(course.checkpoints),
            settled.deviations + last.sum.deviations,
        )
        self._forget()
        return judged, tuple(o for window in cut[end:] for o in window.observations)

    def _follow(self, course: _Course, cut: Sequence[Window]) -> tuple[Segment, int]:
        """Judge segment after segment up to the trace's end or the last window. Returns the last segment, and
        how many windows are the trace's own."""
        at = 0
        while True:
            end = self._next_cut(course.start, cut, at)
            segment = self._segments.judge(course.start, cut[at:end])
            course.path += segment.path
            course.findings += segment.findings
            at += segment.windows
            if (
                at < end
                or end == len(cut)
                or self._segments.ends_before(segment.state, segment.early, cut[end])
            ):
                return segment, at
            time = cut[end].observations[0].time
            course.start = _settled(course.start, segment, time, _known_around(cut[end])[0])
            course.checkpoints.append(self._checkpoint(course.start, time, segment.sum))

    def _next_cut(self, start: Start, cut: Sequence[Window], at: int) -> int:
        """The index of the first window after ``at`` that the trace is cut before."""
        events, longest = start.before.events, self.cutting.longest
        for end in range(at, len(cut)):
            if events >= longest and end > at and self.cutting.is_before(cut[end], events):
                return end
            events += len(cut[end].observations)
        return len(cut)

    def _start(
        self, begin: Checkpoint | None, before: Sum, observations: Sequence[Observation]
    ) -> tuple[Start | None, list[Window]]:
        """Where to begin (None where the text is another version's, or a new trace begins at this cut now),
        and the windows from there on."""
        start: Start | None = Start(self.automaton.initial)
        if begin is not None:
            start = load_start(begin.text, self.automaton, self.flow.hash, begin.time, before)
        if start is None:
            return None, []
        cut = self._knowledge.informed(windows(observations, self._tolerance), start.known)
        if begin is not None and self._segments.ends_before(start.state, start.early, cut[0]):
            return None, cut
        return start, cut

    def _checkpoint(self, start: Start, time: datetime, segment: Sum) -> Checkpoint:
        return Checkpoint(time, dump_start(self.flow.hash, start), segment)

    def _verdict(self, settled: Sum, last: Segment, *, is_first: bool) -> Verdict:
        fits = self._fits(last.told)
        if last.complete != fits.complete:
            fits = fits._replace(complete=last.complete)
        if not settled.cost and not last.cost:
            return fits
        told = Sum(0, last.cost, 0 if is_first else last.cost, 0, last.sum.exact)
        return self._with(total((settled, told)), fits)

    def _with(self, all_: Sum, fits: Verdict) -> Verdict:
        """The verdict of a trace whose segments amount to this."""
        if all_.cost == 0:
            return fits
        return fits._replace(conforms=False, cost=all_.cost, exact=all_.optimal)

    def _fits(self, state: State) -> Verdict:
        known = self._fitting.get(state.key)
        if known is None:
            known = self._fitting[state.key] = Verdict(
                conforms=True,
                complete=state.final and not state.undecided,
                cost=0,
                expected=self.automaton.due(state),
                standing=self.automaton.standing(state),
                undecided=state.undecided,
            )
        return known

    def _forget(self) -> None:
        self._segments.forget()
        if len(self._fitting) > MAX_VERDICTS:
            self._fitting.clear()
        self.automaton.forget()


def _settled(start: Start, segment: Segment, time: datetime, known: str) -> Start:
    """Where the segment after a cut at ``time`` begins."""
    return Start(segment.state, segment.early, time, total((start.before, segment.sum)), known)


def _known_around(window: Window) -> tuple[str, str]:
    """What is known of the fields of conditions before a window, and after it."""
    return (NOTHING_KNOWN, NOTHING_KNOWN) if window.data is None else window.data[:2]

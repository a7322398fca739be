"""One segment of a trace: played if the flow allows it, else aligned and explained (DESIGN 3.4).

An ordinary trace is one segment. See :mod:`monitor.conformance.segments` for where long ones are cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import orjson

from monitor.bpmn.flow import Flow
from monitor.conformance.alignment import align
from monitor.conformance.automaton import Automaton, State
from monitor.conformance.concurrent import run
from monitor.conformance.explain import explain
from monitor.conformance.moves import (
    Alignment,
    Ends,
    Move,
    MoveKind,
    Shape,
    carry,
    count_early,
    may_be_complete,
)
from monitor.conformance.order import Window, parts
from monitor.conformance.segments import Start
from monitor.domain.checkpoint import Sum
from monitor.domain.event import Observation
from monitor.domain.verdict import Finding, FindingKind

MAX_VARIANTS = 10_000
"""Alignments kept; then the memory starts anew."""

MAX_ENDS_WORK = 500_000
"""Moves looked at in search of a deviating trace's end; past it, it is taken to have none."""

MAX_LATER_WORK = 20_000
"""Moves looked at to align a segment after the first: they come again and again, and the whole is a good
alignment at best, anyway."""

MAX_ALIGNED = 250
"""Concurrent events aligned together; a deviating segment with more at one instant is undecided."""


class Passed(NamedTuple):
    """One observation and the automaton's state once it and all of its instant are accounted for; ``rest``
    are the labels of that instant that come after it."""

    observation: Observation
    state: State
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """How one segment was judged. ``windows``: how many are its own, before a new trace begins. ``told`` is
    the state after it with early events counted, ``cost`` and ``complete`` likewise; ``state``, ``early`` and
    ``sum`` are what the next segment begins with. ``last``: the states before and after the last window, None
    where the next event needs the segment judged again."""

    windows: int
    path: tuple[Passed, ...]
    told: State
    complete: bool
    cost: int
    state: State
    sum: Sum
    early: tuple[tuple[str, int], ...] = ()
    findings: tuple[Finding, ...] = ()
    last: tuple[State, State] | None = None


class SegmentJudge:
    """Judges segments of traces of one flow version. Bounded memory."""

    def __init__(self, flow: Flow, automaton: Automaton) -> None:
        self.flow = flow
        self.automaton = automaton
        self._alignments: dict[tuple[str, Shape, int | None], Alignment] = {}
        self._starts = frozenset(automaton.labels(automaton.initial))

    def judge(self, start: Start, cut: Sequence[Window]) -> Segment:
        """The segment from ``start`` on, up to where a new trace begins, if one does."""
        state = base = start.state
        path: list[Passed] = []
        at = 0
        while at < len(cut):
            after = run(self.automaton, state, cut[at])
            if after is None:
                if at and self._may_start(cut[at]) and self._finished(state, start.early):
                    break
                return self._deviating(start, cut, at)
            base, state = state, after
            observations = cut[at].observations
            if len(observations) == 1:
                path.append(Passed(observations[0], after))
            else:
                path.extend(passed(observations, after))
            at += 1
        told = _counted(self.automaton, state, start.early)
        if told is not state:
            path = [*path[: -len(cut[at - 1].observations)], *passed(cut[at - 1].observations, told)]
        return Segment(
            windows=at,
            path=tuple(path),
            told=told,
            complete=told.final and not told.undecided,
            cost=0,
            state=state,
            sum=Sum(len(path)),
            last=None if start.early else (base, state),
        )

    def ends_before(self, state: State, early: tuple[tuple[str, int], ...], window: Window) -> bool:
        """Whether a trace that stands at ``state`` is over, and ``window`` begins a new one."""
        return (
            self._may_start(window)
            and self._finished(state, early)
            and run(self.automaton, state, window) is None
        )

    def align(self, start: Start, trace: Sequence[Window]) -> Alignment:
        state, most = start.state, None if start.time is None else MAX_LATER_WORK
        shape = Shape(
            tuple((tuple(o.label for o in w.observations), w.before) for w in trace),
            tuple((w.data.forbidden, w.data.then) for w in trace if w.data is not None),
        )
        known = self._alignments.get((state.key, shape, most))
        if known is None:
            known = self._alignments[state.key, shape, most] = align(self.automaton, shape, state, most)
        return known

    def forget(self) -> None:
        if len(self._alignments) > MAX_VARIANTS:
            self._alignments.clear()

    # deviating ---------------------------------------------------------------------------------------

    def _deviating(self, start: Start, cut: Sequence[Window], first: int) -> Segment:
        """The segment that leaves the flow at window ``first``."""
        split = [(part, at) for at, window in enumerate(cut) for part in parts(window)]
        if any(len(part.observations) > MAX_ALIGNED for part, _ in split):
            return self._undecided(cut)
        at = self._end_of_deviating(start, cut, first)
        split = [one for one in split if one[1] < at]
        trace = [part for part, _ in split]
        alignment = self.align(start, trace)
        if any(move.state.undecided for move in alignment.moves):
            return self._undecided(cut[:at])
        known = [orjson.loads(part.data.known) for part in trace if part.data is not None]
        findings = explain(self.flow, self.automaton, alignment, trace, start.state, known)
        findings, early = _early_of_before(findings, start.early_labels)
        more = () if alignment.complete else count_early(self.automaton, alignment.state, early)
        told = more[-1].state if more else alignment.state
        settled = _up_to_last_event(alignment.moves)
        cost = sum(move.kind is not MoveKind.SYNC for move in settled)
        events = sum(len(window.observations) for window in cut[:at])
        return Segment(
            windows=at,
            path=_path(alignment.moves, told, split),
            told=told,
            complete=alignment.complete or (bool(more) and told.final),
            cost=alignment.cost,
            state=settled[-1].state,
            sum=Sum(events, cost, 0 if start.time is None else cost, len(findings), alignment.exact),
            early=self._uncounted(settled),
            findings=tuple(_told_once(start, finding) for finding in findings),
        )

    def _undecided(self, cut: Sequence[Window]) -> Segment:
        state = self.automaton.undecided
        path = tuple(one for window in cut for one in passed(window.observations, state))
        return Segment(len(cut), path, state, False, 0, state, Sum(len(path)))

    def _end_of_deviating(self, start: Start, cut: Sequence[Window], first: int) -> int:
        """The first window after ``first`` that begins a new trace: all before it make a complete one, which
        does not go on with it. Aligning anew at every possible start would take for ever on long traces, so
        where the events since the last time fit, its ends are carried on."""
        ends: Ends | None = None
        work = 0
        for at in range(first + 1, len(cut)):
            window = cut[at]
            if not self._may_start(window):
                pass
            elif ends is not None and ends.first.final:
                if run(self.automaton, ends.first, window) is None:
                    return at
            elif ends is None or may_be_complete(self.automaton, ends):
                so_far = self.align(start, [part for one in cut[:at] for part in parts(one)])
                if so_far.complete and run(self.automaton, so_far.state, window) is None:
                    return at
                ends = so_far.ends
                work += so_far.work
                if work > MAX_ENDS_WORK:
                    break
            if ends is not None:
                ends = carry(ends, lambda at, window=window: run(self.automaton, at, window))  # type: ignore[misc]
        return len(cut)

    def _uncounted(self, moves: Sequence[Move]) -> tuple[tuple[str, int], ...]:
        """Events that were not counted and whose step was not skipped either, by label."""
        known = (move.label for move in moves if move.label in self.flow.labels and move.kind is MoveKind.LOG)
        skipped = Counter(move.label for move in moves if move.kind is MoveKind.MODEL)
        return tuple(sorted((Counter(known) - skipped).items()))

    # parts -------------------------------------------------------------------------------------------

    def _may_start(self, window: Window) -> bool:
        return any(observation.label in self._starts for observation in window.observations)

    def _finished(self, state: State, early: tuple[tuple[str, int], ...]) -> bool:
        return _counted(self.automaton, state, early).final


def passed(instant: Sequence[Observation], state: State) -> list[Passed]:
    labels = tuple(observation.label for observation in instant)
    return [Passed(observation, state, labels[at + 1 :]) for at, observation in enumerate(instant)]


def _counted(automaton: Automaton, state: State, early: tuple[tuple[str, int], ...]) -> State:
    """The state once early events count for what is possible now."""
    more = () if state.final or not early else count_early(automaton, state, Counter(dict(early)))
    return more[-1].state if more else state


def _early_of_before(
    findings: Sequence[Finding], early: Counter[str]
) -> tuple[tuple[Finding, ...], Counter[str]]:
    """Without the steps called missing whose event came too early, before the cut: that was told there."""
    left = Counter(early)
    kept: list[Finding] = []
    for finding in findings:
        if finding.kind is FindingKind.MISSING and left[finding.name]:
            left[finding.name] -= 1
        else:
            kept.append(finding)
    return tuple(kept), +left


def _told_once(start: Start, finding: Finding) -> Finding:
    """A finding whose subject tells it apart from those of other segments."""
    if start.time is None or not finding.subject:
        return finding
    return replace(finding, subject=f"{finding.subject} since {start.time.isoformat()}")


def _up_to_last_event(moves: Sequence[Move]) -> Sequence[Move]:
    end = len(moves)
    while moves[end - 1].kind is MoveKind.MODEL:
        end -= 1
    return moves[:end]


def _path(moves: Sequence[Move], told: State, split: Sequence[tuple[Window, int]]) -> tuple[Passed, ...]:
    """Each observation with the state its window left behind. A skipped step shows with the event after it,
    or, where early events stood in for the last steps, with the last event. ``split``: the parts the moves
    speak of, each with its window."""
    after: dict[int, State] = {}
    order: list[tuple[int, Observation]] = []
    for move in moves:
        if move.kind is not MoveKind.MODEL:
            part, window = split[move.window]
            after[window] = move.state
            order.append((window, part.observations[move.event]))
    after[order[-1][0]] = told
    return tuple(
        one
        for window, moved in groupby(order, key=lambda at: at[0])
        for one in passed([observation for _, observation in moved], after[window])
    )

"""What others call: observations of one chain in, judged traces out (DESIGN 3.1).

A verdict is a function of the flow, the set of observations and the watermark. :meth:`Checker.replay` is
that function; :meth:`Checker.advance` gives the same result for observations that come in order, from the
state stored last time, and declines (None) whenever it could not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import orjson

from monitor.bpmn.flow import Flow
from monitor.conformance.alignment import (
    Alignment,
    Ends,
    Move,
    MoveKind,
    Shape,
    align,
    carry,
    may_be_complete,
)
from monitor.conformance.automaton import Automaton, State
from monitor.conformance.explain import explain
from monitor.conformance.order import Window, windows
from monitor.domain.event import Observation
from monitor.domain.verdict import Verdict

MAX_VARIANTS = 10_000
"""Alignments kept; then the memory starts anew."""

MAX_ENDS_WORK = 500_000
"""Moves looked at in search of a deviating trace's end; past it, it is taken to have none."""

MAX_CONCURRENT = 4_096
"""Partial orders followed at once inside one window; past it the window is left to the alignment."""


class Passed(NamedTuple):
    """One observation and the automaton's state once it and all of its instant are accounted for; ``rest``
    are the labels of that instant that come after it."""

    observation: Observation
    state: State
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """One trace. ``observations`` are its own, in trace order (of :meth:`Checker.advance`: the new ones);
    ``path`` the states they led to; ``stored`` the text to go on from, None where the next observation
    needs a replay."""

    verdict: Verdict
    observations: tuple[Observation, ...]
    path: tuple[Passed, ...]
    stored: str | None


class Checker:
    """The checker of one flow version. Bounded memory; not for several threads at once."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.automaton = Automaton(flow)
        self._tolerance = flow.ordering.tolerance
        self._alignments: dict[Shape, Alignment] = {}
        self._fitting: dict[str, Verdict] = {}
        self._starts = frozenset(self.automaton.labels(self.automaton.initial))

    # incremental -------------------------------------------------------------------------------------

    def advance(self, stored: str, observations: Sequence[Observation]) -> Judged | None:
        """Go on from ``stored`` with observations none of which came before what it covers. None where only
        a replay can tell: a late one, a deviation, the start of a new trace, a state of another version."""
        parts = stored.split("\n")
        if len(parts) != 4 or parts[0] != self.flow.hash:
            return None
        base, after = self.automaton.state(parts[1]), self.automaton.state(parts[2])
        if base is None or after is None:
            return None
        window = _load_window(parts[3])
        cut = windows(observations, self._tolerance)
        first = cut[0].observations
        if first[0].time - window[-1].time > self._tolerance:
            window = ()
        elif first[0].time < window[0].time or self.flow.slas:
            return None  # the clocks have judged a part of this instant already
        else:
            cut[0] = windows((*window, *first), self._tolerance)[0]
            after = base
        path: list[Passed] = []
        for group in cut:
            reached = self._run(after, group)
            if reached is None:
                return None
            base, after = after, reached
            path.extend(_passed([o for o in group.observations if o not in window], after))
        new = tuple(passed.observation for passed in path)
        return Judged(self._fits(after), new, tuple(path), self._store(base, after, cut[-1].observations))

    # from scratch ------------------------------------------------------------------------------------

    def replay(self, observations: Sequence[Observation]) -> tuple[Judged, tuple[Observation, ...]]:
        """Judge the first trace that a chain's observations make up, and give back those after it: a start
        event after a complete trace begins a new one (and that may follow another version of the flow)."""
        cut = windows(observations, self._tolerance)
        judged, end = self._segment(cut)
        self._forget()
        return judged, tuple(o for window in cut[end:] for o in window.observations)

    def counted(self, observations: Sequence[Observation]) -> tuple[str, ...]:
        """The labels of one trace's steps as its alignment counts them, in an order the flow allows: what
        happened and was allowed, and what was skipped."""
        moves = self._align(windows(observations, self._tolerance)).moves
        return tuple(move.label for move in moves if move.kind is not MoveKind.LOG)

    def _segment(self, cut: Sequence[Window]) -> tuple[Judged, int]:
        state = base = self.automaton.initial
        path: list[Passed] = []
        at = 0
        while at < len(cut):
            window = cut[at]
            after = self._run(state, window)
            if after is None:
                if at and state.final and self._may_start(window):
                    break
                return self._deviating(cut, at)
            base, state = state, after
            path.extend(_passed(window.observations, after))
            at += 1
        stored = self._store(base, state, cut[at - 1].observations)
        observations = tuple(passed.observation for passed in path)
        return Judged(self._fits(state), observations, tuple(path), stored), at

    def _deviating(self, cut: Sequence[Window], first: int) -> tuple[Judged, int]:
        """The trace that leaves the flow at window ``first``, and where it ends."""
        at = self._end_of_deviating(cut, first)
        trace = cut[:at]
        alignment = self._align(trace)
        state = alignment.state
        undecided = any(move.state.undecided for move in alignment.moves)
        path = _path(alignment.moves, trace)
        verdict = Verdict(
            conforms=alignment.cost == 0 or undecided,
            complete=alignment.complete,
            cost=0 if undecided else alignment.cost,
            findings=() if undecided else explain(self.flow, self.automaton, alignment, trace),
            expected=self.automaton.due(state),
            standing=self.automaton.standing(state),
            exact=alignment.exact,
            undecided=undecided,
        )
        observations = tuple(passed.observation for passed in path)
        return Judged(verdict, observations, path, None), at

    def _end_of_deviating(self, cut: Sequence[Window], first: int) -> int:
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
                if self._run(ends.first, window) is None:
                    return at
            elif ends is None or may_be_complete(self.automaton, ends):
                so_far = self._align(cut[:at])
                if so_far.complete and self._run(so_far.state, window) is None:
                    return at
                ends = so_far.ends
                work += so_far.work
                if work > MAX_ENDS_WORK:
                    break
            if ends is not None:
                ends = carry(ends, lambda state, window=window: self._run(state, window))  # type: ignore[misc]
        return len(cut)

    # parts -------------------------------------------------------------------------------------------

    def _run(self, state: State, window: Window) -> State | None:
        """The state after all of a window's observations, in any order that is not known to be wrong."""
        observations, before = window
        if len(observations) == 1:
            return self.automaton.step(state, observations[0].label)
        everything = (1 << len(observations)) - 1
        layer: dict[int, set[State]] = {0: {state}}
        for _ in observations:
            following: dict[int, set[State]] = {}
            for consumed, states in layer.items():
                tried: set[tuple[str, int]] = set()
                for index, observation in enumerate(observations):
                    if consumed >> index & 1 or before[index] & ~consumed:
                        continue
                    twin = (observation.label, before[index])
                    if twin in tried and not any(b >> index & 1 for b in before):
                        continue
                    tried.add(twin)
                    for at in states:
                        after = self.automaton.step(at, observation.label)
                        if after is not None:
                            following.setdefault(consumed | 1 << index, set()).add(after)
            layer = following
            if not layer:
                return None
            if len(layer) > MAX_CONCURRENT:
                return self.automaton.undecided
        return self.automaton.union(sorted(layer[everything], key=lambda s: s.key))

    def _may_start(self, window: Window) -> bool:
        return any(observation.label in self._starts for observation in window.observations)

    def _align(self, trace: Sequence[Window]) -> Alignment:
        shape: Shape = tuple((tuple(o.label for o in w.observations), w.before) for w in trace)
        known = self._alignments.get(shape)
        if known is None:
            known = self._alignments[shape] = align(self.automaton, shape)
        return known

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

    def _store(self, base: State, after: State, window: Sequence[Observation]) -> str:
        return "\n".join((self.flow.hash, base.key, after.key, _dump_window(window)))

    def _forget(self) -> None:
        if len(self._alignments) > MAX_VARIANTS:
            self._alignments.clear()
        if len(self._fitting) > MAX_VARIANTS:
            self._fitting.clear()
        self.automaton.forget()


def _path(moves: Sequence[Move], trace: Sequence[Window]) -> tuple[Passed, ...]:
    """Each observation with the state its window left behind. A skipped step shows with the event after it,
    or, where early events stood in for the last steps, with the last event."""
    after: dict[int, State] = {}
    order: list[tuple[int, int]] = []
    for move in moves:
        if move.kind is not MoveKind.MODEL:
            after[move.window] = move.state
            order.append((move.window, move.event))
    after[order[-1][0]] = moves[-1].state
    return tuple(
        passed
        for window, moved in groupby(order, key=itemgetter(0))
        for passed in _passed([trace[window].observations[event] for _, event in moved], after[window])
    )


def _passed(instant: Sequence[Observation], state: State) -> list[Passed]:
    labels = tuple(observation.label for observation in instant)
    return [Passed(observation, state, labels[at + 1 :]) for at, observation in enumerate(instant)]


def _dump_window(window: Sequence[Observation]) -> str:
    return orjson.dumps(
        [
            (o.label, o.time, o.identity.hex(), o.event_id, o.producer, o.lane, o.offset, o.sequence, o.cause)
            for o in window
        ]
    ).decode()


def _load_window(text: str) -> tuple[Observation, ...]:
    return tuple(
        Observation(
            flow="",
            label=label,
            time=datetime.fromisoformat(time),
            identity=bytes.fromhex(identity),
            event_id=event_id,
            producer=producer,
            lane=lane,
            offset=offset,
            sequence=sequence,
            cause=cause,
        )
        for label, time, identity, event_id, producer, lane, offset, sequence, cause in orjson.loads(text)
    )

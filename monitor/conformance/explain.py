"""An alignment told as findings, in sentences a support person understands (DESIGN 3.4)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from textwrap import shorten

from monitor.bpmn.flow import Flow
from monitor.conformance.automaton import Automaton, State
from monitor.conformance.moves import Alignment, Move, MoveKind
from monitor.conformance.order import Window
from monitor.conformance.tokens import gone_against
from monitor.domain.event import Json, Observation
from monitor.domain.verdict import Finding, FindingKind

MAX_CONDITION = 120
"""Characters of a condition that a sentence shows."""

MAX_NAMED = 3
"""How many labels a sentence lists before it says how many more there are."""


def explain(
    flow: Flow,
    automaton: Automaton,
    alignment: Alignment,
    trace: Sequence[Window],
    start: State | None = None,
    known: Sequence[Mapping[str, Json]] = (),
) -> tuple[Finding, ...]:
    """One finding for each thing that went wrong since ``start``, in trace order. ``known``: the values of
    the conditions' fields in each window."""
    return _Story(flow, automaton, start or automaton.initial, alignment.moves, trace, known).tell()


def listed(labels: Sequence[str], joiner: str) -> str:
    """``A``, ``A or B``, ``A, B or C``, ``A, B, C or 4 more``."""
    names = list(dict.fromkeys(labels))
    if len(names) > MAX_NAMED + 1:
        names = [*names[:MAX_NAMED], f"{len(names) - MAX_NAMED} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {joiner} {names[-1]}"


class _Story:
    def __init__(
        self,
        flow: Flow,
        automaton: Automaton,
        start: State,
        moves: Sequence[Move],
        trace: Sequence[Window],
        known: Sequence[Mapping[str, Json]],
    ) -> None:
        self.flow = flow
        self.known = known
        self.automaton = automaton
        self.moves = moves
        self.trace = trace
        self.before: list[State] = [start, *(move.state for move in moves[:-1])]
        self.pairs = _moved(moves)
        self.following = _following(moves)

    def tell(self) -> tuple[Finding, ...]:
        findings: list[Finding] = []
        seen: set[str] = set()
        skipped: Counter[str] = Counter()
        for at, move in enumerate(self.moves):
            if move.kind is MoveKind.SYNC:
                seen.add(move.label)
            elif move.kind is MoveKind.LOG:
                findings.append(self._happened(at, move, move.label in seen))
                seen.add(move.label)
            elif (arc := gone_against(move.label)) is not None:
                findings.append(self._against(at, arc))
            elif at not in self.pairs:
                findings.append(self._missing(at, move, skipped[move.label]))
                skipped[move.label] += 1
        return tuple(findings)

    def _happened(self, at: int, move: Move, again: bool) -> Finding:
        """The finding of an event the flow did not allow where it came."""
        state = self.before[at]
        label = move.label
        expected = self.automaton.due(state)
        if label not in self.flow.labels:
            return self._finding(
                FindingKind.UNKNOWN, move, expected, f"{label} is not part of the flow “{self.flow.name}”."
            )
        if at in self.pairs:
            return self._out_of_order(at, move, self.pairs[at], expected)
        if again:
            once = "" if expected else " and nothing more was expected"
            return self._finding(
                FindingKind.DUPLICATE,
                move,
                expected,
                f"{label} happened again, which the flow does not allow here{once}"
                f"{self._instead(expected)}. It fits without the repeat.",
            )
        if not expected:
            return self._finding(
                FindingKind.AFTER_END, move, expected, f"{label} came after the flow had ended."
            )
        return self._finding(
            FindingKind.UNEXPECTED,
            move,
            expected,
            f"{label} is not possible here{self._instead(expected)}. It fits without {label}.",
        )

    def _out_of_order(self, log: int, move: Move, model: int, expected: tuple[str, ...]) -> Finding:
        between = [
            other.label
            for other in self.moves[min(log, model) + 1 : max(log, model)]
            if other.kind is MoveKind.SYNC
        ]
        others = listed(between, "and")
        if log < model:
            expected = tuple(label for label in expected if label != move.label)
            said = f"before {others}" if others else "before its turn"
            message = f"{move.label} came too early: {said}{self._instead(expected)}."
        else:
            said = f"only after {others}" if others else "after its turn"
            message = f"{move.label} came too late: {said}."
        return self._finding(FindingKind.OUT_OF_ORDER, move, expected, message)

    def _against(self, at: int, arc: int) -> Finding:
        """A branch was taken that its condition rules out."""
        shown_by, shown = self._shown_by(at)
        guard = next(guard for guard in self.flow.guards if arc in (*guard.unless, *guard.when))
        known = self.known[shown_by.window if shown_by else -1] if self.known else {}
        values = [
            f"{field} was {json.dumps(known[field], ensure_ascii=False, default=str)}"
            for field in sorted(guard.condition.fields)
            if field in known
        ]
        said = f" ({listed(values, 'and')})" if values else ""
        came = f"{shown_by.label} came" if shown_by else "The flow ended so"
        holds = "does not hold" if arc in guard.unless else "holds"
        condition = shorten(guard.condition.text, MAX_CONDITION, placeholder=" …")
        return Finding(
            kind=FindingKind.CONDITION,
            name=shown_by.label if shown_by else condition,
            element=self.flow.nodes[self.flow.arcs[arc].source].id,
            event=shown.event_id if shown_by else None,
            identity=shown.identity if shown_by else None,
            time=shown.time,
            expected=self.automaton.due(self.before[at]),
            message=f"{came} although “{condition}” {holds}{said}"
            f"{self._instead(self.automaton.due(self.before[at]))}.",
        )

    def _shown_by(self, at: int) -> tuple[Move | None, Observation]:
        """The event after a skip that shows it, None at the trace's end; and when that was."""
        shown_by = self.following[at]
        last = shown_by or next(m for m in reversed(self.moves) if m.kind is not MoveKind.MODEL)
        return shown_by, self._observation(last)

    def _missing(self, at: int, move: Move, nth: int) -> Finding:
        shown_by, last = self._shown_by(at)
        came = f": {shown_by.label} came without it" if shown_by else ""
        return Finding(
            kind=FindingKind.MISSING,
            name=move.label,
            element=self._element(move.label),
            time=last.time,
            expected=(move.label,),
            message=f"{move.label} is missing{came}.",
            subject=str(nth),
        )

    def _finding(self, kind: FindingKind, move: Move, expected: tuple[str, ...], message: str) -> Finding:
        observation = self._observation(move)
        return Finding(
            kind=kind,
            name=move.label,
            element=self._element(move.label),
            event=observation.event_id,
            identity=observation.identity,
            time=observation.time,
            expected=expected,
            message=message,
        )

    def _observation(self, move: Move) -> Observation:
        return self.trace[move.window].observations[move.event]

    def _element(self, label: str) -> str | None:
        elements = self.flow.labels.get(label)
        return elements[0] if elements else None

    @staticmethod
    def _instead(expected: Sequence[str]) -> str:
        return f" (expected {listed(expected, 'or')})" if expected else ""


def _following(moves: Sequence[Move]) -> list[Move | None]:
    """For each move the first event from there on."""
    following: list[Move | None] = []
    event = None
    for move in reversed(moves):
        if move.kind is not MoveKind.MODEL:
            event = move
        following.append(event)
    return following[::-1]


def _moved(moves: Sequence[Move]) -> dict[int, int]:
    """Uncounted events and skipped steps of one label, paired in order: the event was there, only elsewhere.
    Both indices lead to each other."""
    skips: defaultdict[str, deque[int]] = defaultdict(deque)
    for at, move in enumerate(moves):
        if move.kind is MoveKind.MODEL:
            skips[move.label].append(at)
    pairs: dict[int, int] = {}
    for at, move in enumerate(moves):
        if move.kind is MoveKind.LOG and skips[move.label]:
            skip = skips[move.label].popleft()
            pairs[at], pairs[skip] = skip, at
    return pairs

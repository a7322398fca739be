"""What an alignment is made of, and where alignments end."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

from monitor.conformance.automaton import Automaton, State


class Shape(NamedTuple):
    """A trace as the search sees it. Of each window: its labels, and for each which others come before
    (bits). ``forbidden``: the sequence flows that conditions rule out in each, and right after it."""

    windows: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]
    forbidden: tuple[tuple[frozenset[int], frozenset[int]], ...] = ()


class MoveKind(IntEnum):
    SYNC = 0
    LOG = 1
    MODEL = 2


class Move(NamedTuple):
    """``window``/``event`` say which event (-1 for a model move); ``state`` is the automaton's afterwards."""

    kind: MoveKind
    label: str
    window: int
    event: int
    state: State


class Ends(NamedTuple):
    """Where the cheapest alignments of a trace end: ``first`` the one told, with the labels it did not count
    (``early``), and ``others``, which are not known (None) once one was found that finishes the flow."""

    first: State
    early: Counter[str]
    others: frozenset[State] | None


class Alignment(NamedTuple):
    """``complete``: the flow can be finished with silent steps only, counting every event that came too
    early for the step it belongs to. ``cost``: of the whole trace when complete, else of the prefix.
    ``work``: how many moves were looked at."""

    moves: tuple[Move, ...]
    cost: int
    complete: bool
    exact: bool
    work: int
    ends: Ends | None

    @property
    def state(self) -> State:
        return self.moves[-1].state


def shape_of(labels: Sequence[str]) -> Shape:
    """The shape of a trace whose every event has its own place in time."""
    return Shape(tuple(((label,), (0,)) for label in labels))


def carry(ends: Ends, step: Callable[[State], State | None]) -> Ends | None:
    """The ends of all cheapest alignments once more events have come that fit; None where they do not fit
    the one told."""
    first = step(ends.first)
    if first is None:
        return None
    if ends.others is None:
        return Ends(first, ends.early, None)
    others = frozenset(after for state in ends.others if (after := step(state)) is not None)
    return Ends(first, ends.early, others - {first})


def may_be_complete(automaton: Automaton, ends: Ends) -> bool:
    """Whether an alignment that ends so could be complete."""
    if ends.others is None or ends.first.final or any(state.final for state in ends.others):
        return True
    counted = count_early(automaton, ends.first, ends.early)
    return bool(counted) and counted[-1].state.final


def count_early(automaton: Automaton, state: State, early: Counter[str]) -> tuple[Move, ...]:
    """Steps the flow can take now on events that came before their turn: to its end if they suffice, else as
    many as possible."""
    if not early:
        return ()
    start = (state, frozenset(early.items()))
    queue: deque[tuple[tuple[State, frozenset[tuple[str, int]]], tuple[Move, ...]]] = deque([(start, ())])
    seen = {start}
    longest: tuple[Move, ...] = ()
    while queue:
        (at, left), moves = queue.popleft()
        if len(moves) > len(longest):
            longest = moves
        if at.final and moves:
            return moves
        if len(seen) > 1_000:
            break
        for label, times in sorted(left):
            after = automaton.step(at, label)
            if after is None:
                continue
            rest = frozenset({*(left - {(label, times)}), *(((label, times - 1),) if times > 1 else ())})
            if (after, rest) not in seen:
                seen.add((after, rest))
                queue.append(((after, rest), (*moves, Move(MoveKind.MODEL, label, -1, -1, after))))
    return longest

"""The shortest explanation of a trace its flow does not allow.

An alignment walks the trace and the automaton together: *sync* (the event happened and was allowed), *log*
(it happened and is not counted, cost 1) and *model* (the flow goes on without its event, cost 1). See
Adriansyah, "Aligning observed and modeled behavior" (2014); here over the lazily built deterministic
automaton, and with events of no known order consumed in whichever order costs least.

Of several optimal alignments the one told is, in this order: one that finishes the flow, one that counts
most events as allowed, one whose skips come late, one whose uncounted events come late. That makes a swap
"C came before B" rather than "B came after C", and a repeat the second of two.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from monitor.conformance.automaton import Automaton, State
from monitor.conformance.moves import Alignment, Ends, Move, MoveKind, Shape, count_early
from monitor.conformance.order import chains

MAX_WORK = 150_000
"""Moves looked at past which a good alignment is given instead of an optimal one; and for each event of
the trace :data:`WORK_PER_EVENT` more."""

WORK_PER_EVENT = 10

LOCAL_WORK = 2_000
"""The same for one misfit of a trace that is past the bound, and how many windows on it is put right."""

LOCAL_WINDOWS = 8

_ROUNDING = 1e-6
"""Bounds on what may still come are sums of shares."""


_Node = tuple[int, int, State]
"""Window, its events consumed (bits), state."""

# A rank is four numbers in one: cost, uncounted events, and for skips and for uncounted events the sum of
# how many events were left at each. Smaller is better, and ranks add up along the way.
_FIELD = 48
_SKIPS_AT, _LOGS_AT, _COST_AT = _FIELD, 2 * _FIELD, 3 * _FIELD
_LOG = 1 << _COST_AT | 1 << _LOGS_AT
_MODEL = 1 << _COST_AT


def _cost(rank: int) -> int:
    return rank >> _COST_AT


class _Found(NamedTuple):
    """The way to a goal, its rank, where it leads, whether it is optimal; and where the other cheapest goals
    lead, if all are known."""

    moves: list[Move]
    rank: int
    state: State
    exact: bool
    others: tuple[State, ...] | None = None


class _Trace:
    """A shape and, from each window on, how many events are left, and how many of each label."""

    def __init__(self, shape: Shape) -> None:
        self.windows = windows = shape.windows
        self.forbidden = shape.forbidden
        self.left = [0] * (len(windows) + 1)
        counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(windows) + 1))
        for at in range(len(windows) - 1, -1, -1):
            labels = windows[at][0]
            self.left[at] = self.left[at + 1] + len(labels)
            for label in labels:
                counts[label][at] += 1
        for several in counts.values():
            for at in range(len(windows) - 1, -1, -1):
                several[at] += several[at + 1]
        self.counts = dict(counts)
        self._chains: dict[int, list[tuple[int, list[int]]]] = {}

    def chains(self, window: int) -> list[tuple[int, list[int]]]:
        known = self._chains.get(window)
        if known is None:
            known = self._chains[window] = chains(*self.windows[window])
        return known


class _Search:
    """One search (A*) from ``origin`` to window ``until``. ``finish``: the flow must be finished there."""

    def __init__(
        self,
        automaton: Automaton,
        trace: _Trace,
        origin: _Node,
        until: int,
        max_work: int,
        *,
        finish: bool = False,
    ) -> None:
        self.automaton = automaton
        self.trace = trace
        self.windows = trace.windows
        self.origin = origin
        self.until = until
        self.max_work = max_work
        self.finish = finish
        self.work = 0
        self._parents: dict[_Node, tuple[_Node, MoveKind, str, int]] = {}
        self._best: dict[_Node, int] = {origin: 0}
        self._heap: list[tuple[int, int, _Node]] = []
        self._tickets = count()
        self._hopeless: dict[tuple[int, State], int] = {}

    def run(self, most: int | None = None) -> _Found | None:
        """The best goal; None where there is none, or none of a cost below ``most``."""
        limit = None if most is None else most << _COST_AT
        deepest, nearest = self.origin, 2 * self.trace.left[0] + 1
        goals: list[_Node] = []
        found = -1
        best = self._best
        self._push(self.origin, 0)
        while self._heap:
            bound, _, node = heappop(self._heap)
            rank = best[node]
            if bound > rank + self._at_least(node):
                continue  # a better way there was found since
            if (goals and _cost(bound) > _cost(found)) or (limit is not None and bound >= limit):
                break
            if node[0] == self.until:
                if node[2].final:
                    return _Found(self._path(node), rank, node[2], exact=True)
                if not self.finish:
                    found = found if goals else bound
                    goals.append(node)
                    continue
            ahead = self._left(node) + _cost(self._at_least(node))
            if ahead < nearest:
                deepest, nearest = node, ahead
            if self.work > self.max_work:
                return self._past_the_bound(goals, deepest)
            self._expand(node, rank)
        return self._first(goals, exact=True) if goals else None

    def _first(self, goals: Sequence[_Node], *, exact: bool) -> _Found:
        first, *others = goals
        states = tuple(state for _, _, state in others) if exact else None
        return _Found(self._path(first), self._best[first], first[2], exact, states)

    def _path(self, node: _Node) -> list[Move]:
        moves: list[Move] = []
        while node in self._parents:
            before, kind, label, index = self._parents[node]
            window = -1 if kind is MoveKind.MODEL else before[0]
            moves.append(Move(kind, label, window, index, node[2]))
            node = before
        moves.reverse()
        return moves

    # moves -------------------------------------------------------------------------------------------

    def _expand(self, node: _Node, rank: int) -> None:
        """Every move from ``node`` that can be part of an optimal alignment.

        A skip comes as late as it can, so after a skip never an uncounted event (it could as well go first),
        and an event only where it was not possible, or led elsewhere, without the skip."""
        window, _, state = node
        step = self.automaton.step
        left = self._left(node)
        before = self._parents.get(node)
        skipped = before if before is not None and before[1] is MoveKind.MODEL else None
        if left:
            labels = self.windows[window][0]
            for index in self._next(node):
                label = labels[index]
                after = step(state, label)
                if after is not None and not (skipped and self._commutes(skipped, label, after)):
                    self._reach(self._after(node, index, after), rank, node, MoveKind.SYNC, label, index)
                if skipped is None:
                    price = rank + _LOG + left
                    self._reach(self._after(node, index, state), price, node, MoveKind.LOG, label, index)
        if left or self.finish:
            price = rank + _MODEL + (left << _SKIPS_AT)
            for label in (*self.automaton.labels(state), *self.automaton.against(state)):
                after = step(state, label)
                if after is not None:
                    self._reach((window, node[1], after), price, node, MoveKind.MODEL, label, -1)

    def _commutes(self, skipped: tuple[_Node, MoveKind, str, int], label: str, after: State) -> bool:
        """Whether the event could as well have come before the skip."""
        state, model = skipped[0][2], skipped[2]
        first = self.automaton.step(state, label)
        return first is not None and self.automaton.step(first, model) is after

    def _reach(self, node: _Node, rank: int, before: _Node, kind: MoveKind, label: str, index: int) -> None:
        self.work += 1
        known = self._best.get(node)
        if known is None or rank < known:
            self._best[node] = rank
            self._parents[node] = (before, kind, label, index)
            self._push(node, rank)

    def _push(self, node: _Node, rank: int) -> None:
        heappush(self._heap, (rank + self._at_least(node), next(self._tickets), node))

    def _at_least(self, node: _Node) -> int:
        """The rank that the rest of the trace adds at least: events of a label beyond what may still come of
        it cannot be counted. Those of a window begun are left aside."""
        window, consumed, state = node
        at = (window + 1 if consumed else window, state)
        known = self._hopeless.get(at)
        if known is None:
            ahead = {} if state.undecided else self.automaton.ahead(state)
            surplus = 0
            if not state.undecided:
                for label, counts in self.trace.counts.items():
                    if counts[at[0]]:
                        over = counts[at[0]] - ahead.get(label, 0.0)
                        surplus += -int(-over // 1) if over > _ROUNDING else 0
            known = self._hopeless[at] = surplus * _LOG
        return known

    def _left(self, node: _Node) -> int:
        return self.trace.left[node[0]] - node[1].bit_count()

    def _after(self, node: _Node, index: int, state: State) -> _Node:
        consumed = node[1] | 1 << index
        if consumed == (1 << len(self.windows[node[0]][0])) - 1:
            return (node[0] + 1, 0, self._past(node[0], state))
        return (node[0], consumed, state)

    def _past(self, window: int, state: State) -> State:
        """The state once a window is over and the next one, if there is one, begins."""
        forbidden = self.trace.forbidden
        if forbidden:
            state = self.automaton.given(state, forbidden[window][1])
            if window + 1 < len(forbidden):
                state = self.automaton.given(state, forbidden[window + 1][0])
        return state

    def _next(self, node: _Node) -> Sequence[int]:
        """Indices of the window's events that may come next; of interchangeable ones the first."""
        window, consumed, _ = node
        before = self.windows[window][1]
        if len(before) == 1:
            return (0,)
        found: list[int] = []
        for members, chain in self.trace.chains(window):
            taken = (consumed & members).bit_count()
            if taken < len(chain) and not before[chain[taken]] & ~consumed:
                found.append(chain[taken])
        return found

    # past the bound ----------------------------------------------------------------------------------

    def _past_the_bound(self, goals: Sequence[_Node], deepest: _Node) -> _Found | None:
        if goals:
            return self._first(goals, exact=False)
        return None if self.finish else self._onward(deepest)

    def _onward(self, node: _Node) -> _Found:
        """From the furthest point take events as long as they are allowed and shut out none of the rest, and
        put right one misfit after the other by what helps over the next few windows."""
        moves, rank = self._path(node), self._best[node]
        spare = self.max_work
        while node[0] < self.until:
            window, consumed, state = node
            index = self._next(node)[0]
            label = self.windows[window][0][index]
            after = self.automaton.step(state, label)
            tail = [Move(MoveKind.LOG, label, window, index, state)]
            if after is not None and self._at_least(self._after(node, index, after)) <= self._at_least(node):
                tail = [Move(MoveKind.SYNC, label, window, index, after)]
            elif not consumed and spare > 0 and self.max_work > LOCAL_WORK:
                until = min(window + LOCAL_WINDOWS, self.until)
                local = _Search(self.automaton, self.trace, node, until, LOCAL_WORK)
                mended = local.run()
                tail = tail if mended is None else mended.moves
                spare -= local.work
            for move in tail:
                left = self._left(node)
                if move.kind is MoveKind.MODEL:
                    rank += _MODEL + (left << _SKIPS_AT)
                    node = (node[0], node[1], move.state)
                else:
                    rank += _LOG + left if move.kind is MoveKind.LOG else 0
                    node = self._after(node, move.event, move.state)
                moves.append(move._replace(state=node[2]))
        self.work += self.max_work - spare
        return _Found(moves, rank, node[2], exact=False)


def align(
    automaton: Automaton, shape: Shape, start: State | None = None, max_work: int | None = None
) -> Alignment:
    """An optimal alignment of a trace of at least one event from ``start`` on (None: from the flow's
    beginning), a good one past ``max_work`` (else :data:`MAX_WORK`) moves looked at."""
    until = len(shape.windows)
    max_work = (MAX_WORK if max_work is None else max_work) + WORK_PER_EVENT * until
    initial = start or automaton.initial
    if shape.forbidden:
        initial = automaton.given(initial, shape.forbidden[0][0])
    trace, origin = _Trace(shape), (0, 0, initial)
    search = _Search(automaton, trace, origin, until, max_work)
    found = search.run()
    assert found is not None, "leaving out every event is always a way"
    moves, cost = found.moves, _cost(found.rank)
    early = Counter(move.label for move in moves if move.kind is MoveKind.LOG)
    ends = Ends(found.state, early, _set(found.others)) if found.exact else None
    if found.state.final:
        return Alignment(tuple(moves), cost, complete=True, exact=found.exact, work=search.work, ends=ends)
    counted = count_early(automaton, found.state, early)
    together = (*moves, *counted)
    if not (counted and counted[-1].state.final):
        return Alignment(together, cost, complete=False, exact=found.exact, work=search.work, ends=ends)
    whole = _Search(automaton, trace, origin, until, max_work, finish=True)
    end = whole.run(cost + len(counted)) if found.exact else None
    work = search.work + whole.work
    if end is not None:
        return Alignment(tuple(end.moves), _cost(end.rank), complete=True, exact=True, work=work, ends=None)
    exact = found.exact and whole.work <= max_work
    return Alignment(together, cost + len(counted), complete=True, exact=exact, work=work, ends=None)


def _set(states: Sequence[State] | None) -> frozenset[State] | None:
    return None if states is None else frozenset(states)

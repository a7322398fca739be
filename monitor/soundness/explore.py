"""The markings a flow can reach, by the shortest way to each (fewest events first), within bounds."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from monitor.bpmn.flow import Flow
from monitor.conformance.tokens import Marking, TokenGame, Unbounded

MAX_WORK = 1_200_000
"""About a second's work: each step counts what a dozen tokens do, and each of its marking's tokens."""

_STEP = 12

BROAD = 0.8
"""The share of the work that goes into all markings alike, nearest first. Once it is used up, the rest goes
into a few ways followed to their end: what is wrong there is found, too."""

ROUNDS = 2
"""How often tokens may pile up on one way before it is not followed further."""

LOOK_BACK = 200
"""Markings back on the way here that are looked at for tokens that pile up."""

_FAR = 1 << 60


class Edge(NamedTuple):
    """A step to marking number ``target``. ``label`` is None for a silent one."""

    label: str | None
    target: int


class Growth(NamedTuple):
    """Marking ``at`` holds all that marking ``base``, on the way to it, held, and more at ``places`` (for a
    subprocess instance, its node's). ``overflow``: the bound on tokens was passed in a single step from
    ``base``; ``places`` are then where its tokens ran."""

    base: int
    at: int
    places: tuple[int, ...]
    overflow: bool = False


@dataclass(slots=True)
class Explored:
    """``markings``, numbered as they were found; ``edges``: the steps from each, None where they were not
    followed. ``arrivals``: the label and the number of the marking before, on the shortest way there.
    ``arcs``: sequence flows that tokens passed. ``cuts``: the markings not followed because tokens pile up
    there. ``gave_up``: there are more that the bound left out."""

    markings: list[Marking] = field(default_factory=list)
    edges: list[list[Edge] | None] = field(default_factory=list)
    arrivals: list[Edge | None] = field(default_factory=list)
    finals: set[int] = field(default_factory=set)
    arcs: set[int] = field(default_factory=set)
    growths: list[Growth] = field(default_factory=list)
    cuts: dict[int, Growth] = field(default_factory=dict)
    gave_up: bool = False

    @property
    def complete(self) -> bool:
        """Whether the flow can reach nothing besides."""
        return not self.gave_up and not self.cuts

    @property
    def followed(self) -> int:
        return sum(edges is not None for edges in self.edges)

    def before(self, number: int) -> Iterator[int]:
        """The markings on the way to this one, the nearest first."""
        arrival = self.arrivals[number]
        while arrival is not None:
            yield arrival.target
            arrival = self.arrivals[arrival.target]

    def trace(self, number: int, since: int = 0) -> tuple[str, ...]:
        """The labels on the way to a marking, from marking ``since`` on."""
        labels: list[str] = []
        while number != since and (arrival := self.arrivals[number]) is not None:
            if arrival.label is not None:
                labels.append(arrival.label)
            number = arrival.target
        return tuple(reversed(labels))


def explore(flow: Flow, max_work: int = MAX_WORK) -> Explored:
    """Take every step from every marking the flow can reach, in the order of how many events lead there.

    Where tokens pile up it is followed :data:`ROUNDS` times only, for it would never end; and past
    ``max_work`` not at all.
    """
    return _Exploring(flow, max_work).run()


class _Exploring:
    def __init__(self, flow: Flow, max_work: int) -> None:
        self._flow = flow
        self._trail: list[int] = []
        self._game = TokenGame(flow, self._trail)
        self._max_work = max_work
        self._work = 0
        self._found = Explored()
        self._numbers: dict[Marking, int] = {}
        self._events: list[int] = []  # how many lead there
        self._rounds: list[int] = []  # how often tokens piled up on the way

    def run(self) -> Explored:
        try:
            waiting = deque([self._number(self._game.initial())])
        except Unbounded:
            self._overflow(0)
            return self._found
        self._events[0] = 0
        self._broad(waiting)
        if waiting:
            self._found.gave_up = True
            self._deep(waiting)
        return self._found

    def _broad(self, waiting: deque[int]) -> None:
        while waiting and self._work < BROAD * self._max_work:
            number = waiting.popleft()
            if self._found.edges[number] is None:
                for label, target in self._follow(number):
                    if label is None:
                        waiting.appendleft(target)
                    else:
                        waiting.append(target)

    def _deep(self, waiting: deque[int]) -> None:
        """From wherever we are, the farthest first."""
        while waiting and self._work < self._max_work:
            number = waiting.pop()
            if self._found.edges[number] is None:
                waiting.extend(target for _, target in self._follow(number))

    def _follow(self, number: int) -> Iterator[Edge]:
        """Take the steps from a marking: those to markings that no way of fewer events is known to."""
        found = self._found
        if self._piles_up(number):
            return
        edges = self._edges(number)
        if edges is None:
            return
        found.edges[number] = edges
        self._work += (1 + len(edges)) * (_STEP + _size(found.markings[number]))
        for edge in edges:
            events = self._events[number] + (edge.label is not None)
            if events < self._events[edge.target] and found.edges[edge.target] is None:
                self._events[edge.target] = events
                self._rounds[edge.target] = self._rounds[number]
                found.arrivals[edge.target] = Edge(edge.label, number)
                yield edge

    def _edges(self, number: int) -> list[Edge] | None:
        """The steps from a marking; None where tokens outgrow the bound on them."""
        edges = []
        try:
            for step in self._game.steps(self._found.markings[number]):
                edges.append(Edge(step.label, self._number(step.marking)))  # noqa: PERF401
        except Unbounded:
            self._overflow(number)
            return None
        self._found.arcs.update(self._trail)
        self._trail.clear()
        return list(dict.fromkeys(edges))

    def _number(self, marking: Marking) -> int:
        number = self._numbers.setdefault(marking, len(self._found.markings))
        if number == len(self._found.markings):
            self._found.markings.append(marking)
            self._found.edges.append(None)
            self._found.arrivals.append(None)
            self._events.append(_FAR)
            self._rounds.append(0)
            if self._game.is_final(marking):
                self._found.finals.add(number)
        return number

    def _piles_up(self, number: int) -> bool:
        """Note where the marking holds more than one on the way here; whether that is too much by now."""
        marking = self._found.markings[number]
        for base in islice(self._found.before(number), LOOK_BACK):
            more = self._more(marking, self._found.markings[base])
            if more:
                growth = Growth(base, number, more)
                self._found.growths.append(growth)
                self._work += 2 * _STEP
                self._rounds[number] += 1
                if self._rounds[number] > ROUNDS:
                    self._found.cuts[number] = growth
                    return True
                return False
        return False

    def _overflow(self, number: int) -> None:
        """Note where the tokens ran that were too many for one step."""
        recent = Counter(self._trail[len(self._trail) // 2 :])
        places = tuple(arc for arc, _ in recent.most_common(1))
        self._found.arcs.update(self._trail)
        self._trail.clear()
        growth = Growth(number, number, places, overflow=True)
        self._found.growths.append(growth)
        self._found.cuts[number] = growth

    def _more(self, marking: Marking, base: Marking) -> tuple[int, ...]:
        """The places where ``marking`` holds more than ``base``; none unless it holds all that ``base`` does,
        in the same subprocess instances. A timer that went off meanwhile will not do so again: that is no
        more of the same."""
        scope, tokens, children = marking
        _, fewer, others = base
        if len(tokens) < len(fewer) or len(children) < len(others) or scope != base[0]:
            return ()
        if len(tokens) == len(fewer) and tokens != fewer:
            return ()
        places = Counter(tokens)
        places.subtract(fewer)
        flow = self._flow
        fired, done = flow.fired_place(0), flow.done_place(0)
        if any(count < 0 or (count and fired <= place < done) for place, count in places.items()):
            return ()
        added = Counter(children)
        added.subtract(others)
        grown = list((+places).elements())
        for one in [child for child, count in added.items() for _ in range(-count)]:
            for child in added:
                if added[child] > 0 and (inside := self._more(child, one)):
                    added[child] -= 1
                    added[one] += 1
                    grown += inside
                    break
            else:
                return ()
        owners = (flow.scopes[child[0]].owner for child in (+added).elements())
        grown += [flow.node_place(owner) for owner in owners if owner is not None]
        return tuple(grown)


def _size(marking: Marking) -> int:
    """Its tokens, open subprocesses included."""
    return len(marking[1]) + sum(1 + _size(child) for child in marking[2])

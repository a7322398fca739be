"""The flow as a deterministic automaton over labels, built lazily.

A state is the set of all markings the labels so far allow, each as it stands right after its last
observable step: silent steps are explored when a label is asked for, not before. Markings that another
one of the set can reach silently are dropped, for whatever they allow the other allows too. States and
markings are interned, so an in-order event costs one dictionary look-up.

Silent exploration follows one token at a time (see :mod:`~monitor.conformance.chains`).

Where a bound is passed the state is ``undecided``: it blames nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from monitor.bpmn.flow import Flow, NodeKind
from monitor.conformance.ahead import Ahead, Bounds
from monitor.conformance.chains import Chains, Movers
from monitor.conformance.tokens import Marking, Step, TokenGame, Unbounded

MAX_MARKINGS = 2_000
"""Markings of one state."""

MAX_EXPLORED = 5_000
"""Silent markings explored from one marking."""

MAX_STATES = 50_000
"""Interned states and markings past which the memory is dropped and built anew."""


class _Reach:
    """What one marking can do: ``moves`` to the markings after each label, ``near`` how few silent steps
    lead there, ``silent`` the markings reached by silent steps alone, ``final`` whether one of these (or
    itself) is finished."""

    __slots__ = ("final", "moves", "near", "silent", "truncated")

    def __init__(
        self,
        moves: dict[str, frozenset[Marking]],
        near: dict[str, int],
        silent: frozenset[Marking],
        final: bool,
        truncated: bool,
    ) -> None:
        self.moves = moves
        self.near = near
        self.silent = silent
        self.final = final
        self.truncated = truncated


class _Branch(NamedTuple):
    """Something to explore: of a marking, those who may move next (None: all), and the join or the end of a
    scope they are to complete before an event counts (None: it counts at once)."""

    marking: Marking
    movers: Movers | None
    goal: int | None


class State:
    """One interned state. ``moves`` is filled as labels are asked for (None: the label is not possible)."""

    __slots__ = ("_ahead", "_labels", "final", "key", "markings", "moves", "undecided")

    def __init__(self, markings: frozenset[Marking], key: str, final: bool, undecided: bool) -> None:
        self.markings = markings
        self.key = key
        self.final = final
        self.undecided = undecided
        self.moves: dict[str, State | None] = {}
        self._labels: tuple[str, ...] | None = None
        self._ahead: Bounds | None = None

    def __repr__(self) -> str:
        return f"<State {self.key}>"


class Automaton:
    """The lazily determinised flow. Bounded memory; not for several threads at once."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.game = TokenGame(flow)
        self.chains = Chains(flow)
        self._reach: dict[Marking, _Reach] = {}
        self._states: dict[frozenset[Marking], State] = {}
        self._keys: dict[str, State] = {}
        self._bounds = Ahead(flow)
        self._exceptions = frozenset(flow.labels) - _ordinary_labels(flow)
        self._inclusive = any(node.kind in (NodeKind.OR, NodeKind.COMPLEX) for node in flow.nodes)
        self.initial = self._start()

    def _start(self) -> State:
        try:
            return self._intern(frozenset((self.game.initial(),)), undecided=False)
        except Unbounded:
            return self.undecided

    @property
    def undecided(self) -> State:
        """The state past every bound: allows anything, blames nothing."""
        return self._intern(frozenset(), undecided=True)

    def step(self, state: State, label: str) -> State | None:
        """The state after ``label``; None where no marking allows it. An undecided state allows anything."""
        try:
            return state.moves[label]
        except KeyError:
            return self._expand(state, label)

    def labels(self, state: State) -> tuple[str, ...]:
        """Labels possible next. First those that every reading allows, and of them what is due before what
        takes silent steps or an interruption."""
        if state._labels is None:
            state._labels = self._ranked(state.markings)
        return state._labels

    def due(self, state: State) -> tuple[str, ...]:
        """The labels worth telling people: where the flow can end here, only those of readings that can."""
        if not state.final:
            return self.labels(state)
        return self._ranked([marking for marking in state.markings if self._explore(marking).final])

    def _ranked(self, markings: Collection[Marking]) -> tuple[str, ...]:
        near: defaultdict[str, list[int]] = defaultdict(list)
        for marking in markings:
            for label, steps in self._explore(marking).near.items():
                near[label].append(steps + (label in self._exceptions))
        return tuple(sorted(near, key=lambda at: (len(near[at]) < len(markings), min(near[at]), at)))

    def ahead(self, state: State) -> Bounds:
        """Labels that may still come, and how many events of each at most. Follows the flows without playing
        tokens: it may name too many, never too few."""
        if state._ahead is None:
            ahead: dict[str, float] = {}
            for marking in state.markings:
                for label, most in self._bounds.of(marking).items():
                    ahead[label] = max(most, ahead.get(label, 0.0))
            state._ahead = ahead
        return state._ahead

    def standing(self, state: State) -> tuple[str, ...]:
        """Ids of the elements where tokens stand, sorted: by every reading where there are such, else by
        any. None once the flow can end here."""
        if state.final or not state.markings:
            return ()
        readings = [{self.flow.nodes[at].id for at in self.game.waiting(m)} for m in state.markings]
        return tuple(sorted(set.intersection(*readings) or set.union(*readings)))

    def state(self, key: str) -> State | None:
        """The state a stored key stands for; None where it is not one of this flow's."""
        known = self._keys.get(key)
        if known is not None:
            return known
        try:
            undecided, markings = json.loads(key)
            return self._intern(frozenset(_marking(m) for m in markings), undecided=bool(undecided))
        except (ValueError, TypeError, IndexError, KeyError):
            return None

    def union(self, states: Iterable[State]) -> State:
        """The state that allows whatever one of ``states`` allows."""
        several = list(states)
        if len(several) == 1:
            return several[0]
        markings: set[Marking] = set()
        for state in several:
            markings |= state.markings
        return self._intern(self._reduced(markings), undecided=any(s.undecided for s in several))

    # building ----------------------------------------------------------------------------------------

    def _expand(self, state: State, label: str) -> State | None:
        if label not in self.flow.labels:
            return None
        if state.undecided:
            state.moves[label] = state
            return state
        reached: set[Marking] = set()
        undecided = False
        for marking in state.markings:
            reach = self._explore(marking)
            undecided |= reach.truncated
            reached |= reach.moves.get(label, frozenset())
        if undecided and label in self.ahead(state):  # some of what is possible was not looked at
            after = self.undecided
        elif not reached:
            after = None
        else:
            markings = self._reduced(reached)
            if len(markings) > MAX_MARKINGS:
                after = self.undecided
            else:
                after = self._intern(markings, undecided=False)
        state.moves[label] = after
        return after

    def _reduced(self, markings: set[Marking]) -> frozenset[Marking]:
        """Without the markings another one reaches silently (of two that reach each other one stays)."""
        if len(markings) == 1:
            return frozenset(markings)
        left = set(markings)
        for marking in sorted(markings):
            if marking in left:
                left -= self._explore(marking).silent - {marking}
        return frozenset(left)

    def _explore(self, start: Marking) -> _Reach:
        known = self._reach.get(start)
        if known is not None:
            return known
        moves: defaultdict[str, set[Marking]] = defaultdict(set)
        near: dict[str, int] = {}
        first = _Branch(start, None, None)
        pending: deque[tuple[_Branch, int]] = deque(((first, 0),))
        seen = {first}
        final = truncated = False
        while pending:
            branch, steps = pending.popleft()
            marking, movers, goal = branch
            final = final or self.game.is_final(marking)
            following: list[_Branch] = []
            if movers is None:
                following += self._toward(marking, self.chains.waiting(marking))
            try:
                for step in self.game.steps(marking, movers):
                    if step.label is None:
                        following += self._onward(step, goal)
                    elif goal is None:
                        moves[step.label].add(step.marking)
                        near.setdefault(step.label, steps)
            except Unbounded:
                truncated = True
            fresh = [one for one in dict.fromkeys(following) if one not in seen]
            seen.update(fresh)
            pending.extend((one, steps + 1) for one in fresh)
            if len(seen) > MAX_EXPLORED:
                truncated = True
                break
        reach = _Reach(
            {label: frozenset(after) for label, after in moves.items()},
            near,
            frozenset(branch.marking for branch in seen),
            final,
            truncated,
        )
        self._reach[start] = reach
        return reach

    def _onward(self, step: Step, goal: int | None) -> Iterable[_Branch]:
        """What to do after a silent step, on the way to ``goal`` if there is one."""
        marking, wake = step.marking, step.wake
        stalled = wake.stalled - wake.fired
        if wake.free or (wake.fired and self._inclusive):
            yield _Branch(marking, None, None)
        elif goal is None or goal in wake.fired:
            if wake.landed:
                yield _Branch(marking, frozenset(wake.landed), None)
            yield from self._toward(marking, stalled)
        else:
            chain = self.chains.leading(frozenset(wake.landed), goal)
            if chain:
                yield _Branch(marking, chain, goal)
            yield from self._toward(marking, stalled)

    def _toward(self, marking: Marking, goals: Iterable[int]) -> Iterable[_Branch]:
        return [_Branch(marking, self.chains.movers(marking, goal), goal) for goal in goals]

    def _intern(self, markings: frozenset[Marking], *, undecided: bool) -> State:
        if not undecided:
            known = self._states.get(markings)
            if known is not None:
                return known
        key = json.dumps([int(undecided), sorted(markings)], separators=(",", ":"))
        known = self._keys.get(key)
        if known is not None:
            return known
        final = undecided or any(self._explore(marking).final for marking in markings)
        state = State(markings, key, final, undecided)
        if not undecided:
            self._states[markings] = state
        self._keys[key] = state
        return state

    def forget(self) -> None:
        """Drop what was memoised once it has outgrown its bound. States handed out before stay valid."""
        if len(self._states) + len(self._reach) > MAX_STATES:
            self._reach.clear()
            self._states.clear()
            self._keys.clear()
            self.initial = self._start()


def _ordinary_labels(flow: Flow) -> set[str]:
    """Labels that can come without any boundary event having fired."""
    called = [h.start for h in flow.scopes[0].handlers if flow.nodes[h.start].receives]
    pending = [*flow.scopes[0].starts, *called]
    seen = set(pending)
    while pending:
        node = flow.nodes[pending.pop()]
        following = [flow.arcs[arc].target for arc in node.outgoing]
        following += [undo for at in node.undoes if (undo := flow.nodes[at].undo) is not None]
        if node.inner is not None:
            following += flow.scopes[node.inner].starts
        pending += [at for at in following if at not in seen]
        seen.update(following)
    return {label for at in seen for label in (flow.nodes[at].label, flow.nodes[at].start_label) if label}


def _marking(value: Any) -> Marking:
    scope, tokens, children = value
    return (int(scope), tuple(int(t) for t in tokens), tuple(_marking(child) for child in children))

"""The flow as a deterministic automaton over labels, built lazily.

A state is the set of all markings the labels so far allow, each as it stands right after its last
observable step: silent steps are explored when a label is asked for, not before. Markings that another
one of the set can reach silently are dropped, for whatever they allow the other allows too. States and
markings are interned, so an in-order event costs one dictionary look-up.

Conditions that kept data decides forbid sequence flows for a while: a state knows which, and
:meth:`Automaton.given` leads to the same state under others. Going by one all the same is a step with a
label of its own, which no event has but an alignment may take.

Where a bound is passed the state is ``undecided``: it blames nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from monitor.bpmn.flow import Flow
from monitor.conformance.ahead import Ahead, Bounds
from monitor.conformance.chains import Chains
from monitor.conformance.explore import Explorer
from monitor.conformance.knowledge import ruled_out
from monitor.conformance.tokens import Marking, Unbounded, gone_against

_NOTHING: frozenset[int] = frozenset()

MAX_MARKINGS = 2_000
"""Markings of one state."""

MAX_CHOSEN = 2_000
"""Markings looked at where choices become forbidden that may have been made already."""

MAX_STATES = 50_000
"""Interned states and markings past which the memory is dropped and built anew."""


class State:
    """One interned state. ``moves`` is filled as labels are asked for (None: the label is not possible).
    ``forbidden`` are the sequence flows that conditions rule out now."""

    __slots__ = ("_ahead", "_labels", "final", "forbidden", "key", "markings", "moves", "undecided")

    def __init__(
        self,
        markings: frozenset[Marking],
        key: str,
        final: bool,
        undecided: bool,
        forbidden: frozenset[int] = frozenset(),
    ) -> None:
        self.markings = markings
        self.key = key
        self.final = final
        self.undecided = undecided
        self.forbidden = forbidden
        self.moves: dict[str | frozenset[int], State | None] = {}
        self._labels: tuple[str, ...] | None = None
        self._ahead: Bounds | None = None

    def __repr__(self) -> str:
        return f"<State {self.key}>"


class Automaton:
    """The lazily determinised flow. Bounded memory; not for several threads at once."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._chains = Chains(flow)
        self._explorers: dict[frozenset[int], Explorer] = {}
        self._states: dict[tuple[frozenset[Marking], frozenset[int]], State] = {}
        self._keys: dict[str, State] = {}
        self._bounds = Ahead(flow)
        self._exceptions = frozenset(flow.labels) - _ordinary_labels(flow)
        self.initial = self._start()

    def _start(self) -> State:
        try:
            forbidden = ruled_out(self.flow.guards, {})
            return self._intern(frozenset((self._explorer(forbidden).game.initial(),)), forbidden)
        except Unbounded:
            return self.undecided

    @property
    def undecided(self) -> State:
        """The state past every bound: allows anything, blames nothing."""
        return self._intern(frozenset(), _NOTHING, undecided=True)

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
            state._labels = self._ranked(state, state.markings)
        return state._labels

    def due(self, state: State) -> tuple[str, ...]:
        """The labels worth telling people: where the flow can end here, only those of readings that can."""
        if not state.final:
            return self.labels(state)
        explorer = self._explorer(state.forbidden)
        return self._ranked(state, [m for m in state.markings if explorer.explore(m).final])

    def against(self, state: State) -> tuple[str, ...]:
        """The choices possible next that go against a condition, as labels of their own."""
        if not state.forbidden:
            return ()
        explorer = self._explorer(state.forbidden)
        found = {label for marking in state.markings for label in explorer.explore(marking).near}
        return tuple(sorted(label for label in found if gone_against(label) is not None))

    def _ranked(self, state: State, markings: Collection[Marking]) -> tuple[str, ...]:
        explorer = self._explorer(state.forbidden)
        near: defaultdict[str, list[int]] = defaultdict(list)
        for marking in markings:
            for label, steps in explorer.explore(marking).near.items():
                if gone_against(label) is None:
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
        game = self._explorer(state.forbidden).game
        readings = [{self.flow.nodes[at].id for at in game.waiting(m)} for m in state.markings]
        return tuple(sorted(set.intersection(*readings) or set.union(*readings)))

    def state(self, key: str) -> State | None:
        """The state a stored key stands for; None where it is not one of this flow's."""
        known = self._keys.get(key)
        if known is not None:
            return known
        try:
            undecided, markings, *forbidden = json.loads(key)
            arcs = frozenset(int(arc) for arc in forbidden[0]) if forbidden else _NOTHING
            return self._intern(frozenset(map(_marking, markings)), arcs, undecided=bool(undecided))
        except (ValueError, TypeError, IndexError, KeyError):
            return None

    def union(self, states: Iterable[State]) -> State:
        """The state that allows whatever one of ``states`` allows."""
        several = list(states)
        if len(several) == 1:
            return several[0]
        if any(state.undecided for state in several):
            return self.undecided
        forbidden = several[0].forbidden
        markings: set[Marking] = set()
        for state in several:
            markings |= state.markings
        return self._intern(self._explorer(forbidden).reduced(markings), forbidden)

    def given(self, state: State, forbidden: frozenset[int]) -> State:
        """The same state once other sequence flows are forbidden. What was allowed until now may have been
        chosen already."""
        if state.undecided or forbidden == state.forbidden:
            return state
        known = state.moves.get(forbidden)
        if known is not None:
            return known
        fresh = forbidden - state.forbidden
        markings = set(state.markings)
        for marking in state.markings if fresh else ():
            chosen = self._explorer(state.forbidden).passing(marking, fresh, MAX_CHOSEN)
            if chosen is None:
                return self.undecided
            markings |= chosen
        after = self._intern(self._explorer(forbidden).reduced(markings), forbidden)
        state.moves[forbidden] = after
        return after

    # building ----------------------------------------------------------------------------------------

    def _expand(self, state: State, label: str) -> State | None:
        if label not in self.flow.labels and gone_against(label) is None:
            return None
        if state.undecided:
            state.moves[label] = state
            return state
        explorer = self._explorer(state.forbidden)
        reached: set[Marking] = set()
        undecided = False
        for marking in state.markings:
            reach = explorer.explore(marking)
            undecided |= reach.truncated
            reached |= reach.moves.get(label, frozenset())
        if undecided and label in self.ahead(state):  # some of what is possible was not looked at
            after = self.undecided
        elif not reached:
            after = None
        else:
            markings = explorer.reduced(reached)
            if len(markings) > MAX_MARKINGS:
                after = self.undecided
            else:
                after = self._intern(markings, state.forbidden)
        state.moves[label] = after
        return after

    def _intern(
        self, markings: frozenset[Marking], forbidden: frozenset[int], *, undecided: bool = False
    ) -> State:
        known = self._states.get((markings, forbidden))
        if known is not None and not undecided:
            return known
        said: list[Any] = [int(undecided), sorted(markings)]
        key = json.dumps([*said, sorted(forbidden)] if forbidden else said, separators=(",", ":"))
        known = self._keys.get(key)
        if known is not None:
            return known
        explore = self._explorer(forbidden).explore
        final = undecided or any(explore(marking).final for marking in markings)
        state = State(markings, key, final, undecided, forbidden)
        if not undecided:
            self._states[markings, forbidden] = state
        self._keys[key] = state
        return state

    def _explorer(self, forbidden: frozenset[int]) -> Explorer:
        known = self._explorers.get(forbidden)
        if known is None:
            known = self._explorers[forbidden] = Explorer(self._chains, forbidden)
        return known

    def forget(self) -> None:
        """Drop what was memoised once it has outgrown its bound. States handed out before stay valid."""
        explored = sum(map(len, self._explorers.values()))
        if len(self._states) + len(self._explorers) + explored > MAX_STATES:
            self._explorers.clear()
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

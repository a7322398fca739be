"""The words a document allows, by trying everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from monitor.bpmn.document import Document, EventKind
from tests.support.naive.game import Game
from tests.support.naive.values import Scope, TooLarge

MAX_STATES = 2_000
"""Looked at, in all."""


class State(NamedTuple):
    """``scope``: the process's, None once it ended at once; ``signals``: those thrown so far."""

    scope: Scope | None
    signals: tuple[str, ...] = ()


States = frozenset[State]


class Reference:
    """What a document of one process allows, for words of up to ``horizon`` labels. Raises :class:`TooLarge`
    where the search grows past :data:`MAX_STATES` or a scope past its bound."""

    def __init__(self, document: Document, horizon: int) -> None:
        self._game = Game(document, horizon)
        self._known: dict[State, frozenset[tuple[str | None, State]]] = {}
        self.initial = self._closed(State(scope) for scope in self._game.begun(document.processes[0].id))

    def steps(self, states: States) -> dict[str, States]:
        """Label -> every state it may lead to, silent steps before and after included."""
        found: dict[str, set[State]] = {}
        for state in states:
            for label, after in self._turns(state):
                if label is not None:
                    found.setdefault(label, set()).add(after)
        return {label: self._closed(after) for label, after in found.items()}

    @staticmethod
    def final(states: States) -> bool:
        """Whether silent steps alone can finish the process."""
        return any(state.scope is None or state.scope.empty for state in states)

    def verdict(self, word: Sequence[str]) -> tuple[int | None, bool]:
        """Where the word first deviates (None: nowhere), and whether it is a whole run."""
        states = self.initial
        for at, label in enumerate(word):
            following = self.steps(states).get(label)
            if following is None:
                return at, False
            states = following
        return None, self.final(states)

    def runs(self, longest: int) -> Iterator[tuple[tuple[str, ...], bool]]:
        """Every word of up to ``longest`` labels that is allowed, shortest first, and whether it is a whole
        run."""
        pending: list[tuple[tuple[str, ...], States]] = [((), self.initial)]
        for word, states in pending:
            yield word, self.final(states)
            if len(word) < longest:
                pending += [((*word, label), after) for label, after in sorted(self.steps(states).items())]

    def distance(self, word: Sequence[str], *, finish: bool, most: int) -> int | None:
        """The fewest labels to leave out of or put into ``word`` for it to be (a prefix of) an allowed one,
        by trying everything with up to ``most`` changes."""
        layer = {(0, self.initial)}
        seen = set(layer)
        for cost in range(most + 1):
            pending = list(layer)
            for at, states in pending:
                further = self.steps(states).get(word[at]) if at < len(word) else None
                if further is not None and (at + 1, further) not in seen:
                    seen.add((at + 1, further))
                    pending.append((at + 1, further))
            if any(at == len(word) and (not finish or self.final(states)) for at, states in pending):
                return cost
            layer = set()
            for at, states in pending:
                ways = [(at + 1, states)] if at < len(word) else []
                ways += [(at, further) for further in self.steps(states).values()]
                layer |= {way for way in ways if way not in seen}
            seen |= layer
        return None

    def _turns(self, state: State) -> frozenset[tuple[str | None, State]]:
        known = self._known.get(state)
        if known is None:
            if len(self._known) >= MAX_STATES:
                raise TooLarge
            known = self._known[state] = frozenset(self._tried(state))
        return known

    def _tried(self, state: State) -> Iterator[tuple[str | None, State]]:
        if state.scope is None:
            return
        for turn in self._game.turns(state.scope, state.signals):
            uncaught = turn.thrown is not None and turn.thrown.kind is EventKind.ERROR
            signals = {*state.signals, turn.signal} if turn.signal else state.signals
            yield turn.label, State(None if uncaught else turn.scope, tuple(sorted(signals)))

    def _closed(self, states: Iterable[State]) -> States:
        seen = set(states)
        pending = list(seen)
        while pending:
            for label, after in self._turns(pending.pop()):
                if label is None and after not in seen:
                    seen.add(after)
                    pending.append(after)
        return frozenset(seen)

"""What a marking can do without any event, and what it leads to with the next one.

Silent steps follow one token at a time (see :mod:`~monitor.conformance.chains`).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import NamedTuple

from monitor.bpmn.flow import NodeKind
from monitor.conformance.chains import Chains, Movers
from monitor.conformance.tokens import Marking, Step, TokenGame, Unbounded, gone_against

MAX_EXPLORED = 5_000
"""Silent markings explored from one marking."""


class Reach:
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


class Explorer:
    """Silent exploration of one flow while certain sequence flows are forbidden. Remembers what it found."""

    def __init__(self, chains: Chains, forbidden: frozenset[int]) -> None:
        flow = chains.flow
        self.forbidden = forbidden
        self.game = TokenGame(flow, forbidden=forbidden)
        self._chains = chains
        self._known: dict[Marking, Reach] = {}
        self._inclusive = frozenset(
            node.index for node in flow.nodes if node.kind in (NodeKind.OR, NodeKind.COMPLEX)
        )

    def __len__(self) -> int:
        return len(self._known)

    def explore(self, start: Marking) -> Reach:
        known = self._known.get(start)
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
                following += self._toward(marking, self._chains.waiting(marking))
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
        reach = Reach(
            {label: frozenset(after) for label, after in moves.items()},
            near,
            frozenset(branch.marking for branch in seen),
            final,
            truncated,
        )
        self._known[start] = reach
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
            chain = self._chains.leading(frozenset(wake.landed), goal)
            if chain:
                yield _Branch(marking, chain, goal)
            if goal in self._inclusive and not chain:  # what went away may be all it waited for
                yield from self._toward(marking, (goal,))
            yield from self._toward(marking, stalled)

    def _toward(self, marking: Marking, goals: Iterable[int]) -> Iterable[_Branch]:
        return [_Branch(marking, self._chains.movers(marking, goal), goal) for goal in goals]

    def reduced(self, markings: set[Marking]) -> frozenset[Marking]:
        """Without the markings another one reaches silently (of two that reach each other one stays)."""
        if len(markings) == 1:
            return frozenset(markings)
        left = set(markings)
        for marking in sorted(markings):
            if marking in left:
                left -= self.explore(marking).silent - {marking}
        return frozenset(left)

    def passing(self, start: Marking, arcs: frozenset[int], most: int) -> set[Marking] | None:
        """The markings that silent steps lead to by way of one of ``arcs``, choices that are not to be made
        later; None where there are more than ``most``. Every interleaving is tried: these choices cannot
        wait for the events that need them."""
        if not any(self._chains.may_pass(start, arc) for arc in arcs):
            return set()
        game = TokenGame(self._chains.flow, forbidden=self.forbidden | arcs)
        pending = [(start, False)]
        seen = {(start, False)}
        while pending:
            marking, passed = pending.pop()
            try:
                steps = list(game.steps(marking))
            except Unbounded:
                return None
            for step in steps:
                chosen = None if step.label is None else gone_against(step.label)
                if step.label is None or chosen in arcs:
                    following = (step.marking, passed or chosen is not None)
                    if following not in seen:
                        seen.add(following)
                        pending.append(following)
            if len(seen) > most:
                return None
        return {marking for marking, passed in seen if passed}

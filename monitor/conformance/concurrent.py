"""The states a window of concurrent events leads to, in any order that is not known to be wrong."""

from __future__ import annotations

from monitor.conformance.automaton import Automaton, State
from monitor.conformance.order import Window, chains, parts

MAX_CONCURRENT = 4_096
"""Partial orders followed at once inside one window; past it the window is undecided."""

MAX_WORK = 200_000
"""Steps tried inside one window, likewise."""


def run(automaton: Automaton, state: State, window: Window) -> State | None:
    """The state after all of a window's observations; None where no order of them is allowed, the undecided
    state where that could not be found out."""
    data = window.data
    if data is None and len(window.observations) == 1:
        return automaton.step(state, window.observations[0].label)
    after: State | None = state if data is None else automaton.given(state, data.forbidden)
    for part in [window] if len(window.observations) == 1 else parts(window):
        if after is None:
            return None
        after = _run_part(automaton, after, part)
    return after if after is None or data is None else automaton.given(after, data.then)


def _run_part(automaton: Automaton, state: State, window: Window) -> State | None:
    observations, before, _ = window
    if len(observations) == 1:
        return automaton.step(state, observations[0].label)
    lines = chains([observation.label for observation in observations], before)
    work = 0
    layer: dict[int, set[State]] = {0: {state}}
    for _ in observations:
        following: dict[int, set[State]] = {}
        for consumed, states in layer.items():
            for members, chain in lines:
                taken = (consumed & members).bit_count()
                if taken == len(chain) or before[chain[taken]] & ~consumed:
                    continue
                index = chain[taken]
                for at in states:
                    after = automaton.step(at, observations[index].label)
                    if after is not None:
                        following.setdefault(consumed | 1 << index, set()).add(after)
            work += len(lines) * len(states)
        layer = following
        if not layer:
            return None
        if len(layer) > MAX_CONCURRENT or work > MAX_WORK:
            return automaton.undecided
    (states,) = layer.values()
    return automaton.union(sorted(states, key=lambda at: at.key))

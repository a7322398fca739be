"""One run a trace may have taken through its flow.

A verdict keeps every possible marking; a picture, and times, need one run. Of the shortest silent ways
between two events the first is taken, and of the runs one that ends where the trace is complete, if it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monitor.bpmn.flow import Flow
from monitor.conformance.tokens import Marking, Step, TokenGame, Unbounded

MAX_LAYER = 64
"""Markings kept between two events."""

MAX_SILENT = 500
"""Silent markings explored between two events."""

Trail = tuple[int, ...]


class Run(NamedTuple):
    """A run from ``initial`` on, silent steps included. ``trail``: the sequence flows it passed."""

    initial: Marking
    steps: tuple[Step, ...]
    trail: Trail


class _Reached:
    """A marking, how it was reached, and the sequence flows passed on the way from ``previous``."""

    __slots__ = ("marking", "previous", "step", "trail")

    def __init__(
        self, marking: Marking, previous: _Reached | None, trail: Trail, step: Step | None = None
    ) -> None:
        self.marking = marking
        self.previous = previous
        self.trail = trail
        self.step = step


def run(flow: Flow, labels: Sequence[str]) -> Run | None:
    """A run over ``labels`` (those the alignment counted, skipped steps included). As far as it goes where
    the labels fit no run or a bound is passed; None where the flow cannot even begin within bounds."""
    trail: list[int] = []
    game = TokenGame(flow, trail)
    try:
        start = _Reached(game.initial(), None, tuple(trail))
    except Unbounded:
        return None
    layer = {start.marking: start}
    for label in labels:
        following = _after(game, trail, layer, label)
        if not following:
            break
        layer = following
    way = [_end(game, trail, layer)]
    while (before := way[-1].previous) is not None:
        way.append(before)
    way.reverse()
    return Run(
        start.marking,
        tuple(one.step for one in way if one.step is not None),
        tuple(arc for one in way for arc in one.trail),
    )


def visited(flow: Flow, labels: Sequence[str]) -> tuple[str, ...]:
    """Ids of the elements and sequence flows passed by :func:`run`, sorted."""
    found = run(flow, labels)
    ids: set[str] = set()
    for arc in () if found is None else found.trail:
        passed = flow.arcs[arc]
        ids.update((passed.id, flow.nodes[passed.source].id, flow.nodes[passed.target].id))
    return tuple(sorted(ids))


def _after(
    game: TokenGame, trail: list[int], layer: dict[Marking, _Reached], label: str
) -> dict[Marking, _Reached]:
    following: dict[Marking, _Reached] = {}
    for reached in _silently(game, trail, layer):
        for step, passed in _steps(game, trail, reached.marking):
            if step.label == label and step.marking not in following:
                following[step.marking] = _Reached(step.marking, reached, passed, step)
                if len(following) >= MAX_LAYER:
                    return following
    return following


def _end(game: TokenGame, trail: list[int], layer: dict[Marking, _Reached]) -> _Reached:
    last = next(iter(layer.values()))
    return next(
        (reached for reached in _silently(game, trail, layer) if game.is_final(reached.marking)), last
    )


def _silently(game: TokenGame, trail: list[int], layer: dict[Marking, _Reached]) -> list[_Reached]:
    """The layer and what it reaches by silent steps, nearest first."""
    found = list(layer.values())
    seen = set(layer)
    for reached in found:
        if len(found) > MAX_SILENT:
            break
        for step, passed in _steps(game, trail, reached.marking):
            if step.label is None and step.marking not in seen:
                seen.add(step.marking)
                found.append(_Reached(step.marking, reached, passed, step))
    return found


def _steps(game: TokenGame, trail: list[int], marking: Marking) -> list[tuple[Step, Trail]]:
    steps: list[tuple[Step, Trail]] = []
    trail.clear()
    try:
        for step in game.steps(marking):
            steps.append((step, tuple(trail)))
            trail.clear()
    except Unbounded:
        pass  # what was found up to here is still a way
    return steps

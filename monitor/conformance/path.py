"""One way a trace may have taken through its flow, for the picture: elements and sequence flows passed.

A verdict keeps every possible marking; a picture needs one run. Of the shortest silent ways between two
events the first is taken, and of the runs one that ends where the trace is complete, if it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.bpmn.flow import Flow
from monitor.conformance.tokens import Marking, TokenGame, Unbounded

MAX_LAYER = 64
"""Markings kept between two events."""

MAX_SILENT = 500
"""Silent markings explored between two events."""

Trail = tuple[int, ...]


class _Reached:
    """A marking, how it was reached, and the sequence flows passed on the way from ``previous``."""

    __slots__ = ("label", "marking", "previous", "trail")

    def __init__(
        self, marking: Marking, previous: _Reached | None, trail: Trail, label: str | None = None
    ) -> None:
        self.marking = marking
        self.previous = previous
        self.trail = trail
        self.label = label


def visited(flow: Flow, labels: Sequence[str]) -> tuple[str, ...]:
    """Ids of the elements and sequence flows passed by a run over ``labels`` (those the alignment counted,
    skipped steps included), sorted. As far as it goes where the labels fit no run or a bound is passed."""
    trail: list[int] = []
    game = TokenGame(flow, trail)
    try:
        start = _Reached(game.initial(), None, tuple(trail))
    except Unbounded:
        return ()
    layer = {start.marking: start}
    for label in labels:
        following = _after(game, trail, layer, label)
        if not following:
            break
        layer = following
    return _passed(flow, _end(game, trail, layer))


def _after(
    game: TokenGame, trail: list[int], layer: dict[Marking, _Reached], label: str
) -> dict[Marking, _Reached]:
    following: dict[Marking, _Reached] = {}
    for reached in _silently(game, trail, layer):
        for step_label, marking, passed in _steps(game, trail, reached.marking):
            if step_label == label and marking not in following:
                following[marking] = _Reached(marking, reached, passed, label)
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
        for label, marking, passed in _steps(game, trail, reached.marking):
            if label is None and marking not in seen:
                seen.add(marking)
                found.append(_Reached(marking, reached, passed))
    return found


def _steps(game: TokenGame, trail: list[int], marking: Marking) -> list[tuple[str | None, Marking, Trail]]:
    steps: list[tuple[str | None, Marking, Trail]] = []
    trail.clear()
    try:
        for step in game.steps(marking):
            steps.append((step.label, step.marking, tuple(trail)))
            trail.clear()
    except Unbounded:
        pass  # what was found up to here is still a way
    return steps


def _passed(flow: Flow, end: _Reached) -> tuple[str, ...]:
    ids: set[str] = set()
    at: _Reached | None = end
    while at is not None:
        for arc in at.trail:
            ids.update(
                (
                    flow.arcs[arc].id,
                    flow.nodes[flow.arcs[arc].source].id,
                    flow.nodes[flow.arcs[arc].target].id,
                )
            )
        at = at.previous
    return tuple(sorted(ids))

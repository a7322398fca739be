"""Since which event of a run each of its tokens is where it is.

A marking says where tokens stand. Here every token, and every open subprocess, carries in addition the index
of the event that brought it there. What a step takes away and what it makes is found by comparing the
markings before and after it, scope by scope. Tokens that the marking cannot tell apart are taken in the order
in which they came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from monitor.bpmn.flow import Flow, Node, NodeKind
from monitor.conformance.tokens import Marking, Step

START = -1
"""Instead of an event: the start of the flow."""

Way = tuple[int, ...]
"""From the outermost scope to an open one: which of the ``children`` each time."""


class Origins(NamedTuple):
    """A ``marking`` and where it comes from. ``since``: the event that opened this scope, ``last``: the last
    one that happened in it. ``causes``: of each token, in the marking's order."""

    marking: Marking
    since: int
    last: int
    causes: tuple[int, ...]
    children: tuple[Origins, ...]


class Taken(NamedTuple):
    """What an event took its token from: the open scope, the token's place (None: none is taken away), and
    the event that put it there."""

    way: Way
    place: int | None
    cause: int


def opened(marking: Marking, cause: int) -> Origins:
    """A scope that ``cause`` has just opened."""
    _, tokens, children = marking
    return Origins(
        marking, cause, cause, (cause,) * len(tokens), tuple(opened(child, cause) for child in children)
    )


def taken(flow: Flow, before: Origins, step: Step) -> Taken:
    """What the event of a labelled ``step`` happened to."""
    place = step.consumed
    assert place is not None, "only joins take no token of their own, and they are silent"
    owner = flow.nodes[flow.place_node(place)]
    event = owner if step.node is None else flow.nodes[step.node]
    if place == flow.fired_place(owner.index):  # an event subprocess begins, or a pool
        way = _way(before, step.marking, owner.scope, None)
        return Taken(way, None, _scope_at(before, way).since)
    beside = event.kind is NodeKind.BOUNDARY
    if beside and owner.inner is not None:
        way = _way(before, step.marking, owner.inner, None)
        return Taken(way[:-1], None, _scope_at(before, way).since)
    way = _way(before, step.marking, owner.scope, place)
    scope = _scope_at(before, way)
    cause = scope.causes[scope.marking[1].index(place)] if place in scope.marking[1] else scope.since
    return Taken(way, None if beside and not event.interrupting else place, cause)


def after_event(before: Origins, step: Step, what: Taken, event: int) -> Origins:
    """Everything the step made is there since ``event``."""
    return _moved(before, step.marking, event, what.way, what.place)


def after_silent(flow: Flow, before: Origins, step: Step) -> Origins:
    """Everything the step made is there since the last event that what it took away goes back to."""
    cause = max(_gone(before, step.marking), default=None)
    if cause is None:  # it took nothing away: a timer that does not interrupt
        cause = START if step.consumed is None else taken(flow, before, step).cause
    return _moved(before, step.marking, cause, None, None)


def received(flow: Flow, before: Origins, step: Step) -> int | None:
    """The event whose message or signal a silent ``step`` took, if it is about one."""
    node: Node | None = None if step.node is None else flow.nodes[step.node]
    if node is None:
        return None
    left = list(step.marking[1])
    for place, cause in zip(before.marking[1], before.causes, strict=True):
        if place in left:
            left.remove(place)
        elif any(place == flow.message_place(one) for one in (*node.receives, *node.hears)):
            return cause
    return None


# comparing -------------------------------------------------------------------------------------------------


def _scope_at(origins: Origins, way: Way) -> Origins:
    for at in way:
        origins = origins.children[at]
    return origins


def _way(before: Origins, after: Marking, scope: int, place: int | None) -> Way:
    """To the open instance of ``scope`` with a token on ``place`` (None: whatever it has) that is another one
    after the step; to any other where none is; to the outermost scope where there is none."""
    return next(_ways(before, after, scope, place), ())


def _ways(before: Origins, after: Marking | None, scope: int, place: int | None) -> Iterator[Way]:
    if before.marking[0] == scope:
        if place is None or place in before.marking[1]:
            yield ()
        return
    same, changed, rest = _sorted_out(before, after)
    for at in (*changed, *same):
        child = before.children[at]
        became = next((one for one in rest if one[0] == child.marking[0]), None) if at in changed else None
        for way in _ways(child, became, scope, place):
            yield (at, *way)


def _sorted_out(before: Origins, after: Marking | None) -> tuple[list[int], list[int], list[Marking]]:
    """Which children are the same after a step, which are not, and what there is instead."""
    rest = [] if after is None else list(after[2])
    same, changed = [], []
    for at, child in enumerate(before.children):
        if child.marking in rest:
            rest.remove(child.marking)
            same.append(at)
        else:
            changed.append(at)
    return same, changed, rest


def _gone(before: Origins, after: Marking | None) -> Iterator[int]:
    """The origins of all that a step took away."""
    left = [] if after is None else list(after[1])
    for place, cause in zip(before.marking[1], before.causes, strict=True):
        if place in left:
            left.remove(place)
        else:
            yield cause
    if after is None:
        yield from (before.since, before.last)
    _, changed, rest = _sorted_out(before, after)
    for at in changed:
        child = before.children[at]
        became = next((one for one in rest if one[0] == child.marking[0]), None)
        if became is not None:
            rest.remove(became)
        yield from _gone(child, became)


def _moved(before: Origins, after: Marking, cause: int, way: Way | None, place: int | None) -> Origins:
    """``after`` with origins: ``cause`` for all that was not there before. A token on ``place`` is taken away
    at the end of ``way``, even if there is one again."""
    waiting: defaultdict[int, list[int]] = defaultdict(list)
    for token, since in sorted(zip(before.marking[1], before.causes, strict=True)):
        waiting[token].append(since)
    if way == () and place is not None:
        del waiting[place][:1]
    causes = tuple(waiting[token].pop(0) if waiting[token] else cause for token in after[1])

    mover = before.children[way[0]] if way else None
    others = [child for at, child in enumerate(before.children) if not way or at != way[0]]
    rest = list(after[2])
    children, changed = [], [] if mover is None else [mover]
    for child in others:
        if child.marking in rest:
            rest.remove(child.marking)
            children.append(child)
        else:
            changed.append(child)
    for marking in rest:
        became = next((child for child in changed if child.marking[0] == marking[0]), None)
        if became is None:
            children.append(opened(marking, cause))
            continue
        changed.remove(became)
        further = way[1:] if way and became is mover else None
        children.append(_moved(became, marking, cause, further, place))
    children.sort(key=lambda child: (child.since, child.marking))
    last = before.last if way is None else cause
    return Origins(after, before.since, last, causes, tuple(children))

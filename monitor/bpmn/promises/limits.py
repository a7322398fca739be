"""SLAs taken from a model's timers: a timer that runs while something is awaited is a limit on it.

One at a boundary is a limit on its activity, one that starts an event subprocess on what is around it. One
that repeats only reminds, and so does one after an event-based gateway: to go on by it is a way like others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from monitor.bpmn.flow import Flow, Node, NodeKind, Sla, Timer
from monitor.domain.duration import Span
from monitor.domain.limit import Limit
from monitor.domain.verdict import ClockKind

MOST_REMINDERS = 10
"""Of a timer that repeats for ever."""

AT_RISK = 0.8


def limits_of(flow: Flow, text: Callable[[int], str]) -> Iterator[Sla]:
    """The SLAs of the flow's timers, without what :mod:`resolve` finds out. ``text``: how the model writes
    the time of a timer."""
    told: set[str] = set()
    for at, timer in flow.timers.items():
        node = flow.nodes[at]
        if node.id in told:
            continue  # written out several times
        limited = _limited(flow, node)
        if limited is None:
            continue
        told.add(node.id)
        what = f"{limited.name or limited.id} within {text(at)}" if limited is not node else text(at)
        sla = Sla(node.name or what, Limit(), element=node.id)
        if limited.index != at:
            same = tuple(one.index for one in flow.nodes if one.id == limited.id)
            sla = replace(sla, nodes=same, begins=same)
        if limited.kind is NodeKind.RACE:
            sla = replace(sla, kind=ClockKind.REMINDER)
        yield from _timed(sla, timer)


def _limited(flow: Flow, timer: Node) -> Node | None:
    """What the timer is a limit on: an activity, a gateway, the timer itself for the whole process; None for
    one that nothing else waits beside."""
    for node in flow.nodes:
        if timer.index in node.boundaries:
            return node
        if node.kind is NodeKind.RACE and any(flow.arcs[arc].target == timer.index for arc in node.outgoing):
            others = (flow.nodes[flow.arcs[arc].target] for arc in node.outgoing)
            return node if any(other.label is not None for other in others) else None
    for scope in flow.scopes:
        if any(handler.start == timer.index for handler in scope.handlers):
            return timer if scope.owner is None else flow.nodes[scope.owner]
    return None


def _timed(sla: Sla, timer: Timer) -> Iterator[Sla]:
    at_risk = AT_RISK if sla.kind is ClockKind.LIMIT else None
    if timer.date is not None:
        yield replace(sla, limit=Limit(at=timer.date), at_risk=at_risk)
    elif timer.span is not None:
        yield replace(sla, limit=Limit(span=timer.span), at_risk=at_risk)
    elif timer.cycle is not None:
        yield from _reminders(sla, timer)


def _reminders(sla: Sla, timer: Timer) -> Iterator[Sla]:
    cycle = timer.cycle
    assert cycle is not None
    every = cycle.every.plain
    if every is None or cycle.start is not None:
        return
    times = MOST_REMINDERS if cycle.times is None else min(cycle.times, MOST_REMINDERS)
    for count in range(1, times + 1):
        of = f" of {cycle.times}" if cycle.times is not None else ""
        yield replace(
            sla,
            name=f"{sla.name}, reminder {count}{of}",
            limit=Limit(span=Span(time=every * count)),
            kind=ClockKind.REMINDER,
        )


def interrupting(flow: Flow) -> Mapping[int, tuple[str, ...]]:
    """For each node the ids of the timers that end it, or let the flow go on without it."""
    found: dict[int, tuple[str, ...]] = {}

    def around(scope: int) -> tuple[str, ...]:
        handlers = tuple(
            flow.nodes[handler.start].id
            for handler in flow.scopes[scope].handlers
            if handler.interrupting and handler.start in flow.timers
        )
        owner = flow.scopes[scope].owner
        return handlers if owner is None else (*handlers, *own(flow.nodes[owner]))

    def own(node: Node) -> tuple[str, ...]:
        if node.index in found:
            return found[node.index]
        timers = [
            flow.nodes[at].id for at in node.boundaries if at in flow.timers and flow.nodes[at].interrupting
        ]
        races = [node] if node.kind is NodeKind.RACE else _races(flow, node)
        for race in races:
            targets = (flow.arcs[arc].target for arc in race.outgoing)
            timers += [flow.nodes[at].id for at in targets if at in flow.timers]
        found[node.index] = (*timers, *around(node.scope))
        return found[node.index]

    for node in flow.nodes:
        own(node)
    return found


def _races(flow: Flow, node: Node) -> list[Node]:
    sources = (flow.nodes[flow.arcs[arc].source] for arc in node.incoming)
    return [source for source in sources if source.kind is NodeKind.RACE]

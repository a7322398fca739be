"""How long a flow waits by itself before a node can begin: the timers on the ways there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.bpmn.document import EventKind, FlowNode
from monitor.bpmn.flow import Arc, Node, NodeKind, Scope, Timer

MAX_VISITED = 20_000

_ZERO = timedelta(0)


class Delay(NamedTuple):
    """Between the event after which a node becomes possible and its beginning: at least ``least``, and not
    before ``until``; ``most`` at most, and from ``latest`` on (``most`` None: nobody can tell). ``timer``:
    the node of the last timer that makes ``least``."""

    least: timedelta = _ZERO
    until: datetime | None = None
    most: timedelta | None = _ZERO
    latest: datetime | None = None
    timer: int | None = None


NONE = Delay()
UNKNOWN = Delay(most=None)


class Delays:
    """Of one model's nodes. ``elements``: their BPMN elements."""

    def __init__(
        self,
        nodes: tuple[Node, ...],
        arcs: tuple[Arc, ...],
        scopes: tuple[Scope, ...],
        elements: Mapping[int, FlowNode],
        timers: Mapping[int, Timer],
    ) -> None:
        self._nodes, self._arcs, self._scopes = nodes, arcs, scopes
        self._elements = elements
        self._timers = timers
        self._hosts = {at: node.index for node in nodes for at in node.boundaries}
        throwers: defaultdict[int, list[int]] = defaultdict(list)
        for node in nodes:
            if node.catcher is not None:
                throwers[node.catcher[1]].append(node.index)
        self._throwers = dict(throwers)
        self._undone = {node.undo for node in nodes if node.undo is not None}
        self._handlers = {handler.node: scope.index for scope in scopes for handler in scope.handlers}
        self._known: dict[int, Delay] = {}
        self._path: list[int] = []
        self._visited = 0

    def before(self, node: int) -> Delay:
        """Before a token comes to ``node``."""
        self._visited = 0
        return self._before(node) or UNKNOWN

    def _before(self, at: int) -> Delay | None:
        """None: around in a circle, which adds nothing, or else has no end."""
        if at in self._known:
            return self._known[at]
        if at in self._path:
            circle = self._path[self._path.index(at) :]
            return UNKNOWN if any(one in self._timers for one in circle) else None
        self._visited += 1
        if self._visited > MAX_VISITED:
            return UNKNOWN
        self._path.append(at)
        ways = [way for way in self._ways(at) if way is not None]
        self._path.pop()
        found = _either(ways) if ways else None
        if found is not None and not self._path:
            self._known[at] = found
        return found

    def _ways(self, at: int) -> Iterable[Delay | None]:
        node = self._nodes[at]
        if at in self._undone:
            yield UNKNOWN
        if at in self._hosts:
            yield self._before(self._hosts[at])
        for thrower in self._throwers.get(at, ()):
            yield self._before(thrower)
        for arc in node.incoming:
            yield self._after(self._arcs[arc].source)
        scope = self._scopes[node.scope]
        if at in scope.starts or not (node.incoming or at in self._hosts or at in self._throwers):
            yield self._entering(scope)

    def _entering(self, scope: Scope) -> Delay | None:
        if scope.owner is None:
            return NONE
        if scope.owner in self._handlers:
            return self._entering(self._scopes[self._handlers[scope.owner]])
        return self._before(scope.owner)

    def _after(self, at: int) -> Delay | None:
        """After a token has left ``at``, which an event may show."""
        node = self._nodes[at]
        if node.label is not None:
            return NONE
        if node.kind is NodeKind.SUBPROCESS and node.inner is not None:
            ends = [one.index for one in self._nodes if one.scope == node.inner and not one.outgoing]
            inside = [way for end in ends if (way := self._after(end)) is not None]
            return _either(inside) if inside else None
        before = self._before(at)
        return None if before is None else self._own(at, before)

    def _own(self, at: int, before: Delay) -> Delay:
        """With the wait of the event ``at`` itself."""
        node = self._nodes[at]
        if node.type == "startEvent" and self._scopes[node.scope].owner is None:
            return before  # before it there was nothing
        timer = self._timers.get(at)
        if timer is None:
            kinds = {definition.kind for definition in self._elements[at].events}
            waits = kinds & {EventKind.TIMER, EventKind.CONDITIONAL, EventKind.ERROR, EventKind.ESCALATION}
            catches = node.type in ("boundaryEvent", "intermediateCatchEvent", "startEvent")
            return before._replace(most=None) if waits and catches and at not in self._throwers else before
        if timer.date is not None:
            return before._replace(
                until=max(timer.date, before.until or timer.date),
                latest=max(timer.date, before.latest or timer.date),
                timer=at,
            )
        span = timer.span if timer.cycle is None else timer.cycle.every
        wait = None if span is None else span.plain
        if wait is None or (timer.cycle is not None and timer.cycle.start is not None):
            return before._replace(most=None)
        try:
            return before._replace(
                least=before.least + wait,
                most=None if before.most is None else before.most + wait,
                timer=at,
            )
        except OverflowError:
            return before._replace(most=None)


def _either(ways: list[Delay]) -> Delay:
    least = min(ways, key=lambda way: way.least)
    most = [way.most for way in ways]
    until = [way.until for way in ways]
    latest = [way.latest for way in ways if way.latest is not None]
    return Delay(
        least.least,
        None if None in until else min(one for one in until if one is not None),
        None if None in most else max(one for one in most if one is not None),
        max(latest, default=None),
        least.timer,
    )

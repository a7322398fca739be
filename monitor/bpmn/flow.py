"""A compiled expected flow: what the checker plays its token game on. Plain frozen values, no XML.

Tokens rest on *places*. There is one place per sequence flow (only joins let tokens wait there), one per
node (``node_place``: the activity is due, the event is awaited, the choice is open), one per activity that
was seen to start (``running_place``), and one per silent boundary event or event subprocess that does not
interrupt (``fired_place``: it fired already during this activation). What was completed and may have to be
compensated leaves a token (``done_place``); messages between pools and signals are tokens, too
(``message_place``). Only tokens on the first three keep a scope open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Protocol

from monitor.domain.duration import Cycle, Span
from monitor.domain.limit import Limit
from monitor.domain.objective import Objective
from monitor.domain.verdict import ClockKind


class NodeKind(IntEnum):
    """How a node handles tokens, whatever its BPMN type.

    ``PASS``: hands a token on (merges, none events, silent steps). ``TASK``: waits for its event.
    ``XOR``: one of the outgoing flows. ``AND``: joins, and hands a token on by every flow. ``OR``: the
    same, but joins as soon as no further token can come.
    ``RACE``: event-based gateway, the first event among its targets decides. ``SUBPROCESS``: opens a scope.
    ``END``: consumes. ``TERMINATE``: ends its scope. ``THROW``: error or escalation to ``catcher``.
    ``BOUNDARY``: never holds a token itself. ``SPAWN``: gives any number of tokens to any outgoing flow,
    until it is enough. ``COMPLEX``: a join that fires once ``least`` of its flows have tokens, and swallows
    the others'. ``COMPENSATE``: runs the handlers of what was completed, then goes on.
    """

    PASS = 0
    TASK = 1
    XOR = 2
    OR = 3
    AND = 4
    RACE = 5
    SUBPROCESS = 6
    END = 7
    TERMINATE = 8
    THROW = 9
    BOUNDARY = 10
    SPAWN = 11
    COMPLEX = 12
    COMPENSATE = 13


@dataclass(frozen=True, slots=True)
class Arc:
    """A sequence flow; ``always`` is False for a conditional one."""

    index: int
    id: str
    source: int
    target: int
    always: bool = True


@dataclass(frozen=True, slots=True)
class Node:
    """``label``: what its event is called (None: silent). ``start_label``: a separate event for its start.
    ``boundaries``: nodes of the boundary events that may fire by themselves (those that only catch what is
    thrown inside are reached through the thrower's ``catcher``). ``interrupting``: of a boundary event.
    ``inner``: the scope a subprocess opens. ``catcher``: for THROW, how many scopes up and which boundary
    node catches it; None: nobody does, the process ends. ``reach``, of an inclusive join: for each node which
    of the incoming flows (as bits) a token there may still come by.
    ``sends``/``receives``: message flows between pools; an event that receives by one is silent and needs
    its message to be on the way, for the sender's event told of both. ``hears``: signals that this flow sends
    itself; the event may be silent where one is on its way. ``undo``: the node that compensates this
    activity once it is completed. ``undoes``: the activities a COMPENSATE node is about, ``outward`` where
    they are those of the scope around its event subprocess. ``ends``: of COMPENSATE, it ends whatever else
    goes on in its scope first; of SPAWN, at last. ``least``: of COMPLEX; ``passed`` are the nodes
    before it whose fired places say which flows it has fired for."""

    index: int
    id: str
    name: str
    type: str
    kind: NodeKind
    scope: int
    label: str | None = None
    start_label: str | None = None
    incoming: tuple[int, ...] = ()
    outgoing: tuple[int, ...] = ()
    boundaries: tuple[int, ...] = ()
    interrupting: bool = True
    inner: int | None = None
    catcher: tuple[int, int] | None = None
    reach: tuple[int, ...] = ()
    sends: tuple[int, ...] = ()
    receives: tuple[int, ...] = ()
    hears: tuple[int, ...] = ()
    undo: int | None = None
    undoes: tuple[int, ...] = ()
    outward: bool = False
    ends: bool = False
    least: int = 1
    passed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Handler:
    """Something that may begin at any time while its scope is open, when its start event ``start`` comes: an
    event subprocess, or a pool that a message of another one calls to life. ``node``: what is begun."""

    node: int
    start: int
    interrupting: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """The process (index 0) or a subprocess. ``starts`` are alternatives where ``choice`` (one of them is
    taken, when its event is seen or silently), else all begin at once. ``sequential``: an ad-hoc subprocess
    in which nothing happens beside a running activity."""

    index: int
    owner: int | None
    starts: tuple[int, ...]
    choice: bool
    handlers: tuple[Handler, ...] = ()
    sequential: bool = False


class Condition(Protocol):
    """A condition on kept data: its text as people read it, the ``fields`` it speaks of, and whether it
    holds, None where the data does not decide."""

    @property
    def text(self) -> str: ...

    @property
    def fields(self) -> frozenset[str]: ...

    def holds(self, values: Mapping[str, Any]) -> bool | None: ...


@dataclass(frozen=True, slots=True)
class Guard:
    """The condition of a sequence flow, ``flow`` being its id. While it does not hold the arcs ``unless`` are
    forbidden, while it holds those of ``when`` are (the default flow; leaving out an inclusive one)."""

    flow: str
    condition: Condition
    unless: tuple[int, ...]
    when: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sla:
    """A promise about traces of the flow (DESIGN 3.5).

    Its clock runs from label ``start`` (None: the trace's first event) to label ``end`` (None: the flow's
    completion); or while one of ``on`` is awaited, labels or ids of elements; or (``idle``) since the last
    event. ``limit`` says when it is due. ``at_risk``: once such a share of its time has passed, or so much is
    left; None: never. It stands still from a ``pause`` label to a ``resume`` one.

    Of ``on`` compiling finds: ``nodes``, those that wait, and ``begins``, those that wait to be seen to
    start; ``ends``, the labels they end with, ``at_once`` where such an event is about nothing else;
    ``delay``, how long the flow itself waits before they can begin (None: nobody can tell), ``not_before``
    which time; ``escapes``, names of the SLAs past whose due time the flow may go on without them.
    """

    name: str
    limit: Limit
    start: str | None = None
    end: str | None = None
    on: tuple[str, ...] = ()
    idle: bool = False
    at_risk: float | timedelta | None = None
    severity: str = "warning"
    kind: ClockKind = ClockKind.LIMIT
    element: str | None = None
    pause: frozenset[str] = frozenset()
    resume: frozenset[str] = frozenset()
    objective: Objective | None = None
    nodes: tuple[int, ...] = ()
    begins: tuple[int, ...] = ()
    ends: frozenset[str] = frozenset()
    at_once: bool = True
    delay: timedelta | None = timedelta(0)
    not_before: datetime | None = None
    escapes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timer:
    """When a timer event fires, counted from when it is waited for: after ``span``, at ``date``, or again and
    again (``cycle``). None of them: nobody can tell from the model."""

    span: Span | None = None
    date: datetime | None = None
    cycle: Cycle | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A minimum wait: between the moment ``label`` becomes possible and its event ``least`` must pass, and
    ``until`` must be past, for the flow waits for timer ``element`` first, called ``name``."""

    label: str
    least: timedelta
    until: datetime | None
    element: str
    name: str


@dataclass(frozen=True, slots=True)
class Ordering:
    """``tolerance``: events at most this far apart are concurrent. ``lateness``: how long after the watermark
    passed a finding stays provisional."""

    tolerance: timedelta = timedelta(0)
    lateness: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Flow:
    """One version of one expected flow. ``hash`` covers everything a verdict depends on.

    ``labels`` maps each label to the ids of the elements it is seen at; ``aliases`` maps element ids and
    further names to labels. ``guards`` are the conditions that kept data may decide. ``timers``: by node,
    those events that a timer alone brings about, and when.
    """

    key: str
    name: str
    file: str
    hash: str
    nodes: tuple[Node, ...]
    arcs: tuple[Arc, ...]
    scopes: tuple[Scope, ...]
    labels: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    main_key: str | None = None
    slas: tuple[Sla, ...] = ()
    ordering: Ordering = Ordering()
    guards: tuple[Guard, ...] = ()
    waits: tuple[Wait, ...] = ()
    timers: Mapping[int, Timer] = field(default_factory=dict)

    def node_place(self, node: int) -> int:
        return len(self.arcs) + node

    def running_place(self, node: int) -> int:
        return len(self.arcs) + len(self.nodes) + node

    def fired_place(self, node: int) -> int:
        return len(self.arcs) + 2 * len(self.nodes) + node

    def done_place(self, node: int) -> int:
        return len(self.arcs) + 3 * len(self.nodes) + node

    def message_place(self, message: int) -> int:
        """Where messages on the way are, in the outermost scope."""
        return len(self.arcs) + 4 * len(self.nodes) + message

    def joins_of_marks(self) -> dict[int, int]:
        """The complex joins by the fired places that say that they have fired."""
        return {
            self.fired_place(index): node.index
            for node in self.nodes
            if node.kind is NodeKind.COMPLEX
            for index in node.passed
        }

    def place_node(self, place: int) -> int:
        """The node a token on ``place`` stands at or before."""
        if place < len(self.arcs):
            return self.arcs[place].target
        return (place - len(self.arcs)) % len(self.nodes)

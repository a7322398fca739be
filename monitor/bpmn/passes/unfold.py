"""Loops, multi-instances, ad-hoc subprocesses and called processes, written out before anything is compiled.

An activity with a marker becomes a subprocess around copies of itself, so that its boundary events guard all
of them; a call activity becomes a subprocess with the called process in it. Copies keep the file's id as
their ``origin``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from monitor.bpmn.document import EventDefinition, EventKind, FlowNode, Loop, Process, SequenceFlow
from monitor.bpmn.passes.spread import spread

MOST_COPIES = 200
"""A constant number of instances past which it is read as any number."""

SPAWN = "spawn"
"""The type of a node that begins others any number of times."""

Refuse = Callable[[FlowNode, str], None]


def unfold(
    process: Process, called: Mapping[str, Process], named: Collection[str], refuse: Refuse
) -> Process:
    """The process without markers, multiple events and calls of ``called`` processes. ``named``: ids and
    names of elements that the configuration speaks of, as one event each. ``refuse`` is told of an element
    that cannot be written out."""
    return _Unfolding(called, named, refuse).process(process)


class _Unfolding:
    def __init__(self, called: Mapping[str, Process], named: Collection[str], refuse: Refuse) -> None:
        self._called = called
        self._named = named
        self._refuse = refuse

    def process(self, process: Process) -> Process:
        nodes, flows = self._content(process.nodes, process.flows, event=False)
        return replace(process, nodes=nodes, flows=flows)

    def _content(
        self,
        nodes: Sequence[FlowNode],
        flows: Sequence[SequenceFlow],
        *,
        event: bool,
    ) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
        spread_nodes, spread_flows = spread(nodes, flows, self._named, self._refuse, event=event)
        return tuple(self._unfolded(node) for node in spread_nodes), spread_flows

    def _unfolded(self, node: FlowNode) -> FlowNode:
        called = self._called.get(node.called_element or "") if node.type == "callActivity" else None
        if called is not None:
            node = _call(node, called)
        if node.children:
            inside, flows = self._content(node.children, node.flows, event=node.triggered_by_event)
            node = replace(node, children=inside, flows=flows)
        if node.type == "adHocSubProcess":
            node = _ad_hoc(node)
        return _repeated(node, node.loop) if node.loop is not None else node


def _call(node: FlowNode, process: Process) -> FlowNode:
    """The called process in the call's place."""
    children, flows = renamed(process.nodes, process.flows, f"{node.id}~")
    return replace(node, type="subProcess", children=children, flows=flows)


def _repeated(node: FlowNode, loop: Loop) -> FlowNode:
    number = loop.cardinality
    if number is not None and number > MOST_COPIES:
        number = None
    early = loop.condition is not None
    scope = _Scope(node)
    if loop.kind == "standard" and loop.maximum is not None and loop.maximum <= MOST_COPIES:
        scope.one_after_the_other(loop.maximum, early=True, none=loop.test_before)
    elif loop.kind == "standard":
        scope.any_number(at_least_one=not loop.test_before)
    elif number is None and loop.kind == "sequential":
        scope.any_number(at_least_one=False)
    elif number is None:
        scope.spawned(early=early)
    elif loop.kind == "sequential":
        scope.one_after_the_other(number, early=early)
    else:
        scope.at_once(number, early=early)
    return scope.around()


def _ad_hoc(node: FlowNode) -> FlowNode:
    """Whatever has nothing before it in an ad-hoc subprocess may be begun any number of times."""
    entered = {flow.target for flow in node.flows}
    spawn = _spawn(node, interrupting=node.cancel_remaining)
    begun = [
        SequenceFlow(f"{spawn.id}~{child.id}", spawn.id, child.id, child.place)
        for child in node.children
        if child.id not in entered
        and child.type != "boundaryEvent"
        and not child.triggered_by_event
        and not child.for_compensation
    ]
    children = (
        replace(child, type="intermediateCatchEvent") if child.type == "startEvent" else child
        for child in node.children
    )
    return replace(node, children=(*children, spawn), flows=(*node.flows, *begun))


def _spawn(node: FlowNode, *, interrupting: bool) -> FlowNode:
    """What begins activities until it is enough. ``interrupting``: what still runs then ends with it."""
    origin = node.origin or node.id
    return FlowNode(f"{node.id}~spawn", SPAWN, node.place, origin=origin, interrupting=interrupting)


class _Scope:
    """The subprocess around the copies of ``node``."""

    def __init__(self, node: FlowNode) -> None:
        self._node = node
        self._children: list[FlowNode] = []
        self._flows: list[SequenceFlow] = []
        self._start = self._add("startEvent", "start")

    def any_number(self, *, at_least_one: bool) -> None:
        """A loop with the choice at its end, or at its beginning."""
        merge, each = self._add("exclusiveGateway", "again"), self._copy("each")
        choice = self._add("exclusiveGateway", "enough") if at_least_one else merge
        self._flow(self._start, merge)
        self._flow(merge, each)
        self._flow(each, choice)
        if choice != merge:
            self._flow(choice, merge)
        self._flow(choice, self._add("endEvent", "end"))

    def one_after_the_other(self, number: int, *, early: bool, none: bool = False) -> None:
        """So many copies in a row; ``early``: fewer may do, ``none``: even none."""
        last = self._start
        end = self._add("endEvent", "end")
        for count in range(number):
            if (count and early) or none:
                choice = self._add("exclusiveGateway", f"enough{count}")
                self._flow(last, choice)
                self._flow(choice, end)
                last = choice
            each = self._copy(f"{count + 1}")
            self._flow(last, each)
            last = each
        self._flow(last, end)

    def spawned(self, *, early: bool) -> None:
        """Any number at once; the subprocess ends with the last of them, or with any."""
        spawn = _spawn(self._node, interrupting=False)
        self._children.append(spawn)
        self._flow(self._start, spawn.id)
        each = self._copy("each")
        self._flow(spawn.id, each)
        self._ended_by(each, early=early)

    def at_once(self, number: int, *, early: bool) -> None:
        """So many tokens for one copy."""
        each = self._copy("each")
        for _ in range(number):
            self._flow(self._start, each)
        self._ended_by(each, early=early)

    def _ended_by(self, each: str, *, early: bool) -> None:
        """``early``: one that is done may end the others."""
        end = self._add("endEvent", "end")
        if early:
            choice = self._add("exclusiveGateway", "enough")
            self._flow(each, choice)
            self._flow(choice, self._add("endEvent", "stop", terminate=True))
            self._flow(choice, end)
        else:
            self._flow(each, end)

    def around(self) -> FlowNode:
        return replace(
            self._node,
            type="subProcess",
            events=(),
            loop=None,
            children=tuple(self._children),
            flows=tuple(self._flows),
        )

    def _copy(self, name: str) -> str:
        node = self._node
        id_ = f"{node.id}~{name}"
        children, flows = renamed(node.children, node.flows, f"{id_}~")
        copy = replace(
            node,
            id=id_,
            origin=node.origin or node.id,
            loop=None,
            incoming=(),
            outgoing=(),
            default=None,
            children=children,
            flows=flows,
        )
        self._children.append(copy)
        return id_

    def _add(self, type_: str, name: str, *, terminate: bool = False) -> str:
        node = self._node
        events = (EventDefinition(EventKind.TERMINATE),) if terminate else ()
        id_ = f"{node.id}~{name}"
        origin = node.origin or node.id
        self._children.append(FlowNode(id_, type_, node.place, origin=origin, events=events))
        return id_

    def _flow(self, source: str, target: str) -> None:
        id_ = f"{self._node.id}~{len(self._flows)}"
        self._flows.append(SequenceFlow(id_, source, target, self._node.place))


def renamed(
    nodes: Sequence[FlowNode], flows: Sequence[SequenceFlow], prefix: str
) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
    """Copies under ids of their own."""

    def name(old: str | None) -> str | None:
        return None if old is None else prefix + old

    copies = []
    for node in nodes:
        children, inner = renamed(node.children, node.flows, prefix)
        copies.append(
            replace(
                node,
                id=prefix + node.id,
                origin=node.origin or node.id,
                default=name(node.default),
                attached_to=name(node.attached_to),
                incoming=tuple(prefix + flow for flow in node.incoming),
                outgoing=tuple(prefix + flow for flow in node.outgoing),
                children=children,
                flows=inner,
            )
        )
    return tuple(copies), tuple(
        replace(flow, id=prefix + flow.id, source=prefix + flow.source, target=prefix + flow.target)
        for flow in flows
    )

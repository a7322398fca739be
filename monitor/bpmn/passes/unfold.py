"""Loops, multi-instances and called processes, written out as plain BPMN before anything is compiled.

An activity with a marker becomes a subprocess around copies of itself, so that its boundary events guard all
of them; a call activity becomes a subprocess with the called process in it. Copies keep the file's id as
their ``origin``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from monitor.bpmn.document import (
    TASKS,
    EventDefinition,
    EventKind,
    FlowNode,
    Loop,
    Process,
    SequenceFlow,
)

MOST_COPIES = 200
"""A constant number of instances past which it is read as any number."""

Refuse = Callable[[FlowNode, str], None]


def unfold(process: Process, called: Mapping[str, Process], refuse: Refuse) -> Process:
    """The process without markers and calls of ``called`` processes. ``refuse`` is told of an element that
    cannot be written out."""
    nodes = _nodes(process.nodes, called, (process.id,), refuse)
    return replace(process, nodes=nodes)


def _nodes(
    nodes: Sequence[FlowNode], called: Mapping[str, Process], calling: tuple[str, ...], refuse: Refuse
) -> tuple[FlowNode, ...]:
    return tuple(_unfolded(node, called, calling, refuse) for node in nodes)


def _unfolded(
    node: FlowNode, called: Mapping[str, Process], calling: tuple[str, ...], refuse: Refuse
) -> FlowNode:
    process = called.get(node.called_element or "") if node.type == "callActivity" else None
    if process is not None and process.id in calling:
        refuse(node, "call activities that lead back to themselves")
    elif process is not None:
        node = _call(node, process)
        calling = (*calling, process.id)
    if node.children:
        node = replace(node, children=_nodes(node.children, called, calling, refuse))
    return _repeated(node, node.loop, refuse) if node.loop is not None else node


def _call(node: FlowNode, process: Process) -> FlowNode:
    """The called process in the call's place."""
    children, flows = renamed(process.nodes, process.flows, f"{node.id}~")
    return replace(node, type="subProcess", children=children, flows=flows)


def _repeated(node: FlowNode, loop: Loop, refuse: Refuse) -> FlowNode:
    number = loop.cardinality
    if number is not None and number > MOST_COPIES:
        number = None
    if loop.kind == "parallel" and number is None and node.type not in TASKS:
        refuse(node, "parallel multi-instance subprocesses of no constant number")
        return replace(node, loop=None)
    scope = _Scope(node)
    if loop.kind == "standard":
        scope.any_number(at_least_one=not loop.test_before)
    elif number is None:  # of tasks: one after the other or at once, their events are the same
        scope.any_number(at_least_one=False)
    elif loop.kind == "sequential":
        scope.one_after_the_other(number, early=loop.condition is not None)
    else:
        scope.at_once(number, early=loop.condition is not None)
    return scope.around()


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

    def one_after_the_other(self, number: int, *, early: bool) -> None:
        last = self._start
        end = self._add("endEvent", "end")
        for count in range(number):
            each = self._copy(f"{count + 1}")
            self._flow(last, each)
            last = each
            if early and count + 1 < number:
                last = self._add("exclusiveGateway", f"enough{count + 1}")
                self._flow(each, last)
                self._flow(last, end)
        self._flow(last, end)

    def at_once(self, number: int, *, early: bool) -> None:
        """So many tokens for one copy; the subprocess ends with the last of them, or with any."""
        each, end = self._copy("each"), self._add("endEvent", "end")
        for _ in range(number):
            self._flow(self._start, each)
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

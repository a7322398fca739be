"""What an SLA is about, found in the flow: the nodes that wait, how they end, and what may come first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from monitor.bpmn.flow import Flow, Node, NodeKind, Sla, Wait
from monitor.bpmn.promises.delays import Delays
from monitor.bpmn.promises.limits import interrupting

Complain = Callable[[str, str], None]
"""Takes the SLA's name and what is wrong with it."""


def resolved(flow: Flow, slas: Iterable[Sla], delays: Delays, complain: Complain) -> tuple[Sla, ...]:
    """The SLAs with all that the flow says of them. What they name and the flow lacks is complained of."""
    slas = tuple(slas)
    by_timer: dict[str, list[str]] = {}
    for sla in slas:
        if sla.element is not None:
            by_timer.setdefault(sla.element, []).append(sla.name)
    ending = interrupting(flow)
    return tuple(_resolved(flow, sla, delays, ending, by_timer, complain) for sla in slas)


def _resolved(
    flow: Flow,
    sla: Sla,
    delays: Delays,
    ending: Mapping[int, tuple[str, ...]],
    by_timer: Mapping[str, list[str]],
    complain: Complain,
) -> Sla:
    start = None if sla.start is None else _label(flow, sla, sla.start, complain)
    end = None if sla.end is None else _label(flow, sla, sla.end, complain)
    pause, resume = (
        frozenset(label for name in names for label in [_label(flow, sla, name, complain)] if label)
        for names in (sla.pause, sla.resume)
    )
    sla = replace(sla, start=start, end=end, pause=pause, resume=resume)
    nodes, begins = set(sla.nodes), set(sla.begins)
    for name in sla.on:
        ends, starts = _awaited(flow, name)
        if not ends and not starts:
            complain(sla.name, _unknown(flow, name, elements=True))
        nodes |= ends
        begins |= starts
    if not nodes and not begins:
        return sla
    waiting = [flow.nodes[at] for at in sorted(nodes | begins)]
    over = frozenset(
        label
        for node in waiting
        for label in (_ends(flow, node) if node.index in nodes else {node.start_label or ""})
    )
    before = [delays.before(node.index) for node in waiting if node.index in begins or not node.start_label]
    most = [delay.most for delay in before]
    latest = [delay.latest for delay in before if delay.latest is not None]
    elsewhere = {one.index for one in flow.nodes if {one.label, one.start_label} & over}
    escapes = {
        name
        for node in waiting
        for timer in ending[node.index]
        if timer != sla.element
        for name in by_timer.get(timer, ())
    }
    return replace(
        sla,
        nodes=tuple(sorted(nodes)),
        begins=tuple(sorted(begins)),
        ends=over,
        at_once=elsewhere <= _at_once(flow, waiting),
        delay=None if None in most else max((one for one in most if one is not None), default=None),
        not_before=max(latest, default=None),
        escapes=tuple(sorted(escapes)),
        element=sla.element or waiting[0].id,
    )


def waits_of(flow: Flow, delays: Delays) -> Iterator[Wait]:
    """The least time between a label's becoming possible and its event."""
    labels: dict[str, list[Node]] = {}
    for node in flow.nodes:
        for label in {node.start_label or node.label}:
            if label is not None:
                labels.setdefault(label, []).append(node)
        if node.start_label is not None and node.label is not None:
            labels.setdefault(node.label, []).append(node)
    for label, nodes in sorted(labels.items()):
        if any(node.start_label is not None and node.label == label for node in nodes):
            continue  # after its start there is no timer
        found = [delays.before(node.index) for node in nodes]
        least = min(found, key=lambda delay: delay.least)
        until = [delay.until for delay in found]
        dated = None if None in until else min(one for one in until if one is not None)
        if (least.least or dated is not None) and least.timer is not None:
            timer = flow.nodes[least.timer]
            yield Wait(label, least.least, dated, timer.id, timer.name or timer.id)


def _label(flow: Flow, sla: Sla, name: str, complain: Complain) -> str:
    if name in flow.labels:
        return name
    meant = flow.aliases.get(name, ())
    if len(meant) == 1:
        return meant[0]
    complain(sla.name, _unknown(flow, name, elements=False))
    return name


def _unknown(flow: Flow, name: str, *, elements: bool) -> str:
    known = ", ".join(sorted(flow.labels))
    also = "; or the id of an activity or event-based gateway" if elements else ""
    return f"names “{name}”; the flow has: {known}{also}."


def _awaited(flow: Flow, name: str) -> tuple[set[int], set[int]]:
    """The nodes that wait for what ``name`` means: for their end, and for their start."""
    ends = {node.index for node in flow.nodes if node.label == name}
    starts = {node.index for node in flow.nodes if node.start_label == name}
    starts |= {at for at in ends if flow.nodes[at].start_label is None}
    if ends or starts:
        return ends, starts
    waiting = (NodeKind.TASK, NodeKind.SUBPROCESS, NodeKind.RACE, NodeKind.END)
    whole = {node.index for node in flow.nodes if node.id == name and node.kind in waiting}
    if not whole:
        labels = flow.aliases.get(name, ())
        return _awaited(flow, labels[0]) if len(labels) == 1 and labels[0] != name else (set(), set())
    return whole, whole


def _ends(flow: Flow, node: Node) -> set[str]:
    """The labels of events after which it may have ended."""
    if node.kind is NodeKind.RACE:
        targets = (flow.nodes[flow.arcs[arc].target] for arc in node.outgoing)
        return {target.label for target in targets if target.label is not None}
    if node.inner is None:
        return set() if node.label is None else {node.label}
    return {label for one in _inside(flow, node.inner) for label in (one.label,) if label is not None}


def _inside(flow: Flow, scope: int) -> Iterator[Node]:
    for node in flow.nodes:
        if node.scope == scope:
            yield node
            if node.inner is not None:
                yield from _inside(flow, node.inner)


def _at_once(flow: Flow, waiting: Iterable[Node]) -> set[int]:
    """Nodes whose event ends what is waited for, whatever else waits then."""
    found: set[int] = set()
    for node in waiting:
        if node.kind is NodeKind.RACE:
            found.update(flow.arcs[arc].target for arc in node.outgoing)
        elif node.inner is None:
            found.add(node.index)
    return found

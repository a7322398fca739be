"""Names are how events find their elements: missing and repeated ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from monitor.bpmn.document import TASKS, EventKind, FlowNode, Problem, Process, Severity
from monitor.bpmn.rules.scope import has_kind, problem


def label(node: FlowNode) -> str:
    """What an event of this element is called: its message's or signal's name, else its own."""
    told = (d.reference for d in node.events if d.kind in (EventKind.MESSAGE, EventKind.SIGNAL))
    return next(filter(None, told), None) or node.message or node.name


def is_observable(node: FlowNode) -> bool:
    """Tasks, call activities, message and signal events: what a service can tell of."""
    return (
        node.type in TASKS
        or node.type == "callActivity"
        or has_kind(node, EventKind.MESSAGE, EventKind.SIGNAL)
    )


def unnamed(process: Process) -> Iterator[Problem]:
    for node in process.walk():
        if is_observable(node) and not label(node):
            said = (
                "It has no name, so an event can only be bound to it by its id. Name it as the event's type."
            )
            yield problem(Severity.WARNING, "unnamed", node, said)


def ambiguous(process: Process) -> Iterator[Problem]:
    """One name on several elements: an event of that name may be any of them."""
    named: defaultdict[str, list[FlowNode]] = defaultdict(list)
    for node in process.walk():
        if is_observable(node) and label(node):
            named[label(node)].append(node)
    for name, nodes in named.items():
        if len(nodes) < 2:
            continue
        others = ", ".join(f"{node.id} (line {node.place.line})" for node in nodes[1:4])
        more = f" and {len(nodes) - 4} more" if len(nodes) > 4 else ""
        said = (
            f"'{name}' is ambiguous: {others}{more} has the same name, and an event of that name may mean"
            " any of them. Rename, or bind events to element ids."
        )
        yield problem(Severity.WARNING, "ambiguous-name", nodes[0], said)

"""Which event may stand where, and what it needs: kinds, boundaries, timers, event subprocesses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.bpmn.document import EVENTS, EventKind, FlowNode, Problem, Process, Severity
from monitor.bpmn.rules.scope import Scope, has_kind, problem

_K = EventKind
_ALLOWED = {
    "intermediateCatchEvent": {_K.MESSAGE, _K.TIMER, _K.SIGNAL, _K.CONDITIONAL, _K.LINK},
    "intermediateThrowEvent": {_K.NONE, _K.MESSAGE, _K.SIGNAL, _K.ESCALATION, _K.COMPENSATION, _K.LINK},
    "boundaryEvent": {
        _K.MESSAGE, _K.TIMER, _K.SIGNAL, _K.CONDITIONAL, _K.ERROR, _K.ESCALATION, _K.CANCEL, _K.COMPENSATION,
    },
    "endEvent": {
        _K.NONE, _K.MESSAGE, _K.SIGNAL, _K.ERROR, _K.ESCALATION, _K.CANCEL, _K.COMPENSATION, _K.TERMINATE,
    },
}  # fmt: skip
"""BPMN table 10.93: which trigger or result an event of this type can have."""

_START_OF_PROCESS = {_K.NONE, _K.MESSAGE, _K.TIMER, _K.SIGNAL, _K.CONDITIONAL}
_START_OF_SUBPROCESS = {_K.NONE}
_START_OF_EVENT_SUBPROCESS = {
    _K.MESSAGE, _K.TIMER, _K.SIGNAL, _K.CONDITIONAL, _K.ERROR, _K.ESCALATION, _K.COMPENSATION,
}  # fmt: skip


def kinds(scope: Scope) -> Iterator[Problem]:
    for node in scope.nodes:
        if node.type not in EVENTS:
            continue
        allowed = _start_kinds(scope) if node.type == "startEvent" else _ALLOWED[node.type]
        for kind in [definition.kind for definition in node.events] or [_K.NONE]:
            if kind not in allowed:
                what = "an event without a trigger" if kind is _K.NONE else f"a {kind} event"
                said = f"A {node.type} here cannot be {what}. Possible: {', '.join(sorted(allowed))}."
                yield problem(Severity.WARNING, "event-kind", node, said)


def _start_kinds(scope: Scope) -> set[EventKind]:
    if isinstance(scope.owner, Process):
        return _START_OF_PROCESS
    return _START_OF_EVENT_SUBPROCESS if scope.owner.triggered_by_event else _START_OF_SUBPROCESS


def boundaries(scope: Scope) -> Iterator[Problem]:
    """BPMN 10.5.4: a boundary event sits on an activity of its own scope."""
    for node in scope.nodes:
        if node.type != "boundaryEvent":
            continue
        host = scope.by_id.get(node.attached_to or "")
        if node.attached_to is None:
            said = (
                "The boundary event is attached to nothing, so it can never happen. Attach it to an activity."
            )
            yield problem(Severity.ERROR, "boundary-unattached", node, said)
        elif host is None:
            said = f"It is attached to {node.attached_to}, which is in another process or subprocess."
            yield problem(Severity.ERROR, "boundary-host", node, said)
        elif not host.is_activity:
            said = f"It is attached to {host.id}, a {host.type}: boundary events belong on activities."
            yield problem(Severity.ERROR, "boundary-host", node, said)
        elif has_kind(node, _K.CANCEL) and host.type != "transaction":
            yield _no_transaction(node)
        if not node.interrupting and has_kind(node, _K.ERROR, _K.CANCEL):
            said = "An error or a cancellation always interrupts its activity, whatever the file says."
            yield problem(Severity.WARNING, "must-interrupt", node, said)


def cancel_ends(scope: Scope) -> Iterator[Problem]:
    in_transaction = isinstance(scope.owner, FlowNode) and scope.owner.type == "transaction"
    for node in scope.nodes:
        if node.type == "endEvent" and has_kind(node, _K.CANCEL) and not in_transaction:
            yield _no_transaction(node)


def _no_transaction(node: FlowNode) -> Problem:
    said = "Only a transaction can be cancelled. Use a transaction, or an error or escalation event."
    return problem(Severity.WARNING, "cancel-outside-transaction", node, said)


def event_subprocesses(scope: Scope) -> Iterator[Problem]:
    """BPMN 10.3.5: its one start event triggers it; no sequence flow does."""
    for node in scope.nodes:
        if not node.triggered_by_event:
            continue
        if node.incoming or node.outgoing:
            said = (
                "Sequence flows are attached to an event subprocess, which only its own start event begins."
            )
            yield problem(Severity.WARNING, "event-subprocess-flow", node, said)
        count = sum(child.type == "startEvent" for child in node.children)
        if count != 1:
            said = (
                f"An event subprocess has one start event, which triggers it; this one has {count or 'none'}."
            )
            yield problem(Severity.WARNING, "event-subprocess-start", node, said)


_DURATION = r"P(?=[\dT])(?:\d+(?:[.,]\d+)?[YMWD])*(?:T(?:\d+(?:[.,]\d+)?[HMS])+)?"
_CLOCK = r"\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?(?:\[[\w/+-]+\])?"
_DATE = rf"\d{{4}}-?\d\d-?\d\d(?:[T ]{_CLOCK})?"
_TIMES = {
    "duration": re.compile(_DURATION),
    "date": re.compile(_DATE),
    "cycle": re.compile(rf"R-?\d*/(?:{_DATE}/)?{_DURATION}(?:/{_DATE})?"),
}
_EXPRESSION = re.compile(r"=|[$#]\{")


def timers(scope: Scope) -> Iterator[Problem]:
    """A timer's time is ISO 8601 or an expression (``=...``, ``${...}``), a cycle also a cron expression."""
    for node in scope.nodes:
        for definition in node.events:
            if definition.kind is not _K.TIMER:
                continue
            text, kind = definition.expression, definition.timer_kind
            if text is None or kind is None:
                said = "The timer does not say when: no time limit can be taken from it."
                yield problem(Severity.INFO, "timer-without-time", node, said)
            elif not _is_time(kind, text):
                said = f"'{text[:80]}' is no ISO 8601 {kind}: no time limit can be taken from it."
                yield problem(Severity.INFO, "timer-not-iso", node, said)


def _is_time(kind: str, text: str) -> bool:
    is_cron = kind == "cycle" and len(text.split()) in (5, 6, 7)
    return bool(is_cron or _EXPRESSION.match(text) or _TIMES[kind].fullmatch(text[:200]))

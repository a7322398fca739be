"""Conditions on sequence flows: those that are not understood, and those that nothing kept can decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from monitor.bpmn.conditions import Condition, NotUnderstood, parse
from monitor.bpmn.document import Document, Problem, SequenceFlow, Severity
from monitor.bpmn.rules.scope import Scope, problem

_BLIND = ("parallelGateway", "eventBasedGateway")


def unreadable(scope: Scope) -> Iterator[Problem]:
    """Conditions of which some part is not understood. Each is passed over: its branch is always possible."""
    for flow, condition in _conditions(scope):
        if isinstance(condition, NotUnderstood):
            said = (
                f"The condition is not understood: {condition.reason}. Both branches stay possible. To have"
                " it judged, write it as a comparison in FEEL (=amount > 1000) or JUEL (${amount > 1000})."
            )
            yield problem(Severity.INFO, "condition-not-understood", flow, said)


def unreadable_conditions(document: Document) -> Iterator[Problem]:
    """:func:`unreadable` for a whole file."""
    for process in document.processes:
        for scope in Scope.all_of(process):
            yield from unreadable(scope)


def undecided_conditions(document: Document, is_kept: Callable[[str], bool]) -> Iterator[Problem]:
    """Conditions over fields nothing keeps, so that no event can decide them. ``is_kept``: whether some rule
    of the configuration keeps the field of this dotted name."""
    for process in document.processes:
        for scope in Scope.all_of(process):
            for flow, condition in _conditions(scope):
                if isinstance(condition, NotUnderstood):
                    continue
                lost = sorted(field for field in condition.fields if not is_kept(field))
                if lost:
                    said = (
                        f"Nothing keeps {', '.join(lost)}, which the condition reads: where that decides,"
                        " both branches stay possible. Add to the rule of the event that has it:"
                        f" `attributes: {{{lost[0]}: data.{lost[0]}}}`."
                    )
                    yield problem(Severity.INFO, "condition-not-kept", flow, said)


def _conditions(scope: Scope) -> Iterator[tuple[SequenceFlow, Condition | NotUnderstood]]:
    """Those that decide something: a default flow's does not, nor one after a gateway that looks at none."""
    for flow in scope.flows:
        source = scope.by_id.get(flow.source)
        if flow.condition is None or source is None or source.type in _BLIND or source.default == flow.id:
            continue
        yield flow, parse(flow.condition, flow.condition_language)

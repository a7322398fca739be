"""Sequence flows: which scope each belongs to, and what comes into and goes out of every node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from monitor.bpmn.compensation import handlers, is_handling
from monitor.bpmn.conditions import names_language
from monitor.bpmn.document import SUBPROCESSES, SequenceFlow, Severity
from monitor.bpmn.reading import NODES, Reading, identifier, model_elements
from monitor.bpmn.tree import Element, one_line

_CHOICES = frozenset({"exclusiveGateway", "inclusiveGateway", "complexGateway"})

_RESOURCE = "{http://camunda.org/schema/1.0/bpmn}resource"


@dataclass(slots=True)
class Wiring:
    """``flows`` by the id of the process or subprocess they belong to; flow ids by node id, in file order;
    ``handlers`` by the id of their compensation boundary event."""

    flows: defaultdict[str, list[SequenceFlow]] = field(default_factory=lambda: defaultdict(list))
    incoming: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    outgoing: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    handlers: dict[str, str] = field(default_factory=dict)


def wire(reading: Reading, root: Element) -> Wiring:
    """All sequence flows of the file's processes. A flow that cannot be one is dropped and reported."""
    processes = list(root.all("process"))
    wiring = Wiring(handlers=handlers(reading, root))
    home = {
        identifier(child): identifier(scope)
        for process in processes
        for scope in _scopes(process)
        for child in scope.all(*NODES)
    }
    for process in processes:
        for scope in _scopes(process):
            for element in scope.all("sequenceFlow"):
                _wire_one(reading, wiring, home, identifier(scope), element, root)
    for process in processes:
        for scope in _scopes(process):
            _report_cut_off(reading, wiring, home, scope)
    return wiring


def _report_cut_off(reading: Reading, wiring: Wiring, home: dict[str, str], scope: Element) -> None:
    """What only flows from nowhere lead to could never happen, and its events would all be blamed. Without a
    start event it begins by itself (BPMN 10.5.2), and nothing is lost."""
    if scope.first("startEvent") is None or scope.tag == "adHocSubProcess":
        return
    for element in scope.all("sequenceFlow"):
        target = reading.find(element.get("targetRef"))
        source = reading.find(element.get("sourceRef"))
        if target is None or identifier(target) not in home or target.tag in ("startEvent", "boundaryEvent"):
            continue
        if (source is None or identifier(source) not in home) and not wiring.incoming[identifier(target)]:
            said = (
                "Only flows that come from nowhere lead here, so its events would all be blamed. Attach them."
            )
            reading.report(Severity.ERROR, "cut-off", target, said)


def _ends_here(reading: Reading, home: dict[str, str], element: Element) -> str | None:
    """An end event for a choice that leads nowhere: a trace that takes it stops there."""
    source = reading.find(element.get("sourceRef"))
    if source is None or identifier(source) not in home:
        return None
    if source.tag not in _CHOICES and element.first("conditionExpression") is None:
        return None
    scope = reading.elements[home[identifier(source)]]
    names = (f"{identifier(element)}~end{number or ''}" for number in count())
    free = next(name for name in names if name not in reading.elements)
    end = Element(scope.namespace, "endEvent", element.line, {"id": free})
    scope.children.append(end)
    reading.elements[identifier(end)] = end
    home[identifier(end)] = identifier(scope)
    return identifier(end)


def _scopes(process: Element) -> Iterator[Element]:
    return (
        element for element in model_elements(process) if element is process or element.tag in SUBPROCESSES
    )


def _wire_one(
    reading: Reading, wiring: Wiring, home: dict[str, str], scope: str, element: Element, root: Element
) -> None:
    source = _end(reading, home, element, "sourceRef")
    target = _end(reading, home, element, "targetRef") or _ends_here(reading, home, element)
    if source is None or target is None:
        return
    if wiring.handlers.get(source) == target and is_handling(
        reading, reading.elements[source], reading.elements[target]
    ):
        return
    if home[source] != home[target]:
        reading.report(
            Severity.ERROR,
            "flow-crosses-border",
            element,
            f"A sequence flow stays inside one pool and one subprocess; this one leads from {source} in"
            f" {home[source]} to {target} in {home[target]} and is dropped. Use a message flow between pools,"
            " and the subprocess itself as source or target.",
        )
        return
    if home[source] != scope:
        reading.report(
            Severity.INFO,
            "flow-misplaced",
            element,
            f"The flow stands in {scope}, its ends in {home[source]}: it is read as if it stood there.",
        )
    wiring.flows[home[source]].append(_sequence_flow(reading, element, source, target, root))
    wiring.outgoing[source].append(identifier(element))
    wiring.incoming[target].append(identifier(element))


def _end(reading: Reading, home: dict[str, str], element: Element, attribute: str) -> str | None:
    """The id of the node at this end of the flow; None, and a problem, when there is none."""
    reference = element.get(attribute)
    found = reading.find(reference)
    if found is not None and identifier(found) in home:
        return identifier(found)
    if reference is None:
        what = f"has no {attribute}"
    elif found is None:
        what = f"has the {attribute} '{reference}', which does not exist"
    else:
        what = f"has the {attribute} '{reference}', a {found.tag}, which no token can pass"
    reading.report(
        Severity.WARNING,
        "dangling-flow",
        element,
        f"This sequence flow {what}: it leads nothing on. Attach it.",
    )
    return None


def _sequence_flow(
    reading: Reading, element: Element, source: str, target: str, root: Element
) -> SequenceFlow:
    condition, language = _condition(element, root)
    return SequenceFlow(
        identifier(element),
        source,
        target,
        reading.place(element),
        name=one_line(element.get("name")),
        condition=condition,
        condition_language=language,
    )


def _condition(flow: Element, root: Element) -> tuple[str | None, str | None]:
    """The condition's text, or where else it is kept (``camunda:resource``), and its language: its own, or
    the file's. The latter counts only where it can matter: nearly every tool writes XPath there, whatever
    its conditions are written in."""
    found = flow.first("conditionExpression")
    if found is None:
        return None, None
    text = found.text.strip() or found.get(_RESOURCE)
    general = root.get("expressionLanguage")
    return text, found.get("language") or (general if names_language(general) else None)

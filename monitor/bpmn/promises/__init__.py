"""SLAs of a model: declared by its configuration and in its extension elements, and taken from its timers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from monitor.bpmn.document import ExtensionElement, FlowNode, Problem, Process, Severity
from monitor.bpmn.flow import Flow, Sla, Timer
from monitor.bpmn.passes.draft import Draft
from monitor.bpmn.promises.declared import NAMESPACE, read_extension
from monitor.bpmn.promises.delays import Delays
from monitor.bpmn.promises.due_dates import due_date
from monitor.bpmn.promises.limits import limits_of
from monitor.bpmn.promises.resolve import resolved, waits_of
from monitor.bpmn.promises.timers import timer_of


def promised(flow: Flow, draft: Draft) -> Flow:
    """The flow with its SLAs and minimum waits; what is wrong with them is told to the draft."""
    flow = replace(flow, timers=_timers(flow, draft))
    delays = Delays(flow.nodes, flow.arcs, flow.scopes, draft.elements, flow.timers)
    places: dict[str, FlowNode] = {}
    slas = list(_uniquely_named(draft, [*_declared(draft, places), *_taken(flow, draft)]))

    def complain(name: str, what: str) -> None:
        draft.error("sla-element", f"SLA “{name}” {what}", places.get(name))

    found = resolved(flow, slas, delays, complain)
    for sla in found:
        if sla.delay is None:
            said = (
                f"SLA “{sla.name}” can never start: when {', '.join(sla.on)} begins, no event shows (an"
                " error, a condition or a timer without a constant time may come first)."
            )
            _warn(draft, "sla-never-starts", said, places.get(sla.name))
    return replace(flow, slas=found, waits=tuple(waits_of(flow, delays)) if draft.options.timers else ())


def _timers(flow: Flow, draft: Draft) -> dict[int, Timer]:
    timers: dict[int, Timer] = {}
    for node in flow.nodes:
        timer = timer_of(draft.elements[node.index]) if node.label is None else None
        if timer is not None:
            timers[node.index] = timer
    return timers


def _declared(draft: Draft, places: dict[str, FlowNode]) -> Iterator[Sla]:
    """Those of the configuration, then the model's own."""
    yield from draft.options.slas
    seen: set[str] = set()
    elements: list[Process | FlowNode] = [draft.process, *draft.process.walk()]
    for element in elements:
        about = element if isinstance(element, FlowNode) else None
        id_ = None if about is None else about.origin or about.id
        if id_ is not None and id_ in seen:
            continue  # written out several times
        seen.add(id_ or "")
        for extension in element.extensions:
            if extension.namespace != NAMESPACE:
                continue
            yield from _extension(draft, places, about, extension)
        if about is not None and (sla := due_date(about)) is not None:
            yield sla


def _extension(
    draft: Draft,
    places: dict[str, FlowNode],
    about: FlowNode | None,
    extension: ExtensionElement,
) -> Iterator[Sla]:
    for one in (extension, *extension.children) if extension.tag == "slas" else (extension,):
        if one.tag != "sla":
            if one is not extension:
                draft.error("sla-unknown", f"there is no element “{one.tag}” of this namespace.", about)
            continue
        id_ = None if about is None else about.origin or about.id
        sla, complaints = read_extension(one, id_, draft.options.calendars)
        for field, what in complaints:
            name = one.attributes.get("name", "")
            draft.error("sla-invalid", f"SLA “{name}”, {field}: {what}.", about)
        if sla is not None:
            if about is not None:
                places[sla.name] = about
            yield sla


def _taken(flow: Flow, draft: Draft) -> Iterator[Sla]:
    if not draft.options.timers:
        return iter(())

    def text(node: int) -> str:
        return draft.elements[node].events[0].expression or ""

    return limits_of(flow, text)


def _uniquely_named(draft: Draft, slas: list[Sla]) -> Iterator[Sla]:
    """Names tell clocks apart. A timer gives way to what people have named so."""
    names: set[str] = set()
    for sla in slas:
        name, count = sla.name, 1
        while name in names:
            count += 1
            name = f"{sla.name} ({count})"
        names.add(name)
        if sla.element is None and name != sla.name:
            draft.error("sla-name", f"there are several SLAs “{sla.name}”: give each its own name.", None)
        yield replace(sla, name=name)


def _warn(draft: Draft, code: str, said: str, element: FlowNode | None) -> None:
    place = element.place if element else draft.process.place
    draft.problems.append(
        Problem(
            Severity.WARNING,
            code,
            said,
            place,
            (element.origin or element.id) if element else None,
            (element.name or None) if element else None,
        )
    )

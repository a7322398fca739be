"""Which activity compensates which: the associations from compensation boundary events to their handlers."""

from __future__ import annotations

from monitor.bpmn.document import ACTIVITIES, Severity
from monitor.bpmn.reading import Reading, identifier, model_elements
from monitor.bpmn.tree import Element

_COMPENSATION = "compensateEventDefinition"


def handlers(reading: Reading, root: Element) -> dict[str, str]:
    """The handler activity's id by the id of its boundary event.

    An association counts wherever it stands and whichever way it was drawn; a sequence flow to an activity
    that is for compensation is meant as one (no token ever takes it).
    """
    found: dict[str, str] = {}
    for element in model_elements(root):
        if element.tag not in ("association", "sequenceFlow"):
            continue
        source, target = reading.find(element.get("sourceRef")), reading.find(element.get("targetRef"))
        if source is None or target is None:
            continue
        if element.tag == "association" and _compensates(reading, target):
            source, target = target, source
        if _compensates(reading, source) and target.tag in ACTIVITIES:
            _take(reading, element, found, source, target)
    return found


def is_handling(reading: Reading, source: Element, target: Element) -> bool:
    """Whether a sequence flow between the two stands for the association to a handler."""
    return _compensates(reading, source) and target.flag("isForCompensation", default=False)


def _take(
    reading: Reading, element: Element, found: dict[str, str], boundary: Element, handler: Element
) -> None:
    if element.tag == "sequenceFlow":
        if not is_handling(reading, boundary, handler):
            return
        said = "A sequence flow leads to a compensation handler: it is read as the association it should be."
        reading.report(Severity.WARNING, "compensation-by-flow", element, said)
    first = found.setdefault(identifier(boundary), identifier(handler))
    if first != identifier(handler):
        said = (
            f"This compensation event leads to {first} and to {identifier(handler)}: which one compensates is"
            " not clear. Keep one; a subprocess can hold several steps."
        )
        reading.report(Severity.ERROR, "several-handlers", boundary, said)


def _compensates(reading: Reading, element: Element) -> bool:
    """Whether it is a boundary event of a compensation, by a definition of its own or a shared one."""
    if element.tag != "boundaryEvent":
        return False
    shared = (reading.find(reference.text) for reference in element.all("eventDefinitionRef"))
    return element.first(_COMPENSATION) is not None or any(
        one is not None and one.tag == _COMPENSATION for one in shared
    )

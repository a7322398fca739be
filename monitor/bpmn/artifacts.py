"""What is drawn but carries no tokens: data, annotations, groups, associations."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bpmn.document import Artifact, Severity
from monitor.bpmn.reading import NODES, Reading, identifier
from monitor.bpmn.tree import Element, one_line

_DRAWN = ("dataObjectReference", "dataStoreReference", "dataObject", "textAnnotation", "group", "association")
_DATA_FLOWS = ("dataInputAssociation", "dataOutputAssociation")


def artifacts(reading: Reading, scope: Element) -> tuple[Artifact, ...]:
    """Artifacts that stand in a process, subprocess or collaboration, data associations of its nodes too."""
    drawn = [_artifact(reading, element) for element in (*scope.all(*_DRAWN), *_own_data(scope))]
    data = [
        _data_association(reading, node, element)
        for node in scope.all(*NODES)
        for element in node.all(*_DATA_FLOWS)
    ]
    return tuple(artifact for artifact in drawn + data if artifact is not None)


def _own_data(scope: Element) -> Iterator[Element]:
    """What a process itself takes in and gives out."""
    if scope.tag == "process":
        for specification in scope.all("ioSpecification"):
            yield from specification.all("dataInput", "dataOutput")


def _artifact(reading: Reading, element: Element) -> Artifact | None:
    if element.tag == "association":
        return _association(reading, element)
    data = reading.find(element.get("dataObjectRef") or element.get("dataStoreRef"))
    holder = data if data is not None else element
    name = element.get("name") or holder.get("name")
    if element.tag == "group":
        category = reading.find(element.get("categoryValueRef"))
        name = category.get("value") if category is not None else name
    stands = element.first("dataState") or holder.first("dataState")
    return Artifact(
        identifier(element),
        element.tag,
        reading.place(element),
        name=one_line(name),
        state=one_line(stands.get("name")) if stands is not None else "",
        text=written.content() if (written := element.first("text")) is not None else "",
        is_collection=any(one.flag("isCollection", default=False) for one in (element, holder)),
    )


def _association(reading: Reading, element: Element) -> Artifact | None:
    source, target = reading.find(element.get("sourceRef")), reading.find(element.get("targetRef"))
    if source is None or target is None:
        _report_dropped(reading, element)
        return None
    return Artifact(
        identifier(element),
        element.tag,
        reading.place(element),
        source=identifier(source),
        target=identifier(target),
        direction=element.get("associationDirection") or "None",
    )


def _data_association(reading: Reading, node: Element, element: Element) -> Artifact | None:
    """A data association is drawn between the data and the node; the other end (a slot in the node's
    input or output specification) is not drawn and often missing."""
    into = element.tag == "dataInputAssociation"
    data = reading.find(element.child_text("sourceRef" if into else "targetRef"))
    if data is None:
        if element.get("id"):
            _report_dropped(reading, element)
        return None
    ends = (identifier(data), identifier(node))
    source, target = ends if into else reversed(ends)
    return Artifact(
        identifier(element),
        element.tag,
        reading.place(element),
        source=source,
        target=target,
        direction="One",
    )


def _report_dropped(reading: Reading, element: Element) -> None:
    said = f"This {element.tag} has an end that leads nowhere: it is dropped."
    reading.report(Severity.INFO, "dangling-association", element, said)

"""Due dates that engines' modelers write on user tasks, where they are constant."""

from __future__ import annotations

from monitor.bpmn.document import FlowNode
from monitor.bpmn.flow import Sla
from monitor.bpmn.promises.declared import AT_RISK
from monitor.bpmn.promises.timers import plain_text, read_date
from monitor.bpmn.tree import ZEEBE
from monitor.domain.duration import Span
from monitor.domain.limit import Limit

_ATTRIBUTES = (
    "{http://camunda.org/schema/1.0/bpmn}dueDate",
    "{http://activiti.org/bpmn}dueDate",
    "{http://flowable.org/bpmn}dueDate",
)


def written(element: FlowNode) -> str | None:
    """The due date as the model has it."""
    for name in _ATTRIBUTES:
        if element.attributes.get(name):
            return element.attributes[name]
    for extension in element.extensions:
        if extension.namespace == ZEEBE and extension.tag == "taskSchedule":
            return extension.attributes.get("dueDate")
    return None


def due_date(element: FlowNode) -> Sla | None:
    """The limit on the task; None without a due date, or where only the running process knows it."""
    text = written(element)
    if text is None:
        return None
    constant = plain_text(text)
    try:
        limit = (
            Limit(span=Span.parse(constant)) if constant.startswith("P") else Limit(at=read_date(constant))
        )
    except ValueError:
        return None
    id_ = element.origin or element.id
    return Sla(f"{element.name or id_} by its due date", limit, on=(id_,), at_risk=AT_RISK, element=id_)

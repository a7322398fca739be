"""What each element's event is called (DESIGN 3.3): bound, else by message, signal or element, else by id."""

from __future__ import annotations

from monitor.bpmn.document import TASKS, FlowNode
from monitor.bpmn.flow import NodeKind
from monitor.bpmn.passes.draft import Draft
from monitor.bpmn.passes.triggers import OBSERVED_EVENTS

_BINDABLE = frozenset(
    {NodeKind.PASS, NodeKind.TASK, NodeKind.END, NodeKind.TERMINATE, NodeKind.THROW, NodeKind.BOUNDARY}
)


class Labels:
    """The labels of a draft's elements. What the options name and the model lacks is an error."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._types = {node.id: node.type for other in draft.document.processes for node in other.walk()}
        self._options = draft.options
        self._whole: dict[str, str] = {}
        self._start: dict[str, str] = {}
        self._bind()
        self._check_silent()

    def of(self, element: FlowNode, kind: NodeKind) -> tuple[str | None, str | None]:
        """The element's label and that of its start; None: silent."""
        id_ = element.origin or element.id
        if not element.events and self._types.get(id_, element.type) != element.type:
            return None, None  # written around what the event tells of
        start = self._start.get(id_)
        if start is not None and kind is not NodeKind.TASK:
            self._draft.error("bad-binding", "only a task's start can be bound.", element)
        bound = self._whole.get(id_)
        if bound is not None:
            if kind not in _BINDABLE:
                self._draft.error("bad-binding", "only tasks and events can be bound.", element)
            return bound, start
        if id_ in self._options.silent or (element.name and element.name in self._options.silent):
            return None, start
        if not _observable(element, kind):
            return None, start
        told = [d.reference for d in element.events if d.reference] or (
            [element.message] if element.message else []
        )
        label = next(iter(told), None) or element.name or id_
        for alias in (id_, element.name, *told[1:]):
            if alias and alias != label:
                self._draft.aliases[alias].add(label)
        return label, start

    def _bind(self) -> None:
        """``bind``: element id -> label of its end (or the whole), and of its start."""
        known = {node.origin or node.id for node in self._draft.process.walk()}
        for label, target in self._options.bind.items():
            element, _, part = target.partition(":") if target not in known else (target, "", "")
            if element not in known:
                self._draft.error("no-such-element", f"bind names “{element}”, which is not there.", None)
            elif part not in ("", "start", "end"):
                self._draft.error("bad-binding", f"“{target}”: only :start and :end follow an id.", None)
            elif element in (bound := self._start if part == "start" else self._whole):
                self._draft.error(
                    "bad-binding", f"“{bound[element]}” and “{label}” are both bound to “{target}”.", None
                )
            else:
                bound[element] = label

    def _check_silent(self) -> None:
        known = {name for node in self._draft.process.walk() for name in (node.origin or node.id, node.name)}
        for name in sorted(self._options.silent - known):
            self._draft.error("no-such-element", f"silent names “{name}”, which is not there.", None)


def _observable(element: FlowNode, kind: NodeKind) -> bool:
    if element.type in TASKS or element.type == "callActivity":
        return True
    kinds = {definition.kind for definition in element.events}
    return bool(kinds & OBSERVED_EVENTS) and kind is not NodeKind.SUBPROCESS

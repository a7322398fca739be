"""Call activities: which process each one names, in its own file or in another of the model set."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.bpmn.document import Document, FlowNode, Problem, Process, Severity

_EXPRESSION = re.compile(r"=|[$#]\{")


@dataclass(frozen=True, slots=True)
class Calls:
    """``called``: processes of other files, by the name the file's own call activities (and those of the
    called processes) have for them. ``used``: the documents they come from."""

    called: Mapping[str, Process]
    used: tuple[Document, ...] = ()
    problems: tuple[Problem, ...] = ()


def calls_elsewhere(document: Document) -> bool:
    """Whether a call activity names a process that the file does not have."""
    return any(
        node.called_element not in own and not _is_expression(node)
        for own in [_filled(document)]
        for process in document.processes
        for node in _calling(process)
    )


def resolve(document: Document, include: Sequence[Document], others: Sequence[Document]) -> Calls:
    """Find what is called: in the caller's own file, else in ``document`` and the files it includes, else in
    ``others`` (the remaining models).

    A process that two files have is an error where it is called; one that none has leaves the call activity a
    task.
    """
    search = _Search(document, (document, *include), tuple(others))
    search.run()
    return Calls(search.called, tuple(search.used.values()), tuple(search.problems))


class _Search:
    def __init__(self, main: Document, near: Sequence[Document], far: Sequence[Document]) -> None:
        self.called: dict[str, Process] = {}
        self.used: dict[str, Document] = {}
        self.problems: dict[Problem, None] = {}  # a process called under two names is looked at twice
        self._main = main
        self._circles = (near, far)
        self._filled = {id(one): _filled(one) for one in (*near, *far)}
        self._waiting: deque[tuple[Document, Process, str]] = deque()

    def run(self) -> None:
        for process in self._main.processes:
            for node in _calling(process):
                found = self._find(self._main, node)
                if found is not None and found[0] is not self._main:
                    self._take(*found, as_=str(node.called_element))
        while self._waiting:
            home, process, name = self._waiting.popleft()
            nodes = tuple(self._linked(home, node) for node in process.nodes)
            self.called[name] = replace(process, id=_key(home, process), nodes=nodes)

    def _take(self, home: Document, process: Process, as_: str) -> None:
        if as_ not in self.called:
            self.called[as_] = process
            self.used[home.file] = home
            self._waiting.append((home, process, as_))

    def _linked(self, home: Document, node: FlowNode) -> FlowNode:
        """The node of another file, its call activities naming what they call beyond doubt."""
        if node.children:
            node = replace(node, children=tuple(self._linked(home, child) for child in node.children))
        found = self._find(home, node) if _calls(node) else None
        if found is None:
            return replace(node, called_element=None) if node.called_element else node
        other, process = found
        if other is self._main:
            return replace(node, called_element=process.id)
        self._take(other, process, as_=_key(other, process))
        return replace(node, called_element=_key(other, process))

    def _find(self, home: Document, node: FlowNode) -> tuple[Document, Process] | None:
        name = str(node.called_element)
        for circle in ((home,), *self._circles):
            found = [(one, process) for one in circle if (process := self._filled[id(one)].get(name))]
            if len(found) > 1:
                files = " and in ".join(one.file for one, _ in found)
                said = f"The called process {name} is in {files}: name the one that is meant under include."
                self._report(Severity.ERROR, "ambiguous-call", node, said)
            if found:
                return found[0]
        self._report_missing(node, name)
        return None

    def _report_missing(self, node: FlowNode, name: str) -> None:
        if _is_expression(node):
            said = f"What is called is decided while it runs ({name[:80]}): it is read as a task."
            self._report(Severity.INFO, "call-not-constant", node, said)
        else:
            said = (
                f"The called process {name} is in none of the models: the call activity is read as a task"
                " with an event of its own. If what happens inside is told, include the file that has it."
            )
            self._report(Severity.WARNING, "call-not-found", node, said)

    def _report(self, severity: Severity, code: str, node: FlowNode, message: str) -> None:
        self.problems[Problem(severity, code, message, node.place, node.id, node.name or None)] = None


def _filled(document: Document) -> dict[str, Process]:
    return {process.id: process for process in document.processes if process.nodes}


def _key(home: Document, process: Process) -> str:
    return f"{home.file}#{process.id}"


def _calls(node: FlowNode) -> bool:
    return node.type == "callActivity" and bool(node.called_element)


def _is_expression(node: FlowNode) -> bool:
    return _EXPRESSION.match(node.called_element or "") is not None


def _calling(process: Process) -> Iterator[FlowNode]:
    return (node for node in process.walk() if _calls(node))

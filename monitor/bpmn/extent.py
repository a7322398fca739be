"""How much a process is with its calls and repetitions written out: refused where there is no end to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.bpmn.document import FlowNode, Problem, Process, Severity
from monitor.bpmn.passes.unfold import MOST_COPIES

MOST_NODES = 10_000
"""Elements of a flow once everything called stands in its place. Drawn processes have a hundred at most."""

MOST_LEVELS = 50
"""Subprocesses and calls in one another. Drawn processes have five at most."""


def refuse_size(process: Process, called: Mapping[str, Process]) -> tuple[Problem, ...]:
    """Why the process cannot be written out with everything it calls: the calls lead in a circle, too deep,
    or to too much. Takes time in proportion to the processes, however often each is called."""
    measure = _Measure(called)
    size, _ = measure.process(process, 0)
    if not measure.problems and size > MOST_NODES:
        said = (
            f"With its calls and repetitions written out the process has {size} elements, more than the"
            f" {MOST_NODES} that are taken. Take called processes out of the model set: they are tasks then."
        )
        return (Problem(Severity.ERROR, "too-many-elements", said, process.place, process.id),)
    return tuple(measure.problems)


class _Measure:
    """Number of elements and depth of processes, each taken once."""

    def __init__(self, called: Mapping[str, Process]) -> None:
        self.problems: list[Problem] = []
        self._called = called
        self._known: dict[str, tuple[int, int]] = {}
        self._open: list[str] = []

    def process(self, process: Process, level: int) -> tuple[int, int]:
        known = self._known.get(process.id)
        if known is None:
            self._open.append(process.id)
            known = self._known[process.id] = self._nodes(process.nodes, level)
            self._open.pop()
        return known

    def _nodes(self, nodes: Sequence[FlowNode], level: int) -> tuple[int, int]:
        size = depth = 0
        for node in nodes:
            inside, below = self._node(node, level)
            size += inside
            depth = max(depth, below)
        return size, depth

    def _node(self, node: FlowNode, level: int) -> tuple[int, int]:
        if level > MOST_LEVELS:
            return self._too_deep(node)
        process = self._called.get(node.called_element or "") if node.type == "callActivity" else None
        if process is None:
            size, depth = self._nodes(node.children, level + 1)
        elif process.id in self._open:
            size, depth = self._circle(node, process)
        else:
            size, depth = self.process(process, level + 1)
        if level + depth > MOST_LEVELS:
            self._too_deep(node)
        return _copies(node) * (1 + size), 1 + depth

    def _circle(self, node: FlowNode, process: Process) -> tuple[int, int]:
        way = " calls ".join([*self._open[self._open.index(process.id) :], process.id])
        said = f"Call activities lead in a circle, which never ends: {way}. Take one of the calls out."
        self._report("cyclic-call", node, said)
        return 0, 0

    def _too_deep(self, node: FlowNode) -> tuple[int, int]:
        said = f"Subprocesses and calls are nested more than {MOST_LEVELS} deep. Make one of them a task."
        if not any(problem.code == "too-deep" for problem in self.problems):
            self._report("too-deep", node, said)
        return 0, 0

    def _report(self, code: str, node: FlowNode, said: str) -> None:
        self.problems.append(Problem(Severity.ERROR, code, said, node.place, node.id, node.name or None))


def _copies(node: FlowNode) -> int:
    """How often an activity of a constant number of repetitions is written out at most."""
    number = (node.loop.cardinality or node.loop.maximum or 1) if node.loop is not None else 1
    return number if number <= MOST_COPIES else 1

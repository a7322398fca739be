"""The flow under construction, and what is found wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.bpmn.document import Document, FlowNode, Problem, Process, Severity
from monitor.bpmn.flow import Arc, Guard, Node, Ordering, Scope, Sla
from monitor.bpmn.passes.unfold import unfold
from monitor.domain.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Options:
    """What the configuration says about a model. ``silent``: element ids or names no event tells of.
    ``bind``: label -> element id, ``id:start`` or ``id:end``. ``process``: which of several to take.
    ``calendars``: those that SLAs in the model may name. ``timers``: whether the model's own timers
    are limits and minimum waits."""

    key: str | None = None
    name: str | None = None
    main_key: str | None = None
    process: str | None = None
    silent: frozenset[str] = frozenset()
    bind: Mapping[str, str] = field(default_factory=dict)
    slas: tuple[Sla, ...] = ()
    ordering: Ordering = field(default_factory=Ordering)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    timers: bool = True


class Choice(NamedTuple):
    """What the condition of sequence flow ``arc`` decides: the arcs that are not taken unless it holds, and
    those that are not taken when it does."""

    arc: int
    unless: tuple[int, ...]
    when: tuple[int, ...]


class Draft:
    """Nodes, arcs and scopes numbered as they are made. ``elements`` are the nodes' BPMN elements, ``by_id``
    the nodes by element id; ``aliases``: further names -> labels."""

    def __init__(
        self,
        document: Document,
        process: Process,
        options: Options,
        problems: list[Problem],
        called: Mapping[str, Process],
    ) -> None:
        self.document = document
        self.options = options
        self.problems = problems
        self.nodes: list[Node] = []
        self.arcs: list[Arc] = []
        self.scopes: list[Scope] = []
        self.by_id: dict[str, int] = {}
        self.elements: dict[int, FlowNode] = {}
        self.aliases: defaultdict[str, set[str]] = defaultdict(set)
        self.choices: list[Choice] = []
        self.guards: list[Guard] = []
        self.process = process
        named = frozenset({*options.silent, *options.bind.values()})
        self.process = unfold(process, called, named, self.refuse)

    def labels(self) -> dict[str, tuple[str, ...]]:
        """Each label with the ids of the elements it is seen at."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for node in self.nodes:
            for label in (node.start_label, node.label):
                if label is not None and node.id not in found[label]:
                    found[label].append(node.id)
        return {label: tuple(ids) for label, ids in sorted(found.items())}

    def refuse(self, element: FlowNode, what: str) -> None:
        self.error("not-honoured", f"{what} are not supported yet; verdicts would be wrong.", element)

    def error(self, code: str, message: str, element: FlowNode | None) -> None:
        place = element.place if element else self.process.place
        self.problems.append(
            Problem(
                Severity.ERROR,
                code,
                message,
                place,
                (element.origin or element.id) if element else None,
                (element.name or None) if element else None,
            )
        )


def spaced(camel: str) -> str:
    """``boundaryEvent`` as people read it: ``boundary event``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in camel)

"""A BPMN process -> :class:`~monitor.bpmn.flow.Flow`.

Every problem is collected with element id, name, file and line. What cannot be honoured is an error: a
flow is only made when there is none, for a verdict by half a model would blame the wrong traces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from monitor.bpmn.document import Document, Place, Problem, Process, Severity
from monitor.bpmn.extent import refuse_size
from monitor.bpmn.flow import Flow
from monitor.bpmn.passes.arcs import reduce_kinds, wire
from monitor.bpmn.passes.catching import attach_boundaries, find_catchers
from monitor.bpmn.passes.compensation import find_handlers
from monitor.bpmn.passes.draft import Draft, Options
from monitor.bpmn.passes.guards import find_guards
from monitor.bpmn.passes.joins import prepare_joins
from monitor.bpmn.passes.nodes import place_nodes
from monitor.bpmn.passes.pools import deliver_messages, deliver_signals, together
from monitor.bpmn.passes.splits import split_conditions
from monitor.bpmn.passes.starts import find_starts
from monitor.bpmn.promises import promised

__all__ = ["Options", "compile_flow", "flow_hash"]

SEMANTICS = 3
"""Part of every flow's hash: raised when the checker reads the same model differently, so that stored
states of the reading before are replayed."""

PASSES = (
    place_nodes,
    wire,
    deliver_messages,
    deliver_signals,
    reduce_kinds,
    find_catchers,
    attach_boundaries,
    split_conditions,
    find_starts,
    find_handlers,
    prepare_joins,
    find_guards,
)


def compile_flow(
    document: Document, options: Options | None = None, called: Mapping[str, Process] | None = None
) -> tuple[Flow | None, tuple[Problem, ...]]:
    """The document's expected flow, or None and why not. Problems of reading are not repeated. ``called``:
    processes of other files that call activities name; the document's own come first."""
    options = options or Options()
    problems: list[Problem] = []
    process = _choose(document, options, problems)
    if process is None:
        return None, tuple(problems)
    called = {**(called or {}), **{other.id: other for other in document.processes if other.nodes}}
    problems += refuse_size(process, called)
    if problems:  # what has no end cannot be written out
        return None, tuple(problems)
    draft = Draft(document, process, options, problems, called)
    for take in PASSES:
        take(draft)
    flow = _flow(draft)
    flow = replace(flow, hash=flow_hash(flow))
    if any(problem.severity is Severity.ERROR for problem in problems):
        return None, tuple(problems)
    return flow, tuple(problems)


def _choose(document: Document, options: Options, problems: list[Problem]) -> Process | None:
    def refuse(code: str, message: str) -> None:
        problems.append(Problem(Severity.ERROR, code, message, Place(document.file, 0)))

    filled = [process for process in document.processes if process.nodes]
    if options.process is not None:
        for process in document.processes:
            if options.process in (process.id, process.name):
                return process
        known = ", ".join(process.id for process in document.processes) or "none"
        refuse("no-such-process", f"there is no process “{options.process}”; the file has: {known}.")
        return None
    if not filled:
        refuse("empty-model", "the file has no process with activities, events or gateways in it.")
        return None
    if len(filled) > 1:
        called = {node.called_element for process in filled for node in process.walk()}
        roots = [process for process in filled if process.id not in called]
        pools = together(document) if len(roots) > 1 else None
        if pools is not None:
            return pools
        if len(roots) != 1:
            names = ", ".join(f"{process.id}" for process in filled)
            refuse(
                "several-processes",
                f"the file has several processes ({names}); say which is the expected flow: `process: ID`.",
            )
            return None
        filled = roots
    return filled[0]


def _flow(draft: Draft) -> Flow:
    options, process, file = draft.options, draft.process, draft.document.file
    labels = draft.labels()
    if not labels:
        draft.error(
            "nothing-observable", "no element can be observed: give tasks or message events names.", None
        )
    stem = file.replace("\\", "/").rsplit("/", 1)[-1].split(".", 1)[0]
    flow = Flow(
        key=options.key or stem or process.id,
        name=options.name or process.name or process.id,
        file=file,
        hash="",
        nodes=tuple(draft.nodes),
        arcs=tuple(draft.arcs),
        scopes=tuple(draft.scopes),
        labels=labels,
        aliases={
            alias: tuple(sorted(label for label in meant if label in labels))
            for alias, meant in sorted(draft.aliases.items())
            if alias not in labels
        },
        main_key=options.main_key,
        ordering=options.ordering,
        guards=tuple(draft.guards),
    )
    return promised(flow, draft)


def flow_hash(flow: Flow) -> str:
    """16 hex digits over everything a verdict depends on."""
    said = repr(
        (
            SEMANTICS,
            flow.nodes,
            flow.arcs,
            flow.scopes,
            sorted(flow.labels.items()),
            tuple(replace(sla, objective=None) for sla in flow.slas),
            flow.ordering,
            flow.guards,
            flow.waits,
            sorted(flow.timers),
        )
    )
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

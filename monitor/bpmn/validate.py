"""Structural rules over a document. The tables below are the whole list, in the order of reporting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from monitor.bpmn.document import Document, Problem, Process
from monitor.bpmn.rules import conditions, events, names, paths, pools
from monitor.bpmn.rules.scope import Scope

_SCOPE_RULES: tuple[Callable[[Scope], Iterator[Problem]], ...] = (
    paths.starts,
    paths.ends,
    paths.wrong_way,
    paths.unreachable,
    paths.links,
    paths.gateways,
    paths.default_flows,
    paths.ignored_conditions,
    conditions.unreadable,
    events.kinds,
    events.boundaries,
    events.cancel_ends,
    events.event_subprocesses,
    events.timers,
)
_PROCESS_RULES: tuple[Callable[[Process], Iterator[Problem]], ...] = (names.unnamed, names.ambiguous)
_DOCUMENT_RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (pools.processes, pools.message_flows)


def validate(document: Document) -> tuple[Problem, ...]:
    """What is wrong with the structure, besides what reading found (``document.problems``), by line.

    Errors are only what makes the model unusable; the rest says how it is understood (info) or what will
    probably not be what its author meant (warning). Takes time in proportion to the size of the model.
    """
    return tuple(sorted(_problems(document), key=lambda problem: problem.place.line))


def _problems(document: Document) -> Iterator[Problem]:
    for process in document.processes:
        for scope in Scope.all_of(process):
            for scope_rule in _SCOPE_RULES:
                yield from scope_rule(scope)
        for process_rule in _PROCESS_RULES:
            yield from process_rule(process)
    for document_rule in _DOCUMENT_RULES:
        yield from document_rule(document)

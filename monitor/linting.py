"""``lint``: everything that can be said of models before an event comes, offline and without a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.assembly import labels_of, models_named, rules_of
from monitor.bpmn.document import Document, Place, Problem, Severity
from monitor.bpmn.flow import Flow
from monitor.bpmn.rules.conditions import undecided_conditions
from monitor.flows import examine
from monitor.mapping.coverage import Gap, gaps
from monitor.mapping.fields import field_getter
from monitor.mapping.rules import Rule
from monitor.soundness import promises, soundness

if TYPE_CHECKING:  # pydantic is slow to import, and `lint` without a configuration does not need it
    from monitor.settings import Settings
    from monitor.settings.yamlfile import Read


def lint_models(
    paths: Sequence[Path], settings: Settings | None, include: Sequence[Path] = (), config: Path | None = None
) -> list[Problem]:
    """Everything there is to say about the models and what they call, once: by file, the most severe first.
    ``config`` is the file the settings were read from. Raises ModelError for a file that is no BPMN."""
    found: list[Problem] = []
    flows: list[tuple[Flow, Sequence[Document]]] = []
    for model in models_named(paths, settings, include):
        flow, documents, problems = examine(model)
        found += problems
        if flow is not None:
            flows.append((flow, documents))
            known = {problem.element for problem in problems if problem.code == "unreachable"}
            found += [
                problem
                for problem in soundness(flow, documents)
                if problem.code != "dead-element" or problem.element not in known
            ]
            found += promises(flow, documents)
    found += _gaps(flows, settings, config)
    if settings is not None:
        found += _unkept(flows, rules_of(settings))
    return _in_order(found)


def _unkept(flows: Sequence[tuple[Flow, Sequence[Document]]], rules: Sequence[Rule]) -> Iterator[Problem]:
    """Conditions over fields that no rule for their flow keeps."""
    for flow, documents in flows:
        meant = [rule for rule in rules if not rule.models or flow.key in rule.models]

        def is_kept(field: str, meant: Sequence[Rule] = meant) -> bool:
            return any(field_getter(field, rule.attributes, rule.keep) for rule in meant)

        for document in documents:
            yield from undecided_conditions(document, is_kept)


def _gaps(
    flows: Sequence[tuple[Flow, Sequence[Document]]], settings: Settings | None, config: Path | None
) -> Iterator[Problem]:
    rules = () if settings is None else rules_of(settings)
    read = None if config is None else _read(config)
    by_key = {flow.key: (flow, documents) for flow, documents in flows}
    for gap in gaps(rules, [labels_of(flow) for flow, _ in flows]):
        if gap.rule is None and gap.flow is not None:
            yield _of_label(gap, *by_key[gap.flow])
        elif read is not None and gap.rule is not None:
            line = read.line(("events", gap.rule, gap.key))
            yield Problem(Severity.WARNING, gap.code, gap.said, Place(str(config), line))


def _read(config: Path) -> Read:
    from monitor.settings.yamlfile import read_yaml

    return read_yaml(config.read_text("utf-8-sig"))


def _of_label(gap: Gap, flow: Flow, documents: Sequence[Document]) -> Problem:
    """About the first element that the label is seen at."""
    first = flow.labels[gap.label or ""][0]
    nodes = (node for one in documents for process in one.processes for node in process.walk())
    element = next((node for node in nodes if node.id == first), None)
    place = Place(flow.file, 0) if element is None else element.place
    name = None if element is None else element.name or None
    return Problem(Severity.WARNING, gap.code, gap.said, place, first, name)


def _in_order(found: Sequence[Problem]) -> list[Problem]:
    """Each once, files in the order they were asked for, within each the most severe first."""
    files = list(dict.fromkeys(problem.place.file for problem in found))
    severities = list(Severity)
    return sorted(
        dict.fromkeys(found),
        key=lambda problem: (
            files.index(problem.place.file),
            severities.index(problem.severity),
            problem.place.line,
        ),
    )

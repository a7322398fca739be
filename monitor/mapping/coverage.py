"""What the ``events`` rules leave out of the flows, and what of the flows they cannot tell apart.

Only what is certain whatever the events will be: a label is unmapped when the rules themselves keep every
event from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from monitor.mapping import sentences
from monitor.mapping.mapping import FlowLabels
from monitor.mapping.naming import Naming
from monitor.mapping.rules import Matcher, Rule


class Gap(NamedTuple):
    """Something about ``label`` of ``flow``, or about ``key`` of ``rule`` (counted from 0). ``said`` has the
    mend."""

    code: str
    said: str
    flow: str | None = None
    label: str | None = None
    rule: int | None = None
    key: str = "as"


def gaps(rules: Sequence[Rule], flows: Iterable[FlowLabels]) -> Iterator[Gap]:
    """What is missing and what is ambiguous, flow by flow; then labels that no flow has."""
    flows = tuple(flows)
    named = {flow.flow: Naming(flow.labels, flow.aliases) for flow in flows}
    for flow in flows:
        naming = named[flow.flow]
        yield from _ambiguous(flow, naming)
        meant = [(number, rule) for number, rule in enumerate(rules) if _is_for(rule, flow)]
        yield from _unmapped(meant, flow, naming)
        yield from _keyless(meant, flow)
    for number, rule in enumerate(rules):
        yield from _nowhere(number, rule, [flow for flow in flows if _is_for(rule, flow)], named)


def _is_for(rule: Rule, flow: FlowLabels) -> bool:
    return not rule.models or flow.flow in rule.models


def _is_expression(rule: Rule) -> bool:
    return rule.label is not None and rule.label.startswith("=")


def _ambiguous(flow: FlowLabels, naming: Naming) -> Iterator[Gap]:
    for name, labels in naming.shared():
        several = " and ".join(f"“{label}”" for label in labels)
        said = (
            f"An event of type {name!r} could mean {several} of flow {flow.flow}: it goes to the inbox."
            f" Rename one of them, or add to events: `- {{match: {{type: {sentences.scalar(name)}}}, as:"
            f" {sentences.scalar(labels[0])}}}` (or another of them)."
        )
        yield Gap("ambiguous-label", said, flow.flow, labels[0])


def _unmapped(meant: Sequence[tuple[int, Rule]], flow: FlowLabels, naming: Naming) -> Iterator[Gap]:
    """Labels that no rule names, where a rule takes every event before the convention could name it."""
    reached: set[str] = set()
    for number, rule in meant:
        names: Iterable[str] = () if rule.label is None else (rule.label,)
        if _is_expression(rule):
            return  # any label its events say
        if rule.label is None and not rule.ignore:
            names = rule.match.type
            if not names or any("*" in name or "?" in name for name in names):
                return  # any label, by convention
        reached.update(label for name in names for label in naming.resolve(name))
        if rule.match == Matcher():
            for label in sorted(set(flow.labels) - reached):
                said = (
                    f"No event can be “{label}” of flow {flow.flow}: events, rule {number + 1} takes all that"
                    f" the rules before it leave. Put before it: `- {{match: {{type: <type>}}, as:"
                    f" {sentences.scalar(label)}}}`; or name the element under silent."
                )
                yield Gap("unmapped-element", said, flow.flow, label)
            return


def _keyless(meant: Sequence[tuple[int, Rule]], flow: FlowLabels) -> Iterator[Gap]:
    """Rules whose keys lead to no trace of the flow: neither its own key is among them, nor one that some
    other rule links to it."""
    main = flow.key or "case"
    given = [set(rule.keys) for _, rule in meant if rule.keys]
    linked = {main}
    while more := [keys for keys in given if keys & linked and not keys <= linked]:
        linked.update(*more)
    for number, rule in meant:
        if rule.keys and not rule.ignore and not linked & set(rule.keys):
            keys = ", ".join(rule.keys)
            said = (
                f"events, rule {number + 1} gives the key {keys}, but traces of flow {flow.flow} are found by"
                f" {main}, and no rule gives both: its events would stand alone. Add"
                f" `{main}: data.<field>` to its keys, or to those of an event that has both."
            )
            yield Gap("missing-key", said, flow.flow, None, number, "keys")


def _nowhere(number: int, rule: Rule, flows: Sequence[FlowLabels], named: dict[str, Naming]) -> Iterator[Gap]:
    label = rule.label
    if label is None or _is_expression(rule) or any(named[flow.flow].resolve(label) for flow in flows):
        return
    scope = f"flow {', '.join(rule.models)}" if rule.models else "any flow"
    near = sentences.perhaps(label, {name for flow in flows for name in flow.labels})
    said = f"events, rule {number + 1}, as: {label!r} is no label of {scope}{near}"
    yield Gap("unknown-label", said, None, None, number)

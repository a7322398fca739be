"""Alerts that keep others from being told: by configured rules, and by the flow itself. Pure.

A trace that is stuck at one step is late at every step after it. Only the first is news: the others follow
from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.alerts.matchers import Matcher, matches
from monitor.bpmn.flow import Flow

SEVERITIES = ("info", "warning", "critical")
"""The least severe first."""


@dataclass(frozen=True)
class Rule:
    """While an alert fires that ``source`` matches, those that ``target`` matches are not told, where the two
    have the same values of the labels ``equal``."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A firing alert."""

    id: bytes
    labels: Mapping[str, str]


def by_rules(
    rules: Sequence[Rule], targets: Iterable[Candidate], sources: Sequence[Candidate]
) -> dict[bytes, bytes]:
    """Of the ``targets`` those that are inhibited, each with the alert that does it. An alert that both sides
    of a rule match is not inhibited by another such (nor by itself): else two might silence one another."""
    found: dict[bytes, bytes] = {}
    for rule in rules:
        firing: dict[tuple[str, ...], list[tuple[bytes, bool]]] = {}
        for one in sources:
            if matches(rule.source, one.labels):
                both = matches(rule.target, one.labels)
                firing.setdefault(_values(rule, one), []).append((one.id, both))
        for target in targets if firing else ():
            if target.id in found or not matches(rule.target, target.labels):
                continue
            also_source = matches(rule.source, target.labels)
            for source, both in firing.get(_values(rule, target), ()):
                if source != target.id and not (also_source and both):
                    found[target.id] = source
                    break
    return found


def _values(rule: Rule, one: Candidate) -> tuple[str, ...]:
    return tuple(one.labels.get(name, "") for name in rule.equal)


@dataclass(frozen=True, slots=True)
class Late:
    """What fires about a trace, as far as it may follow from something else: a breach or a clock at risk of
    ``sla``, due at ``at``, or a step ``element`` that is missing (``sla`` None), known at ``at``."""

    id: bytes
    sla: str | None
    element: str | None
    breached: bool
    severity: str
    at: datetime


class Downstream:
    """What follows from what in one flow."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._nodes = {node.id: node.index for node in flow.nodes}
        self._after: dict[int, frozenset[int]] = {}

    def follows(self, late: Sequence[Late]) -> dict[bytes, bytes]:
        """Of the alerts of one trace those that only follow from a step that is late, each with the alert
        about that step: the one that was due first. It says nothing of what is more severe than itself."""
        causes = sorted((one for one in late if one.breached), key=lambda one: (one.at, one.id))
        found: dict[bytes, bytes] = {}
        for one in late:
            for cause in causes:
                if cause.id != one.id and self._causes(cause, one):
                    found[one.id] = cause.id
                    break
        return found

    def _causes(self, cause: Late, one: Late) -> bool:
        if cause.at > one.at or _rank(cause.severity) < _rank(one.severity):
            return False
        first, second = self._awaited(cause), self._awaited(one)
        if not first:
            return False
        if not second:  # the end of the flow: everything lies before it
            return one.sla is not None and self._is_to_the_end(one.sla)
        return all(
            any(then in self._beyond(node) and node not in self._beyond(then) for node in first)
            for then in second
        )

    def _awaited(self, late: Late) -> frozenset[int]:
        """The nodes it waits for; none where it is about no single one."""
        sla = next((one for one in self._flow.slas if one.name == late.sla), None)
        if sla is None:
            return frozenset({self._nodes[late.element]} if late.element in self._nodes else ())
        if sla.nodes or sla.begins:
            return frozenset((*sla.nodes, *sla.begins))
        if sla.idle:
            return frozenset()
        if sla.end is not None:
            seen_at = self._flow.labels.get(sla.end, ())
            return frozenset(self._nodes[id_] for id_ in seen_at if id_ in self._nodes)
        return frozenset()

    def _is_to_the_end(self, name: str) -> bool:
        return any(
            sla.name == name and sla.end is None and not sla.on and not sla.idle for sla in self._flow.slas
        )

    def _beyond(self, node: int) -> frozenset[int]:
        """The nodes that tokens may come to from this one."""
        if node not in self._after:
            found: set[int] = set()
            ahead = list(self._next(node))
            while ahead:
                at = ahead.pop()
                if at not in found:
                    found.add(at)
                    ahead += self._next(at)
            self._after[node] = frozenset(found)
        return self._after[node]

    def _next(self, at: int) -> list[int]:
        """Along sequence flows, into subprocesses and out of them where they end."""
        flow = self._flow
        node = flow.nodes[at]
        found = [flow.arcs[arc].target for arc in node.outgoing]
        if node.inner is not None:
            found += flow.scopes[node.inner].starts
        owner = flow.scopes[node.scope].owner
        if not node.outgoing and owner is not None:
            found += [flow.arcs[arc].target for arc in flow.nodes[owner].outgoing]
        return found


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0

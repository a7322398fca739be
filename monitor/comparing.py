"""Two verdicts on the same events: what would change if a draft of a flow were put in force. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from monitor.bpmn.flow import Flow
from monitor.domain.verdict import Verdict


class Change(StrEnum):
    """How the verdict on one key differs. A key may have several."""

    NEWLY_DEVIATING = "newly_deviating"
    NO_LONGER_DEVIATING = "no_longer_deviating"
    OTHER_FINDINGS = "other_findings"
    NOW_COMPLETE = "now_complete"
    NO_LONGER_COMPLETE = "no_longer_complete"
    TRACES = "traces"
    SLAS = "slas"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Side:
    """What one version says of all traces of one key: the sentences of its findings, and each SLA clock with
    its state, in the order of the traces."""

    traces: int
    conforms: bool
    complete: bool
    undecided: bool
    findings: tuple[str, ...]
    slas: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One key on which the two sides differ."""

    key: str
    changes: tuple[Change, ...]
    before: Side
    after: Side


@dataclass(slots=True)
class Comparison:
    """All keys of a flow. ``only_before`` and ``only_after``: labels one version has alone; ``unplaced``: how
    many events of each name the draft has no place for, so that they would go to the inbox; ``lost``: keys
    left out because their version cannot be built any more."""

    flow: str
    keys: int = 0
    differences: list[Difference] = field(default_factory=list)
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    unplaced: Counter[str] = field(default_factory=Counter)
    lost: int = 0

    def add(self, key: str, before: Iterable[Verdict], after: Iterable[Verdict]) -> None:
        self.keys += 1
        difference = compare(key, side(before), side(after))
        if difference is not None:
            self.differences.append(difference)

    def counts(self) -> dict[Change, int]:
        """How many keys have each change, in the order of :class:`Change`."""
        counted = Counter(change for one in self.differences for change in one.changes)
        return {change: counted[change] for change in Change if counted[change]}

    def to_json(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "summary": {
                "keys": self.keys,
                "changed": len(self.differences),
                "changes": {change.value: count for change, count in self.counts().items()},
                "lost": self.lost,
            },
            "labels": {"removed": list(self.only_before), "added": list(self.only_after)},
            "unplaced": dict(sorted(self.unplaced.items())),
            "differences": [
                {
                    "key": one.key,
                    "changes": [change.value for change in one.changes],
                    "before": _side_json(one.before),
                    "after": _side_json(one.after),
                }
                for one in self.differences
            ],
        }


def labels_apart(before: Flow, after: Flow) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels only the one has, and only the other."""
    old, new = before.labels.keys(), after.labels.keys()
    return tuple(sorted(old - new)), tuple(sorted(new - old))


def renamed(before: Flow, after: Flow) -> Mapping[str, str | None]:
    """What a stored event is called in the draft: by the same name; else as the draft calls the same element;
    else by the draft's alias of that name. None where the draft has no one place for it."""
    names: dict[str, str | None] = {}
    for label, elements in before.labels.items():
        if label in after.labels:
            names[label] = label
            continue
        same = [other for other, ids in after.labels.items() if set(ids) & set(elements)]
        meant = same or list(after.aliases.get(label, ()))
        names[label] = meant[0] if len(meant) == 1 else None
    return names


def side(verdicts: Iterable[Verdict]) -> Side:
    several = list(verdicts)
    return Side(
        traces=len(several),
        conforms=all(one.conforms for one in several),
        complete=all(one.complete for one in several),
        undecided=any(one.undecided for one in several),
        findings=tuple(finding.message for one in several for finding in one.findings),
        slas=tuple((clock.sla, clock.state.value) for one in several for clock in one.clocks),
    )


def compare(key: str, before: Side, after: Side) -> Difference | None:
    """None where both say the same."""
    changes = tuple(_changes(before, after))
    return Difference(key, changes, before, after) if changes else None


def _changes(before: Side, after: Side) -> Iterable[Change]:
    if before.conforms and not after.conforms:
        yield Change.NEWLY_DEVIATING
    elif after.conforms and not before.conforms:
        yield Change.NO_LONGER_DEVIATING
    elif before.findings != after.findings:
        yield Change.OTHER_FINDINGS
    if before.complete != after.complete:
        yield Change.NOW_COMPLETE if after.complete else Change.NO_LONGER_COMPLETE
    if before.traces != after.traces:
        yield Change.TRACES
    if before.slas != after.slas:
        yield Change.SLAS
    if before.undecided != after.undecided:
        yield Change.UNDECIDED


def _side_json(one: Side) -> dict[str, Any]:
    return {
        "traces": one.traces,
        "conforms": one.conforms,
        "complete": one.complete,
        "undecided": one.undecided,
        "findings": list(one.findings),
        "slas": [{"name": name, "state": state} for name, state in one.slas],
    }


def of_keys(
    flow: str, before: Sequence[tuple[str, Verdict]], after: Sequence[tuple[str, Verdict]]
) -> Comparison:
    """Compare verdicts on traces given by key, keys in the order they first come."""
    sides: dict[str, tuple[list[Verdict], list[Verdict]]] = {}
    for number, judged in enumerate((before, after)):
        for key, verdict in judged:
            sides.setdefault(key, ([], []))[number].append(verdict)
    found = Comparison(flow)
    for key, (old, new) in sides.items():
        found.add(key, old, new)
    return found

"""Which commands are offered for a trace as it stands. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from monitor.commands.base import Offer
from monitor.commands.declared import Item, When
from monitor.domain.verdict import Clock, ClockState, FindingKind, FindingState
from monitor.storage.views import FindingRow, TraceDetail

_GOES_ON = frozenset({ClockState.RUNNING, ClockState.AT_RISK, ClockState.BREACHED, ClockState.BLIND})


Names = Mapping[str, Collection[str]]
"""By an element's id what else it is called: its name, its label."""


def offered(items: Sequence[Item], detail: TraceDetail, clocks: Sequence[Clock], names: Names) -> list[Offer]:
    """One offer for each command and finding it is offered for, the latest finding first. ``clocks``: as they
    stand now."""
    found: list[Offer] = []
    for item in items:
        if item.flow == detail.row.flow and _stands(item.when, detail, names):
            if item.when.asks_of_finding:
                found += [Offer(item, one) for one in _findings(item.when, detail, clocks)]
            else:
                found.append(Offer(item, None))
    return found


def _stands(when: When, detail: TraceDetail, names: Names) -> bool:
    row = detail.row
    if when.states and ("complete" if row.complete else "open") not in when.states:
        return False
    if not when.standing:
        return True
    there = {*row.standing, *row.expected, *(name for id_ in row.standing for name in names.get(id_, ()))}
    return bool(when.standing & there)


def _findings(when: When, detail: TraceDetail, clocks: Sequence[Clock]) -> Iterator[FindingRow]:
    running = {clock.sla for clock in clocks if clock.state in _GOES_ON}
    for finding in sorted(detail.findings, key=lambda one: one.time, reverse=True):
        if finding.state is not FindingState.CONFIRMED:
            continue
        is_sla = finding.kind in (FindingKind.SLA_BREACH, FindingKind.SLA_AT_RISK)
        if is_sla and finding.name not in running:
            continue  # what is over needs no mending
        if (
            (not when.findings or finding.kind in when.findings)
            and (not when.sla or (is_sla and finding.name in when.sla))
            and (not when.severity or finding.severity in when.severity)
            and (not when.element or bool(when.element & {finding.element, finding.name}))
        ):
            yield finding

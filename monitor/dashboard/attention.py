"""What needs attention, grouped by cause: one matter is one thing to look into, however many traces it holds
up. Pure: rows in, matters out, what is gravest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from monitor.configuration import Configuration
from monitor.dashboard import words
from monitor.dashboard.health import SourceHealth
from monitor.dashboard.promises import Promises
from monitor.dashboard.templating import query
from monitor.domain.notice import Notice
from monitor.domain.objective import Evaluation
from monitor.domain.verdict import FindingKind
from monitor.storage.views import ClockCounts, DeviationRow, InboxGroup, OverdueRow

Sla = tuple[str, str]

SAMPLE = 600
"""So many overdue clocks are read to see what holds them up, of each SLA as many; of more, the oldest."""

LEAST_SAMPLE = 15
"""Of each SLA at least so many, however many SLAs there are."""

RECENT = timedelta(hours=24)
"""For so long a deviation or a message in the inbox asks for attention by being new."""

MOST_INBOX = 5
_LOW_BUDGET = 0.25

PHRASES = {
    FindingKind.OUT_OF_ORDER: "came out of order",
    FindingKind.MISSING: "is missing",
    FindingKind.DUPLICATE: "came again",
    FindingKind.UNEXPECTED: "came where it cannot",
    FindingKind.UNKNOWN: "is not in the flow",
    FindingKind.AFTER_END: "came after the end",
    FindingKind.TOO_EARLY: "came too early",
    FindingKind.CONDITION: "came against a condition",
}


@dataclass(frozen=True, slots=True)
class Matter:
    """``count`` of what it is about, ``exact`` unless more may be meant; ``said`` what is wrong, ``detail``
    the rest of it; ``since`` when it began, None where nobody knows. ``address``: where to look into it,
    below the root."""

    kind: str
    severity: str
    count: int
    exact: bool
    said: str
    detail: str
    since: datetime | None
    address: str
    flow: str | None = None


@dataclass(frozen=True, slots=True)
class Landscape:
    """What matters are made of. ``names`` of flows by key; ``feeds`` as in
    :func:`~monitor.dashboard.health.seen_until`; ``each``: how many deviations of a kind were read at
    most."""

    names: Mapping[str, str]
    promises: Promises
    clocks: Mapping[Sla, ClockCounts]
    overdue: Sequence[OverdueRow]
    deviations: Sequence[DeviationRow]
    each: int
    sources: Sequence[SourceHealth]
    feeds: Mapping[str, Collection[str]]
    objectives: Sequence[tuple[str, str, Evaluation]]
    notices: Sequence[Notice]
    inbox: Sequence[InboxGroup]
    configuration: Configuration | None

    def name(self, flow: str) -> str:
        return self.names.get(flow) or flow


def matters(told: Landscape, now: datetime) -> list[Matter]:
    return [
        *_overdue(told, now),
        *_blind(told),
        *_budgets(told),
        *_deviations(told),
        *_at_risk(told),
        *_inbox(told, now),
        *(_notice(notice) for notice in told.notices),
        *_configuration(told.configuration),
    ]


AT_ONCE = {"breached": 6, "deviation": 4, "at_risk": 3, "inbox": 3}
"""Matters of a kind that are shown at once: however many traces are late, a blind source is seen."""


def at_once(every: Sequence[Matter]) -> tuple[list[Matter], list[Matter]]:
    """Those to be shown at once, and those to be unfolded."""
    shown: list[Matter] = []
    folded: list[Matter] = []
    seen: defaultdict[str, int] = defaultdict(int)
    for matter in every:
        seen[matter.kind] += 1
        (shown if seen[matter.kind] <= AT_ONCE.get(matter.kind, 5) else folded).append(matter)
    return shown, folded


def worst_slas(clocks: Mapping[Sla, ClockCounts], promises: Promises, most: int = 40) -> list[Sla]:
    """Those with overdue clocks, the critical ones and then those with most of them first."""
    late = [sla for sla, count in clocks.items() if count.breached > 0]
    return sorted(late, key=lambda sla: (not _is_critical(promises, sla), -clocks[sla].breached, sla))[:most]


def _is_critical(promises: Promises, sla: Sla) -> bool:
    return sla in promises and promises[sla].severity == "critical"


def _overdue(told: Landscape, now: datetime) -> list[Matter]:
    """One matter for all late traces of a flow that wait for the same, whichever SLAs say so."""
    groups: defaultdict[tuple[str, tuple[str, ...], tuple[str, ...]], list[OverdueRow]] = defaultdict(list)
    read: defaultdict[Sla, int] = defaultdict(int)
    for row in told.overdue:
        groups[row.flow, row.expected, row.standing[:1]].append(row)
        read[row.flow, row.sla] += 1
    cut = {sla for sla, many in read.items() if told.clocks.get(sla, ClockCounts()).breached > many}
    found = []
    for (flow, expected, standing), rows in groups.items():
        oldest = min(rows, key=lambda row: row.due)
        more = any((row.flow, row.sla) in cut for row in rows)
        traces = len({row.trace for row in rows})
        waits = f", waiting for {words.either(expected)}" if expected else ""
        broken = sorted({row.sla: row.severity != "critical" for row in rows}.items(), key=lambda one: one[1])
        names = [f"“{name}”" for name, _ in broken]
        which = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        due = f"due {words.duration(now - oldest.due)} ago"
        found.append(
            Matter(
                kind="breached",
                severity="critical" if not broken[0][1] else oldest.severity,
                count=traces,
                exact=not more,
                said=f"{_noun(rows, more)} of {told.name(flow)} {'is' if traces == 1 else 'are'} late{waits}",
                detail=f"{which}; {due if traces == 1 else f'the oldest, {oldest.trace_key}, {due}'}",
                since=oldest.due,
                address="/traces"
                + query({"flow": flow, "element": "".join(standing) or None, "sla": "breached"}),
                flow=flow,
            )
        )
    return sorted(found, key=lambda one: (one.severity != "critical", -one.count, one.since or now))


def _noun(rows: Sequence[OverdueRow | DeviationRow], more: bool) -> str:
    """``12 orders``: by the name of their keys, where they have one and the same."""
    names = {row.trace_key.partition("=")[0] if "=" in row.trace_key else "" for row in rows}
    (name,) = names if len(names) == 1 else ("",)
    noun = name if name.isalpha() and name.lower() not in words.PLACEHOLDER_KEYS else "trace"
    traces = len({row.trace for row in rows})
    return f"{'At least ' if more else ''}{words.count(traces, noun)}"


def _deviations(told: Landscape) -> list[Matter]:
    groups: defaultdict[tuple[str, FindingKind, str], list[DeviationRow]] = defaultdict(list)
    read: defaultdict[FindingKind, int] = defaultdict(int)
    for row in told.deviations:
        groups[row.flow, row.kind, row.name].append(row)
        read[row.kind] += 1
    found = []
    for (flow, kind, name), rows in groups.items():
        more = read[kind] >= told.each
        still = len({row.trace for row in rows if row.open})
        found.append(
            Matter(
                kind="deviation",
                severity="critical" if any(row.severity == "critical" for row in rows) else "warning",
                count=len(rows),
                exact=not more,
                said=f"{name} {PHRASES[kind]}: {_noun(rows, more).lower()} of {told.name(flow)}",
                detail=f"in the last 24 h; {words.thousands(still) if still else 'none'} still open",
                since=min(row.found for row in rows),
                address="/traces" + query({"flow": flow, "finding": kind.value}),
                flow=flow,
            )
        )
    return sorted(found, key=lambda one: (one.severity != "critical", -one.count, one.said))


def _blind(told: Landscape) -> Iterator[Matter]:
    for source in told.sources:
        if not source.blind:
            continue
        flows = blinded(source.row.name, told.names, told.feeds)
        what = "is blind" if source.since else "has not been read to its end yet"
        yield Matter(
            kind="blind",
            severity="critical" if source.state == "failed" else "warning",
            count=len(flows),
            exact=True,
            said=f"Source {source.row.name} {what}" + (f": {source.errors[0]}" if source.errors else ""),
            detail=f"what is missing or late in {words.count(len(flows), 'flow')} cannot be judged",
            since=source.since,
            address=f"/sources/{quote(source.row.name, safe='')}",
        )


def blinded(source: str, flows: Iterable[str], feeds: Mapping[str, Collection[str]]) -> list[str]:
    """The flows that a source feeds: what is absent in them cannot be judged while it is blind."""
    return [flow for flow in flows if flow not in feeds or source in feeds[flow]]


def _budgets(told: Landscape) -> Iterator[Matter]:
    for flow, sla, one in told.objectives:
        burn, left = one.burning, one.budget_left
        if burn is None and (left is None or left > _LOW_BUDGET):
            continue
        state = (
            "is used up"
            if left is not None and left <= 0
            else f"burns {burn.rate:.1f} times as fast as it may last"
            if burn is not None and burn.rate is not None
            else f"has {left:.0%} left"
        )
        yield Matter(
            kind="budget",
            severity=burn.window.severity if burn is not None else "warning",
            count=one.count.failed,
            exact=True,
            said=f"The error budget of “{sla}” of {told.name(flow)} {state}",
            detail=f"{one.objective.said()}; {words.thousands(one.count.failed)} of"
            f" {words.thousands(one.count.total)} failed",
            since=None if burn is None else one.until - burn.window.long,
            address=sla_address(flow, sla),
            flow=flow,
        )


def sla_address(flow: str, sla: str) -> str:
    return f"/slas/{quote(flow)}/{quote(sla)}"


def _at_risk(told: Landscape) -> Iterator[Matter]:
    for (flow, sla), count in sorted(told.clocks.items(), key=lambda one: -one[1].at_risk):
        if count.at_risk > 0:
            yield Matter(
                kind="at_risk",
                severity="info",
                count=count.at_risk,
                exact=True,
                said=f"{words.count(count.at_risk, 'clock')} of “{sla}” of {told.name(flow)}"
                f" {'is' if count.at_risk == 1 else 'are'} about to be late",
                detail="",
                since=None,
                address="/traces" + query({"flow": flow, "sla": "at_risk"}),
                flow=flow,
            )


def _inbox(told: Landscape, now: datetime) -> Iterator[Matter]:
    recent = [group for group in told.inbox if now - group.last <= RECENT]
    for group in recent[:MOST_INBOX]:
        what = f" {group.type}" if group.type else ""
        yield Matter(
            kind="inbox",
            severity="warning",
            count=group.count,
            exact=True,
            said=f"{words.count(group.count, 'message')}{what} from {group.source} in the inbox:"
            f" {words.REASONS[group.reason].lower()}",
            detail=f"the newest {words.ago(now - group.last)}: {group.detail}",
            since=None,
            address="/inbox" + query({"reason": group.reason.value, "type": group.type}),
        )
    rest = recent[MOST_INBOX:]
    if rest:
        yield Matter(
            kind="inbox",
            severity="warning",
            count=sum(group.count for group in rest),
            exact=True,
            said=f"{words.count(len(rest), 'further group')} of messages in the inbox",
            detail="",
            since=None,
            address="/inbox",
        )


def _notice(notice: Notice) -> Matter:
    return Matter(
        kind="notice",
        severity=notice.severity,
        count=1,
        exact=True,
        said=notice.message,
        detail="",
        since=notice.since,
        address="/notices" + query({"kind": notice.kind.value}),
        flow=notice.flow,
    )


def _configuration(used: Configuration | None) -> Iterator[Matter]:
    if used is not None and used.refused is not None:
        yield Matter(
            kind="configuration",
            severity="warning",
            count=1,
            exact=True,
            said="The configuration was changed and cannot be used; the one before goes on",
            detail=used.refused.why,
            since=used.refused.at,
            address="/",
        )

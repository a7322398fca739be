"""What the traces of a log did, as overlays for ``diagram``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil

from monitor.checking import CheckedTrace, CheckReport
from monitor.conformance.path import visited
from monitor.dashboard import words
from monitor.dashboard.pictures import clock_timings
from monitor.diagram import Mark, Overlay
from monitor.domain.verdict import FindingKind
from monitor.errors import InvalidInput
from monitor.judging import Judge
from monitor.sla.places import places
from monitor.timing import Timings, spans

_SHOWN = 10  # keys named where one must be chosen


def chosen(traces: Sequence[CheckedTrace], key: str | None, where: str) -> CheckedTrace:
    """The trace to draw: the only one, or that of ``key``, the last of several. Raises InvalidInput."""
    keys = list(dict.fromkeys(trace.key for trace in traces))
    _require(traces, where)
    if key is None and len(keys) > 1:
        raise InvalidInput(
            f"There are {len(keys)} traces in {where}.", mend=f"Choose one with --key: {_named(keys)}."
        )
    found = [trace for trace in traces if key is None or key in (trace.key, trace.key.partition("=")[2])]
    if not found:
        raise InvalidInput(f"There is no trace {key} in {where}.", mend=f"There are {_named(keys)}.")
    return found[-1]


def of_one(trace: CheckedTrace, judge: Judge) -> Overlay:
    """Its path, where it stands, its findings and SLA clocks."""
    verdict = trace.verdict
    clocks = clock_timings(verdict.clocks, places(judge.flow))
    marks: dict[str, list[Mark]] = {}
    for finding in verdict.findings:
        if finding.element and (finding.kind.is_deviation or finding.element not in clocks):
            text = f"{words.KINDS[finding.kind]}: {finding.message}"
            marks.setdefault(finding.element, []).append(Mark(finding.kind.value, text))
    labels = judge.checker.counted(trace.observations)
    return Overlay(
        visited=frozenset(visited(judge.flow, labels)),
        standing=Counter(verdict.standing),
        findings=marks,
        clocks=clocks,
    )


def of_many(report: CheckReport, by: str, where: str) -> Overlay:
    """How many traces passed each element and flow, waited, stand and deviate there; shaded ``by``
    frequency, waiting or deviations. Raises InvalidInput where there are no traces."""
    _require(report.traces, where)
    seen = _Seen(len(report.traces))
    timings = {key: Timings(judge.flow) for key, judge in report.judges.items()}
    for trace in report.traces:
        seen.add(trace, report.judges[trace.model], timings[trace.model])
    measured, shown = seen.measured(by)
    most = max(measured.values(), default=0.0)
    hottest = max(measured, key=lambda element: measured[element], default="")
    coldest = {"frequency": words.count(1, "trace"), "waiting": "no time"}.get(
        by, words.count(1, "deviation")
    )
    return Overlay(
        heat={element: value / most for element, value in measured.items()} if most else {},
        heat_kind={"frequency": "Frequency", "waiting": "Median wait"}.get(by, "Deviations"),
        heat_ends=(coldest, _unit(shown[hottest], by)) if most else ("", ""),
        weights={flow: count / seen.traces for flow, count in seen.passed.items()},
        counts=shown,
        tips={element: seen.tips(element) for element in seen.elements()},
        standing=seen.standing,
        findings={
            element: [
                Mark(kind.value, f"{words.KINDS[kind]} in {words.count(count, 'trace')}.", count)
                for kind, count in kinds.items()
            ]
            for element, kinds in seen.deviating.items()
        },
    )


@dataclass(slots=True)
class _Seen:
    """What ``traces`` did: in how many each element and flow was passed, stands, deviates by kind; and how
    long steps waited and worked."""

    traces: int
    passed: Counter[str] = field(default_factory=Counter)
    standing: Counter[str] = field(default_factory=Counter)
    deviating: defaultdict[str, Counter[FindingKind]] = field(default_factory=lambda: defaultdict(Counter))
    waited: defaultdict[str, list[timedelta]] = field(default_factory=lambda: defaultdict(list))
    worked: defaultdict[str, list[timedelta]] = field(default_factory=lambda: defaultdict(list))

    def add(self, trace: CheckedTrace, judge: Judge, timings: Timings) -> None:
        aligned = judge.checker.aligned(trace.observations)
        labels = [step.label for step in aligned]
        self.passed.update(visited(judge.flow, labels))
        self.standing.update(set(trace.verdict.standing))
        told = {(f.element, f.kind) for f in trace.verdict.findings if f.element and f.kind.is_deviation}
        for element, kind in sorted(told, key=str):
            self.deviating[str(element)][kind] += 1
        times = [step.observation.time if step.observation else None for step in aligned]
        for span in spans(timings.steps(labels), times):
            for element in span.elements:
                if span.waited is not None:
                    self.waited[element].append(span.waited)
                if span.worked is not None:
                    self.worked[element].append(span.worked)

    def measured(self, by: str) -> tuple[Mapping[str, float], Mapping[str, str]]:
        """By element: the measure as a number, and as a short text."""
        if by == "waiting":
            medians = {element: _quantile(times, 0.5) for element, times in self.waited.items()}
            values = {element: median.total_seconds() for element, median in medians.items()}
            return values, {element: words.duration(median) for element, median in medians.items()}
        counts = self.passed
        if by == "deviations":
            counts = Counter({element: kinds.total() for element, kinds in self.deviating.items()})
        return counts, {element: words.thousands(count) for element, count in counts.items()}

    def elements(self) -> set[str]:
        return {*self.passed, *self.standing, *self.deviating, *self.waited, *self.worked}

    def tips(self, element: str) -> tuple[str, ...]:
        share = words.percent(self.passed[element] / self.traces)
        lines = [f"passed by {self.passed[element]} of {words.count(self.traces, 'trace')} ({share})"]
        for word, times in (("wait", self.waited.get(element)), ("work", self.worked.get(element))):
            if times:
                median, high = words.duration(_quantile(times, 0.5)), words.duration(_quantile(times, 0.95))
                lines.append(f"median {word} {median}, 95 % below {high}")
        if self.standing[element]:
            lines.append(words.count(self.standing[element], "trace stands here", "traces stand here"))
        for kind, count in self.deviating.get(element, {}).items():
            lines.append(f"{words.KINDS[kind].lower()} in {words.count(count, 'trace')}")
        return tuple(lines)


def _quantile(times: Sequence[timedelta], share: float) -> timedelta:
    """The least of the times that ``share`` of them do not exceed."""
    return sorted(times)[max(0, ceil(share * len(times)) - 1)]


def _unit(shown: str, by: str) -> str:
    if by == "waiting":
        return shown
    noun = "trace" if by == "frequency" else "deviation"
    return f"{shown} {noun}" if shown == "1" else f"{shown} {noun}s"


def _require(traces: Sequence[CheckedTrace], where: str) -> None:
    if not traces:
        raise InvalidInput(
            f"There is no trace of this model in {where}.", mend="See what check says of the same files."
        )


def _named(keys: Sequence[str]) -> str:
    shown = ", ".join(keys[:_SHOWN])
    rest = len(keys) - _SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown

"""What many traces did at each element of their flow: numbers, in words, and as heat on the diagram. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from monitor.bpmn.outline import Outlined
from monitor.dashboard import words
from monitor.diagram import Mark, Overlay
from monitor.domain.verdict import FindingKind
from monitor.statistics import Histogram, edges, quantile
from monitor.storage.views import ElementStatistics, FlowStatistics


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations over many traces: how many, the median, what 95 % do not exceed, and about how much time they
    are together."""

    count: int
    median: timedelta | None
    p95: timedelta | None
    total: timedelta


def spread(histogram: Histogram) -> Spread:
    seconds = sum(max(0, count) * sum(edges(bucket)) / 2 for bucket, count in histogram.items())
    return Spread(
        sum(histogram.values()),
        quantile(histogram, 0.5),
        quantile(histogram, 0.95),
        timedelta(seconds=min(seconds, timedelta.max.total_seconds() / 2)),
    )


@dataclass(frozen=True, slots=True)
class ElementNumbers:
    """``reached``: traces; ``passed``: how often. ``share`` of the traces that reached it, and ``time``: the
    share of all time waited and worked that was spent here, both 0 to 1. ``place``: where it stands in the
    flow."""

    step: Outlined
    place: int
    reached: int
    passed: int
    share: float
    standing: int
    waiting: Spread
    working: Spread
    time: float
    deviations: Mapping[str, int]

    @property
    def deviating(self) -> int:
        return sum(self.deviations.values())


def element_numbers(outline: Sequence[Outlined], told: FlowStatistics) -> list[ElementNumbers]:
    """Every element an event tells of, and whatever else something was counted at, in the flow's order; what
    the outline does not know (of another version, say) comes last."""
    known = {step.id for step in outline}
    steps = [step for step in outline if step.observable or step.id in told.elements]
    steps += [Outlined(id, id, "", observable=False) for id in told.elements if id and id not in known]
    counted = [told.elements.get(step.id, ElementStatistics()) for step in steps]
    spreads = [(spread(one.waited), spread(one.worked)) for one in counted]
    whole = sum((waiting.total + working.total for waiting, working in spreads), timedelta(0))
    return [
        ElementNumbers(
            step=step,
            place=place,
            reached=one.reached,
            passed=one.passed,
            share=one.reached / told.traces if told.traces else 0.0,
            standing=one.standing,
            waiting=waiting,
            working=working,
            time=(waiting.total + working.total) / whole if whole else 0.0,
            deviations=one.deviations,
        )
        for place, (step, one, (waiting, working)) in enumerate(zip(steps, counted, spreads, strict=True))
    ]


class Heat(StrEnum):
    """What the diagram's heat measures."""

    FREQUENCY = "frequency"
    WAITING = "waiting"
    WORKING = "working"
    DEVIATIONS = "deviations"
    STANDING = "standing"


class Statistic(StrEnum):
    MEDIAN = "median"
    P95 = "p95"


HEATS = {
    Heat.FREQUENCY: ("Frequency", "How often each element was passed."),
    Heat.WAITING: (
        "Waiting",
        "How long an event was waited for, from when it became possible to when it came.",
    ),
    Heat.WORKING: ("Working", "How long activities took from start to end, where both are seen."),
    Heat.DEVIATIONS: ("Deviations", "Confirmed deviations at each element."),
    Heat.STANDING: ("Standing now", "Where open traces stand now."),
}
STATISTICS = {Statistic.MEDIAN: "Median", Statistic.P95: "95th percentile"}
TIMED = frozenset({Heat.WAITING, Heat.WORKING})


def heat_value(row: ElementNumbers, heat: Heat, statistic: Statistic) -> int | timedelta | None:
    """What heat measures of an element; None where nothing was."""
    match heat:
        case Heat.FREQUENCY:
            return row.passed or None
        case Heat.DEVIATIONS:
            return row.deviating or None
        case Heat.STANDING:
            return row.standing or None
    times = row.waiting if heat is Heat.WAITING else row.working
    return times.median if statistic is Statistic.MEDIAN else times.p95


def heat_told(row: ElementNumbers, heat: Heat, statistic: Statistic) -> str:
    value = heat_value(row, heat, statistic)
    return words.duration(value) if isinstance(value, timedelta) else words.thousands(value or 0)


def heat_size(row: ElementNumbers, heat: Heat, statistic: Statistic) -> float:
    """What heat measures as a plain number, times in seconds; 0 where nothing was."""
    value = heat_value(row, heat, statistic)
    return value.total_seconds() if isinstance(value, timedelta) else value or 0.0


def heat_overlay(
    rows: Sequence[ElementNumbers], heat: Heat, statistic: Statistic, hottest: float | None = None
) -> Overlay:
    """Each element has its share of the heat of the ``hottest`` (by default of these), and tells all its
    numbers."""
    warm = {row.step.id: row for row in rows if heat_value(row, heat, statistic) is not None}
    sizes = {id: heat_size(row, heat, statistic) for id, row in warm.items()}
    most = hottest or max(sizes.values(), default=0.0) or 1.0
    counts = {id: heat_told(row, heat, statistic) for id, row in warm.items()}
    ends = (min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)) if sizes else ()
    marks = {
        row.step.id: [Mark(kind, _times(kind, number), number) for kind, number in row.deviations.items()]
        for row in rows
        if row.deviations and heat is Heat.DEVIATIONS
    }
    return Overlay(
        heat={id: size / most for id, size in sizes.items()},
        counts={} if marks else counts,
        tips={row.step.id: lines(row) for row in rows},
        findings=marks,
        heat_kind=f"{HEATS[heat][0]}, {STATISTICS[statistic].lower()}" if heat in TIMED else HEATS[heat][0],
        heat_ends=(counts[ends[0]], counts[ends[1]]) if ends else ("", ""),
    )


def _times(kind: str, number: int) -> str:
    return f"{words.KINDS[FindingKind(kind)]}: {words.count(number, 'time')}"


def lines(row: ElementNumbers) -> list[str]:
    """All numbers of an element, a line for each matter."""
    said = [
        f"Reached by {words.count(row.reached, 'trace')}"
        f" ({_percent(row.share)}), passed {words.count(row.passed, 'time')}"
    ]
    for times, what in ((row.waiting, "Waited for"), (row.working, "Worked on")):
        if times.median is not None and times.p95 is not None:
            said.append(
                f"{what}: median {words.duration(times.median)}, 95 % within {words.duration(times.p95)}"
            )
    said += [_times(kind, number) for kind, number in row.deviations.items()]
    if row.standing:
        said.append(f"Open traces here now: {words.thousands(row.standing)}")
    return said


def _percent(share: float) -> str:
    return words.share_told(share, 1.0)


SORTS = ("place", "reached", "waiting", "waiting95", "working", "time", "deviations", "standing")
"""What elements can be sorted by: their place in the flow, or a number, the largest first."""


def sort_elements(rows: Sequence[ElementNumbers], by: str) -> list[ElementNumbers]:
    def size(row: ElementNumbers) -> float:
        match by:
            case "reached":
                return row.reached
            case "waiting":
                return _seconds(row.waiting.median)
            case "waiting95":
                return _seconds(row.waiting.p95)
            case "working":
                return _seconds(row.working.median)
            case "time":
                return row.time
            case "deviations":
                return row.deviating
            case "standing":
                return row.standing
        return -row.place

    return sorted(rows, key=size, reverse=True)


def _seconds(span: timedelta | None) -> float:
    return -1.0 if span is None else span.total_seconds()


class Reached(NamedTuple):
    """One bar of the funnel: ``lost`` since the bar before, None of the first; negative where more came
    in."""

    row: ElementNumbers
    lost: int | None


def funnel(rows: Sequence[ElementNumbers], usual: frozenset[str] | None) -> list[Reached]:
    """How far traces got. ``usual``: ids of the elements to show; None: all that an event tells of."""
    shown = [row for row in rows if row.step.observable and (usual is None or row.step.id in usual)]
    return [
        Reached(row, None if at == 0 else shown[at - 1].reached - row.reached) for at, row in enumerate(shown)
    ]

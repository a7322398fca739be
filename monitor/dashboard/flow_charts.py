"""The charts of a flow's page, from its numbers. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

from markupsafe import Markup

from monitor.dashboard import charts, words
from monitor.dashboard.charts import Bar, Column, Line
from monitor.dashboard.flow_numbers import ElementNumbers, Reached, Spread
from monitor.dashboard.flow_question import date_of
from monitor.dashboard.histograms import durations
from monitor.dashboard.sparks import sparkline
from monitor.dashboard.variants import Coverage, Variant
from monitor.statistics import Histogram
from monitor.storage.views import DayRow

MOST_DAYS = 45
"""Days drawn as a column each; more are put together."""

_TICKS = 5
_PARTS = 5


def begun_line(begun: Mapping[int, int], since: int, today: int, name: str, flow: str) -> Markup:
    """Traces begun per day as a line for a row of a table."""
    values = [begun.get(day, 0) for day in range(since, today + 1)]
    told = (
        f"{words.count(sum(values), 'trace')} in {len(values)} days; at most {words.thousands(max(values))}"
        f" a day, {words.thousands(values[-1])} today so far."
    )
    return sparkline(values, name=name, title=f"Traces of {flow} begun per day", told=told)


def begun_columns(days: Sequence[DayRow], since: int | None, today: int) -> Markup:
    """Traces begun per day, or per several days where there are many."""
    first = min([since if since is not None else today, *(row.day for row in days)])
    last = max([today, *(row.day for row in days)])
    step = math.ceil((last - first + 1) / MOST_DAYS)
    sums: dict[int, list[int]] = {}
    for row in days:
        one = sums.setdefault((row.day - first) // step, [0, 0, 0])
        for at, number in enumerate((row.traces, row.complete, row.deviating)):
            one[at] += number
    number = (last - first) // step + 1
    every = max(1, math.ceil(number / _TICKS))
    shown = []
    for at in range(number):
        traces, complete, deviating = sums.get(at, (0, 0, 0))
        begin, end = first + at * step, min(last, first + at * step + step - 1)
        said = f"{date_of(begin)}" if begin == end else f"{date_of(begin)} to {date_of(end)}"
        told = f"{words.count(traces, 'trace')}, {complete} complete, {deviating} deviating"
        shown.append(Column(said, traces, told, tick=f"{date_of(begin)}" if at % every == 0 else ""))
    most = max(shown, key=lambda column: column.value)
    unit = "day" if step == 1 else f"{step} days"
    return charts.columns(
        shown,
        name="begun",
        title=f"Traces begun per {unit}",
        desc=f"{words.count(sum(row.traces for row in days), 'trace')}; most in {most.label}: {most.told}.",
        heads=("Days (UTC)", "Traces"),
    )


def took_columns(histogram: Histogram, took: Spread) -> Markup:
    """How long complete traces took, with the median and the 95th percentile."""
    shown = durations(histogram, "trace")
    lines = []
    desc = "No trace is complete yet."
    if took.median is not None and took.p95 is not None:
        median, p95 = words.duration(took.median), words.duration(took.p95)
        lines = [
            Line(shown.at(took.median), f"median {median}"),
            Line(shown.at(took.p95), f"95 % within {p95}"),
        ]
        desc = f"{words.count(took.count, 'trace')}; half took {median} or less, 95 % {p95} or less."
    return charts.columns(
        shown.columns,
        name="took",
        title="How long complete traces took",
        desc=desc,
        heads=("Took", "Traces"),
        lines=lines,
    )


def time_shares(rows: Sequence[ElementNumbers]) -> Markup | None:
    """Where the time went: the elements at which most of it was spent, waiting and working apart."""
    spent: list[tuple[timedelta, str, Spread]] = []
    for row in rows:
        spent.append((row.waiting.total, f"Waiting for {row.step.name}", row.waiting))
        spent.append((row.working.total, f"Working on {row.step.name}", row.working))
    spent = [one for one in spent if one[0] > timedelta(0)]
    if not spent:
        return None
    spent.sort(key=lambda one: one[0], reverse=True)
    whole = sum((one[0] for one in spent), timedelta(0))
    parts = [
        Bar(
            label,
            total / whole,
            words.share_told(total / whole, 1),
            f"part{at}",
            note="" if times.median is None else f"median {words.duration(times.median)}",
        )
        for at, (total, label, times) in enumerate(spent[:_PARTS], start=1)
    ]
    rest = sum((one[0] for one in spent[_PARTS:]), timedelta(0))
    if rest:
        others = words.count(len(spent) - _PARTS, "other")
        parts.append(Bar(others.capitalize(), rest / whole, words.share_told(rest / whole, 1), "quiet"))
    return charts.shares(parts, name="time", title="Where the time went")


def funnel_bars(reached: Sequence[Reached], traces: int) -> Markup:
    rows = []
    for one in reached:
        number = one.row.reached
        note = "" if one.lost is None else "none" if one.lost == 0 else f"−{words.thousands(one.lost)}"
        if one.lost is not None and one.lost < 0:
            note = f"+{words.thousands(-one.lost)}"
        elif one.lost:
            note += f" ({words.share_told(one.lost, number + one.lost)})"
        told = f"{words.thousands(number)} ({words.share_told(number, traces)})"
        rows.append(Bar(one.row.step.name, number, told, note=note))
    return charts.bars(
        rows,
        caption="How many of the traces reached each element",
        heads=("Element", "Traces that reached it", "Fewer than before"),
        whole=max([traces, *(one.row.reached for one in reached)], default=1) or 1,
    )


def coverage_shares(shown: Sequence[Variant], covered: Coverage, number: int) -> Markup:
    """How much the most frequent variants cover; ``number``: of all variants."""
    parts = [
        Bar(f"Variant {at}", one.share, words.share_told(one.share, 1), f"part{at}")
        for at, one in enumerate(shown[:_PARTS], start=1)
    ]
    rest = 1 - sum(one.share for one in shown[:_PARTS])
    if number > _PARTS and rest > 0:
        parts.append(Bar("All others", rest, words.share_told(rest, 1), "quiet"))
    title = (
        f"{words.count(covered.variants, 'variant covers', 'variants cover')}"
        f" {words.share_told(covered.share, 1)} of the complete traces"
    )
    return charts.shares(parts, name="coverage", title=title)

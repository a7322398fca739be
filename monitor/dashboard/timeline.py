"""The rows of a trace's timeline, and the axis of time they share. Pure.

Each step waited since what made it possible had happened, and worked where its start was observed apart.
Rows for what is missing and for what is expected now stand among them, and those of SLA clocks below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from monitor.dashboard import words
from monitor.domain.verdict import Clock, FindingKind, FindingState
from monitor.storage.views import EventRow, FindingRow, TraceDetail
from monitor.timing import Part

MOST_EXPECTED = 8
MOST_CLOCKS = 20
MOST_MISSING = 50
MOST_TICKS = 6
MOST_NAMED = 2
LEAST_SHARE = 0.15
"""Of a trace's length, to be worth naming."""

_BEYOND = 8.0
"""How many times as long as what happened the axis may go on after it: an old open trace stays readable."""

_BEYOND_FOR_DUE = 30.0
"""The same for the next thing that is due."""

_BEYOND_COMPLETE = 0.5
"""The same once nothing goes on, for what was due later."""

_UNITS = (
    *(timedelta(milliseconds=size) for size in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(timedelta(seconds=size) for size in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=size) for size in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=size) for size in (1, 2, 3, 6, 12)),
    *(timedelta(days=size) for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)


class RowKind(StrEnum):
    STEP = "step"
    UNCOUNTED = "uncounted"
    MISSING = "missing"
    EXPECTED = "expected"
    CLOCK = "clock"


class Stretch(NamedTuple):
    """From when to when; ``goes_on``: it has no end yet, and ``until`` is now."""

    since: datetime
    until: datetime
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``event``: what it is about, of an activity that was seen to start the start; ``end`` is its
    end then. ``at``: when it happened, or was found missing. ``due``: by when, of a clock, or of one that
    runs for what is expected."""

    kind: RowKind
    label: str
    at: datetime | None = None
    event: EventRow | None = None
    end: EventRow | None = None
    waits: Stretch | None = None
    works: Stretch | None = None
    waited: timedelta | None = None
    worked: timedelta | None = None
    critical: bool = False
    findings: Sequence[FindingRow] = ()
    clock: Clock | None = None
    due: datetime | None = None


class Tick(NamedTuple):
    share: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """``cut``: something goes on or is due past its end; ``is_open``: something goes on."""

    begin: datetime
    end: datetime
    cut: bool
    is_open: bool = False

    def share(self, when: datetime) -> float:
        """Where a moment stands, 0 to 1; what is outside stands at the nearer end."""
        whole = self.end - self.begin
        return min(1.0, max(0.0, (when - self.begin) / whole)) if whole else 0.0

    def within(self, when: datetime) -> bool:
        return self.begin <= when <= self.end

    @property
    def ticks(self) -> Sequence[Tick]:
        """Round times since the beginning."""
        whole = self.end - self.begin
        if not whole:
            return (Tick(0.0, "0"),)
        unit = next((unit for unit in _UNITS if whole / unit <= MOST_TICKS), whole)
        return tuple(
            Tick(unit * number / whole, words.duration(unit * number) if number else "0")
            for number in range(int(whole / unit) + 1)
        )


@dataclass(frozen=True, slots=True)
class Timeline:
    """``known``: it is known what each step waited for; else each is shown since the event before."""

    rows: Sequence[Row]
    axis: Axis
    known: bool = True
    hidden: Sequence[str] = field(default=())


def timeline(
    detail: TraceDetail,
    parts: Mapping[int, Part] | None,
    shown: Sequence[tuple[int, EventRow]],
    clocks: Sequence[Clock],
    elements: Mapping[str, Sequence[str]],
    now: datetime,
    *,
    is_last: bool,
) -> Timeline | None:
    """Of the events ``shown``, each with its index in ``parts`` (None: not known). ``clocks``: as shown, the
    worst first. ``elements``: of each label. ``is_last``: no events come after these. None without events."""
    if not shown:
        return None
    rows = _happened(detail, parts, shown, now)
    hidden: list[str] = []
    first, last = shown[0][1].time, shown[-1][1].time
    missing = [
        Row(RowKind.MISSING, finding.name, at=finding.time, findings=(finding,))
        for finding in detail.findings
        if finding.kind is FindingKind.MISSING
        and finding.state is not FindingState.RETRACTED
        and first <= finding.time
        and (is_last or finding.time <= last)
    ]
    rows += _bounded(missing, MOST_MISSING, "missing step", hidden)
    rows.sort(key=lambda row: row.at or last)
    if is_last:
        row = detail.row
        if not row.complete and row.last is not None:
            expected = [_expected(label, row.last, clocks, elements, now) for label in row.expected]
            rows += _bounded(expected, MOST_EXPECTED, "expected step", hidden)
        rows += _bounded([_clock(clock, now) for clock in clocks], MOST_CLOCKS, "SLA clock", hidden)
    return Timeline(rows, _axis(rows), parts is not None, hidden)


def where_time_went(parts: Mapping[int, Part], events: Sequence[EventRow]) -> str | None:
    """How long it took from the first step of a trace to its last, and what most of that was spent on."""
    if not parts:
        return None
    first, last = min(parts), max(parts)
    whole = events[last].time - events[first].time
    if whole <= timedelta(0):
        return None
    took = sorted(
        (
            (part.span.worked or part.span.waited or timedelta(0), part.span.worked is not None, index)
            for index, part in parts.items()
            if part.critical
        ),
        key=lambda one: (-one[0], one[2]),
    )
    most = [
        f"{words.duration(length)} {'working on' if works else 'waiting for'} {events[index].label}"
        for length, works, index in took[:MOST_NAMED]
        if length >= whole * LEAST_SHARE
    ]
    spent = f", of which {' and '.join(most)}" if most else ""
    return f"{words.duration(whole)} from {events[first].label} to {events[last].label}{spent}."


def _bounded(rows: Sequence[Row], most: int, noun: str, hidden: list[str]) -> Sequence[Row]:
    if len(rows) > most:
        hidden.append(words.count(len(rows) - most, f"more {noun}"))
    return rows[:most]


def _happened(
    detail: TraceDetail,
    parts: Mapping[int, Part] | None,
    shown: Sequence[tuple[int, EventRow]],
    now: datetime,
) -> list[Row]:
    about: defaultdict[bytes, list[FindingRow]] = defaultdict(list)
    for finding in detail.findings:
        if finding.identity is not None and finding.state is not FindingState.RETRACTED:
            about[finding.identity].append(finding)
    on_page = dict(shown)
    rows: list[Row] = []
    before: EventRow | None = None
    for index, event in shown:
        found = tuple(about.get(event.identity, ()))
        if parts is None:
            waits = None if before is None else Stretch(before.time, event.time)
            waited = None if before is None else event.time - before.time
            rows.append(
                Row(RowKind.STEP, event.label, event.time, event, waits=waits, waited=waited, findings=found)
            )
        elif index not in parts:
            rows.append(Row(RowKind.UNCOUNTED, event.label, event.time, event, findings=found))
        elif parts[index].began not in on_page:
            end = None if parts[index].ends is None else on_page.get(parts[index].ends or 0)
            more = () if end is None else tuple(about.get(end.identity, ()))
            rows.append(_step(parts, index, event, end, (*found, *more), now))
        before = event
    return rows


def _step(
    parts: Mapping[int, Part],
    index: int,
    event: EventRow,
    end: EventRow | None,
    found: Sequence[FindingRow],
    now: datetime,
) -> Row:
    part = parts[index]
    span, ended = part.span, None if part.ends is None else parts[part.ends]
    works = None
    if part.step.is_start:
        works = Stretch(event.time, now if end is None else end.time, goes_on=end is None)
    elif span.worked is not None:
        works = Stretch(event.time - span.worked, event.time)
    waits = None
    if span.since is not None and span.waited is not None:
        waits = Stretch(min(span.since, event.time), event.time)
    return Row(
        RowKind.STEP,
        event.label if end is None or end.label == event.label else f"{event.label} – {end.label}",
        event.time,
        event,
        end,
        waits,
        works,
        span.waited,
        span.worked if ended is None else ended.span.worked,
        part.critical,
        found,
    )


def _expected(
    label: str,
    since: datetime,
    clocks: Sequence[Clock],
    elements: Mapping[str, Sequence[str]],
    now: datetime,
) -> Row:
    at = elements.get(label, ())
    due = min((clock.due for clock in clocks if clock.state.is_open and clock.element in at), default=None)
    until = max(since, now)
    return Row(
        RowKind.EXPECTED,
        label,
        waits=Stretch(since, until, goes_on=True),
        waited=until - since,
        due=due,
    )


def _clock(clock: Clock, now: datetime) -> Row:
    until = clock.ended or clock.paused or max(now, clock.started)
    name = clock.sla if not clock.occurrence else f"{clock.sla} (no. {clock.occurrence + 1})"
    return Row(
        RowKind.CLOCK,
        name,
        waits=Stretch(clock.started, until, goes_on=clock.ended is None and clock.paused is None),
        clock=clock,
        due=clock.due,
    )


def _axis(rows: Sequence[Row]) -> Axis:
    """From the first step to the last, and beyond as far as what goes on and what is due, within reason."""
    happened = [at for row in rows if row.kind is not RowKind.CLOCK for at in _moments(row)]
    begin, latest = min(happened), max(happened)
    wanted = max(
        (
            moment
            for row in rows
            for moment in (row.due, row.waits and row.waits.until, row.works and row.works.until)
            if moment is not None
        ),
        default=latest,
    )
    end = max(latest, wanted)
    open_ = any((row.waits and row.waits.goes_on) or (row.works and row.works.goes_on) for row in rows)
    if latest > begin:
        whole = latest - begin
        cap = latest + (_BEYOND if open_ else _BEYOND_COMPLETE) * whole
        running = [row.due for row in rows if row.due and row.waits and row.waits.goes_on]
        next_due = min((due for due in running if due > cap), default=cap)
        end = min(end, next_due if next_due <= latest + _BEYOND_FOR_DUE * whole else cap)
    return Axis(begin, end, wanted > end, open_)


def _moments(row: Row) -> Sequence[datetime]:
    """When something happened, whatever still goes on."""
    found = [] if row.at is None else [row.at]
    for stretch in (row.waits, row.works):
        if stretch is not None:
            found.append(stretch.since)
            if not stretch.goes_on:
                found.append(stretch.until)
    return found

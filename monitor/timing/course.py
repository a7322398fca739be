"""The steps of one observed trace, each with the event that was seen of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from monitor.timing.spans import Span, critical_path, spans
from monitor.timing.steps import Step


class Course(NamedTuple):
    """``steps`` a trace counts and, for each, the index of its event among those it was made from; None where
    the step was skipped."""

    steps: tuple[Step, ...]
    events: tuple[int | None, ...]


class Part(NamedTuple):
    """What one event did in its trace. ``after``: the event that made it possible; None: the start of the
    flow did. ``ends``: of an event an activity was seen to start with, the one it ended with; ``began``: the
    other way round. All are indices of events. ``critical``: the length of the trace goes back to it."""

    step: Step
    span: Span
    after: int | None
    began: int | None
    ends: int | None
    critical: bool


def told(course: Course, times: Sequence[datetime]) -> Mapping[int, Part]:
    """By event what it did; what the trace does not count is left out. ``times``: of the events."""
    steps, events = course
    seen = [None if event is None else times[event] for event in events]
    critical = frozenset(critical_path(steps, seen))
    ends = {step.began: index for index, step in enumerate(steps) if step.began is not None}
    parts = {}
    for span in spans(steps, seen):
        step = steps[span.index]
        after = step.after
        while after is not None and events[after] is None:
            after = steps[after].after
        event, end = events[span.index], ends.get(span.index)
        assert event is not None, "only what was seen has a span"
        parts[event] = Part(
            step,
            span,
            None if after is None else events[after],
            None if step.began is None else events[step.began],
            None if end is None else events[end],
            span.index in critical,
        )
    return parts

"""How long steps waited and worked, and which of them the trace as a whole waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.timing.steps import Step

_NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Span:
    """What step ``index`` took. ``since``: when it became possible, which is when the step happened that made
    it so; where the start of the flow did, when the flow was first seen; None for the trace's first step.
    ``waited``: from then until it happened; None for the first step, and for one that ends an activity whose
    start is observed apart (that start waited). ``worked``: of such an end, from the start on; else None.
    Never negative."""

    index: int
    elements: tuple[str, ...]
    waited: timedelta | None
    worked: timedelta | None
    since: datetime | None


def spans(steps: Sequence[Step], times: Sequence[datetime | None]) -> tuple[Span, ...]:
    """``times``: of each step; None where nobody saw it happen (a step that was skipped). Those have no span,
    and what came after them waited since what they themselves came after."""
    first = next((at for at, time in enumerate(times) if time is not None), None)
    found = []
    for index, step in enumerate(steps):
        time = times[index]
        if time is None:
            continue
        since = None if index == first else _time(_seen(steps, times, step.after), times, first)
        began = None if step.began is None else times[step.began]
        worked = None if began is None else max(_NONE, time - began)
        waited = None if since is None or worked is not None else max(_NONE, time - since)
        found.append(Span(index, step.elements, waited, worked, since))
    return tuple(found)


def critical_path(steps: Sequence[Step], times: Sequence[datetime | None]) -> tuple[int, ...]:
    """Indices of the steps that the trace's length is made of, in order: from the last one back to what each
    of them waited for. Their spans together last as long as the trace, but for times that contradict the
    order. Steps that nobody saw happen are left out."""
    at = _seen(steps, times, len(steps) - 1 if steps else None)
    path: list[int] = []
    while at is not None:
        path.append(at)
        at = _seen(steps, times, steps[at].after)
    return tuple(reversed(path))


def _seen(steps: Sequence[Step], times: Sequence[datetime | None], at: int | None) -> int | None:
    """``at``, or the first one back from it that was seen to happen."""
    while at is not None and times[at] is None:
        at = steps[at].after
    return at


def _time(at: int | None, times: Sequence[datetime | None], first: int | None) -> datetime | None:
    at = first if at is None else at
    return None if at is None else times[at]

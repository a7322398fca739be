"""Two versions of a flow side by side: what differs, by how much, in words and with its sign. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from monitor.dashboard import words
from monitor.dashboard.flow_numbers import ElementNumbers, Spread, spread
from monitor.storage.views import FlowStatistics

FEW = 30
"""With fewer traces than this a difference may well be chance."""

_SAME = 0.02
_LITTLE = 0.05
_LITTLE_POINTS = 1.0
"""Times that differ by less than a fiftieth are the same, for they come from buckets; what differs by less
than a twentieth, or by less than a percentage point, is neither better nor worse."""


class Difference(NamedTuple):
    """``a`` and ``b`` in words, ``said`` how b differs from a. ``tone``: ``ok`` where that is better, ``bad``
    where it is worse, ``quiet`` where it is neither or nothing."""

    a: str
    b: str
    said: str
    tone: str


@dataclass(frozen=True, slots=True)
class ElementDifference:
    """An element both versions have, or one of them (``only`` says which: ``a`` or ``b``, else empty)."""

    name: str
    only: str
    reached: Difference
    median: Difference
    p95: Difference
    deviations: Difference


def shares(a: tuple[int, int], b: tuple[int, int], better: int = 0) -> Difference:
    """Two shares, each as part and whole, apart by percentage points. ``better``: 1 where more is better, -1
    where less is, 0 where neither."""
    if not a[1] or not b[1]:
        return Difference(_share(a), _share(b), "", "quiet")
    points = b[0] / b[1] * 100 - a[0] / a[1] * 100
    if abs(points) < 0.05:
        return Difference(_share(a), _share(b), "the same", "quiet")
    return Difference(
        _share(a),
        _share(b),
        f"{_sign(points)}{abs(points):.1f} points",
        _tone(points * better, _LITTLE_POINTS),
    )


def rates(a: tuple[int, int], b: tuple[int, int]) -> Difference:
    """How many there were of something that should not be in 100 traces; part and whole as in
    :func:`shares`."""
    if not a[1] or not b[1]:
        return Difference(_rate(a), _rate(b), "", "quiet")
    apart = b[0] / b[1] * 100 - a[0] / a[1] * 100
    if abs(apart) < 0.05:
        return Difference(_rate(a), _rate(b), "the same", "quiet")
    return Difference(_rate(a), _rate(b), f"{_sign(apart)}{abs(apart):.1f}", _tone(-apart, _LITTLE_POINTS))


def _rate(of: tuple[int, int]) -> str:
    part, whole = of
    return f"{part / whole * 100:.1f}" if whole else "–"


def _share(of: tuple[int, int]) -> str:
    part, whole = of
    return f"{part / whole * 100:.1f} %" if whole else "–"


def times(a: timedelta | None, b: timedelta | None) -> Difference:
    """Two durations, of which the shorter is the better."""
    if a is None or b is None:
        return Difference(_time(a), _time(b), "", "quiet")
    apart = b - a
    larger = max(a, b)
    if larger == timedelta(0) or abs(apart) / larger < _SAME:
        return Difference(_time(a), _time(b), "about the same", "quiet")
    by = f" ({_sign(apart / a)}{abs(apart / a) * 100:.0f} %)" if a else ""
    word = "longer" if apart > timedelta(0) else "shorter"
    return Difference(
        _time(a), _time(b), f"{words.duration(abs(apart))} {word}{by}", _tone(-apart / larger, _LITTLE)
    )


def _time(span: timedelta | None) -> str:
    return "–" if span is None else words.duration(span)


def _sign(number: float) -> str:
    return "+" if number > 0 else "−"


def _tone(gain: float, little: float) -> str:
    return "ok" if gain >= little else "bad" if gain <= -little else "quiet"


def numbers(a: int, b: int) -> Difference:
    return Difference(words.thousands(a), words.thousands(b), "", "quiet")


def overall(a: FlowStatistics, b: FlowStatistics) -> list[tuple[str, Difference]]:
    """What is told of whole traces."""
    took: tuple[Spread, Spread] = spread(a.duration), spread(b.duration)
    return [
        ("Traces", numbers(a.traces, b.traces)),
        ("Complete", shares((a.complete, a.traces), (b.complete, b.traces), better=1)),
        ("Deviating", shares((a.deviating, a.traces), (b.deviating, b.traces), better=-1)),
        ("Median duration", times(took[0].median, took[1].median)),
        ("95 % take at most", times(took[0].p95, took[1].p95)),
    ]


def elements(
    a: Sequence[ElementNumbers], b: Sequence[ElementNumbers], traces: tuple[int, int]
) -> list[ElementDifference]:
    """Matched by id, else by name where that is one element's only; in the order of ``b``, then what only
    ``a`` has."""
    found: list[ElementDifference] = []
    a, b = [row for row in a if _is_seen(row)], [row for row in b if _is_seen(row)]
    left = {row.step.id: row for row in a}
    ids_of_b = {row.step.id for row in b}
    names = _unique_names([row for row in a if row.step.id not in ids_of_b])
    names_of_b = _unique_names([row for row in b if row.step.id not in left])
    for row in b:
        twin = left.get(row.step.id)
        if twin is None and names_of_b.get(row.step.name) is row:
            twin = names.get(row.step.name)
        if twin is not None:
            left.pop(twin.step.id, None)
        found.append(_element(twin, row, traces))
    return found + [_element(row, None, traces) for row in left.values()]


def _is_seen(row: ElementNumbers) -> bool:
    return row.step.observable or row.reached > 0


def _unique_names(rows: Sequence[ElementNumbers]) -> dict[str, ElementNumbers]:
    named: dict[str, list[ElementNumbers]] = {}
    for row in rows:
        named.setdefault(row.step.name, []).append(row)
    return {name: same[0] for name, same in named.items() if len(same) == 1}


_NONE = Spread(0, None, None, timedelta(0))


def _element(
    a: ElementNumbers | None, b: ElementNumbers | None, traces: tuple[int, int]
) -> ElementDifference:
    here = b or a
    assert here is not None
    of_a, of_b = (0 if a is None else traces[0]), (0 if b is None else traces[1])
    waiting = (_NONE if a is None else a.waiting), (_NONE if b is None else b.waiting)
    return ElementDifference(
        name=here.step.name,
        only="b" if a is None else "a" if b is None else "",
        reached=shares((a.reached if a else 0, of_a), (b.reached if b else 0, of_b)),
        median=times(waiting[0].median, waiting[1].median),
        p95=times(waiting[0].p95, waiting[1].p95),
        deviations=rates((a.deviating if a else 0, of_a), (b.deviating if b else 0, of_b)),
    )


def too_few(versions: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those versions, each with its number of traces, that have too few to tell."""
    return [(version, traces) for version, traces in versions if traces < FEW]

"""Charts in little, for a row of a table. Pure: numbers in, markup out; tones and ``name`` are those of
:mod:`monitor.dashboard.charts`.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from monitor.dashboard.charts import say

_WIDTH = 132
_HEIGHT = 28
_EDGE = 3


def sketch(values: Sequence[float], *, name: str, title: str, told: str, limit: int) -> Markup:
    """A histogram. From column ``limit`` on, where a line stands, it is bad. ``told`` says the same in
    words."""
    step = _WIDTH / max(1, len(values))
    full = max(values, default=0) or 1
    drawn = [
        Markup('<rect class="fill {}" x="{:.1f}" width="{:.1f}" y="{}" height="{}"/>').format(
            "ok" if at < limit else "bad", at * step + 0.5, step - 1, _HEIGHT - tall, tall
        )
        for at, value in enumerate(values)
        if (tall := max(2, round(value / full * (_HEIGHT - 2))) if value else 0)
    ]
    drawn.append(
        Markup('<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{h}"/>').format(
            x=limit * step, h=_HEIGHT
        )
    )
    return _picture(name, title, told, drawn)


def sparkline(
    values: Sequence[float | None],
    *,
    name: str,
    title: str,
    told: str,
    most: float | None = None,
    tone: str = "plain",
) -> Markup:
    """How a number went, oldest first, on a scale from 0 to ``most`` (by default the largest value); None is
    a gap. ``told`` says the same in words (first, last, most)."""
    known = [value for value in values if value is not None]
    full = most or max(known, default=0) or 1
    step = (_WIDTH - 2 * _EDGE) / max(1, len(values) - 1)
    tall = _HEIGHT - 2 * _EDGE
    points = [
        None if value is None else (_EDGE + at * step, _HEIGHT - _EDGE - min(1.0, value / full) * tall)
        for at, value in enumerate(values)
    ]
    drawn = [_stroke(run, tone) for run in _runs(points)]
    last = next((point for point in reversed(points) if point is not None), None)
    if last is not None:
        drawn.append(Markup('<circle class="fill {}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(tone, *last))
    return _picture(name, title, told, drawn)


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _stroke(run: Sequence[tuple[float, float]], tone: str) -> Markup:
    foot = _HEIGHT - _EDGE
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
    ground = f"{run[0][0]:.1f},{foot} {line} {run[-1][0]:.1f},{foot}"
    return Markup(
        '<polygon class="area {0}" points="{1}"/><polyline class="stroke {0}" points="{2}"/>'
    ).format(tone, ground, line)


def _picture(name: str, title: str, told: str, drawn: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="chart spark" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        'aria-labelledby="{n}-t {n}-d"><title id="{n}-t">{t}</title><desc id="{n}-d">{d}</desc>{inner}</svg>'
    ).format(w=_WIDTH, h=_HEIGHT, n=name, t=say(title), d=say(told), inner=Markup("").join(drawn))

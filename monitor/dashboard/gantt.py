"""The bar of one row of a timeline as inline SVG. Pure.

Places are in per cent and heights in pixels, as in :mod:`monitor.dashboard.charts`, so that a bar fills the
cell it gets. All it shows is said in the cells beside it. Looks come from ``static/trace.css`` by class.
"""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from monitor.dashboard.timeline import Axis, Row, RowKind, Stretch

HEIGHT = 22
_MIDDLE = HEIGHT // 2
_RADIUS = 4

_SVG = Markup(
    '<svg class="gantt-bar" width="100%" height="{height}" aria-hidden="true" focusable="false">{drawn}</svg>'
)


def ruler(axis: Axis) -> Markup:
    """The ticks above the bars with their texts."""
    drawn = [_grid(axis)]
    for tick in axis.ticks:
        side = "end" if tick.share > 0.93 else "start" if tick.share < 0.02 else "middle"
        drawn.append(
            Markup('<text x="{}" y="13" text-anchor="{}">{}</text>').format(
                _percent(tick.share), side, tick.text
            )
        )
    return _SVG.format(height=HEIGHT, drawn=Markup("").join(drawn))


def row_bar(row: Row, axis: Axis, now: datetime) -> Markup:
    drawn = [_grid(axis)]
    if axis.is_open and axis.begin < now < axis.end:
        drawn.append(_upright(axis.share(now), "now"))
    if row.critical and row.event is not None:
        stretches = [one for one in (row.waits, row.works) if one is not None]
        since = min((one.since for one in stretches), default=row.event.time)
        until = max((one.until for one in stretches), default=row.event.time)
        drawn.append(_box(axis, since, until, "critical", 0, HEIGHT))
    tone = f" {row.clock.state.value}" if row.clock is not None else ""
    if row.waits is not None:
        drawn.append(_line(axis, row.waits, f"waits{tone}{' open' if row.waits.goes_on else ''}"))
    if row.works is not None:
        drawn.append(_box(axis, row.works.since, row.works.until, "works", _MIDDLE - 5, 10))
    look = "wrong" if row.findings or row.kind is RowKind.UNCOUNTED else "step"
    drawn += [_dot(axis, event.time, look) for event in (row.event, row.end) if event is not None]
    if row.kind is RowKind.MISSING and row.at is not None:
        drawn.append(_dot(axis, row.at, "absent"))
    if row.due is not None and axis.within(row.due):
        drawn.append(_upright(axis.share(row.due), f"due{tone}"))
    return _SVG.format(height=HEIGHT, drawn=Markup("").join(drawn))


def _grid(axis: Axis) -> Markup:
    return Markup("").join(_upright(tick.share, "grid") for tick in axis.ticks)


# Numbers and words of our own only: escaping them would take most of the time a long trace's page takes.


def _upright(share: float, look: str) -> Markup:
    x = _percent(share)
    return Markup(f'<line class="{look}" x1="{x}" x2="{x}" y1="0" y2="{HEIGHT}"/>')  # noqa: S704


def _line(axis: Axis, stretch: Stretch, look: str) -> Markup:
    left, right = _percent(axis.share(stretch.since)), _percent(axis.share(stretch.until))
    return Markup(  # noqa: S704
        f'<line class="{look}" x1="{left}" x2="{right}" y1="{_MIDDLE}" y2="{_MIDDLE}"/>'
    )


def _box(axis: Axis, since: datetime, until: datetime, look: str, top: int, height: int) -> Markup:
    left, right = axis.share(since), axis.share(until)
    x, width = _percent(left), _percent(max(0.002, right - left))
    return Markup(  # noqa: S704
        f'<rect class="{look}" x="{x}" width="{width}" y="{top}" height="{height}" rx="2"/>'
    )


def _dot(axis: Axis, when: datetime, look: str) -> Markup:
    x = _percent(axis.share(when))
    return Markup(f'<circle class="{look}" cx="{x}" cy="{_MIDDLE}" r="{_RADIUS}"/>')  # noqa: S704


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"

"""Small charts as inline SVG, each with its text equivalent. Pure: numbers in, markup out.

Widths are in per cent and heights in pixels, so that a chart fills whatever place it gets and its text keeps
its size on a phone. Colours come from ``static/charts.css`` by class: a *tone* is one of ``plain``, ``ok``,
``warn``, ``bad``, ``blind`` and ``quiet``, as the chips of a page have them, or ``part1`` to ``part5``
for parts of a whole none of which is good or bad. Whatever a chart shows is also
said in words, in its description or in the table beside it. ``name`` becomes part of ids: it must be unique
on the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup, escape

from monitor.dashboard.body import spell_out

PLOT = 120
"""Height of the part of a chart of columns that holds them, in pixels."""

LONGEST = 300
"""Longer texts are cut, in characters."""

_LINE = 14
_AXIS = 20
_STRIP = 22


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of :func:`bars`, one part of :func:`shares`. ``told`` is the value in words; ``note`` a second
    number or remark; ``mark`` where the same bar ends in something it is compared with, in units of
    ``value``."""

    label: str
    value: float
    told: str
    tone: str = "plain"
    href: str | None = None
    note: str = ""
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of :func:`columns`. ``label`` says what it counts (``from 1 h to 2 h``), ``tick`` is what
    stands below its left edge on the axis, mostly nothing."""

    label: str
    value: float
    told: str
    tone: str = "plain"
    tick: str = ""


class Line(NamedTuple):
    """An upright line in :func:`columns`: ``at`` is counted in columns from the left, so 2.5 is the middle of
    the third."""

    at: float
    text: str
    tone: str = "plain"


class Level(NamedTuple):
    """A level line in :func:`columns`: at ``value``, as the columns have it."""

    value: float
    text: str
    tone: str = "plain"


def bar(share: float, *, tone: str = "plain", mark: float | None = None) -> Markup:
    """A bar of ``share`` (0 to 1) of the width it gets, for beside a number that says the same: it is not
    read out. ``mark``: a tick at that share."""
    tick = Markup("")
    if mark is not None:
        tick = Markup('<line class="mark" x1="{x}" x2="{x}" y1="0" y2="12"/>').format(x=_percent(mark))
    return Markup(
        '<svg class="chart bar" width="100%" height="12" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100%" height="12" rx="2"/>'
        '<rect class="fill {}" width="{}" height="12" rx="2"/>{}</svg>'
    ).format(tone, _percent(share), tick)


def bars(
    rows: Sequence[Bar],
    *,
    caption: str,
    heads: tuple[str, str] | tuple[str, str, str],
    whole: float | None = None,
) -> Markup:
    """Bars below each other, as a table that says every number. ``heads``: of the labels, of the values and,
    where there are notes, of those. ``whole``: the value of a full bar; by default the largest one."""
    full = whole or max((row.value for row in rows), default=0) or 1
    head = Markup(
        '<th role="columnheader" scope="col">{}</th><th role="columnheader" scope="col" colspan="2">{}</th>'
    ).format(*heads[:2])
    if len(heads) == 3:
        head += Markup('<th role="columnheader" scope="col" class="note">{}</th>').format(heads[2])
    body = Markup("").join(_bar_row(row, full, len(heads) == 3) for row in rows)
    return Markup(
        '<div class="scroll" tabindex="0" role="group" aria-label="{}">'
        '<table class="rows cards bars" role="table"><caption class="unseen">{}</caption>'
        '<thead role="rowgroup"><tr role="row">{}</tr></thead><tbody role="rowgroup">{}</tbody></table></div>'
    ).format(say(caption), say(caption), head, body)


def _bar_row(row: Bar, full: float, noted: bool) -> Markup:
    label = (
        Markup('<a href="{}">{}</a>').format(row.href, say(row.label)) if row.href else escape(say(row.label))
    )
    drawn = bar(row.value / full, tone=row.tone, mark=None if row.mark is None else row.mark / full)
    note = Markup('<td role="cell" class="note">{}</td>').format(say(row.note)) if noted else Markup("")
    return Markup(
        '<tr role="row"><th role="rowheader" scope="row">{}</th><td role="cell" class="drawn">{}</td>'
        '<td role="cell" class="number">{}</td>{}</tr>'
    ).format(label, drawn, say(row.told), note)


def columns(
    shown: Sequence[Column],
    *,
    name: str,
    title: str,
    desc: str,
    heads: tuple[str, str],
    lines: Iterable[Line] = (),
    levels: Iterable[Level] = (),
    most: float | None = None,
    told: str = "The same as a table",
) -> Markup:
    """A histogram: columns side by side, upright lines for a limit or a median, level ones for what a column
    may reach, and a table to open below. ``heads``: of the table, what a column is and what is counted.
    ``most``: the value of a column of full height, by default the largest. Without columns there is only
    ``desc``."""
    if not shown:
        return Markup('<p class="faint">{}</p>').format(say(desc))
    upright = list(lines)
    top = _LINE * max(1, len(upright)) + 4
    most = most or max(column.value for column in shown) or 1
    step = 100 / len(shown)
    parts = [_column(column, at, step, most, top) for at, column in enumerate(shown)]
    parts += [_upright(line, number, step, top) for number, line in enumerate(upright)]
    parts += [_level(level, most, top) for level in levels]
    parts.append(Markup('<line class="axis" x1="0" x2="100%" y1="{y}" y2="{y}"/>').format(y=top + PLOT))
    picture = _picture(name, title, desc, "columns", top + PLOT + _AXIS, Markup("").join(parts))
    rows = Markup("").join(
        Markup('<tr><th scope="row">{}</th><td class="number">{}</td></tr>').format(
            say(column.label), say(column.told)
        )
        for column in shown
    )
    return Markup(
        '<figure class="chart-figure">{}<details data-key="chart-{}"><summary>{}</summary>'
        '<div class="scroll" tabindex="0" role="group" aria-label="{}"><table class="rows">'
        '<caption class="unseen">{}</caption>'
        '<thead><tr><th scope="col">{}</th><th scope="col" class="number">{}</th></tr></thead>'
        "<tbody>{}</tbody></table></div></details></figure>"
    ).format(picture, name, told, say(title), say(title), *heads, rows)


def _column(column: Column, at: int, step: float, most: float, top: int) -> Markup:
    height = max(2, round(column.value / most * PLOT)) if column.value else 0
    tick = Markup("")
    if column.tick:
        tick = Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(
            _of_100(at * step), top + PLOT + 14, _anchor(at * step), say(column.tick)
        )
    return Markup(
        '<g><title>{}: {}</title><rect class="reach" x="{x}" width="{w}" y="{top}" height="{plot}"/>'
        '<rect class="fill {}" x="{}" width="{}" y="{}" height="{}"/></g>{}'
    ).format(
        say(column.label),
        say(column.told),
        column.tone,
        _of_100((at + 0.08) * step),
        _of_100(0.84 * step),
        top + PLOT - height,
        height,
        tick,
        x=_of_100(at * step),
        w=_of_100(step),
        top=top,
        plot=PLOT,
    )


def _upright(line: Line, number: int, step: float, top: int) -> Markup:
    x = min(100.0, max(0.0, line.at * step))
    written = 11 + number * _LINE
    return Markup(
        '<line class="upright {tone}" x1="{x}" x2="{x}" y1="{y}" y2="{end}"/>'
        '<text class="upright {tone}" x="{x}" dx="{dx}" y="{y}" text-anchor="{anchor}">{text}</text>'
    ).format(
        tone=line.tone,
        x=_of_100(x),
        y=written,
        end=top + PLOT,
        dx=4 if x <= 60 else -4,
        anchor="start" if x <= 60 else "end",
        text=say(line.text),
    )


def _level(level: Level, most: float, top: int) -> Markup:
    y = top + PLOT - min(1.0, max(0.0, level.value / most)) * PLOT
    return Markup(
        '<line class="upright {tone}" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text class="upright {tone}" x="0" dx="4" y="{above:.1f}">{text}</text>'
    ).format(tone=level.tone, y=y, above=y - 4, text=say(level.text))


def curve(
    values: Sequence[float],
    *,
    name: str,
    title: str,
    desc: str,
    labels: tuple[str, str, str],
    tone: str = "plain",
) -> Markup:
    """How a share (1 is all of it) went, oldest first; below 0 it is drawn at 0. ``labels``: of a full one,
    and of the beginning and the end of the time. What it says is in ``desc``, or beside it."""
    step = 100 / max(1, len(values) - 1)
    points = [(at * step, (1 - min(1.0, max(0.0, value))) * PLOT) for at, value in enumerate(values)]
    line = " ".join(f"{x:.2f},{y:.1f}" for x, y in points)
    top = _LINE + 4
    inner = Markup(
        '<svg x="0" y="{top}" width="100%" height="{plot}" viewBox="0 0 100 {plot}"'
        ' preserveAspectRatio="none">'
        '<polygon class="area {tone}" points="0,{plot} {line} {end:.2f},{plot}"/>'
        '<polyline class="stroke {tone}" vector-effect="non-scaling-stroke" points="{line}"/></svg>'
        '<line class="axis" x1="0" x2="100%" y1="{top}" y2="{top}"/>'
        '<line class="axis" x1="0" x2="100%" y1="{foot}" y2="{foot}"/>'
        '<text class="tick" x="0" y="{over}">{full}</text>'
        '<text class="tick" x="0" y="{under}">{first}</text>'
        '<text class="tick" x="100%" y="{under}" text-anchor="end">{last}</text>'
    ).format(
        top=top,
        plot=PLOT,
        tone=tone,
        line=line,
        end=points[-1][0] if points else 0,
        foot=top + PLOT,
        over=top - 5,
        under=top + PLOT + 14,
        full=say(labels[0]),
        first=say(labels[1]),
        last=say(labels[2]),
    )
    picture = _picture(name, title, desc, "curve", top + PLOT + _AXIS, inner)
    return Markup('<figure class="chart-figure">{}<figcaption class="faint">{}</figcaption></figure>').format(
        picture, say(desc)
    )


def shares(parts: Sequence[Bar], *, name: str, title: str) -> Markup:
    """One bar divided into parts, with a legend that says them. Parts of nothing are in the legend only."""
    whole = sum(part.value for part in parts)
    drawn = []
    at = 0.0
    for part in parts:
        width = part.value / whole * 100 if whole else 0
        if width:
            drawn.append(
                Markup(
                    '<g><title>{}: {}</title><rect class="fill {}" x="{}" width="{}" height="{}"/></g>'
                ).format(say(part.label), say(part.told), part.tone, _of_100(at), _of_100(width), _STRIP)
            )
        at += width
    desc = "; ".join(f"{part.label}: {part.told}" for part in parts)
    legend = Markup("").join(
        Markup(
            '<li><svg class="chart swatch" width="12" height="12" aria-hidden="true" focusable="false">'
            '<rect class="fill {}" width="12" height="12" rx="2"/></svg>{} <b>{}</b>{}</li>'
        ).format(
            part.tone,
            Markup('<a class="soft" href="{}">{}</a>').format(part.href, say(part.label))
            if part.href
            else say(part.label),
            say(part.told),
            Markup(' <span class="faint">{}</span>').format(say(part.note)) if part.note else "",
        )
        for part in parts
    )
    picture = _picture(name, title, desc, "shares", _STRIP, Markup("").join(drawn))
    return Markup('<figure class="chart-figure">{}<ul class="legend">{}</ul></figure>').format(
        picture, legend
    )


def _picture(name: str, title: str, desc: str, kind: str, height: int, inner: Markup) -> Markup:
    return Markup(
        '<svg class="chart {kind}" width="100%" height="{height}" role="img" aria-labelledby="{n}-t {n}-d">'
        '<title id="{n}-t">{title}</title><desc id="{n}-d">{desc}</desc>{inner}</svg>'
    ).format(kind=kind, height=height, n=name, title=say(title), desc=say(desc), inner=inner)


def say(text: str) -> str:
    """A text of a chart: hostile characters told, long ones cut."""
    return spell_out(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def _percent(share: float) -> str:
    return _of_100(min(1.0, max(0.0, share)) * 100)


def _of_100(part: float) -> str:
    return f"{part:.2f}%"


def _anchor(x: float) -> str:
    return "start" if x < 4 else "end" if x > 96 else "middle"

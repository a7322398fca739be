"""What a soak found, in words, as a table and as a picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.soak.series import Series

_WIDTH, _HEIGHT, _ACROSS = 290, 96, 3
_PICTURED = (
    "ingest, memory of its own (USS)",
    "sweep, memory of its own (USS)",
    "dashboard, memory of its own (USS)",
    "database, size",
    "database, dead rows",
    "PostgreSQL, connections",
    "events stored",
    "lag, Kafka",
    "lag, RabbitMQ",
    "sent to stored, Kafka",
    "due to stored breach",
    "page, slowest in twenty",
)


def table(told: Sequence[Series]) -> str:
    """Markdown: of each quarter least / middle / most."""
    lines = [
        "| what | unit | first quarter | second | third | last | growth, allowed | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in told:
        verdict = one.verdict()
        quarters = [f"{_number(q.least)} / {_number(q.middle)} / {_number(q.most)}" for q in verdict.quarters]
        growth = f"{verdict.growth:+.3g}" + (f", {verdict.allowed:.3g}" if one.bound else "")
        said = "" if one.bound is None else "flat" if verdict.flat else "**grows**"
        lines.append(f"| {one.name} | {one.unit} | {' | '.join(quarters)} | {growth} | {said} |")
    return "\n".join(lines)


def growing(told: Sequence[Series]) -> list[str]:
    return [one.name for one in told if one.bound is not None and not one.verdict().flat]


def picture(told: Sequence[Series]) -> str:
    """SVG: the course of some, each from zero to its most."""
    chosen = [one for name in _PICTURED for one in told if one.name == name]
    wide, high = _ACROSS * _WIDTH, -(-len(chosen) // _ACROSS) * _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" font-family="sans-serif" font-size="10.5">',
        "<title>The soak: how twelve series went in an hour</title>",
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
    ]
    for number, one in enumerate(chosen):
        parts.append(_panel(one, number % _ACROSS * _WIDTH, number // _ACROSS * _HEIGHT))
    return "\n".join([*parts, "</svg>\n"])


def _panel(one: Series, x: int, y: int) -> str:
    most = max(value for _, value in one.samples) or 1.0
    begin, end = one.samples[0][0], one.samples[-1][0]
    wide, high = _WIDTH - 20, _HEIGHT - 36
    points = " ".join(
        f"{x + 8 + wide * (at - begin) / (end - begin):.1f},{y + 24 + high * (1 - value / most):.1f}"
        for at, value in one.samples
    )
    said = f"{escape(one.name)}: up to {_number(most)} {one.unit}"
    return (
        f'<text x="{x + 8}" y="{y + 15}" fill="#1a1a1a">{said}</text>'
        f'<path d="M{x + 8} {y + 24 + high}h{wide}" stroke="#999"/>'
        f'<polyline points="{points}" fill="none" stroke="#0b57a4"/>'
    )


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"

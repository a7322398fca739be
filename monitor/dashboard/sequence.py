"""Who told what after whom: a trace's events as messages between its producing services. Pure.

Each message goes from the producer of the event that made it possible to the producer of the event itself;
one that the start of the flow made possible, or that the flow has no place for, comes from nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup

from monitor.dashboard import words
from monitor.dashboard.body import spell_out
from monitor.storage.views import EventRow
from monitor.timing import Part

MOST_LIFELINES = 8
MOST_MESSAGES = 60

UNKNOWN = "producer not told"

_COLUMN = 168
_LEFT = 76
_RIGHT = 96
_HEAD = 34
_ROW = 34
_LONGEST = 22


@dataclass(frozen=True, slots=True)
class Message:
    """``source``/``target``: lifelines, by index; ``source`` is None where it comes from nowhere.
    ``counted``: the flow has a place for it. ``since``: the time from the first message on."""

    event: EventRow
    source: int | None
    target: int
    counted: bool
    since: timedelta


@dataclass(frozen=True, slots=True)
class Conversation:
    """``folded``: how many producers share the last lifeline; ``left``: messages that are not shown."""

    lifelines: Sequence[str]
    messages: Sequence[Message]
    folded: int = 0
    left: int = 0


def sequence(events: Sequence[EventRow], parts: Mapping[int, Part] | None) -> Conversation | None:
    """None where there is nothing to see: no two producers, or no causes known."""
    if parts is None:
        return None
    producers = list(dict.fromkeys(event.producer or UNKNOWN for event in events))
    if len(producers) < 2:
        return None
    folded = max(0, len(producers) - MOST_LIFELINES + 1) if len(producers) > MOST_LIFELINES else 0
    named = producers[: MOST_LIFELINES - 1] if folded else producers
    place = {producer: min(at, len(named)) for at, producer in enumerate(producers)}
    messages = []
    for index, event in enumerate(events[:MOST_MESSAGES]):
        part = parts.get(index)
        after = None if part is None or part.after is None else events[part.after].producer or UNKNOWN
        messages.append(
            Message(
                event,
                None if after is None else place[after],
                place[event.producer or UNKNOWN],
                part is not None,
                event.time - events[0].time,
            )
        )
    lifelines = [*named, *([words.count(folded, "other producer")] if folded else [])]
    return Conversation(lifelines, messages, folded, len(events) - len(messages))


def drawn(shown: Conversation) -> Markup:
    """As inline SVG. What it shows is to be said in words beside it: it is not read out."""
    width = _LEFT + _COLUMN * len(shown.lifelines) + _RIGHT
    height = _HEAD + _ROW * len(shown.messages) + 12
    parts = [_lifeline(at, name, height) for at, name in enumerate(shown.lifelines)]
    parts += [_message(at, message) for at, message in enumerate(shown.messages)]
    return Markup(
        '<svg class="sequence" width="{w}" height="{h}" viewBox="0 0 {w} {h}" aria-hidden="true"'
        ' focusable="false"><defs><marker id="sequence-arrow" viewBox="0 0 8 8" refX="7" refY="4"'
        ' markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8Z"/></marker></defs>{}</svg>'
    ).format(Markup("").join(parts), w=width, h=height)


def _x(lifeline: int) -> int:
    return _LEFT + _COLUMN * lifeline + _COLUMN // 2


def _lifeline(at: int, name: str, height: int) -> Markup:
    return Markup(
        '<g class="lifeline"><line x1="{x}" x2="{x}" y1="{}" y2="{}"/>'
        '<rect x="{}" y="4" width="{}" height="22" rx="4"/>'
        '<text x="{x}" y="19" text-anchor="middle">{}<title>{}</title></text></g>'
    ).format(_HEAD - 8, height, _x(at) - 74, 148, _cut(name), _cut(name, 300), x=_x(at))


def _message(at: int, message: Message) -> Markup:
    y = _HEAD + _ROW * at + 22
    target = _x(message.target)
    look = "message" if message.counted else "message stray"
    when = Markup('<text class="when" x="{}" y="{}" text-anchor="end">{}</text>').format(
        _LEFT - 6, y + 4, f"+{words.duration(message.since)}" if message.since else "0"
    )
    source = message.source
    if source is None:
        path = f"M{target - 40} {y}H{target - 2}"
        start = Markup('<circle cx="{}" cy="{}" r="3"/>').format(target - 40, y)
        middle, anchor, line = target - 46, "end", path
        if message.target == 0:
            middle, anchor = target + 6, "start"
    elif source == message.target:
        line = f"M{target} {y - 8}H{target + 26}V{y}H{target + 2}"
        start, middle, anchor = Markup(""), target + 32, "start"
    else:
        end = target - 2 if target > _x(source) else target + 2
        line, start = f"M{_x(source)} {y}H{end}", Markup("")
        middle, anchor = (_x(source) + target) // 2, "middle"
    text_y = y - 5 if source != message.target or source is None else y
    return Markup(
        '<g class="{}">{}{}<path d="{}" marker-end="url(#sequence-arrow)"/>'
        '<a href="#event-{}" tabindex="-1">'
        '<text x="{}" y="{}" text-anchor="{}">{}<title>{}</title></text></a></g>'
    ).format(
        look,
        when,
        start,
        line,
        message.event.id,
        middle,
        text_y,
        anchor,
        _cut(message.event.label),
        _cut(message.event.label, 300),
    )


def _cut(text: str, most: int = _LONGEST) -> str:
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return spell_out(text)

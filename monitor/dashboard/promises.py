"""What each SLA of a flow promises, in words and as its page needs it. Pure: compiled flows in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.bpmn.flow import Flow, Sla
from monitor.dashboard import words
from monitor.domain.duration import Span
from monitor.domain.limit import Limit
from monitor.domain.objective import Objective
from monitor.domain.verdict import ClockKind

SEVERITIES = ("critical", "warning", "info")
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a clock is bound: an element of the flow, and what happens to the clock there."""

    element: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Promise:
    """One SLA of an active flow. ``kind``: ``between``, ``waiting``, ``idle``, or ``reminder`` for one that
    is never breached. ``limit`` is the limit alone (``2 working days``); ``sentence`` all it promises;
    ``also`` what else is to be known of its clock. ``risk``: the share of its time from which on it is at
    risk, None where that is not one share."""

    flow: str
    flow_name: str
    name: str
    severity: str
    kind: str
    limit: str
    sentence: str
    also: tuple[str, ...]
    calendar: str | None
    risk: float | None
    places: tuple[Place, ...]
    objective: Objective | None

    @property
    def breaches(self) -> bool:
        return self.kind != ClockKind.REMINDER


Promises = Mapping[tuple[str, str], Promise]
"""By flow and SLA."""


def promises_of(flows: Iterable[Flow]) -> dict[tuple[str, str], Promise]:
    return {(flow.key, sla.name): _promise(flow, sla) for flow in flows for sla in flow.slas}


def _promise(flow: Flow, sla: Sla) -> Promise:
    limit = limit_text(sla.limit)
    return Promise(
        flow=flow.key,
        flow_name=flow.name or flow.key,
        name=sla.name,
        severity=sla.severity,
        kind=_kind(sla),
        limit=limit,
        sentence=_sentence(flow, sla, limit),
        also=tuple(_also(sla)),
        calendar=sla.limit.calendar.name if sla.limit.calendar else None,
        risk=_risk(sla) if sla.kind is ClockKind.LIMIT else None,
        places=tuple(_places(flow, sla)),
        objective=sla.objective,
    )


def _kind(sla: Sla) -> str:
    if sla.kind is ClockKind.REMINDER:
        return "reminder"
    if sla.idle:
        return "idle"
    return "waiting" if sla.nodes or sla.begins or sla.on else "between"


def limit_text(limit: Limit) -> str:
    """``within 2 working days``, ``by 17:00 (Europe/Berlin)``, ``by the time the event says``."""
    if limit.at is not None:
        return f"by {words.instant(limit.at)}"
    if limit.by is not None:
        days = 0 if limit.span is None else limit.span.days
        later = f" {_counted(days, 'working day' if limit.calendar else 'day')} later" if days else ""
        zone = limit.calendar.timezone if limit.calendar else limit.timezone
        return f"by {_wall(limit.by)}{later} ({zone})"
    within = (
        "" if limit.span is None else f"within {span_text(limit.span, working=limit.calendar is not None)}"
    )
    if limit.field is not None:
        return f"by the time its event says{f', else {within}' if within else ''}"
    return within


def span_text(span: Span, *, working: bool = False) -> str:
    """``2 working days``, ``1 month and 4 h``: units that depend on the calendar stay what was written."""
    parts = [
        _counted(many, noun)
        for many, noun in (
            (span.months, "month"),
            (span.weeks, "working week" if working else "week"),
            (span.days, "working day" if working else "day"),
        )
        if many
    ]
    if span.time or not parts:
        parts.append(words.duration(span.time) + (" of working time" if working else ""))
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _counted(many: int, noun: str) -> str:
    return words.count(many, noun)


def _wall(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _sentence(flow: Flow, sla: Sla, limit: str) -> str:
    if sla.idle:
        return f"The next event of a trace comes {limit} of the one before."
    if sla.nodes or sla.begins or sla.on:
        what = words.either(_awaited(flow, sla))
        reminded = "is reminded of if it has not come" if sla.kind is ClockKind.REMINDER else "comes"
        start = " of becoming the expected event" if limit.startswith("within") else ""
        return f"{what} {reminded} {limit}{start}."
    start = sla.start or "the first event of a trace"
    end = f"{sla.end} comes" if sla.end else "the flow is complete"
    if limit.startswith("within"):
        return f"{end[:1].upper()}{end[1:]} {limit} of {start}."
    return f"After {start}, {end} {limit}."


def _awaited(flow: Flow, sla: Sla) -> list[str]:
    """What it waits for, as people call it."""
    names = [
        _name(flow, index) + (" (its start)" if index in sla.begins and index not in sla.nodes else "")
        for index in sorted({*sla.nodes, *sla.begins})
    ]
    return list(dict.fromkeys(names)) or list(sla.on)


def _name(flow: Flow, index: int) -> str:
    node = flow.nodes[index]
    return node.label or node.name or node.id


def _also(sla: Sla) -> Iterator[str]:
    limit = sla.limit
    if sla.kind is ClockKind.REMINDER:
        yield "It is a reminder, so it is never breached: past due it is at risk."
    elif isinstance(sla.at_risk, timedelta):
        yield f"At risk from {words.duration(sla.at_risk)} before it is due."
    elif sla.at_risk is not None:
        yield f"At risk once {sla.at_risk * 100:g} % of the time has passed."
    else:
        yield "It is never at risk: it is in time, or breached."
    if limit.calendar is not None:
        yield f"Time counts by the calendar {limit.calendar.name} ({limit.calendar.timezone})."
    if limit.cutoff is not None:
        yield f"What starts after {_wall(limit.cutoff)} counts as of the next day."
    if limit.field is not None:
        yield f"The event that starts the clock says when it is due, as {limit.field}."
    if sla.pause:
        until = words.either(sorted(sla.resume)) if sla.resume else "its end"
        yield f"The clock stands still from {words.either(sorted(sla.pause))} to {until}."
    if sla.escapes:
        yield f"Once {words.either(sla.escapes)} is past due, the flow may go on without it."


def _risk(sla: Sla) -> float | None:
    if not isinstance(sla.at_risk, timedelta):
        return sla.at_risk
    plain = None if sla.limit.span is None or sla.limit.calendar else sla.limit.span.plain
    return max(0.0, 1 - sla.at_risk / plain) if plain else None


def _places(flow: Flow, sla: Sla) -> Iterator[Place]:
    told: set[tuple[str, str]] = set()
    for index in sorted({*sla.nodes, *sla.begins}):
        yield Place(flow.nodes[index].id, _name(flow, index), "the clock runs while it is awaited")
    for label, role in (
        (sla.start, "starts the clock"),
        (sla.end, "stops the clock"),
        *((label, "makes the clock stand still") for label in sorted(sla.pause)),
        *((label, "lets the clock go on") for label in sorted(sla.resume)),
    ):
        for element in _elements(flow, label):
            if (element, role) not in told:
                told.add((element, role))
                yield Place(element, label or element, role)


def _elements(flow: Flow, label: str | None) -> Sequence[str]:
    return () if label is None else flow.labels.get(label, ())

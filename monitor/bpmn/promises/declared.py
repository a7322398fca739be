"""SLAs as people declare them, in a configuration or a model's extension elements, and what is wrong there.

In a model an ``sla`` element of :data:`NAMESPACE` stands among the extension elements of the process, or of
the element it is about; its attributes are those of the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.bpmn.document import ExtensionElement
from monitor.bpmn.flow import Sla
from monitor.bpmn.promises.timers import read_date
from monitor.domain.calendar import Calendar
from monitor.domain.duration import Span
from monitor.domain.limit import Limit
from monitor.domain.objective import PERIODS, Objective

NAMESPACE = "urn:choreoscope:bpmn:1"

SEVERITIES = ("info", "warning", "critical")

AT_RISK = 0.8
"""Of the limit, where nothing else is said."""

_FIELDS = frozenset(
    {
        "name", "from", "to", "on", "idle", "within", "by", "cutoff", "timezone", "due", "at", "at_risk",
        "severity", "calendar", "pause", "resume", "objective", "window", "period", "period_timezone",
        "minimum",
    }
)  # fmt: skip

Complaint = tuple[str, str]
"""The field, and what is wrong with it."""


class Declared(NamedTuple):
    """An SLA as declared. ``start``/``end``: labels, ``"start"`` and ``"end"`` the process's own."""

    name: str
    start: str | None = None
    end: str | None = None
    on: tuple[str, ...] = ()
    idle: bool = False
    within: Span | None = None
    by: int | None = None
    cutoff: int | None = None
    timezone: str | None = None
    due: str | None = None
    at: datetime | None = None
    at_risk: float | timedelta | None = AT_RISK
    severity: str = "warning"
    calendar: str | None = None
    pause: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    objective: Objective | None = None

    def complaints(self) -> Iterator[Complaint]:
        """What does not go together."""
        if bool(self.start) != bool(self.end):
            yield "from", "from and to belong together; start and end stand for the process's own"
        elif (kinds := self._kinds()) and len(kinds) > 1:
            yield "name", f"needs exactly one of from/to, on, idle; has {' and '.join(kinds)}"
        elif not kinds:
            yield "name", "needs exactly one of from/to, on, idle; has none of them"
        limits = [name for name in ("within", "by", "due", "at") if getattr(self, name) is not None]
        if not limits:
            yield (
                "within",
                "needs a limit: within (a duration such as PT4H), by (a time of day), at (a date) or due"
                " (where in the event the due time is)",
            )
        elif ("at" in limits and len(limits) > 1) or {"by", "due"} <= set(limits):
            yield "within", f"needs one limit; has {' and '.join(limits)}"
        yield from self._of_limit()
        if bool(self.pause) != bool(self.resume):
            yield "pause", "pause and resume belong together"
        elif set(self.pause) & set(self.resume):
            yield "resume", f"{sorted(set(self.pause) & set(self.resume))[0]!r} both pauses and resumes"

    def _kinds(self) -> list[str]:
        kinds = (("from/to", self.start), ("on", self.on), ("idle", self.idle))
        return [name for name, given in kinds if given]

    def _of_limit(self) -> Iterator[Complaint]:
        within = self.within
        if within is not None and not within:
            yield "within", "must be longer than zero"
        if self.due is not None and not self.start:
            yield "due", "due needs from (the event that carries the due time) and to"
        if self.idle and (self.at is not None or self.by is not None):
            yield "idle", "idle is counted from the last event: it needs within"
        if self.cutoff is not None and self.by is None:
            yield "cutoff", "cutoff belongs to by: what starts after it counts as of the next day"
        if self.timezone is not None and self.calendar is not None:
            yield "timezone", "the calendar has a time zone already"
        if within is not None and within.months and (self.calendar is not None or self.by is not None):
            yield "within", f"{within} counts in months, which have no fixed number of working days: use days"
        if self.by is not None and within is not None and (within.time or within.months or within.weeks):
            yield "within", f"with by, within says how many days later; {within} is no number of days"
        plain = None if within is None else within.plain
        left = self.at_risk if isinstance(self.at_risk, timedelta) else None
        if left is not None and plain is not None and self.calendar is None and left >= plain:
            yield (
                "at_risk",
                "at_risk as a duration is what is left before the due time: it must be shorter than within",
            )

    def sla(self, calendars: Mapping[str, Calendar]) -> Sla:
        """The SLA, of one that nothing is wrong with."""
        return Sla(
            name=self.name,
            limit=Limit(
                span=self.within,
                by=self.by,
                cutoff=self.cutoff,
                at=self.at,
                field=self.due,
                calendar=None if self.calendar is None else calendars[self.calendar],
                timezone=self.timezone or "UTC",
            ),
            start=None if self.start == "start" else self.start,
            end=None if self.end == "end" else self.end,
            on=self.on,
            idle=self.idle,
            at_risk=self.at_risk,
            severity=self.severity,
            pause=frozenset(self.pause),
            resume=frozenset(self.resume),
            objective=self.objective,
        )


def read_extension(
    element: ExtensionElement, about: str | None, calendars: Mapping[str, Calendar]
) -> tuple[Sla | None, list[Complaint]]:
    """The SLA of an extension element, None where something is wrong with it. ``about``: the id of the
    element it stands in, None for the process."""
    given = element.attributes
    known = ", ".join(sorted(_FIELDS))
    complaints = [
        (name, f"there is no attribute {name!r}; there are {known}")
        for name in sorted(given.keys() - _FIELDS)
    ]
    found: dict[str, object] = {"name": given.get("name", "").strip()}
    if not found["name"]:
        complaints.append(("name", "the SLA needs a name"))
    for name, read in _READ.items():
        text = given.get(name)
        if text is None:
            continue
        try:
            found[_AS.get(name, name)] = read(text)
        except ValueError as error:
            complaints.append((name, str(error)))
    try:
        found["objective"] = read_objective(
            *(given.get(name) for name in ("objective", "window", "period", "period_timezone", "minimum"))
        )
    except ValueError as error:
        complaints.append(("objective", str(error)))
    if about is not None and not any(given.get(name) for name in ("from", "to", "on", "idle")):
        found["on"] = (about,)
    declared = Declared(**found)  # type: ignore[arg-type]
    if not complaints:
        complaints += declared.complaints()
    if declared.calendar is not None and declared.calendar not in calendars:
        named = ", ".join(sorted(calendars))
        complaints.append(("calendar", f"there is no calendar {declared.calendar!r}; there is {named}"))
    return (None, complaints) if complaints else (declared.sla(calendars), [])


def read_names(text: str) -> tuple[str, ...]:
    """Labels, commas between them."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def read_objective(
    target: str | None, window: str | None, period: str | None, timezone: str | None, minimum: str | None
) -> Objective | None:
    """An objective from its attributes: ``99%``, ``P30D`` or ``month``. Raises ValueError."""
    if target is None:
        if any((window, period, timezone, minimum)):
            raise ValueError("window, period, period_timezone and minimum belong to objective, such as 99%")
        return None
    matched = _PERCENTAGE.fullmatch(target)
    if matched is None:
        raise ValueError(f"{target!r} is not a percentage such as 99%")
    if minimum is not None and not minimum.strip().isdigit():
        raise ValueError(f"minimum must be a number, not {minimum!r}")
    rolling = None if window is None else Span.parse(window).plain
    if window is not None and rolling is None:
        raise ValueError(f"window {window!r} must be a duration in weeks, days or hours, such as P30D")
    return checked_objective(
        float(matched[1]) / 100, rolling, period, timezone, 20 if minimum is None else int(minimum)
    )


def checked_objective(
    target: float, window: timedelta | None, period: str | None, timezone: str | None, minimum: int
) -> Objective:
    """Raises ValueError for what does not go together."""
    if not 0 < target < 1:
        raise ValueError(
            "the target must be above 0% and below 100%: at 100% there is no error budget to burn"
        )
    if (window is None) == (period is None):
        raise ValueError(f"an objective needs one of window (P30D) and period ({', '.join(PERIODS)})")
    if window is not None and window < timedelta(hours=1):
        raise ValueError("the window must be an hour or longer")
    if period is not None and period not in PERIODS:
        raise ValueError(f"period must be one of {', '.join(PERIODS)}, not {period!r}")
    if timezone is not None and period is None:
        raise ValueError("a time zone belongs to period: a rolling window has none")
    if minimum < 1:
        raise ValueError("minimum must be 1 or more")
    return Objective(target, window, period, read_zone(timezone) if timezone else "UTC", minimum)


_TIME_OF_DAY = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


def read_time_of_day(text: str) -> int:
    """``17:30`` as minutes after midnight. Raises ValueError."""
    matched = _TIME_OF_DAY.fullmatch(text.strip())
    minutes = int(matched[1]) * 60 + int(matched[2]) if matched else 9999
    if minutes > 24 * 60:
        raise ValueError(f"{text!r} is not a time of day such as 17:30")
    return minutes


def read_zone(text: str) -> str:
    """The name of a time zone. Raises ValueError."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{text!r} is not a time zone such as Europe/Berlin") from None
    return text


_PERCENTAGE = re.compile(r"\s*(\d{1,3}(?:\.\d{1,6})?)\s*%\s*")


def read_at_risk(text: str) -> float | timedelta | None:
    """``80%`` of the time has passed, ``PT1H`` is left, or ``never``. Raises ValueError."""
    if text.strip() == "never":
        return None
    matched = _PERCENTAGE.fullmatch(text)
    if matched and 0 < float(matched[1]) <= 100:
        return float(matched[1]) / 100
    left = Span.parse(text).plain if text.strip().startswith("P") else None
    if left is None:
        raise ValueError(f"{text!r} is neither a percentage such as 80% nor a duration such as PT1H")
    return left


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"must be true or false, not {text!r}")
    return text == "true"


def _severity(text: str) -> str:
    if text not in SEVERITIES:
        raise ValueError(f"must be one of {', '.join(SEVERITIES)}, not {text!r}")
    return text


_AS = {"from": "start", "to": "end"}
_READ: Mapping[str, Callable[[str], object]] = {
    "from": str.strip,
    "to": str.strip,
    "on": read_names,
    "idle": _flag,
    "within": Span.parse,
    "by": read_time_of_day,
    "cutoff": read_time_of_day,
    "timezone": read_zone,
    "due": str.strip,
    "at": read_date,
    "at_risk": read_at_risk,
    "severity": _severity,
    "calendar": str.strip,
    "pause": read_names,
    "resume": read_names,
}

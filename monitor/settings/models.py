"""Settings of what is expected: event rules, models, SLAs, calendars."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator, model_validator

from monitor.settings.values import (
    Duration,
    ExistingFile,
    ExistingFiles,
    Identifier,
    Model,
    OneOrMany,
    Percentage,
    PositiveDuration,
    parse_duration,
    parse_percentage,
)

Texts = Annotated[tuple[str, ...], OneOrMany]


class Match(Model):
    """Which events a rule is about; everything given must hold. Texts may hold ``*`` and ``?``.

    ``channel`` is the topic, queue or file; ``data`` maps an expression into the event to the text it
    must equal; ``headers`` likewise for message headers.
    """

    source: str | None = None
    type: str | None = None
    subject: str | None = None
    producer: str | None = None
    channel: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    data: dict[str, str] = Field(default_factory=dict)


class EventRule(Model):
    """From wire to model; the first rule that matches an event is the one that counts.

    ``label`` (in the file: ``as``) is the name the event has in the models; without it the event's own
    type is matched by convention. ``model`` restricts the rule to flows with these keys. ``keys`` maps
    key names to expressions (``data.orderId``). ``attributes`` are values SLAs and conditions refer to.
    ``keep`` lists the payload fields that may be stored. ``ignore`` drops the event without a trace.
    """

    match: Match = Match()
    label: str | None = Field(default=None, alias="as", min_length=1)
    model: Texts = ()
    keys: dict[Identifier, str] = Field(default_factory=dict)
    attributes: dict[str, str] = Field(default_factory=dict)
    keep: Texts = ()
    ignore: bool = False

    @model_validator(mode="after")
    def _ignored_is_nothing_else(self) -> Self:
        if self.ignore and (self.label or self.keys or self.keep or self.attributes):
            raise ValueError("an ignored event has neither as, keys, attributes nor keep")
        return self


class Objective(Model):
    """An aim over many traces: ``target`` of the clocks are met within ``window``. This version keeps it,
    but does not evaluate it; ``config check`` and the start of the service say so."""

    target: Percentage
    window: PositiveDuration
    minimum: int = Field(default=20, ge=1, description="Judged from this many clocks on")


def _at_risk(value: object) -> float | timedelta | None:
    if value is None:
        return None
    if isinstance(value, timedelta) or (isinstance(value, str) and value.strip().startswith("P")):
        return parse_duration(value)
    try:
        return parse_percentage(value)
    except ValueError:
        raise ValueError(
            f"must be a percentage such as 80% or a duration such as PT1H, not {value!r}"
        ) from None


class SlaSettings(Model):
    """One time limit. Exactly one of: ``from`` with ``to`` (labels; ``start`` and ``end`` are the
    process's own), ``on`` (an element: the clock starts when it becomes expected), ``idle: true`` (no
    event at all for so long).

    ``within`` is the limit; ``due`` instead of it is an expression into the ``from`` event's data that
    yields the due time. ``at_risk``: a share of the limit that has passed (``80%``) or a duration that is
    left before the due time (``PT1H``). ``pause``/``resume``: labels that stop and restart the clock.
    """

    name: str = Field(min_length=1)
    from_: str | None = Field(default=None, alias="from", min_length=1)
    to: str | None = Field(default=None, min_length=1)
    on: str | None = Field(default=None, min_length=1)
    idle: bool = False
    within: PositiveDuration | None = None
    due: str | None = Field(default=None, min_length=1)
    at_risk: float | timedelta | None = Field(default=0.8, json_schema_extra={"examples": ["80%", "PT1H"]})
    severity: Literal["info", "warning", "critical"] = "warning"
    calendar: str | None = None
    objective: Objective | None = None
    pause: Texts = ()
    resume: Texts = ()

    @field_validator("at_risk", mode="plain", json_schema_input_type=str | None)
    @classmethod
    def _parse_at_risk(cls, value: object) -> float | timedelta | None:
        return _at_risk(value)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.from_) != bool(self.to):
            raise ValueError("from and to belong together; start and end stand for the process's own")
        kinds = [
            name for name, given in (("from/to", self.from_), ("on", self.on), ("idle", self.idle)) if given
        ]
        if len(kinds) != 1:
            found = " and ".join(kinds) if kinds else "none of them"
            raise ValueError(f"needs exactly one of from/to, on, idle; has {found}")
        if (self.within is None) == (self.due is None):
            raise ValueError(
                "needs either within (a duration such as PT4H) or due (where in the event the due time is)"
            )
        if self.due is not None and not self.from_:
            raise ValueError("due needs from (the event that carries the due time) and to")
        if isinstance(self.at_risk, timedelta) and self.within is not None and self.at_risk >= self.within:
            raise ValueError(
                "at_risk as a duration is what is left before the due time: it must be shorter than within"
            )
        if bool(self.pause) != bool(self.resume):
            raise ValueError("pause and resume belong together")
        return self


class ModelOrdering(Model):
    """Overrides of the top-level ``ordering`` for one model; None leaves that."""

    tolerance: Duration | None = None
    lateness: Duration | None = None


def _key_from_file(data: dict[str, Any]) -> str:
    file = data.get("file")
    return file.name.split(".", 1)[0] if isinstance(file, Path) else "unnamed"


class ModelSettings(Model):
    """One expected flow. ``key`` names the flow (default: the file's name without its ending).

    ``process``: the id or name of the process to take, where the file has several. ``include``: further
    files with processes that its call activities name. ``silent``: ids of elements that no event
    tells of. ``bind``: label -> element id (``Task_1:start`` for its start), where the convention by names
    does not do.
    """

    file: ExistingFile
    key: Identifier = Field(default_factory=_key_from_file)
    name: str | None = None
    process: str | None = Field(default=None, min_length=1)
    include: ExistingFiles = ()
    slas: tuple[SlaSettings, ...] = ()
    ordering: ModelOrdering = ModelOrdering()
    silent: Texts = ()
    bind: dict[str, str] = Field(default_factory=dict)


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")


def _days(value: str) -> str:
    first, _, last = value.lower().partition("-")
    if first not in _DAYS or (last and last not in _DAYS):
        raise ValueError(f"{value!r} is not a day (mon ... sun) or a span of days (mon-fri)")
    return value.lower()


def _hours(value: str) -> str:
    begin, _, end = value.partition("-")
    if not _SPAN.fullmatch(value) or begin >= end:
        raise ValueError(f"{value!r} is not a span of hours such as 09:00-17:30")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value!r} is not a time zone such as Europe/Berlin") from None
    return value


class CalendarSettings(Model):
    """Working time: ``hours`` by day or span of days, in ``timezone``; ``holidays`` do not count."""

    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    hours: dict[
        Annotated[str, AfterValidator(_days)],
        Annotated[tuple[Annotated[str, AfterValidator(_hours)], ...], OneOrMany],
    ]
    holidays: tuple[date, ...] = ()

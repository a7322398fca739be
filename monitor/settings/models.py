"""Settings of what is expected: event rules, models, SLAs, calendars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from monitor.bpmn.promises.declared import (
    AT_RISK,
    Declared,
    checked_objective,
    read_at_risk,
    read_time_of_day,
    read_zone,
)
from monitor.bpmn.promises.timers import read_date
from monitor.domain.duration import Span
from monitor.domain.objective import Objective
from monitor.expressions import over_event
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

    def expressions(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every expression, with where it stands in the rule."""
        if self.label is not None and self.label.startswith("="):
            yield ("as",), self.label[1:]
        for what, of in (("keys", self.keys), ("attributes", self.attributes)):
            yield from (((what, name), expression) for name, expression in of.items())
        yield from ((("keep", number), expression) for number, expression in enumerate(self.keep))
        yield from ((("match", "data", expression), expression) for expression in self.match.data)


class ObjectiveSettings(Model):
    """An aim over many traces: ``target`` of the clocks are met within a rolling ``window``, or within each
    ``period`` of the calendar in ``timezone``."""

    target: Percentage
    window: PositiveDuration | None = None
    period: Literal["day", "week", "month", "quarter", "year"] | None = None
    timezone: Annotated[str, AfterValidator(read_zone)] | None = None
    minimum: int = Field(default=20, ge=1, description="Judged from this many clocks on")

    @property
    def objective(self) -> Objective:
        return checked_objective(self.target, self.window, self.period, self.timezone, self.minimum)

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        checked_objective(self.target, self.window, self.period, self.timezone, self.minimum)
        return self


def _at_risk(value: object) -> float | timedelta | None:
    if value is None or isinstance(value, timedelta | float):
        return value
    return read_at_risk(str(value))


def _within(value: object) -> Span:
    """As written: two days are not 48 hours where days are worked."""
    if isinstance(value, Span):
        return value
    if isinstance(value, timedelta):
        return Span(time=value)
    parse_duration(value)  # which tells the mend
    return Span.parse(str(value))


def _at(value: object) -> datetime:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return read_date(value.isoformat() if isinstance(value, datetime) else str(value))


Within = Annotated[
    Span,
    PlainValidator(_within, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^P[0-9DHMSTWY.,]+$", "examples": ["PT4H", "P2D"]}),
]
"""An ISO 8601 duration, kept as written."""

TimeOfDay = Annotated[
    int,
    PlainValidator(lambda value: value if isinstance(value, int) else read_time_of_day(str(value))),
    PlainSerializer(lambda minutes: f"{minutes // 60:02}:{minutes % 60:02}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-2][0-9]:[0-5][0-9]$", "examples": ["17:30"]}),
]
"""``17:30``, as minutes after midnight."""


class SlaSettings(Model):
    """One time limit. Exactly one of: ``from`` with ``to`` (labels; ``start`` and ``end`` are the
    process's own), ``on`` (one or several labels, or the id of an element: the clock starts when it becomes
    expected), ``idle: true`` (no event at all for so long).

    ``within`` is the limit; with a ``calendar`` its days are working days and its hours working hours. Or
    ``by``, the next time the clock on the wall shows that (``within: P1D`` days later; what starts after
    ``cutoff`` counts as of the next day; in ``timezone`` where there is no calendar). Or ``at``, a date. Or
    ``due``, an expression into the ``from`` event that yields the due time (``within`` then counts where the
    event has none). ``at_risk``: a share of the limit that has passed (``80%``) or a duration that is left
    before the due time (``PT1H``). ``pause``/``resume``: labels that stop and restart the clock.
    """

    name: str = Field(min_length=1)
    from_: str | None = Field(default=None, alias="from", min_length=1)
    to: str | None = Field(default=None, min_length=1)
    on: Texts = ()
    idle: bool = False
    within: Within | None = None
    by: TimeOfDay | None = None
    cutoff: TimeOfDay | None = None
    timezone: Annotated[str, AfterValidator(read_zone)] | None = None
    due: str | None = Field(default=None, min_length=1)
    at: Annotated[datetime, PlainValidator(_at, json_schema_input_type=str)] | None = None
    at_risk: float | timedelta | None = Field(
        default=AT_RISK, json_schema_extra={"examples": ["80%", "PT1H"]}
    )
    severity: Literal["info", "warning", "critical"] = "warning"
    calendar: str | None = None
    objective: ObjectiveSettings | None = None
    pause: Texts = ()
    resume: Texts = ()

    @field_validator("at_risk", mode="plain", json_schema_input_type=str | None)
    @classmethod
    def _parse_at_risk(cls, value: object) -> float | timedelta | None:
        return _at_risk(value)

    @field_validator("due")
    @classmethod
    def _expression(cls, value: str | None) -> str | None:
        if value is not None:
            over_event(value)
        return value

    @property
    def declared(self) -> Declared:
        return Declared(
            name=self.name,
            start=self.from_,
            end=self.to,
            on=self.on,
            idle=self.idle,
            within=self.within,
            by=self.by,
            cutoff=self.cutoff,
            timezone=self.timezone,
            due=self.due,
            at=self.at,
            at_risk=self.at_risk,
            severity=self.severity,
            calendar=self.calendar,
            pause=self.pause,
            resume=self.resume,
            objective=None if self.objective is None else self.objective.objective,
        )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        for _, what in self.declared.complaints():
            raise ValueError(what)
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
    does not do. ``timers: false``: the model's timers are no limits and no minimum waits, as in a test
    landscape whose time runs faster.
    """

    file: ExistingFile
    key: Identifier = Field(default_factory=_key_from_file)
    name: str | None = None
    process: str | None = Field(default=None, min_length=1)
    include: ExistingFiles = ()
    slas: tuple[SlaSettings, ...] = ()
    timers: bool = True
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
    if not _SPAN.fullmatch(value) or begin == end:
        raise ValueError(
            f"{value!r} is not a span of hours such as 09:00-17:30, or 22:00-06:00 over midnight"
        )
    return value


class CalendarSettings(Model):
    """Working time: ``hours`` by day or span of days, in ``timezone``. Days off are the public holidays of
    ``country`` (ISO 3166-1: ``DE``) and its ``region`` (ISO 3166-2: ``BE``), and ``holidays``; ``working``
    are public holidays on which work is done all the same."""

    timezone: Annotated[str, AfterValidator(read_zone)] = "UTC"
    hours: dict[
        Annotated[str, AfterValidator(_days)],
        Annotated[tuple[Annotated[str, AfterValidator(_hours)], ...], OneOrMany],
    ]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    region: str | None = Field(default=None, min_length=1)
    holidays: tuple[date, ...] = ()
    working: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _belongs(self) -> Self:
        if self.country is None and (self.region is not None or self.working):
            raise ValueError("region and working belong to a country's public holidays: give country, too")
        return self

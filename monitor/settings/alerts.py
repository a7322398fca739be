"""Who is told of what, when and how often, in Alertmanager's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Self

import isodate
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from monitor.alerts.born import NAMES
from monitor.alerts.matchers import parse_all
from monitor.bpmn.promises.declared import read_zone
from monitor.errors import InvalidInput
from monitor.settings.receivers import HttpReceiver, ReceiverSettings, SmtpSettings, without_smtp
from monitor.settings.values import Model, OneOrMany, PositiveDuration, parse_duration

Where = tuple[str | int, ...]

_SPOKEN = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


def _duration(value: object) -> timedelta:
    """ISO 8601, or as Alertmanager has it: ``30s``, ``1h30m``, ``1d``."""
    if isinstance(value, str) and _SPOKEN.fullmatch(value):
        return timedelta(seconds=sum(int(n) * _SECONDS[unit] for n, unit in _PART.findall(value)))
    return parse_duration(value)


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than zero")
    return value


def _iso(value: timedelta) -> str:
    return str(isodate.duration_isoformat(value))


Wait = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(_iso, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["30s", "5m", "PT4H"]}),
]
"""ISO 8601 or Alertmanager's way."""

Interval = Annotated[Wait, AfterValidator(_positive)]


def _matchers(value: tuple[str, ...]) -> tuple[str, ...]:
    try:
        parse_all(value)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
    return value


Matchers = Annotated[tuple[str, ...], OneOrMany, AfterValidator(_matchers)]
"""``severity="critical"``, one a line; all must hold."""

Label = Annotated[str, Field(pattern=r"^([a-zA-Z_][a-zA-Z0-9_]*|\.\.\.)$")]


class RouteSettings(Model):
    """A route below the root. What it does not say it has from the one above it; ``continue``: the routes
    after it are asked, too."""

    receiver: str | None = None
    matchers: Matchers = ()
    group_by: tuple[Label, ...] | None = None
    group_wait: Wait | None = None
    group_interval: Interval | None = None
    repeat_interval: Interval | None = None
    continues: bool = Field(default=False, alias="continue")
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[RouteSettings, ...] = ()


class RootRoute(Model):
    """Where every alert begins. Alerts with the same ``group_by`` labels are told together: a new group
    ``group_wait`` after its first alert, what is new in it every ``group_interval``, and all that lasts again
    every ``repeat_interval``."""

    receiver: str
    group_by: tuple[Label, ...] = ("alertname", "flow")
    group_wait: Wait = timedelta(seconds=30)
    group_interval: Interval = timedelta(minutes=5)
    repeat_interval: Interval = timedelta(hours=4)
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[RouteSettings, ...] = ()


class InhibitRule(Model):
    """While an alert fires that ``source_matchers`` match, those that ``target_matchers`` match are not told,
    where both have the same values of the labels ``equal``."""

    source_matchers: Annotated[Matchers, Field(min_length=1)]
    target_matchers: Annotated[Matchers, Field(min_length=1)]
    equal: tuple[Label, ...] = ()


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def _number(text: str, words: tuple[str, ...], least: int, most: int) -> int:
    low = text.strip().lower()
    if low in words:
        return words.index(low) + least
    if re.fullmatch(r"-?\d{1,4}", low) and (not words or words[0] == "january") and least <= int(low) <= most:
        return int(low)
    known = f"{words[0]} to {words[-1]}" if words else f"{least} to {most}"
    raise ValueError(f"{text!r} is none of {known}")


def read_span(text: str, words: tuple[str, ...], least: int, most: int) -> tuple[int, int]:
    """``monday:friday``, ``1:5``, ``december``. Raises ValueError."""
    first, colon, last = text.partition(":")
    begin = _number(first, words, least, most)
    end = _number(last, words, least, most) if colon else begin
    if begin * end > 0 and begin > end:
        raise ValueError(f"{text!r} ends before it begins")
    return begin, end


def read_day_span(text: str) -> tuple[int, int]:
    """Days of a month, ``1:5`` or ``-3:-1``. Raises ValueError."""
    begin, end = read_span(text, (), -31, 31)
    if begin == 0 or end == 0 or (begin < 0 < end):
        raise ValueError(f"{text!r} must be days 1 to 31, or from the end of the month: -3:-1")
    return begin, end


def _spans(words: tuple[str, ...], least: int, most: int) -> Any:
    def check(values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            read_span(value, words, least, most)
        return values

    return AfterValidator(check)


def _days(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        read_day_span(value)
    return values


def _texts(value: object) -> object:
    several = value if isinstance(value, (list, tuple)) else [value]
    return [str(one) if isinstance(one, int) and not isinstance(one, bool) else one for one in several]


TextOrNumber = BeforeValidator(_texts, json_schema_input_type=str | int | list[str | int])


def read_minute(text: str) -> int:
    """``24:00`` is the end of the day. Raises ValueError."""
    matched = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
    if matched is None or int(matched[2]) > 59 or int(matched[1]) * 60 + int(matched[2]) > 24 * 60:
        raise ValueError(f"{text!r} is no time of day such as 08:00 or 24:00")
    return int(matched[1]) * 60 + int(matched[2])


class TimeRange(Model):
    """From ``start_time`` up to ``end_time``, on one day; a night is two of them."""

    start_time: str
    end_time: str

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if read_minute(self.start_time) >= read_minute(self.end_time):
            raise ValueError("start_time must be before end_time: past midnight takes two entries")
        return self


class TimeRangeSettings(Model):
    """Holds where everything it names holds; ``location``: the time zone, UTC if none is given."""

    times: tuple[TimeRange, ...] = ()
    weekdays: Annotated[tuple[str, ...], TextOrNumber, _spans(WEEKDAYS, 0, 6)] = ()
    days_of_month: Annotated[tuple[str, ...], TextOrNumber, AfterValidator(_days)] = ()
    months: Annotated[tuple[str, ...], TextOrNumber, _spans(MONTHS, 1, 12)] = ()
    years: Annotated[tuple[str, ...], TextOrNumber, _spans((), 1, 9999)] = ()
    location: Annotated[str, AfterValidator(read_zone)] = "UTC"


class TimeInterval(Model):
    """A named time that routes mute themselves in, or speak in only."""

    name: str = Field(min_length=1)
    time_intervals: tuple[TimeRangeSettings, ...] = Field(min_length=1)


class Heartbeat(HttpReceiver):
    """A dead man's switch: this address gets a POST ``every`` so often while all is well (the sweep runs, no
    source is blind, every receiver is reached). Whoever is there raises an alarm once it is not."""

    every: Interval = timedelta(minutes=1)


class RetrySettings(Model):
    """After a failed attempt the next waits ``base``, then twice as long each time up to ``cap``, a little
    more or less by chance. Once ``give_up_after`` has passed the message is given up, which is told."""

    base: Interval = timedelta(seconds=10)
    cap: Interval = timedelta(hours=1)
    give_up_after: Interval = timedelta(days=3)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.base <= self.cap <= self.give_up_after:
            raise ValueError("base must not be longer than cap, nor cap longer than give_up_after")
        return self


class InboxGrowth(Model):
    """More than ``messages`` that could not be placed, come in from one source ``within`` this time, are an
    alert; it ends once no more than half as many do."""

    messages: int = Field(default=100, ge=1)
    within: Interval = timedelta(minutes=15)


KEEP = timedelta(days=90)


class AlertSettings(Model):
    """Who is told of what. ``smtp``: the mail server of all receivers that name none of their own.
    ``inhibit_downstream``: what only follows from a late step is not told beside it. ``keep``: how long
    alerts that are over and their messages are kept; without a value for good."""

    receivers: tuple[ReceiverSettings, ...] = Field(min_length=1)
    route: RootRoute
    inhibit_rules: tuple[InhibitRule, ...] = ()
    inhibit_downstream: bool = True
    time_intervals: tuple[TimeInterval, ...] = ()
    smtp: SmtpSettings | None = None
    heartbeat: Heartbeat | None = None
    retry: RetrySettings = RetrySettings()
    inbox_growth: InboxGrowth | None = InboxGrowth()
    keep: PositiveDuration | None = KEEP

    def complaints(self) -> Iterator[tuple[Where, str]]:
        """What only shows when the parts are held together."""
        names = [one.name for one in self.receivers]
        yield from _repeated("receivers", names)
        yield from _repeated("time_intervals", [one.name for one in self.time_intervals])
        for number in without_smtp(self.receivers, self.smtp):
            yield (
                ("receivers", number, "email"),
                "no mail server is known: give smtp here, or below alerts for all",
            )
        times = {one.name for one in self.time_intervals}
        for where, route in _routes(("route",), self.route):
            if route.receiver is not None and route.receiver not in names:
                known = ", ".join(sorted(names))
                yield (*where, "receiver"), f"there is no receiver {route.receiver!r}; there is {known}"
            for key in ("mute_time_intervals", "active_time_intervals"):
                for place, name in enumerate(getattr(route, key)):
                    if name not in times:
                        known = f"there is {', '.join(sorted(times))}" if times else "none is configured"
                        yield (*where, key, place), f"there is no time interval {name!r}; {known}"
            for place, matcher in _named(route):
                if matcher.value not in NAMES:
                    yield (
                        (*where, "matchers", place),
                        f"no alert is called {matcher.value!r}; there is {', '.join(sorted(NAMES))}",
                    )


def _named(route: RootRoute | RouteSettings) -> Iterator[tuple[int, Any]]:
    """Matchers that name one alert, each with its place."""
    if isinstance(route, RouteSettings):
        for place, text in enumerate(route.matchers):
            for matcher in parse_all([text]):
                if matcher.label == "alertname" and matcher.operator == "=":
                    yield place, matcher


def _routes(
    where: Where, route: RootRoute | RouteSettings
) -> Iterator[tuple[Where, RootRoute | RouteSettings]]:
    yield where, route
    for number, child in enumerate(route.routes):
        yield from _routes((*where, "routes", number), child)


def _repeated(key: str, names: list[str]) -> Iterator[tuple[Where, str]]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (key, number, "name"), f"{name!r} is used {names.count(name)} times; give each its own name"

"""Query parameters to typed values. What cannot be read is said plainly, with what could be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from starlette.datastructures import QueryParams

from monitor.domain.event import InboxReason
from monitor.domain.notice import NoticeKind
from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.errors import ChoreoscopeError, InvalidInput
from monitor.storage.mending import InboxPart
from monitor.storage.views import FindingFilter, TraceFilter

STATES = ("open", "complete")
VERDICTS = ("conforming", "deviating", "checking")
SORTS = ("last", "first", "events", "duration")
ORDERS = ("desc", "asc")
SEVERITIES = ("info", "warning", "critical")
SLA_STATES = tuple(state.value for state in ClockState if state is not ClockState.BLIND)
DEFAULT_LIMIT = 50
MOST = 200
LONGEST_TEXT = 500

_AGE = re.compile(r"(\d{1,4})(m|h|d)", re.ASCII)
_AGE_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST_SPAN = 10**6 * 86400 * 10**6  # microseconds
_SPAN_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(us|µs|ms|s|m|h|d)", re.ASCII)
_SPAN_UNITS = {
    "us": 1,
    "µs": 1,
    "ms": 10**3,
    "s": 10**6,
    "m": 60 * 10**6,
    "h": 3600 * 10**6,
    "d": 86400 * 10**6,
}

Word = TypeVar("Word", bound=StrEnum)
Given = Mapping[str, str]
"""Parameters of an address, or fields of a form."""


class BadParameter(InvalidInput):
    """A parameter of the address cannot be understood."""


class NotFound(ChoreoscopeError):
    """There is nothing at this address."""


class Refused(ChoreoscopeError):
    """This may not be changed from there."""


class NotTaken(InvalidInput):
    """What is sent is of a kind that is not taken here."""


class TooLong(InvalidInput):
    """What is sent is too long."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Which page of a list: opaque ``cursor`` of the page before, at most ``limit`` rows."""

    cursor: str | None
    limit: int


def text(query: Given, name: str) -> str | None:
    """A parameter's text, None when it is absent or blank."""
    value = query.get(name, "").strip()
    if len(value) > LONGEST_TEXT:
        raise BadParameter(f"{name} is longer than {LONGEST_TEXT} characters.")
    if "\x00" in value:
        raise BadParameter(f"{name} holds a zero byte.")
    return value or None


def choice(query: Given, name: str, allowed: Iterable[str]) -> str | None:
    value = text(query, name)
    choices = tuple(allowed)
    if value is not None and value not in choices:
        raise BadParameter(f"{name} is {value!r}.", mend=f"It may be: {', '.join(choices)}.")
    return value


def word(query: Given, name: str, kind: type[Word]) -> Word | None:
    value = choice(query, name, [member.value for member in kind])
    return None if value is None else kind(value)


def moment(query: Given, name: str) -> datetime | None:
    """An ISO 8601 date or date and time; without a zone it is UTC."""
    value = text(query, name)
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadParameter(
            f"{name} is {value!r}.", mend="It is a date or a date and time, such as 2026-01-31T14:00 (UTC)."
        ) from None


def span(query: Given, name: str) -> timedelta | None:
    """A duration as Jaeger writes it: ``1.2s``, ``100ms``, ``1h30m``."""
    value = text(query, name)
    if value is None:
        return None
    parts = _SPAN_PART.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise BadParameter(
            f"{name} is {value!r}.",
            mend="It is a number with us, ms, s, m, h or d, or several: 100ms, 1.2s, 5m, 1h30m, 3d.",
        )
    micros = sum((Decimal(number) * _SPAN_UNITS[unit] for number, unit in parts), Decimal(0))
    if micros > _LONGEST_SPAN:
        raise BadParameter(f"{name} is {value!r}.", mend="No trace lasts longer than a million days.")
    return timedelta(microseconds=int(micros))


def number(query: QueryParams, name: str) -> int | None:
    """A whole number from 1 on."""
    value = text(query, name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and 1 <= int(value) < 2**31):
        raise BadParameter(f"{name} is {value!r}.", mend="It is a whole number from 1 on.")
    return int(value)


def yes_or_no(query: Given, name: str) -> bool | None:
    value = choice(query, name, ("yes", "no"))
    return None if value is None else value == "yes"


def slice_of(query: QueryParams) -> Slice:
    value = text(query, "limit")
    if value is not None and not (value.isascii() and value.isdigit() and 1 <= int(value) <= MOST):
        raise BadParameter(f"limit is {value!r}.", mend=f"It is a whole number from 1 to {MOST}.")
    return Slice(text(query, "cursor"), int(value) if value else DEFAULT_LIMIT)


def identifier(value: str, what: str) -> int:
    """A row's number in a path. Raises :class:`NotFound` for what no row can have."""
    if not (value.isascii() and value.isdigit()) or int(value) >= 2**63:
        raise NotFound(f"There is no {what} {value[:40]}.")
    return int(value)


def trace_filter(query: QueryParams, now: datetime) -> TraceFilter:
    """The filters of the trace list. ``within`` (``15m``, ``24h``, ``7d``) is short for a ``since`` that
    long before now."""
    since = moment(query, "since")
    within = text(query, "within")
    if within is not None:
        matched = _AGE.fullmatch(within)
        if matched is None:
            raise BadParameter(f"within is {within!r}.", mend="It is a number with m, h or d: 15m, 24h, 7d.")
        if since is not None:
            raise BadParameter("within and since say the same thing twice.", mend="Use one of them.")
        since = now - timedelta(**{_AGE_UNITS[matched[2]]: int(matched[1])})
    until = moment(query, "until")
    if since and until and since > until:
        raise BadParameter("since is later than until.")
    shortest, longest = span(query, "min"), span(query, "max")
    if shortest is not None and longest is not None and shortest > longest:
        raise BadParameter("min is longer than max.")
    flow, version = text(query, "flow"), number(query, "version")
    if version is not None and flow is None:
        raise BadParameter("version is one of a flow.", mend="Name the flow, too: flow=order&version=2.")
    return TraceFilter(
        search=text(query, "q"),
        flow=flow,
        version=version,
        state=choice(query, "state", STATES),
        verdict=choice(query, "verdict", VERDICTS),
        finding=word(query, "finding", FindingKind),
        element=text(query, "element"),
        sla=choice(query, "sla", SLA_STATES),
        shortest=shortest,
        longest=longest,
        variant=text(query, "variant"),
        since=since,
        until=until,
        sort=choice(query, "sort", SORTS) or "last",
        ascending=choice(query, "order", ORDERS) == "asc",
    )


def finding_filter(query: QueryParams) -> FindingFilter:
    return FindingFilter(
        search=text(query, "q"),
        flow=text(query, "flow"),
        kind=word(query, "kind", FindingKind),
        state=word(query, "state", FindingState),
        element=text(query, "element"),
        severity=choice(query, "severity", SEVERITIES),
        acknowledged=yes_or_no(query, "acknowledged"),
    )


@dataclass(frozen=True, slots=True)
class InboxFilter:
    reason: InboxReason | None
    type: str | None
    source: str | None


def inbox_filter(query: QueryParams) -> InboxFilter:
    return InboxFilter(word(query, "reason", InboxReason), text(query, "type"), text(query, "source"))


def inbox_part(given: Given) -> InboxPart:
    """A group of the inbox, from an address or a form: ``reason`` and ``source``; ``type`` blank for none."""
    reason, source = word(given, "reason", InboxReason), text(given, "source")
    if reason is None or source is None:
        raise BadParameter("A group is named by its reason and its source.", mend="And by its type, if any.")
    return InboxPart(reason, text(given, "type"), source)


def whole(given: Given, name: str) -> int:
    """A number from 0 up; 0 where it is absent."""
    value = text(given, name) or "0"
    if not (value.isascii() and value.isdigit()) or int(value) >= 2**63:
        raise BadParameter(f"{name} is {value[:40]!r}.", mend="It is a whole number.")
    return int(value)


def notice_kind(query: QueryParams) -> NoticeKind | None:
    return word(query, "kind", NoticeKind)

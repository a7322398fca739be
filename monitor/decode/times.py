"""Times as producers write them -> aware UTC ``datetime``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from monitor.domain.event import Delivery, Json, TimeOrigin

EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Times outside are unset fields or nonsense (0001-01-01, 9999-12-31); refusing them here leaves every later
stage room to add and subtract durations without overflow."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?\d{9,19}(?:\.\d+)?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_LEAP_SECOND = re.compile(r"(\d\d:\d\d:)60(?=[.,Zz+-]|$)", re.ASCII)
_ZONE_NAME = re.compile(r"\s*\[[^\]]*\]$|\s+(?:UTC|GMT)$")
_SLASHED = re.compile(r"(\d{4})/(\d\d)/(\d\d)", re.ASCII)
_SPACED_OFFSET = re.compile(r"\s+([+-]\d\d:?\d\d)$", re.ASCII)


def instant(text: str) -> datetime:
    """An RFC 3339 time, or what else ISO 8601 and common libraries make of one: a blank for the ``T``, any
    offset, no offset (UTC), a date alone (midnight), nanoseconds (cut off), a leap second.

    Raises ValueError.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = _repaired(text)
    return _in_utc(time)


def moment(value: Json) -> datetime:
    """An :func:`instant`, or a number, also as text, of seconds, milliseconds, microseconds or nanoseconds
    since 1970: which of them its magnitude tells (seconds reach the year 5138).

    Raises ValueError.
    """
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return instant(text)
        compact = _COMPACT.fullmatch(text)
        if compact:
            return _in_utc(datetime(*map(int, compact.groups()), tzinfo=UTC))  # type: ignore[arg-type, misc]
        value = float(text) if "." in text else int(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is neither a text nor a number")  # noqa: TRY004 - one kind of error for callers
    return epoch(value)


def epoch(value: float, *, unit: int | None = None) -> datetime:
    """Time ``value`` since 1970 in ``unit`` parts of a second; without one its magnitude decides.

    Raises ValueError.
    """
    if unit is None:
        size = abs(value)
        unit = 1 if size < 1e11 else 1_000 if size < 1e14 else 1_000_000 if size < 1e17 else 1_000_000_000
    try:
        if isinstance(value, int):
            return _in_utc(_EPOCH + timedelta(microseconds=value * 1_000_000 // unit))
        return _in_utc(_EPOCH + timedelta(seconds=value / unit))
    except OverflowError as error:
        raise ValueError("is out of range") from error


def without_time(delivery: Delivery) -> tuple[datetime, TimeOrigin]:
    """The time of an event that does not tell its own: the broker's, else ours."""
    stamped = delivery.timestamp
    if stamped is not None and EARLIEST <= stamped < LATEST:
        return stamped, TimeOrigin.BROKER
    return delivery.received, TimeOrigin.RECEIVED


def _repaired(text: str) -> datetime:
    """What ``fromisoformat`` refuses although it is a usual way to write a time."""
    cleaned = text.strip()
    leap = _LEAP_SECOND.search(cleaned)
    if leap:
        cleaned = _LEAP_SECOND.sub(r"\g<1>59", cleaned)
    cleaned, named = _ZONE_NAME.subn("", cleaned)
    cleaned = _SPACED_OFFSET.sub(r"\1", cleaned)
    cleaned = _SLASHED.sub(r"\1-\2-\3", cleaned)
    if cleaned.endswith("z"):
        cleaned = cleaned[:-1] + "Z"
    if not (leap or named) and cleaned == text:
        raise ValueError("is no time")
    time = datetime.fromisoformat(cleaned)
    return _in_utc(time) + timedelta(seconds=1) if leap else time


def _in_utc(time: datetime) -> datetime:
    zone = time.tzinfo
    if zone is None:
        time = time.replace(tzinfo=UTC)
    elif zone is not UTC:
        try:
            time = time.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("is out of range") from error
    if not EARLIEST <= time < LATEST:
        raise ValueError("is out of range: an unset field?")
    return time

"""The kinds of values a configuration is written in: durations, percentages, paths, secrets."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import isodate
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from monitor.globbing import files_matching


class Model(BaseModel):
    """Base of all settings: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, validate_default=True
    )


_SPOKEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|[a-z])[a-z]*\s*", re.IGNORECASE)
_SPOKEN_ISO = {"s": "PT{}S", "m": "PT{}M", "h": "PT{}H", "d": "P{}D", "w": "P{}W"}


def parse_duration(value: object) -> timedelta:
    """An ISO 8601 duration of weeks, days, hours, minutes and seconds.

    Years and months are refused because they have no fixed length. Raises ValueError with the mend.
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"must be an ISO 8601 duration such as PT30S, not {value!r}")  # noqa: TRY004
    try:
        parsed = isodate.parse_duration(value.strip())
    except (isodate.ISO8601Error, ValueError, ArithmeticError):
        spoken = _SPOKEN.fullmatch(value)
        iso = _SPOKEN_ISO.get(spoken[2].lower()) if spoken else None
        hint = f"write {iso.format(spoken[1])}" if spoken and iso else "such as PT30S, PT15M, P2D"
        raise ValueError(f"{value!r} is not an ISO 8601 duration: {hint}") from None
    if not isinstance(parsed, timedelta):
        raise ValueError(  # noqa: TRY004
            f"{value!r} counts in years or months, which have no fixed length: use days (P30D);"
            " minutes are written after a T (PT5M)"
        )
    if parsed < timedelta(0):
        raise ValueError(f"{value!r} is negative")
    return parsed


def _iso(value: timedelta) -> str:
    return str(isodate.duration_isoformat(value))


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(_iso, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^P[0-9DHMSTW.,]+$", "examples": ["PT30S", "PT4H", "P2D"]}),
]
"""ISO 8601 in the file, ``timedelta`` in the program."""


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than zero")
    return value


PositiveDuration = Annotated[Duration, AfterValidator(_positive)]


def parse_percentage(value: object) -> float:
    """``"80%"`` is 0.8. Raises ValueError."""
    if isinstance(value, float) and 0 < value <= 1:
        return value
    matched = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value) if isinstance(value, str) else None
    if matched is None or not 0 < float(matched[1]) <= 100:
        raise ValueError(f"must be a percentage above 0% and up to 100%, such as 80%, not {value!r}")
    return float(matched[1]) / 100


Percentage = Annotated[
    float,
    BeforeValidator(parse_percentage),
    PlainSerializer(lambda value: f"{value * 100:g}%", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$", "examples": ["80%"]}),
]
"""``"99%"`` in the file, 0.99 in the program."""


def base_directory(info: ValidationInfo) -> Path:
    """Where relative paths start: the configuration file's directory."""
    context: Mapping[str, Any] = info.context or {}
    return Path(context.get("base", "."))


def _from_base(value: Path, info: ValidationInfo) -> Path:
    return base_directory(info) / value.expanduser()


def _existing(value: Path) -> Path:
    if not value.is_file():
        raise ValueError(f"there is no file {value}")
    return value


AnyPath = Annotated[Path, AfterValidator(_from_base)]
"""A path relative to the configuration file."""

ExistingFile = Annotated[Path, AfterValidator(_from_base), AfterValidator(_existing)]
"""A file that must be there, relative to the configuration file."""


def _matching(values: tuple[Path, ...]) -> tuple[Path, ...]:
    found = [path for value in values for path in _some_files(value)]
    return tuple(dict.fromkeys(found))


def _some_files(pattern: Path) -> list[Path]:
    found = files_matching(pattern)
    if not found:
        raise ValueError(f"there is no file {pattern}")
    return found


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, (str, Path)) else value


OneOrMany = BeforeValidator(_one_or_many, json_schema_input_type=str | list[str])
"""A single text stands for a list of one."""

ExistingFiles = Annotated[tuple[AnyPath, ...], OneOrMany, AfterValidator(_matching)]
"""Files that must be there, by name or pattern, relative to the configuration file."""


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
        raise ValueError(
            f"{value!r} may hold only letters, digits, '.', '_' and '-', and begins with a letter or digit"
        )
    return value


Identifier = Annotated[str, AfterValidator(_identifier)]
"""A name that also appears in addresses and queue names."""


def is_loopback(host: str) -> bool:
    """Whether this name or address is the machine itself, as far as it says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

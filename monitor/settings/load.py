"""From file to :class:`Settings`, with everything that is wrong said at once, each with its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from monitor.errors import ConfigError, MappingError
from monitor.expressions import over_event
from monitor.settings.models import EventRule
from monitor.settings.root import Complaint, DashboardSettings, Settings, exposed
from monitor.settings.yamlfile import Place, Read, read_yaml

_VARIABLE = re.compile(r"\$(\$)?\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_OTHER_NAMES = {
    "brokers": "bootstrap_servers",
    "bootstrap": "bootstrap_servers",
    "servers": "bootstrap_servers",
    "type": "kind",
    "topic": "topics",
    "group_id": "group",
    "exchange": "bindings",
    "files": "path",
    "label": "as",
    "deadline": "within",
    "limit": "within",
    "duration": "within",
    "start": "from",
    "end": "to",
    "db": "database",
    "slos": "slas",
}
"""What people write by habit for a key of ours that spells nothing like it."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """``key`` is dotted (``sources[0].url``), empty for the file as a whole; ``line`` counts from 1."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key + ': ' if self.key else ''}{self.message}"


class InvalidConfig(ConfigError):
    """The configuration is not valid."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda p: (p.file, p.line, p.key, p.message)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read, expand and validate a configuration file.

    ``${NAME}`` and ``${NAME:-default}`` are replaced from ``environ`` (``$${`` is a plain ``${``); for a
    secret ``key`` the file named by ``key_file`` is read. Raises :class:`InvalidConfig` with every problem.
    """
    file = str(path)
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        said = f"cannot be read: {error.strerror or error}"
        raise InvalidConfig([ConfigProblem(file, 1, "", said)]) from None
    except UnicodeDecodeError as error:
        raise InvalidConfig([ConfigProblem(file, 1, "", f"is not UTF-8 text: {error.reason}")]) from None
    read = read_yaml(text)
    problems = [ConfigProblem(file, fault.line, dotted(fault.place), fault.message) for fault in read.faults]
    if read.value is None and not problems:
        problems.append(ConfigProblem(file, 1, "", "the file is empty"))
    elif not isinstance(read.value, dict) and not problems:
        problems.append(ConfigProblem(file, 1, "", "must hold keys and values, such as 'sources:'"))
    if not isinstance(read.value, dict):
        raise InvalidConfig(problems)

    expansion = _Expansion(environ, path.parent)
    data = expansion.value(read.value, ())
    for place, message in expansion.faults:
        problems.append(ConfigProblem(file, read.line(place), dotted(place), message))

    settings: Settings | None = None
    try:
        settings = Settings.model_validate(data, context={"base": path.parent})
    except ValidationError as error:
        problems += _told(error, data, file, read, expansion.spoilt)
    for place, message in _exposed(data) if settings is None else settings.complaints():
        problems.append(ConfigProblem(file, read.line(place), dotted(place), message))
    if problems or settings is None:
        raise InvalidConfig(problems)
    return settings


def _exposed(data: Mapping[str, Any]) -> Iterable[Complaint]:
    """What would let strangers in, told though other parts are wrong."""
    try:
        shown = DashboardSettings.model_validate(data.get("dashboard", {}))
    except ValidationError:
        return ()
    return exposed(shown, "auth" in data)


def read_rules(text: str, settings: Settings) -> tuple[EventRule, ...]:
    """Event rules as one types them: a rule, a list of rules, or what a configuration has below ``events:``,
    with that line; for a configuration that is otherwise ``settings``. Environment variables are not put in.
    Raises :class:`InvalidConfig` as :func:`load` does.
    """
    read = read_yaml(text)
    problems = [
        ConfigProblem("rule", fault.line, dotted(fault.place), fault.message) for fault in read.faults
    ]
    value = read.value
    around: Place = ()
    if isinstance(value, dict) and set(value) == {"events"}:
        value = value["events"]
    elif isinstance(value, list):
        around = ("events",)
    elif isinstance(value, dict):
        value, around = [value], ("events", 0)
    if not isinstance(value, list) or not value:
        said = "must hold a rule, such as '- match: {type: order.paid}'"
        raise InvalidConfig(problems or [ConfigProblem("rule", 1, "", said)])

    def wrong(place: Place, message: str) -> None:
        own = place[len(around) :]
        problems.append(ConfigProblem("rule", read.line(own), dotted(own), message))

    data = {"events": value}
    try:
        events = Settings.model_validate(data).events
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place, models = _locate(detail, data)
            wrong(place, _sentence(detail, place, models))
        raise InvalidConfig(problems) from None
    for place, message in settings.model_copy(update={"events": events}).complaints():
        if place[0] == "events":
            wrong(place, message)
    for number, rule in enumerate(events):
        for where, expression in rule.expressions():
            try:
                over_event(expression)
            except MappingError as error:
                wrong(("events", number, *where), error.message)
    if problems:
        raise InvalidConfig(problems)
    return events


def dotted(place: Place) -> str:
    """``("sources", 0, "url")`` as ``sources[0].url``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Expansion:
    """Replaces ``${...}`` in every text and ``*_file`` keys of secrets by the file's content."""

    def __init__(self, environ: Mapping[str, str], base: Path) -> None:
        self.environ = environ
        self.base = base
        self.faults: list[tuple[Place, str]] = []
        self.spoilt: set[Place] = set()

    def fault(self, place: Place, message: str, *spoilt: Place) -> None:
        """Note what is wrong; nothing more is said of ``spoilt`` places, which have no value for it."""
        self.faults.append((place, message))
        self.spoilt.update((place, *spoilt))

    def value(self, value: Any, place: Place) -> Any:
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, list):
            return [self.value(item, (*place, number)) for number, item in enumerate(value)]
        if isinstance(value, dict):
            expanded = {key: self.value(item, (*place, key)) for key, item in value.items()}
            return self._secrets(expanded, place)
        return value

    def _text(self, text: str, place: Place) -> str:
        def replace(found: re.Match[str]) -> str:
            if found[1]:
                return found[0][1:]
            name, has_default, default = found[2].partition(":-")
            if not _NAME.fullmatch(name):
                self.fault(place, f"{found[0]} does not name an environment variable")
                return found[0]
            if has_default:
                return self.environ.get(name) or default
            if name not in self.environ:
                mend = f"set it, or write ${{{name}:-default}}"
                self.fault(place, f"the environment variable {name} is not set; {mend}")
                return found[0]
            return self.environ[name]

        return _VARIABLE.sub(replace, text)

    def _secrets(self, mapping: dict[str, Any], place: Place) -> dict[str, Any]:
        for key in [key for key in mapping if key.removesuffix("_file") in SECRETS and key.endswith("_file")]:
            secret = key.removesuffix("_file")
            name = mapping.pop(key)
            if secret in mapping:
                self.fault((*place, key), f"give either {secret} or {key}, not both")
                continue
            try:
                mapping[secret] = (self.base / str(name)).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
                self.fault((*place, key), f"the file {name} cannot be read: {reason}", (*place, secret))
        return mapping


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every settings class an annotation can hold, whatever it is wrapped in."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is Annotated:
        return _models_in(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType, tuple, dict):
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []


def _all_models(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    if model not in seen:
        seen.add(model)
        for info in model.model_fields.values():
            for inner in _models_in(info.annotation):
                _all_models(inner, seen)
    return seen


def _is_secret(annotation: Any) -> bool:
    if get_origin(annotation) is dict:  # secrets by name; a file holds one
        return False
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))


SECRETS = frozenset(
    name
    for model in _all_models(Settings, set())
    for name, info in model.model_fields.items()
    if _is_secret(info.annotation)
)
"""Keys that may be given as ``KEY_file`` instead."""


def _told(
    error: ValidationError, data: Any, file: str, read: Read, spoilt: set[Place]
) -> Iterable[ConfigProblem]:
    for detail in error.errors(include_url=False):
        place, models = _locate(detail, data)
        if not any(place[: len(bad)] == bad for bad in spoilt):
            yield ConfigProblem(file, read.line(place), dotted(place), _sentence(detail, place, models))


def _locate(detail: ErrorDetails, data: Any) -> tuple[Place, list[type[BaseModel]]]:
    """The place in the file of a validation error, and the classes whose keys are allowed around it.

    Validation puts names of union members into its path; whatever the data does not have is left out,
    save for a key that is missing.
    """
    place: list[str | int] = []
    around: list[type[BaseModel]] = [Settings]
    models: list[type[BaseModel]] = [Settings]
    missing = detail["type"] == "missing"
    for number, part in enumerate(detail["loc"], start=1):
        if isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif isinstance(data, dict) and part in data:
            kind = data.get("kind")
            around = [
                m for m in models if "kind" not in m.model_fields or m.model_fields["kind"].default == kind
            ]
            models = [inner for m in around for inner in _models_in(_annotation(m, str(part)))] or models
            data = data[part]
        elif missing and number == len(detail["loc"]):
            around = models
        else:
            continue
        place.append(part)
    return tuple(place), around


def _annotation(model: type[BaseModel], key: str) -> Any:
    for name, info in model.model_fields.items():
        if key == (info.alias or name):
            return info.annotation
    return None


def _keys(models: Iterable[type[BaseModel]]) -> list[str]:
    keys = {info.alias or name for model in models for name, info in model.model_fields.items()}
    return sorted(keys | {f"{key}_file" for key in keys & SECRETS})


def _sentence(detail: ErrorDetails, place: Place, models: list[type[BaseModel]]) -> str:
    context = detail.get("ctx", {})
    given = detail.get("input")
    match detail["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return _unknown_key(str(place[-1]), _keys(models))
        case "union_tag_not_found":
            return "the key 'kind' is missing: rabbitmq, kafka, http, file or memory"
        case "union_tag_invalid":
            kinds = re.findall(r"'([^']+)'", str(context.get("expected_tags", "")))
            return _unknown_value(str(context.get("tag", given)), kinds)
        case "literal_error":
            return _unknown_value(given, re.findall(r"'([^']+)'", str(context.get("expected", ""))))
        case "string_type":
            shown = "" if place and place[-1] in SECRETS else f", not {given!r}"
            return f"must be text{shown}; put it in quotes" if _is_plain(given) else "must be text"
        case "value_error":
            return str(context.get("error", detail["msg"]))
        case "model_type" | "dict_type":
            return "must hold keys and values of its own"
        case "tuple_type" | "list_type":
            return "must be a list"
        case "int_parsing" | "int_type" | "int_from_float":
            return f"must be a whole number, not {given!r}"
        case "bool_parsing" | "bool_type":
            return f"must be true or false, not {given!r}"
        case _:
            return detail["msg"][:1].lower() + detail["msg"][1:]


def _is_plain(value: object) -> bool:
    return isinstance(value, (int, float, bool))


def _unknown_key(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    other = _OTHER_NAMES.get(key)
    guess = near[0] if near else other if other in known else None
    if guess:
        return f"unknown key; did you mean {guess!r}?"
    return f"unknown key; known here: {', '.join(known)}"


def _unknown_value(value: object, known: list[str]) -> str:
    near = difflib.get_close_matches(str(value), known, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{value!r} is not one of {', '.join(known)}{hint}"

"""A model as configured: its BPMN file, those whose processes it may call, and what is said about it. It is
kept as JSON with each deployed version, so that a trace pinned to that can always be judged again."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import orjson

from monitor.bpmn.compile import Options
from monitor.bpmn.document import Document
from monitor.bpmn.flow import Ordering, Sla
from monitor.bpmn.read import read
from monitor.domain.calendar import Calendar
from monitor.domain.duration import Span
from monitor.domain.limit import Limit
from monitor.domain.objective import Objective
from monitor.domain.verdict import ClockKind


@dataclass(frozen=True)
class BpmnFile:
    """A file whose processes may be called; read when the first one is."""

    file: str
    source: bytes

    @cached_property
    def document(self) -> Document:
        return read(self.source, self.file)


@dataclass(frozen=True, slots=True)
class Model:
    """A BPMN file and what the configuration says about it, not deployed yet. ``include``: files whose
    processes it may call; ``beside``: the other models, asked after those."""

    file: str
    source: bytes
    options: Options
    include: tuple[BpmnFile, ...] = ()
    beside: tuple[BpmnFile, ...] = ()


def dump_model(model: Model) -> str:
    """A model's options and the files it calls, as JSON text: durations in microseconds, files packed."""
    options = model.options
    return orjson.dumps(
        {
            "key": options.key,
            "name": options.name,
            "main_key": options.main_key,
            "process": options.process,
            "silent": sorted(options.silent),
            "bind": dict(options.bind),
            "slas": [_dump_sla(sla) for sla in options.slas],
            "calendars": {name: _dump_calendar(one) for name, one in options.calendars.items()},
            **({} if options.timers else {"timers": False}),
            "tolerance": _micros(options.ordering.tolerance),
            "lateness": _micros(options.ordering.lateness),
            **({"include": _packed(model.include)} if model.include else {}),
            **({"beside": _packed(model.beside)} if model.beside else {}),
        },
        option=orjson.OPT_SORT_KEYS,
    ).decode()


def load_model(file: str, source: bytes, text: str) -> Model:
    """The model that :func:`dump_model` wrote ``text`` of."""
    kept: Mapping[str, Any] = orjson.loads(text)
    include, beside = (_unpacked(kept.get(name, ())) for name in ("include", "beside"))
    options = Options(
        key=kept["key"],
        name=kept["name"],
        main_key=kept["main_key"],
        process=kept["process"],
        silent=frozenset(kept["silent"]),
        bind=kept["bind"],
        slas=tuple(_load_sla(sla) for sla in kept["slas"]),
        calendars={name: _load_calendar(one) for name, one in kept.get("calendars", {}).items()},
        timers=kept.get("timers", True),
        ordering=Ordering(_time(kept["tolerance"]), _time(kept["lateness"])),
    )
    return Model(file, source, options, include, beside)


def _packed(files: Iterable[BpmnFile]) -> list[dict[str, str]]:
    return [
        {"file": one.file, "source": b64encode(zlib.compress(one.source)).decode("ascii")} for one in files
    ]


def _unpacked(files: Iterable[Mapping[str, str]]) -> tuple[BpmnFile, ...]:
    return tuple(BpmnFile(one["file"], zlib.decompress(b64decode(one["source"]))) for one in files)


# SLAs, as declared: what compiling finds is found again ----------------------------------------------


def _dump_sla(sla: Sla) -> dict[str, Any]:
    limit = sla.limit
    return {
        "name": sla.name,
        "start": sla.start,
        "end": sla.end,
        "on": sla.on,
        "idle": sla.idle,
        "at_risk": sla.at_risk if isinstance(sla.at_risk, float | None) else [_micros(sla.at_risk)],
        "severity": sla.severity,
        "kind": sla.kind,
        "pause": sorted(sla.pause),
        "resume": sorted(sla.resume),
        **({} if sla.objective is None else {"objective": _dump_objective(sla.objective)}),
        "limit": {
            "span": None if limit.span is None else _dump_span(limit.span),
            "by": limit.by,
            "cutoff": limit.cutoff,
            "at": limit.at,
            "field": limit.field,
            "calendar": None if limit.calendar is None else _dump_calendar(limit.calendar),
            "timezone": limit.timezone,
        },
    }


def _load_sla(kept: Mapping[str, Any]) -> Sla:
    if "limit" not in kept:  # as it was written before limits could be anything but a duration
        calendar = None if kept["calendar"] is None else _load_calendar(kept["calendar"])
        limit = Limit.of(_time(kept["within"]), calendar)
        left = None if kept["at_risk"] is None else _time(kept["within"] - kept["at_risk"])
        names = {name: kept[name] for name in ("name", "start", "end", "idle", "severity")}
        return Sla(**names, limit=limit, on=(kept["on"],) if kept["on"] else (), at_risk=left)
    said = kept["limit"]
    limit = Limit(
        span=None if said["span"] is None else _load_span(said["span"]),
        by=said["by"],
        cutoff=said["cutoff"],
        at=None if said["at"] is None else datetime.fromisoformat(said["at"]),
        field=said["field"],
        calendar=None if said["calendar"] is None else _load_calendar(said["calendar"]),
        timezone=said["timezone"],
    )
    at_risk = kept["at_risk"]
    return Sla(
        **{name: kept[name] for name in ("name", "start", "end", "idle", "severity")},
        limit=limit,
        on=tuple(kept["on"]),
        at_risk=_time(at_risk[0]) if isinstance(at_risk, list) else at_risk,
        kind=ClockKind(kept["kind"]),
        pause=frozenset(kept["pause"]),
        resume=frozenset(kept["resume"]),
        objective=_load_objective(kept.get("objective")),
    )


def _dump_objective(objective: Objective) -> dict[str, Any]:
    window = objective.window
    return {
        "target": objective.target,
        "window": None if window is None else _micros(window),
        "period": objective.period,
        "timezone": objective.timezone,
        "minimum": objective.minimum,
    }


def _load_objective(kept: Mapping[str, Any] | None) -> Objective | None:
    if kept is None:
        return None
    window = kept["window"]
    return Objective(**{**kept, "window": None if window is None else _time(window)})


def _dump_span(span: Span) -> tuple[int, int, int, int]:
    return span.months, span.weeks, span.days, _micros(span.time)


def _load_span(kept: tuple[int, int, int, int]) -> Span:
    months, weeks, days, time = kept
    return Span(months, weeks, days, _time(time))


def _dump_calendar(calendar: Calendar) -> dict[str, Any]:
    return {
        "name": calendar.name,
        "timezone": calendar.timezone,
        "week": calendar.week,
        "holidays": sorted(calendar.holidays),
    }


def _load_calendar(kept: Mapping[str, Any]) -> Calendar:
    return Calendar(
        kept["name"],
        kept["timezone"],
        tuple(tuple((begin, end) for begin, end in day) for day in kept["week"]),
        tuple(date.fromisoformat(day) for day in kept["holidays"]),
    )


def _micros(time: timedelta) -> int:
    return time // timedelta(microseconds=1)


def _time(micros: int) -> timedelta:
    return timedelta(microseconds=micros)

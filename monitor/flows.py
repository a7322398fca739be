"""Expected flows in force: each deployed version with its document, its compiled flow and its judge.

Traces stay pinned to the version they began with, so old versions are built again from what the database
keeps of them: the BPMN file's bytes and the model's options.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.document import Document, Problem, Severity
from monitor.bpmn.flow import Flow, Ordering, Sla
from monitor.bpmn.read import read
from monitor.bpmn.validate import validate
from monitor.domain.calendar import Calendar
from monitor.errors import ModelError
from monitor.judging import Judge
from monitor.storage.base import Store, StoredFlow


@dataclass(frozen=True, slots=True)
class Model:
    """A BPMN file and what the configuration says about it, not deployed yet."""

    file: str
    source: bytes
    options: Options


@dataclass(frozen=True, slots=True)
class Expected:
    """One deployed version of one expected flow."""

    id: int
    version: int
    flow: Flow
    document: Document
    judge: Judge


def build(model: Model) -> tuple[Document, Flow]:
    """Read and compile a model. Raises ModelError with every error at once, each with its place."""
    document = read(model.source, model.file)
    flow, compiled = compile_flow(document, model.options)
    problems = _distinct((*document.problems, *validate(document), *compiled))
    errors = [str(problem) for problem in problems if problem.severity is Severity.ERROR]
    if flow is None or errors:
        raise ModelError(
            f"{model.file} cannot be used as an expected flow:\n  " + "\n  ".join(errors),
            mend=f"See all findings with: choreoscope lint {model.file}",
        )
    return document, flow


def problems_of(model: Model) -> tuple[Problem, ...]:
    """Everything there is to say about a model, the most severe first. Raises ModelError when unreadable."""
    document = read(model.source, model.file)
    _, compiled = compile_flow(document, model.options)
    order = list(Severity)
    found = _distinct((*document.problems, *validate(document), *compiled))
    return tuple(sorted(found, key=lambda problem: (order.index(problem.severity), problem.place.line)))


def _distinct(problems: Iterable[Problem]) -> list[Problem]:
    """Without what a later step says again of the same element."""
    seen: dict[tuple[object, ...], Problem] = {}
    for problem in problems:
        said = problem.element or problem.message
        seen.setdefault((problem.code, problem.place, said), problem)
    return list(seen.values())


class Flows:
    """The versions a process works with. Old ones are loaded when a trace asks for them; ``older`` are those
    that traces were following when the active ones were deployed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._versions: dict[int, Expected] = {}
        self.active: dict[str, Expected] = {}
        self.older: dict[str, list[Flow]] = {}

    async def deploy(self, models: Sequence[Model], now: datetime) -> None:
        """Put models in force; the same model again is the same version."""
        built = [(model, *build(model)) for model in models]
        for model, document, flow in built:
            stored = await self._store.deploy(
                flow.key, flow.name, model.file, model.source, dump_options(model.options), flow.hash, now
            )
            expected = Expected(stored.id, stored.version, flow, document, Judge(flow))
            self._versions[stored.id] = self.active[flow.key] = expected
        await self._find_older()

    async def _find_older(self) -> None:
        """Versions that open traces still follow: what only they know must still be mapped."""
        self.older = {}
        for flow_id in await self._store.versions_in_use():
            expected = await self.version(flow_id)
            if expected is not None and self.active.get(expected.flow.key) not in (None, expected):
                self.older.setdefault(expected.flow.key, []).append(expected.flow)

    async def version(self, flow_id: int) -> Expected | None:
        """A deployed version; None when the database does not know it, or this program cannot read it."""
        known = self._versions.get(flow_id)
        if known is not None:
            return known
        stored = await self._store.flow(flow_id)
        if stored is None:
            return None
        expected = self._versions[flow_id] = _rebuilt(stored)
        return expected

    def active_ids(self) -> dict[str, int]:
        return {key: expected.id for key, expected in self.active.items()}


def _rebuilt(stored: StoredFlow) -> Expected:
    document, flow = build(Model(stored.file, stored.source, load_options(stored.options)))
    return Expected(stored.id, stored.version, flow, document, Judge(flow))


def dump_options(options: Options) -> str:
    """Options as JSON text: durations in microseconds."""
    slas = [
        {
            "name": sla.name,
            "within": sla.within // timedelta(microseconds=1),
            "start": sla.start,
            "end": sla.end,
            "on": sla.on,
            "idle": sla.idle,
            "at_risk": None if sla.at_risk is None else sla.at_risk // timedelta(microseconds=1),
            "severity": sla.severity,
            "calendar": None if sla.calendar is None else _dump_calendar(sla.calendar),
        }
        for sla in options.slas
    ]
    return orjson.dumps(
        {
            "key": options.key,
            "name": options.name,
            "main_key": options.main_key,
            "process": options.process,
            "silent": sorted(options.silent),
            "bind": dict(options.bind),
            "slas": slas,
            "tolerance": options.ordering.tolerance // timedelta(microseconds=1),
            "lateness": options.ordering.lateness // timedelta(microseconds=1),
        },
        option=orjson.OPT_SORT_KEYS,
    ).decode()


def load_options(text: str) -> Options:
    kept: Mapping[str, Any] = orjson.loads(text)
    slas = tuple(
        Sla(
            **{
                **sla,
                "within": timedelta(microseconds=sla["within"]),
                "at_risk": None if sla["at_risk"] is None else timedelta(microseconds=sla["at_risk"]),
                "calendar": None if sla["calendar"] is None else _load_calendar(sla["calendar"]),
            }
        )
        for sla in kept["slas"]
    )
    return Options(
        key=kept["key"],
        name=kept["name"],
        main_key=kept["main_key"],
        process=kept["process"],
        silent=frozenset(kept["silent"]),
        bind=kept["bind"],
        slas=slas,
        ordering=Ordering(
            timedelta(microseconds=kept["tolerance"]), timedelta(microseconds=kept["lateness"])
        ),
    )


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
        frozenset(date.fromisoformat(day) for day in kept["holidays"]),
    )

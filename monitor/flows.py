"""Expected flows in force: each deployed version with its document, its compiled flow and its judge.

Traces stay pinned to the version they began with, so old versions are built again from what the database
keeps of them: the bytes of the BPMN file and of those whose processes it calls, and the model's options.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.bpmn.calls import calls_elsewhere, resolve
from monitor.bpmn.compile import compile_flow
from monitor.bpmn.document import Document, Problem, Severity
from monitor.bpmn.flow import Flow
from monitor.bpmn.read import read
from monitor.bpmn.validate import validate
from monitor.errors import ModelError
from monitor.judging import Judge
from monitor.model import Model, dump_model, load_model
from monitor.storage.base import Store, StoredFlow

MOST_ERRORS = 100
"""Errors of one model that are told where it is refused; ``lint`` tells them all."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One deployed version of one expected flow."""

    id: int
    version: int
    flow: Flow
    document: Document
    judge: Judge


@dataclass(frozen=True, slots=True)
class _Built:
    """``model`` has only those files left that something is called in."""

    model: Model
    document: Document
    flow: Flow | None
    problems: tuple[Problem, ...]


def build(model: Model) -> tuple[Document, Flow]:
    """Read and compile a model. Raises ModelError with every error at once, each with its place."""
    built = _built(model)
    return built.document, _sound(built)


def problems_of(model: Model) -> tuple[Problem, ...]:
    """Everything there is to say about a model and what it calls, the most severe first, its own file's
    before others'. Raises ModelError when unreadable."""
    return examine(model)[2]


def examine(model: Model) -> tuple[Flow | None, tuple[Document, ...], tuple[Problem, ...]]:
    """The flow, None where there are errors; the documents it is made of, the model's own first; and its
    problems. Raises ModelError when unreadable."""
    order = list(Severity)

    def rank(problem: Problem) -> tuple[int, bool, str, int]:
        file, line = problem.place
        return order.index(problem.severity), file != model.file, file, line

    built = _built(model)
    called = (one.document for one in (*built.model.include, *built.model.beside))
    problems = tuple(sorted(built.problems, key=rank))
    usable = not any(problem.severity is Severity.ERROR for problem in problems)
    return built.flow if usable else None, (built.document, *called), problems


def _built(model: Model) -> _Built:
    document = read(model.source, model.file)
    if calls_elsewhere(document):
        include = [one.document for one in model.include]
        calls = resolve(document, include, [one.document for one in model.beside])
    else:
        calls = resolve(document, (), ())
    flow, compiled = compile_flow(document, model.options, calls.called)
    read_ones = (document, *calls.used)
    used = {one.file for one in calls.used}
    return _Built(
        replace(
            model,
            include=tuple(one for one in model.include if one.file in used),
            beside=tuple(one for one in model.beside if one.file in used),
        ),
        document,
        flow,
        _distinct(
            (
                *(problem for one in read_ones for problem in (*one.problems, *validate(one))),
                *calls.problems,
                *compiled,
            )
        ),
    )


def _sound(built: _Built) -> Flow:
    errors = [str(problem) for problem in built.problems if problem.severity is Severity.ERROR]
    if built.flow is None or errors:
        file = built.model.file
        if len(errors) > MOST_ERRORS:
            errors[MOST_ERRORS:] = [f"... and {len(errors) - MOST_ERRORS} more."]
        raise ModelError(
            f"{file} cannot be used as an expected flow:\n  " + "\n  ".join(errors),
            mend=f"See all findings with: choreoscope lint {file}",
        )
    return built.flow


def _distinct(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Without what a later step says again of the same element."""
    seen: dict[tuple[object, ...], Problem] = {}
    for problem in problems:
        said = problem.element or problem.message
        seen.setdefault((problem.code, problem.place, said), problem)
    return tuple(seen.values())


class Flows:
    """The versions a process works with. Old ones are loaded when a trace asks for them; ``older`` are those
    that traces were following when the active ones were deployed. ``watched``: since when all sources of a
    flow are watched; what happened before is history."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._versions: dict[int, Expected] = {}
        self.active: dict[str, Expected] = {}
        self.older: dict[str, list[Flow]] = {}
        self.watched: dict[str, datetime] = {}

    async def deploy(self, models: Sequence[Model], now: datetime) -> None:
        """Put models in force; the same model again is the same version."""
        sound = [(built, _sound(built)) for built in map(_built, models)]
        for built, flow in sound:
            model = built.model
            stored = await self._store.deploy(
                flow.key, flow.name, model.file, model.source, dump_model(model), flow.hash, now
            )
            expected = Expected(stored.id, stored.version, flow, built.document, Judge(flow))
            self._versions[stored.id] = self.active[flow.key] = expected
        await self._find_older()

    async def watch(self, feeds: Mapping[str, Collection[str]], now: datetime) -> None:
        """Begin to watch the sources that feed the flows, those that are not watched yet."""
        names = {name for sources in feeds.values() for name in sources}
        since = await self._store.watch(names, now) if names else {}
        self.watched = {
            flow: max((since[name] for name in sources), default=now) for flow, sources in feeds.items()
        }

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
    document, flow = build(load_model(stored.file, stored.source, stored.options))
    return Expected(stored.id, stored.version, flow, document, Judge(flow))

"""``check``: the same stages as the running service, offline and without a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from monitor import correlate
from monitor.assembly import decoder_of, mapping_of, models_named
from monitor.bpmn.flow import Flow
from monitor.domain.event import Delivery, Event, Misfit, Observation, Position
from monitor.domain.objective import Evaluation, Objective
from monitor.domain.verdict import Clock, Finding, Verdict
from monitor.flows import build
from monitor.judging import Judge, as_of
from monitor.model import Model
from monitor.sla.outcomes import evaluated
from monitor.sources.logs import records

if TYPE_CHECKING:
    from monitor.settings import Settings


@dataclass(frozen=True, slots=True)
class CheckedTrace:
    key: str
    model: str
    verdict: Verdict
    observations: tuple[Observation, ...]

    @property
    def events(self) -> int:
        return len(self.observations)

    def to_json(self) -> dict[str, Any]:
        verdict = self.verdict
        said = {
            "key": self.key,
            "model": self.model,
            "conforms": verdict.conforms,
            "complete": verdict.complete,
            "cost": verdict.cost,
            "events": self.events,
            "expected": list(verdict.expected),
            "findings": [_finding_json(finding) for finding in verdict.findings],
            "slas": [_clock_json(clock) for clock in verdict.clocks],
        }
        if not verdict.exact:
            said["approximate"] = True
        if verdict.undecided:
            said["undecided"] = True
        return said


class Evaluated(NamedTuple):
    """How an objective of a model's SLA stands."""

    model: str
    sla: str
    told: Evaluation


@dataclass(slots=True)
class CheckReport:
    """What ``check`` found. ``misfits`` are messages that could not be placed; ``objectives`` are told only
    where absence is judged; ``judges`` by model."""

    traces: list[CheckedTrace] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)
    objectives: list[Evaluated] = field(default_factory=list)
    events: int = 0
    duplicates: int = 0
    judges: Mapping[str, Judge] = field(default_factory=dict)

    @property
    def has_findings(self) -> bool:
        """Whether anything deviates, is late, or could not be placed."""
        return bool(self.misfits) or any(
            not trace.verdict.conforms
            or any(clock.state in ("breached", "missed") for clock in trace.verdict.clocks)
            for trace in self.traces
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "traces": [trace.to_json() for trace in self.traces],
            "summary": {
                "traces": len(self.traces),
                "events": self.events,
                "conforming": sum(trace.verdict.conforms for trace in self.traces),
                "complete": sum(trace.verdict.complete for trace in self.traces),
                "duplicates": self.duplicates,
                "unplaced": len(self.misfits),
            },
            "objectives": [
                {"model": one.model, **objective_json(one.sla, one.told.objective, one.told)}
                for one in self.objectives
            ],
            "inbox": [
                {
                    "reason": misfit.reason.value,
                    "type": misfit.type,
                    "where": _where(misfit.delivery),
                    "detail": misfit.detail,
                    "mend": misfit.mend,
                }
                for misfit in self.misfits
            ],
        }


def check_events(
    model_paths: Sequence[Path],
    config: Settings | None,
    event_paths: Sequence[Path],
    now: datetime | None,
    include: Sequence[Path] = (),
) -> CheckReport:
    """Hold recorded events against models, which may call what ``include`` has. ``now`` stands for the
    watermark; without it no absence is judged. A log held against a single model without a configuration is
    all about that model: types it does not know are findings. Else they are what the service makes of them:
    not placed. Raises InvalidInput."""
    return check_models(models_named(model_paths, config, include), config, event_paths, now)


def check_models(
    models: Sequence[Model], config: Settings | None, event_paths: Sequence[Path], now: datetime | None
) -> CheckReport:
    """As :func:`check_events`, for models that are read already."""
    judges = {flow.key: Judge(flow) for flow in (build(model)[1] for model in models)}
    decoder = decoder_of(config)
    mapping = mapping_of(
        config, [judge.flow for judge in judges.values()], strict_unknown=config is None and len(judges) == 1
    )
    report = CheckReport(judges=judges)
    observations: list[Observation] = []
    seen: set[bytes] = set()
    for delivery in deliveries_of(event_paths):
        for one in decoder.decode(delivery):
            observed = mapping.observe(one) if isinstance(one, Event) else one
            if isinstance(observed, Misfit):
                report.misfits.append(observed)
            elif isinstance(one, Event) and observed:
                if one.identity in seen:
                    report.duplicates += 1
                    continue
                seen.add(one.identity)
                report.events += 1
                observations.extend(observed)
    for group in correlate.group(observations):
        report.traces.extend(_judged(judges[group.flow], group, now))
    if now is not None:
        report.objectives.extend(_evaluated(judges.values(), report.traces, now))
    return report


def _evaluated(judges: Iterable[Judge], traces: Iterable[CheckedTrace], now: datetime) -> Iterator[Evaluated]:
    clocks: dict[tuple[str, str], list[Clock]] = {}
    for trace in traces:
        for clock in trace.verdict.clocks:
            clocks.setdefault((trace.model, clock.sla), []).append(clock)
    for flow in (judge.flow for judge in judges):
        for sla in flow.slas:
            if sla.objective is not None:
                told = evaluated(sla.objective, clocks.get((flow.key, sla.name), ()), now)
                yield Evaluated(flow.key, sla.name, told)


def _judged(judge: Judge, group: correlate.Group, now: datetime | None) -> Iterator[CheckedTrace]:
    key = _key(judge.flow, group)
    rest: Sequence[Observation] = group.observations
    while rest:
        judged, rest = judge.replay(rest)
        yield CheckedTrace(key, group.flow, as_of(judged.verdict, now), judged.observations)


def _key(flow: Flow, group: correlate.Group) -> str:
    main = [key.value for key in group.keys if key.name == flow.main_key]
    return main[0] if main else group.keys[0].value


def deliveries_of(paths: Sequence[Path], source: str | None = None) -> Iterator[Delivery]:
    """The records of the files, ``-`` being standard input, as ``source`` (default: the file) delivers them.
    A log's lines say nothing of who came first."""
    received = datetime.now(UTC)
    for path in paths:
        where = "/dev/stdin" if str(path) == "-" else path
        for record in records(where, "jsonl" if str(path) == "-" else "auto"):
            if record is not None:
                position = Position(str(path), None, record.number)
                yield Delivery(
                    source or str(path), record.body, position, received, content_type=record.content_type
                )


def _where(delivery: Delivery) -> str:
    offset = delivery.position.offset
    return (
        delivery.position.channel if offset is None else f"{delivery.position.channel}, record {offset + 1}"
    )


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "element": finding.element,
        "name": finding.name,
        "event": finding.event,
        "time": _instant(finding.time),
        "expected": list(finding.expected),
        "message": finding.message,
    }


def objective_json(sla: str, objective: Objective, told: Evaluation | None) -> dict[str, Any]:
    """``told``: None while nothing can be judged."""
    window = objective.window
    return {
        "sla": sla,
        "target": objective.target,
        "window_seconds": None if window is None else window.total_seconds(),
        "period": objective.period,
        "timezone": objective.timezone,
        "minimum": objective.minimum,
        "since": None if told is None else _instant(told.since.astimezone(UTC)),
        "until": None if told is None else _instant(told.until),
        "met": 0 if told is None else told.count.met,
        "failed": 0 if told is None else told.count.failed,
        "compliance": None if told is None else told.compliance,
        "budget_left": None if told is None else told.budget_left,
        "burn_rates": [
            {
                "over_seconds": burn.window.long.total_seconds(),
                "rate": burn.rate,
                "limit": burn.window.factor,
                "burning": burn.burning,
            }
            for burn in (() if told is None else told.burns)
        ],
    }


def _clock_json(clock: Clock) -> dict[str, Any]:
    return {
        "name": clock.sla,
        "kind": clock.kind.value,
        "occurrence": clock.occurrence,
        "state": clock.state.value,
        "started": _instant(clock.started),
        "due": _instant(clock.due),
        "at_risk": _instant(clock.at_risk) if clock.at_risk else None,
        "ended": _instant(clock.ended) if clock.ended else None,
        "paused": _instant(clock.paused) if clock.paused else None,
        "sure": clock.sure,
    }


def _instant(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")

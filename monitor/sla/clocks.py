"""SLA clocks (DESIGN 3.5), folded over the steps of a trace.

Events start, end and cancel clocks; :func:`follow` does that and nothing else. What time alone brings about
(at risk, breached) is :func:`at`, by the watermark. So the clocks of a trace are a function of its steps,
whenever and in whatever batches they came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson

from monitor.bpmn.flow import Sla
from monitor.domain.calendar import END_OF_TIME
from monitor.domain.verdict import Clock, ClockState


class Step(NamedTuple):
    """One observation as the clocks see it: ``expected`` are the labels possible right after it, ``ahead``
    those some path may still lead to, ``complete`` whether the flow could end here."""

    label: str
    time: datetime
    expected: frozenset[str]
    ahead: Collection[str]
    complete: bool
    first: bool


def follow(slas: Sequence[Sla], clocks: Iterable[Clock], steps: Sequence[Step]) -> tuple[Clock, ...]:
    """The clocks of a trace after more ``steps``; ``clocks`` are those before them (empty at its start), of
    each SLA at least the latest.
    Clocks that run are given as ``running`` whatever the time."""
    by_sla: dict[str, list[Clock]] = {sla.name: [] for sla in slas}
    for clock in clocks:
        if clock.sla in by_sla:
            by_sla[clock.sla].append(clock)
    for sla in slas:
        mine = by_sla[sla.name]
        for step in steps:
            _idle(sla, mine, step) if sla.idle else _apply(sla, mine, step)
    return tuple(clock for mine in by_sla.values() for clock in mine)


def latest(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    """Of each SLA the last clock: all that what comes next depends on."""
    return tuple({clock.sla: clock for clock in clocks}.values())


def at(clock: Clock, watermark: datetime) -> Clock:
    """The clock once everything up to ``watermark`` is known."""
    if not clock.state.is_open:
        return clock
    if watermark >= clock.due:
        return replace(clock, state=ClockState.BREACHED)
    if clock.at_risk is not None and watermark >= clock.at_risk:
        return replace(clock, state=ClockState.AT_RISK)
    return replace(clock, state=ClockState.RUNNING)


def _apply(sla: Sla, clocks: list[Clock], step: Step) -> None:
    """``from``/``to`` and ``on``."""
    end = sla.on or sla.end
    if clocks and clocks[-1].state.is_open:
        if step.label == end or (end is None and step.complete):
            clocks[-1] = _ended(clocks[-1], step.time)
        elif not _leads_on(sla, step):
            clocks[-1] = _ended(clocks[-1], step.time, cancelled=True)
    if (clocks and clocks[-1].state.is_open) or not _leads_on(sla, step):
        return
    if sla.on is not None or step.label == sla.start or (sla.start is None and step.first):
        clocks.append(_started(sla, _next(clocks), step.time))


def _leads_on(sla: Sla, step: Step) -> bool:
    """Whether what the clock waits for can still come."""
    if sla.on is not None:
        return sla.on in step.expected and not step.complete
    return not step.complete if sla.end is None else sla.end in step.ahead


def _idle(sla: Sla, clocks: list[Clock], step: Step) -> None:
    """One clock that every event sets back; a silence that was too long stays as a missed one."""
    occurrence = _next(clocks)
    if clocks and clocks[-1].state.is_open:
        if step.time > clocks[-1].due or step.complete:
            clocks[-1] = _ended(clocks[-1], step.time)
        else:
            occurrence = clocks.pop().occurrence
    if not step.complete:
        clocks.append(_started(sla, occurrence, step.time))


def _next(clocks: Sequence[Clock]) -> int:
    return clocks[-1].occurrence + 1 if clocks else 0


def _started(sla: Sla, occurrence: int, start: datetime) -> Clock:
    return Clock(
        sla=sla.name,
        occurrence=occurrence,
        state=ClockState.RUNNING,
        started=start,
        due=_after(sla, start, sla.within),
        at_risk=None if sla.at_risk is None else _after(sla, start, sla.at_risk),
        severity=sla.severity,
    )


def _ended(clock: Clock, time: datetime, *, cancelled: bool = False) -> Clock:
    """A clock that ended after its due time was breached by then, whatever ended it."""
    in_time = ClockState.CANCELLED if cancelled else ClockState.MET
    return replace(clock, state=ClockState.MISSED if time > clock.due else in_time, ended=time)


def _after(sla: Sla, start: datetime, duration: timedelta) -> datetime:
    if sla.calendar is not None:
        return sla.calendar.after(start, duration)
    try:
        return start + duration
    except OverflowError:  # a producer's clock at the end of the calendar
        return END_OF_TIME


def dump(clocks: Sequence[Clock]) -> str:
    """Clocks as one line of text, to go on from."""
    return orjson.dumps(
        [
            (c.sla, c.occurrence, c.state, c.started, c.due, c.at_risk, c.ended, c.severity, c.element)
            for c in clocks
        ]
    ).decode()


def load(text: str) -> tuple[Clock, ...]:
    return tuple(
        Clock(
            sla=sla,
            occurrence=occurrence,
            state=ClockState(state),
            started=datetime.fromisoformat(started),
            due=datetime.fromisoformat(due),
            at_risk=datetime.fromisoformat(at_risk) if at_risk else None,
            ended=datetime.fromisoformat(ended) if ended else None,
            severity=severity,
            element=element,
        )
        for sla, occurrence, state, started, due, at_risk, ended, severity, element in orjson.loads(text)
    )

"""SLA clocks (DESIGN 3.5), folded over the steps of a trace.

Events start, pause, end and cancel clocks; :func:`follow` does that and nothing else. What time alone brings
about (at risk, breached) is :func:`at`, by the watermark. So the clocks of a trace are a function of its
steps, whenever and in whatever batches they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.bpmn.flow import Sla
from monitor.conformance.awaiting import Awaited
from monitor.domain.calendar import END_OF_TIME
from monitor.domain.verdict import Clock, ClockKind, ClockState


class Step(NamedTuple):
    """One observation as the clocks see it.

    ``awaited``: what is awaited right after it, for each SLA with ``on``. ``ahead``: labels that may still
    come, and how many of each at most; ``owed``: how many of an SLA's ``end`` must, at least. ``complete``:
    the flow could end here. ``first``: it is the trace's first event. ``said``: when something is due, as the
    event tells it, by SLA.
    """

    label: str
    time: datetime
    awaited: Mapping[str, Awaited]
    ahead: Mapping[str, float]
    owed: Mapping[str, int]
    complete: bool
    first: bool
    said: Mapping[str, datetime]


def follow(slas: Sequence[Sla], clocks: Iterable[Clock], steps: Iterable[Step]) -> tuple[Clock, ...]:
    """The clocks of a trace after more ``steps``; ``clocks`` are those before them (empty at its start), of
    each SLA at least those that :func:`carried` keeps. Clocks that run are given as ``running`` whatever the
    time."""
    by_sla: dict[str, list[Clock]] = {sla.name: [] for sla in slas}
    for clock in clocks:
        if clock.sla in by_sla:
            by_sla[clock.sla].append(clock)
    rules: list[tuple[Sla, _Rule]] = [(sla, _rule(sla)) for sla in slas]
    for step in steps:
        for sla, apply in rules:
            mine = by_sla[sla.name]
            if step.label in sla.pause or step.label in sla.resume:
                _pause(sla, mine, step)
            apply(sla, mine, step)
        for sla in slas:
            if sla.escapes:
                limits = [clock for name in sla.escapes for clock in by_sla.get(name, ())]
                _escape(by_sla[sla.name], limits, step.time)
    return tuple(clock for mine in by_sla.values() for clock in mine)


def carried(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    """All that what follows depends on: of each SLA the clocks from the first open one on, or the last."""
    by_sla: dict[str, list[Clock]] = {}
    for clock in clocks:
        by_sla.setdefault(clock.sla, []).append(clock)
    return tuple(
        clock
        for mine in by_sla.values()
        for clock in mine[next((at for at, one in enumerate(mine) if one.state.is_open), -1) :]
    )


def at(clock: Clock, watermark: datetime) -> Clock:
    """The clock once everything up to ``watermark`` is known."""
    if not clock.state.is_open:
        return clock
    told = watermark if clock.paused is None else min(watermark, clock.paused)
    if told >= clock.due and clock.breaches:
        return clock._replace(state=ClockState.BREACHED)
    risk = clock.due if clock.kind is ClockKind.REMINDER else clock.at_risk
    if risk is not None and told >= risk and clock.sure:
        return clock._replace(state=ClockState.AT_RISK)
    return clock._replace(state=ClockState.RUNNING)


_Rule = Callable[[Sla, list[Clock], Step], None]


def _rule(sla: Sla) -> _Rule:
    if sla.idle:
        return _idle
    return _on if sla.nodes or sla.on else _between


# from one event to another ---------------------------------------------------------------------------


def _between(sla: Sla, clocks: list[Clock], step: Step) -> None:
    """Events end the oldest clock that is open. What can no longer come is waited for no more."""
    if step.label == sla.end or (sla.end is None and step.complete):
        _end_oldest(clocks, step.time)
    most = _may_end(sla, step)
    while (found := _open(clocks)) and len(found) > most:
        clocks[found[-1]] = _ended(clocks[found[-1]], step.time, cancelled=True)
    begins = step.first if sla.start is None else step.label == sla.start
    if begins and most and len(_open(clocks)) < min(most, max(1, step.owed.get(sla.name, 0))):
        _start(sla, clocks, step)


def _may_end(sla: Sla, step: Step) -> float:
    """How many clocks may still come to an end."""
    return int(not step.complete) if sla.end is None else step.ahead.get(sla.end, 0)


# while something is awaited --------------------------------------------------------------------------


def _on(sla: Sla, clocks: list[Clock], step: Step) -> None:
    """One clock for each of what must come; one for what only may. Of several the oldest ends first."""
    awaited = step.awaited[sla.name]
    wanted = 0 if step.complete else max(awaited.sure, min(awaited.most, 1))
    if step.label in sla.ends and (sla.at_once or wanted < len(_open(clocks))):
        _end_oldest(clocks, step.time)
    while len(_open(clocks)) > wanted:
        _end_oldest(clocks, step.time, cancelled=step.label not in sla.ends)
    while len(_open(clocks)) < wanted and _start(sla, clocks, step):
        pass
    for count, at_ in enumerate(_open(clocks)):
        clock, sure = clocks[at_], count < awaited.sure
        if clock.sure != sure and (sure or step.time <= clock.due):  # what was a breach by then stays one
            clocks[at_] = clock._replace(sure=sure)


def _escape(clocks: list[Clock], limits: Sequence[Clock], now: datetime) -> None:
    """Past one of ``limits`` the flow may have gone on without what these clocks wait for."""
    first = min((clock.due for clock in limits if clock.state.is_open), default=END_OF_TIME)
    for at_ in _open(clocks):
        if clocks[at_].sure and clocks[at_].due > first and now <= clocks[at_].due:
            clocks[at_] = clocks[at_]._replace(sure=False)


# since the last event --------------------------------------------------------------------------------


def _idle(sla: Sla, clocks: list[Clock], step: Step) -> None:
    """One clock that every event sets back; a silence that was too long stays as a missed one."""
    before = None
    if clocks and clocks[-1].state.is_open:
        before = clocks.pop()
        if (before.paused is None and step.time > before.due) or step.complete:
            clocks.append(_ended(before, step.time))
            before = before._replace(occurrence=before.occurrence + 1)
    if not step.complete and _start(sla, clocks, step) and before is not None:
        paused = None if before.paused is None else step.time
        clocks[-1] = clocks[-1]._replace(occurrence=before.occurrence, paused=paused)


# one clock -------------------------------------------------------------------------------------------


def _open(clocks: Sequence[Clock]) -> list[int]:
    return [at_ for at_, clock in enumerate(clocks) if clock.state.is_open]


def _start(sla: Sla, clocks: list[Clock], step: Step) -> bool:
    """Start the next clock. False where nothing says when it is due."""
    if sla.delay is None:
        return False
    start = _later(step.time, sla.delay)
    if sla.not_before is not None:
        start = max(start, sla.not_before)
    due = sla.limit.due(start, step.said.get(sla.name))
    if due is None:
        return False
    clock = Clock(
        sla=sla.name,
        occurrence=clocks[-1].occurrence + 1 if clocks else 0,
        state=ClockState.RUNNING,
        started=start,
        due=due,
        at_risk=sla.limit.risk(start, due, sla.at_risk),
        severity=sla.severity,
        element=sla.element,
        kind=sla.kind,
    )
    clocks.append(clock)
    return True


def _end_oldest(clocks: list[Clock], time: datetime, *, cancelled: bool = False) -> None:
    for at_, clock in enumerate(clocks):
        if clock.state.is_open:
            clocks[at_] = _ended(clock, time, cancelled=cancelled)
            return


def _ended(clock: Clock, time: datetime, *, cancelled: bool = False) -> Clock:
    """A clock that ended after its due time was breached by then, whatever ended it. One that only may have
    been waited for is late only if it came."""
    in_time = ClockState.CANCELLED if cancelled else ClockState.MET
    ran = time if clock.paused is None else min(time, clock.paused)
    late = ran > clock.due and (clock.breaches or (clock.kind is ClockKind.LIMIT and not cancelled))
    return clock._replace(state=ClockState.MISSED if late else in_time, ended=time, paused=None, sure=True)


def _pause(sla: Sla, clocks: list[Clock], step: Step) -> None:
    """Stop the clocks, or let them go on with the time they had left. One past due stays so."""
    for at_ in _open(clocks):
        clock = clocks[at_]
        if clock.paused is None and step.label in sla.pause and step.time <= clock.due:
            clocks[at_] = clock._replace(paused=step.time)
        elif clock.paused is not None and step.label in sla.resume:
            clocks[at_] = clock._replace(
                paused=None,
                due=_shifted(sla, clock.due, clock.paused, step.time),
                at_risk=clock.at_risk and _shifted(sla, clock.at_risk, clock.paused, step.time),
            )


def _shifted(sla: Sla, instant: datetime, paused: datetime, resumed: datetime) -> datetime:
    """What had not passed when the clock was paused comes as much later as it has working time left."""
    if instant <= paused:
        return instant
    return sla.limit.after(resumed, sla.limit.between(paused, instant))


def _later(start: datetime, delay: timedelta) -> datetime:
    try:
        return start + delay
    except OverflowError:  # a producer's clock at the end of the calendar
        return END_OF_TIME

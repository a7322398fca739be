"""What a state of the flow means for clocks: worked out once, as states come again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.bpmn.flow import Flow, Sla
from monitor.conformance.automaton import Automaton, State
from monitor.conformance.awaiting import Awaited, Awaiting
from monitor.conformance.checker import Passed
from monitor.conformance.owing import Owing
from monitor.decode.times import moment
from monitor.domain.event import Json, Observation
from monitor.sla.clocks import Step
from monitor.sla.waits import Possible

MAX_REMEMBERED = 20_000

_NOTHING_SAID: Mapping[str, datetime] = {}


class _Standing(NamedTuple):
    awaited: Mapping[str, Awaited]
    ahead: Mapping[str, float]
    owed: Mapping[str, int]
    possible: frozenset[str]


class Standings:
    """Of one flow. Bounded memory."""

    def __init__(self, flow: Flow, automaton: Automaton) -> None:
        self._automaton = automaton
        self._awaiting = {
            sla.name: (sla, Awaiting(automaton, sla.nodes, sla.begins))
            for sla in flow.slas
            if sla.nodes or sla.begins
        }
        self._owing = {sla.name: Owing(flow, sla.end) for sla in flow.slas if sla.start and sla.end}
        self._fields = [(sla.name, sla.limit.field, sla) for sla in flow.slas if sla.limit.field]
        self._waits = frozenset(wait.label for wait in flow.waits)
        self._known: dict[State, _Standing] = {}

    def step(self, passed: Passed, *, first: bool) -> Step:
        """What is yet to come in the same instant is still awaited, and the end is not before its end."""
        observation, state, rest = passed
        standing = self._of(state)
        awaited, ahead = standing.awaited, standing.ahead
        if rest:
            left = Counter(rest)
            ahead = {**ahead, **{label: ahead.get(label, 0) + count for label, count in left.items()}}
            awaited = {
                name: awaited[name] + Awaited(*(2 * [sum(left[label] for label in sla.ends)]))
                for name, (sla, _) in self._awaiting.items()
            }
        return Step(
            label=observation.label,
            time=observation.time,
            awaited=awaited,
            ahead=ahead,
            owed=standing.owed,
            complete=state.final and not state.undecided and not rest,
            first=first,
            said=self._said(observation) if self._fields else _NOTHING_SAID,
        )

    def possible(self, passed: Passed) -> Possible:
        """The labels with a minimum wait that are possible now."""
        labels = self._of(passed.state).possible
        return Possible(passed.observation, labels.union(self._waits.intersection(passed.rest)))

    def _of(self, state: State) -> _Standing:
        known = self._known.get(state)
        if known is None:
            if len(self._known) > MAX_REMEMBERED:
                self._known.clear()
            known = self._known[state] = _Standing(
                {name: awaiting.of(state) for name, (_, awaiting) in self._awaiting.items()},
                self._automaton.ahead(state),
                {name: owing.of(state) for name, owing in self._owing.items()},
                self._waits.intersection(self._automaton.labels(state)) if self._waits else frozenset(),
            )
        return known

    def _said(self, observation: Observation) -> Mapping[str, datetime]:
        """When the event says that something is due."""
        told = dict(observation.attributes)
        found = ((name, _instant(told.get(field), sla)) for name, field, sla in self._fields)
        return {name: due for name, due in found if due is not None}


def _instant(value: Json, sla: Sla) -> datetime | None:
    """A date alone means the end of that day where the SLA counts. None for what is no time."""
    if value is None:
        return None
    try:
        if isinstance(value, str) and len(value.strip()) == len("2026-12-24"):
            zone = ZoneInfo(sla.limit.calendar.timezone if sla.limit.calendar else sla.limit.timezone)
            day = datetime.strptime(value.strip(), "%Y-%m-%d").replace(tzinfo=UTC).date()
            return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        return moment(value)
    except (ValueError, OverflowError):
        return None

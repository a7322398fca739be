"""What a trace's events have told of the fields that conditions speak of, and what that rules out.

A gateway decides with what is known while its token is there: with any value from the event that brought it
until the one that shows the branch. Events that may have come in either order leave their field undecided
meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from monitor.bpmn.flow import Flow, Guard
from monitor.conformance.order import Data, Window
from monitor.domain.event import Json, Observation

NOTHING_KNOWN = "{}"
"""Values by field as JSON text: it compares, and is stored as it is."""

MAX_REMEMBERED = 10_000


class Knowledge:
    """The conditions of one flow, over the values its events tell. Bounded memory."""

    def __init__(self, flow: Flow) -> None:
        self._guards = flow.guards
        self._fields = frozenset(field for guard in flow.guards for field in guard.condition.fields)
        self._forbidden: dict[str, frozenset[int]] = {}
        self._same: dict[str, Data] = {}

    def __bool__(self) -> bool:
        return bool(self._guards)

    def told(self, observation: Observation) -> dict[str, Json]:
        """The values one event tells of the fields, or of objects they are in."""
        return {
            name: value
            for name, value in observation.attributes
            if any(field == name or field.startswith(f"{name}.") for field in self._fields)
        }

    def informed(self, cut: Sequence[Window], known: str) -> list[Window]:
        """The windows with what is known and ruled out in each; ``known``: before the first."""
        if not self._guards:
            return list(cut)
        if known == NOTHING_KNOWN and not any(
            one.attributes for window in cut for one in window.observations
        ):
            return list(cut)  # whatever is ruled out then is so from the flow's beginning
        informed = []
        for window in cut:
            observations, before, _ = window
            if any(observation.attributes for observation in observations):
                data = self._informing(window, known)
            else:
                data = self._unchanged(known)
            informed.append(Window(observations, before, data))
            known = data.learned
        return informed

    def _unchanged(self, known: str) -> Data:
        same = self._same.get(known)
        if same is None:
            forbidden = self.forbidden(known)
            same = self._same[known] = Data(known, known, forbidden, forbidden)
        return same

    def _informing(self, window: Window, known: str) -> Data:
        during, after = self._learned(window, orjson.loads(known))
        learned = _text(after)
        then = self.forbidden(learned)
        if len(window.observations) > 1:
            return Data(known, learned, self.forbidden(_text(during)), then)
        # What the event tells rules out nothing before it (given() sees to that), and what was ruled out
        # before it was so until it came.
        return Data(known, learned, self.forbidden(known) | then, then)

    def forbidden(self, known: str) -> frozenset[int]:
        """The arcs that the conditions rule out."""
        found = self._forbidden.get(known)
        if found is None:
            if len(self._forbidden) > MAX_REMEMBERED:
                self._forbidden.clear()
                self._same.clear()
            found = self._forbidden[known] = ruled_out(self._guards, orjson.loads(known))
        return found

    def _learned(self, window: Window, known: dict[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
        """What is certain while a window happens, and after it."""
        told = [self.told(observation) for observation in window.observations]
        if len(told) == 1:
            return known, known | told[0]
        during, after = dict(known), dict(known)
        for field in {field for values in told for field in values}:
            tellers = [at for at, values in enumerate(told) if field in values]
            last = [at for at in tellers if all(window.before[at] >> o & 1 for o in tellers if o != at)]
            values = [told[at][field] for at in last or tellers]
            after.pop(field, None)
            if all(value == values[0] for value in values):
                after[field] = values[0]
            if field not in known or after.get(field, ...) != known[field]:
                during.pop(field, None)
        return during, after


def ruled_out(guards: Sequence[Guard], known: Mapping[str, Json]) -> frozenset[int]:
    """The arcs that conditions rule out, as far as ``known`` decides them."""
    arcs: set[int] = set()
    for guard in guards:
        holds = guard.condition.holds(known)
        if holds is not None:
            arcs.update(guard.when if holds else guard.unless)
    return frozenset(arcs)


def _text(values: Mapping[str, Json]) -> str:
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()

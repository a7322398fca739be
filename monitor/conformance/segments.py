"""Where long traces are cut, and what is kept at a cut (docs/adr/0006-long-traces.md).

A trace of more than :attr:`Cutting.longest` events is judged segment by segment. Cuts stand before windows
that are chosen by what they hold, so a late event moves none but those of its own segment. This is also the
one place that makes and reads the texts states are stored as.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from monitor.conformance.automaton import Automaton, State
from monitor.conformance.knowledge import NOTHING_KNOWN
from monitor.conformance.order import Window
from monitor.domain.checkpoint import Sum
from monitor.domain.event import Observation


class Cutting(NamedTuple):
    """No cut comes before ``longest`` events; then there is one before about every ``every``-th."""

    longest: int = 1_000
    every: int = 250

    def is_before(self, window: Window, events: int) -> bool:
        """Whether the trace is cut before this window, which ``events`` of its events come before."""
        if events < self.longest:
            return False
        return int.from_bytes(window.observations[0].identity[-4:], "big") % self.every == 0


class Start(NamedTuple):
    """Where judging begins: ``state``; labels the segment before did not count (``early``), which may stand
    in for steps whose turn comes now; the cut's ``time`` (None: the trace's beginning); what came before;
    what is ``known`` of the fields of conditions."""

    state: State
    early: tuple[tuple[str, int], ...] = ()
    time: datetime | None = None
    before: Sum = Sum()
    known: str = NOTHING_KNOWN

    @property
    def early_labels(self) -> Counter[str]:
        return Counter(dict(self.early))


class Standing(NamedTuple):
    """Where a trace stands: states before and after its last ``window``, what its settled segments amount to,
    how many events of the segment come before that window, and what was ``known`` before it and after it."""

    base: State
    after: State
    window: tuple[Observation, ...]
    settled: Sum
    events: int
    known: tuple[str, str] = (NOTHING_KNOWN, NOTHING_KNOWN)


def dump_start(flow_hash: str, start: Start) -> str:
    """A cut's text; what it stands for is only a start together with its time and what came before."""
    return "\n".join((flow_hash, start.state.key, orjson.dumps(start.early).decode(), start.known))


def load_start(text: str, automaton: Automaton, flow_hash: str, time: datetime, before: Sum) -> Start | None:
    """None where the text is not one of this flow version's."""
    parts = text.split("\n")
    if len(parts) != 4 or parts[0] != flow_hash:
        return None
    state = automaton.state(parts[1])
    if state is None:
        return None
    early = tuple((label, count) for label, count in orjson.loads(parts[2]))
    return Start(state, early, time, before, parts[3])


def dump_standing(flow_hash: str, standing: Standing) -> str:
    so_far = orjson.dumps((*standing.settled, standing.events)).decode()
    window = _dump_window(standing.window)
    return "\n".join((flow_hash, standing.base.key, standing.after.key, so_far, *standing.known, window))


def load_standing(text: str, automaton: Automaton, flow_hash: str) -> Standing | None:
    """None where the text is not one of this flow version's."""
    parts = text.split("\n")
    if len(parts) != 7 or parts[0] != flow_hash:
        return None
    base, after = automaton.state(parts[1]), automaton.state(parts[2])
    if base is None or after is None:
        return None
    *settled, events = orjson.loads(parts[3])
    return Standing(base, after, _load_window(parts[6]), Sum(*settled), events, (parts[4], parts[5]))


def _dump_window(window: Sequence[Observation]) -> str:
    return orjson.dumps(
        [
            (o.label, o.time, o.identity.hex(), *o[5:11], o.attributes)
            if o.attributes
            else (o.label, o.time, o.identity.hex(), *o[5:11])
            for o in window
        ]
    ).decode()


def _load_window(text: str) -> tuple[Observation, ...]:
    return tuple(
        Observation(
            flow="",
            label=label,
            time=datetime.fromisoformat(time),
            identity=bytes.fromhex(identity),
            event_id=event_id,
            producer=producer,
            lane=lane,
            offset=offset,
            sequence=sequence,
            cause=cause,
            attributes=tuple((name, value) for name, value in attributes[0]) if attributes else (),
        )
        for label, time, identity, event_id, producer, lane, offset, sequence, cause, *attributes in (
            orjson.loads(text)
        )
    )

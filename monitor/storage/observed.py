"""Observations as they stand in the database. Millions are read: each takes a few microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from monitor.domain.event import Json, Observation
from monitor.storage.tables import observations, traces
from monitor.storage.types import from_json

_of = observations.c
SEEN = [
    _of.label,
    _of.time,
    _of.identity,
    _of.event_id,
    _of.producer,
    _of.lane,
    _of.offset,
    _of.sequence,
    _of.cause,
    _of.attributes,
]
"""What an observation is made of, but for its flow."""

OBSERVED = [traces.c.flow, *SEEN]
_COUNT = len(OBSERVED)


def observation_of(row: Sequence[Any]) -> Observation:
    """From a row that begins with :data:`OBSERVED`: as it was placed, but for its keys: those are the
    chain's."""
    flow, label, time, identity, event_id, producer, lane, offset, sequence, cause, said = row[:_COUNT]
    return Observation(
        flow,
        label,
        time,
        identity,
        (),
        event_id,
        producer,
        lane,
        offset,
        None if sequence is None else int(sequence),
        cause,
        () if not said else _kept(said) if len(said) <= _SHORT else _attributes(said),
    )


def _attributes(text: str) -> tuple[tuple[str, Json], ...]:
    told: Any = from_json(text)
    return tuple((name, value) for name, value in told)


_kept = lru_cache(maxsize=8192)(_attributes)
"""The same traces are read again and again, and nobody changes the values."""

_SHORT = 500
"""Characters: longer ones are not kept, for producers send what they like."""

"""What is known of a Kafka partition while it is assigned to us."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from monitor.sources.frontier import Frontier
from monitor.sources.kafka_start import Offsets


class Handed(NamedTuple):
    """Token of a batch: the assignment it was read under, and by partition the offset to go on from."""

    generation: int
    ends: Offsets


class Shard:
    """Offsets are those of the next record to come."""

    def __init__(self, frontier: Frontier, position: int) -> None:
        frontier.restart(position)
        self.frontier = frontier
        self.handed = position
        self.stored = position
        self.end: int | None = None
        self.last_message: datetime | None = None

    def store(self, position: int) -> None:
        if position > self.stored:
            self.stored = position
            self.frontier.reach(position)

    @property
    def lag(self) -> int | None:
        return None if self.end is None else max(0, self.end - self.stored)

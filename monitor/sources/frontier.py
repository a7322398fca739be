"""How far a shard is known to be read: the watermark of :class:`~monitor.sources.base.Progress`."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from monitor.sources.base import CLOCKS_DIFFER

_MOST_PROBES = 64


class Frontier:
    """Turns "at this time the shard ended there" and "now everything before here is stored" into a
    watermark.

    A probe is a time and where the shard ended at that time: once everything before that end is
    acknowledged, the shard is read up to the probe's time, however much has come since. So the watermark of
    a shard that is never idle moves too. Ends and positions are any numbers that count the same thing and
    only grow.
    """

    def __init__(self, reached: int | None = None) -> None:
        self.watermark: datetime | None = None
        self._probes: deque[tuple[datetime, int]] = deque()
        self._reached = reached

    def probe(self, time: datetime, end: int) -> None:
        """At ``time`` or later the shard ended at ``end``: nothing it held then stands at or after it."""
        self._heed(time)
        if self._reached is not None and end <= self._reached:
            self._probes.clear()
            self._move(time)
            return
        if len(self._probes) == _MOST_PROBES:
            # Far behind. The oldest ends are reached first and the newest last: both are kept.
            self._probes.pop()
        self._probes.append((time, end))

    def reach(self, position: int) -> None:
        """Everything before ``position`` is acknowledged."""
        if self._reached is None or position > self._reached:
            self._reached = position
        while self._probes and self._probes[0][1] <= position:
            self._move(self._probes.popleft()[0])

    def restart(self, reached: int | None = None) -> None:
        """Counting begins anew at ``reached``: earlier probes cannot be compared with it and are dropped.
        The watermark stays where it is."""
        self._probes.clear()
        self._reached = reached

    def _heed(self, time: datetime) -> None:
        """Where the clock has been put back, what it said before is ahead of it: nobody knows up to when the
        shard is read by the right time, until it is read to its end again."""
        ahead = time + CLOCKS_DIFFER
        if self.watermark is not None and self.watermark > ahead:
            self.watermark = None
        while self._probes and self._probes[-1][0] > ahead:
            self._probes.pop()

    def _move(self, time: datetime) -> None:
        if self.watermark is None or time > self.watermark:
            self.watermark = time

"""How well the monitor sees: the health of each source, and clocks nobody can judge while blind. Pure.

DESIGN 3.6: absence is judged at the minimum watermark over the sources that feed a flow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.domain.verdict import Clock, ClockState
from monitor.sources.base import SourceState
from monitor.storage.views import SourceRow

BLIND_AFTER = timedelta(minutes=1)
"""A watermark older than this is blindness where nothing else is configured; younger, the usual delay."""

_WORST_FIRST = (
    SourceState.FAILED,
    SourceState.CONNECTING,
    SourceState.PAUSED,
    SourceState.READING,
    SourceState.CAUGHT_UP,
    SourceState.ENDED,
    SourceState.ABANDONED,
)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A source as shown. ``blind``: absence cannot be judged now; ``since``: up to when it could be, None if
    that was never so. ``silent``: no worker has reported lately. ``errors`` without repeats."""

    row: SourceRow
    state: SourceState | None
    blind: bool
    since: datetime | None
    silent: bool
    errors: tuple[str, ...]


def source_health(row: SourceRow, now: datetime, after: timedelta = BLIND_AFTER) -> SourceHealth:
    """``after``: a watermark older than that is blindness."""
    states = [SourceState(shard.state) for shard in row.shards]
    state = min(states, key=_WORST_FIRST.index) if states else None
    ended = state is SourceState.ENDED
    behind = row.watermark is None or now - row.watermark > after
    reported = max((shard.updated for shard in row.shards), default=None)
    return SourceHealth(
        row=row,
        state=state,
        blind=behind and not ended,
        since=row.watermark,
        silent=not ended and (reported is None or now - reported > after),
        errors=tuple(dict.fromkeys(shard.error for shard in row.shards if shard.error)),
    )


def seen_until(
    flow: str, sources: Sequence[SourceRow], feeds: Mapping[str, Collection[str]], now: datetime
) -> datetime | None:
    """Up to when absence in ``flow`` can be judged; None: not at all yet.

    ``feeds`` names the sources of each flow; a flow it does not name is fed by all. Ended sources hold
    nothing back, nor does having none."""
    names = feeds.get(flow)
    marks = [
        source.watermark
        for source in sources
        if (names is None or source.name in names)
        and source_health(source, now).state is not SourceState.ENDED
    ]
    known = [mark for mark in marks if mark is not None]
    if len(known) < len(marks):
        return None
    return min(known, default=now)


def shown_clock(clock: Clock, seen: datetime | None, now: datetime, after: timedelta = BLIND_AFTER) -> Clock:
    """The clock, or its blind twin: its next change is past by our clock, but the sources are not read so
    far.

    Within ``after`` it is left as it is, since the sweep is merely about to come by."""
    change = clock.next_change()
    if change is None or change > now:
        return clock
    blind = seen is None or (seen < change and now - seen > after)
    return clock._replace(state=ClockState.BLIND) if blind else clock

"""Rows of the inbox, of sources, and the counts over everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.domain.event import InboxReason


@dataclass(frozen=True, slots=True)
class InboxGroup:
    reason: InboxReason
    type: str | None
    source: str
    count: int
    last: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One message of the inbox. ``body`` is raw, show it safely; lists leave it empty (``size`` is its
    length)."""

    id: int
    reason: InboxReason
    type: str | None
    detail: str
    mend: str
    source: str
    channel: str
    partition: int | None
    offset: int | None
    exchange: str | None
    routing_key: str | None
    message_key: bytes | None
    received: datetime
    content_type: str | None
    headers: str
    body: bytes
    size: int


@dataclass(frozen=True, slots=True)
class ShardRow:
    shard: str
    worker: str
    state: str
    watermark: datetime | None
    lag: int | None
    position: str
    last_message: datetime | None
    error: str | None
    updated: datetime


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with its shards. ``watermark`` as :meth:`Store.watermarks` gives it; ``events`` stored from it
    and ``recent`` of them received in the last minute."""

    name: str
    kind: str
    watermark: datetime | None
    lag: int | None
    last_message: datetime | None
    events: int
    recent: int
    shards: tuple[ShardRow, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over everything. ``deviating``: traces with a confirmed deviation. ``at_risk`` and
    ``breached``: traces whose worst clock is in that state now; one that ended late (``missed``) is over and
    not counted. ``firing``: alerts that last, silenced ones included."""

    traces: int
    open: int
    deviating: int
    at_risk: int
    breached: int
    events: int
    inbox: int
    firing: int

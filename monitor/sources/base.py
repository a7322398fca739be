"""What the pipeline asks of every source.

A source hands over batches of deliveries and is told, after the database transaction that stored them,
that they are done. Until then the source must be able to deliver them again (at least once); storing
recognises repeats. A source never interprets bodies and never writes to the landscape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from monitor.domain.event import Delivery
from monitor.errors import SourceUnavailable

Now = Callable[[], datetime]
"""Our clock, UTC. Adapters take it as an argument so that tests can set it."""


CLOCKS_DIFFER = timedelta(seconds=1)
"""By so much clocks of machines differ, and are put right little by little. A time further ahead is of a
clock that was wrong."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class SourceState(StrEnum):
    """``connecting``: not yet, or again, connected. ``reading``: behind. ``caught_up``: nothing left to
    read just now. ``paused``: told to wait (inbox limit). ``ended``: a finite source is read to its end.
    ``failed``: cannot be mended by trying again (see ``error``). ``abandoned``: nobody reads this shard any
    more, and it holds nothing back; no source says so of itself, the database does."""

    CONNECTING = "connecting"
    READING = "reading"
    CAUGHT_UP = "caught_up"
    PAUSED = "paused"
    ENDED = "ended"
    FAILED = "failed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one shard of a source is read, as of a committed batch.

    ``shard`` is what one worker owns at a time (``payments/0``: Kafka topic and partition) or reads beside
    others (a queue; then ``shared``, and the row is the worker's own). ``watermark``: up to when (our clock)
    everything the shard held is known to be read *and acknowledged*; None before that was ever so, or since
    our clock was put back. It never moves back otherwise, and stands still while disconnected.
    ``lag``: messages known to be waiting, None if unknown.
    """

    shard: str
    state: SourceState
    watermark: datetime | None = None
    lag: int | None = None
    position: str = ""
    last_message: datetime | None = None
    error: str | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries to be stored in one transaction. ``token`` is the adapter's own business.

    ``token`` may be any object; it is handed back to :meth:`Source.acknowledge` untouched.
    """

    deliveries: Sequence[Delivery]
    token: object = None


class Source(Protocol):
    """One configured source. Use as ``async with source: ... await source.batch(...)``.

    Entering may return before the connection stands: connecting, reconnecting with backoff and
    re-subscribing happen inside and show in :meth:`progress`. Only errors that no retry can mend are
    raised, as :class:`~monitor.errors.SourceError`, from ``__aenter__`` or :meth:`batch`.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop reading and disconnect; what was not acknowledged is left to be delivered again."""

    async def batch(self, limit: int, wait: float) -> Batch | None:
        """The next deliveries, at most ``limit``: returns as soon as some are there and no more come at
        once, or an empty batch after ``wait`` seconds without any. None when a finite source is at its end.
        Several batches may be out at a time; they are acknowledged in the order they were handed out."""

    async def acknowledge(self, batch: Batch) -> None:
        """The batch is stored. If the connection is gone by now this does nothing: the deliveries come
        again and are recognised."""

    async def refresh(self) -> None:
        """Ask the source where its end is, so that :meth:`progress` can move the watermark of idle
        shards. Called every second or so, and cheap; does nothing while disconnected."""

    def progress(self) -> Sequence[Progress]:
        """Every shard this worker reads, as of the last acknowledged batch and refresh. No I/O."""


class Busy(SourceUnavailable):
    """Too many events wait to be stored. ``retry_after``: seconds after which to try again."""

    def __init__(self, message: str | None = None, *, retry_after: float, mend: str | None = None) -> None:
        super().__init__(message, mend=mend)
        self.retry_after = retry_after


class Intake(Protocol):
    """The side of the ``http`` source that the dashboard's endpoints call."""

    async def accept(
        self, body: bytes, headers: Mapping[str, str], *, content_type: str | None = None, path: str = ""
    ) -> None:
        """Returns once the event, or batch of events, in ``body`` is stored: only then may the caller be
        told so. Raises :class:`Busy` when too many wait already and SourceUnavailable when the source
        stops before the event is stored; the caller sends it again later."""

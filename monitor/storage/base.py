"""What the pipeline and the sweep ask of the database.

Reads for people are in :mod:`monitor.storage.views`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from monitor.domain.audit import Entry
from monitor.domain.checkpoint import Checkpoint, Span
from monitor.domain.event import Delivery, Event, InboxReason, Key, Misfit, Observation
from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.objective import Count
from monitor.domain.verdict import Clock, ClockState, Finding, FindingKind
from monitor.sight import Sighted
from monitor.sources.base import Progress
from monitor.statistics.contribution import Contribution, Stands


class Seen(NamedTuple):
    """Asked of :meth:`Ingest.fresh`: an event's identity and content digests, and whether the broker says
    it delivered the message before (then equal content without an id is a repeat too)."""

    identity: bytes
    content: bytes
    redelivered: bool
    has_id: bool


class Freshness(NamedTuple):
    """The answer: ``fresh`` to be stored; otherwise a repeat, or ``reused``: the same producer's id was
    stored before with other content."""

    fresh: bool
    reused: bool = False


@dataclass(frozen=True, slots=True)
class StoredFlow:
    """One version of one expected flow. ``source`` is the BPMN file's bytes, ``options`` the model's
    settings as JSON, so that a trace pinned to an old version can always be judged again."""

    id: int
    key: str
    version: int
    hash: str
    name: str
    file: str
    source: bytes
    options: str
    created: datetime
    active: bool


class KeyGroup(NamedTuple):
    """Keys of one flow that this batch shows to belong together (see :mod:`monitor.correlate`)."""

    flow: str
    keys: tuple[Key, ...]


@dataclass(slots=True)
class Trace:
    """A trace as the pipeline holds it under lock. ``id`` is final even where the row is not written yet.

    ``chain`` is the id of the first trace of its keys: all traces of one chain share their keys and follow
    one another in time (``ordinal`` 0, 1, ...). ``state`` is the checker's stored state, text or None
    (replay needed). ``cut``: it is so long that it has checkpoints. ``revision`` counts writes.
    """

    id: int
    chain: int
    ordinal: int
    flow: str
    flow_id: int
    key: str
    state: str | None = None
    events: int = 0
    first: datetime | None = None
    last: datetime | None = None
    conforms: bool = True
    complete: bool = False
    deviations: int = 0
    open_clocks: bool = False
    revision: int = 0
    cut: bool = False
    stored: bool = True


@dataclass(slots=True)
class Chain:
    """All traces that share a key group's keys, in order of ``ordinal``; empty for keys never seen.

    ``absorbed`` are ids of chains this batch found to be the same: their observations must be replayed
    together and their rows point here from now on. ``keys`` are those the batch names; where one of them is
    new to the chain (``linked``), all the chain has."""

    id: int
    flow: str
    keys: tuple[Key, ...]
    traces: list[Trace] = field(default_factory=list)
    absorbed: tuple[int, ...] = ()
    linked: bool = False


class Placement(NamedTuple):
    """Observation ``observation`` now belongs to trace ``trace``; ``fresh`` when it is new in this batch
    (else it was stored before and moves)."""

    trace: int
    observation: Observation
    fresh: bool


class TraceUpdate(NamedTuple):
    """What one batch makes of one trace. ``findings`` and ``clocks`` are all that hold now; None where they
    did not change. ``reason`` says why findings that no longer hold are retracted (shown to people).

    Of a long trace ``findings`` are those in ``spans`` and ``clocks`` those from occurrence ``settled[sla]``
    on (0 where nothing is said); the others stay as they are. ``spans`` hold the cuts, too. Findings of the
    time before ``watched`` are historic."""

    trace: Trace
    cost: int
    exact: bool
    undecided: bool
    expected: tuple[str, ...]
    visited: tuple[str, ...] | None
    standing: tuple[str, ...]
    findings: tuple[Finding, ...] | None = None
    clocks: tuple[Clock, ...] | None = None
    reason: str = ""
    spans: tuple[Span, ...] = (Span(),)
    settled: Mapping[str, int] = {}
    watched: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether findings and clocks are all of the trace's."""
        return any(span.is_whole for span in self.spans)


class Kept(NamedTuple):
    """A message of the inbox, as it was delivered but that ``delivery.kept`` is its number. ``member``: only
    that event of a batched delivery is meant; None: it could not be told which."""

    delivery: Delivery
    reason: InboxReason
    type: str | None
    detail: str
    member: int | None

    @property
    def id(self) -> int:
        assert self.delivery.kept is not None
        return self.delivery.kept


class Ingest(Protocol):
    """One transaction of the pipeline: all of it is committed or none. Methods are called in this order."""

    async def take(self, ids: Sequence[int]) -> list[Kept]:
        """Take messages out of the inbox to try them again, in order of their numbers. Those that are gone,
        or that another transaction holds, are left out. Taken ones that come back by :meth:`misfits` keep
        their number and their place; the others have left the inbox when this commits."""

    async def discard(self, ids: Sequence[int]) -> list[Kept]:
        """Delete messages of the inbox; those that another transaction holds stay. Returns what is gone,
        without bodies."""

    async def recall(self, events: Sequence[Event]) -> None:
        """Of these events, which the broker delivers again: those that can only be recognised by their
        content may be in the inbox from the first time. One that :meth:`events` then stores leaves the
        inbox."""

    async def fresh(self, asked: Sequence[Seen]) -> list[Freshness]:
        """Claim identities: which of these events are stored for the first time. Repeats inside the
        call are found too. The claim ends with the transaction."""

    async def misfits(self, misfits: Sequence[Misfit]) -> None:
        """Put messages into the inbox, whole. A repeat of one (same identity or exact position; for a
        redelivered message without either, the same bytes) is not added again. The first of each that was
        taken from there takes its place again."""

    async def events(self, events: Sequence[Event], kept: Sequence[str | None]) -> None:
        """Append events. ``kept`` is, for each, the JSON text of the data that may be kept, or None."""

    async def chains(self, groups: Sequence[KeyGroup], flow_ids: Mapping[str, int]) -> list[Chain]:
        """Find, or begin, the chain of each key group and lock it for this transaction, in an order that
        cannot deadlock. New keys are linked; groups that meet in one chain come back as that one chain
        (the same object at several places). A chain's ``keys`` are those its groups name. ``flow_ids``:
        version that new traces of a flow are pinned to."""

    async def new_trace(self, chain: Chain, key: str, flow_id: int) -> Trace:
        """Append a trace to the chain (not written before :meth:`save`)."""

    async def history(self, chains: Sequence[int]) -> dict[int, list[Observation]]:
        """Every stored observation of each chain (by chain id, absorbed chains' included under the chain
        that took them in), in no particular order. Equal to what was placed but for ``keys``, which are
        left empty: they are the chain's."""

    async def checkpoints(self, trace: Trace) -> list[Checkpoint]:
        """The cuts of a trace, in order of time."""

    async def part(self, trace: Trace, since: datetime | None, until: datetime | None) -> list[Observation]:
        """The stored observations of a trace from ``since`` on (None: its first) and before ``until`` (None:
        to its last), in no particular order, as :meth:`history` gives them."""

    async def save(
        self, updates: Sequence[TraceUpdate], placements: Sequence[Placement], dropped: Sequence[Trace] = ()
    ) -> None:
        """Write traces, their observations, findings (those of the trace that are not among ``findings``
        are retracted) and clocks (those not among ``clocks`` are deleted). All fresh placements of one event
        come in one call. ``dropped`` traces hold nothing any more after a merge or replay; their rows point
        to the chain's first trace, which itself is never dropped. What the sweep found by time stays: a clock
        told as running or at risk that is stored as breached, with the same start and due time, is still
        breached."""

    async def audit(self, entry: Entry) -> None:
        """Put down what this transaction changes, for whoever asks later."""


class DueClock(NamedTuple):
    """A clock whose armed instant the watermark has passed, claimed by this sweeper and moved on."""

    trace: int
    trace_key: str
    flow: str
    clock: Clock
    previous: ClockState


class StoredTrace(NamedTuple):
    """A trace with its observations (without their keys: those are the chain's, whose first trace's key is
    ``key``'s). ``flow_id`` is the version it follows."""

    chain: int
    key: str
    flow_id: int
    observations: tuple[Observation, ...]


class ChangedTrace(NamedTuple):
    """A trace that changed since it was last counted. ``stands`` is None where it lives on as another."""

    id: int
    stands: Stands | None


class Counting(Protocol):
    """One transaction that brings statistics up to date: what was asked for is counted once :meth:`write` has
    been called and the transaction is left without an error, and is still to be counted otherwise."""

    async def changed(self, limit: int) -> list[ChangedTrace]:
        """Traces of the ``limit`` changes made longest ago. Their later changes are counted with them."""
        ...

    async def write(self, counted: Mapping[int, Contribution | None]) -> None:
        """What these traces, by id, add from now on instead of what they added before; None: nothing."""


class Acknowledges(Protocol):
    """Who takes care of which finding."""

    async def acknowledge(self, trace: int, finding: str, who: str, note: str, now: datetime) -> bool:
        """``who`` takes care of a finding (:attr:`FindingRow.key`) from now on; it is put down in the audit.
        False where no such finding holds. Lasts until it no longer does."""
        ...

    async def resume(self, trace: int, finding: str, who: str, now: datetime) -> bool:
        """Nobody takes care of it any more. False where no such finding holds."""
        ...


class Store(Acknowledges, Protocol):
    """The database. One per process."""

    def ingest(self) -> AbstractAsyncContextManager[Ingest]:
        """A transaction for one batch: committed when left without an error. Raises
        :class:`~monitor.errors.StorageUnavailable` (or ``StorageConflict``) when the batch should be tried
        again, ``StorageError`` when not."""

    def counting(self) -> AbstractAsyncContextManager[Counting | None]:
        """A transaction for statistics; None where another worker has one open just now."""

    async def deploy(
        self, key: str, name: str, file: str, source: bytes, options: str, hash: str, now: datetime
    ) -> StoredFlow:
        """Make this the active version of flow ``key``; the same hash again is the same version."""

    async def flow(self, flow_id: int) -> StoredFlow | None: ...

    async def history(
        self, flow: str, after: int, limit: int, key: str | None = None
    ) -> Sequence[StoredTrace]:
        """The traces of the ``limit`` chains after chain ``after`` (0: from the first), with all they are
        made of; of one ``key`` where there is one. Reads only."""
        ...

    async def versions_in_use(self) -> list[int]:
        """Ids of the flow versions that open traces are pinned to."""

    async def sweep_clocks(
        self,
        watermarks: Mapping[str, datetime],
        now: datetime,
        limit: int,
        verified: Mapping[str, datetime | None] | None = None,
        watched: Mapping[str, datetime] | None = None,
    ) -> list[DueClock]:
        """Claim by conditional update up to ``limit`` clocks whose armed instant is at or before their
        flow's watermark, set their new state and write their findings, in one transaction. The cost
        depends on what is due, not on what is armed. ``verified``: of flows judged past what is really read
        of them, up to when that is (None: nothing is); what is found past that is marked unverified. A clock
        that cannot be read is put off, and a notice tells of it. ``watched``: since when each flow is
        watched; findings of the time before are historic."""

    async def verify_clocks(self, until: Mapping[str, datetime], now: datetime, limit: int) -> int:
        """Up to ``limit`` clocks that were judged unverified, and stand now that their flow is read up to
        ``until``, are verified. Returns how many."""

    async def confirm_findings(
        self, confirmed_until: Mapping[str, datetime], now: datetime, limit: int
    ) -> int:
        """Confirm provisional findings of each flow whose time is at or before the given instant
        (watermark minus the flow's lateness). Returns how many."""

    async def inbox_count(self, source: str) -> int:
        """How many messages of this source are in the inbox; cheap enough to ask every second."""

    async def purge_traces(self, keep: timedelta, now: datetime, limit: int) -> int:
        """Delete complete traces whose last event is longer ago than ``keep``, of up to ``limit`` chains,
        with all that belongs to them: observations, findings, clocks, keys that lead to nothing else, events
        that no other trace holds. That these events were seen is remembered until ``keep`` after they were
        received, so that one delivered again soon does not come back as new. Returns how many traces; less
        than ``limit`` means that there are no more for now."""

    async def purge_open(
        self, keep: timedelta, read: Mapping[str, datetime], now: datetime, limit: int
    ) -> int:
        """Delete, likewise, traces that are not complete and had no event for ``keep``, as far as the sources
        that feed their flow are ``read`` (by flow; of others none goes). Those stay that have a clock still
        to be judged, or a breach due no longer ago than ``keep``: it is to be told. Returns how many.
        Statistics that are being counted are waited for."""

    async def purge_inbox(self, keep: timedelta, now: datetime, limit: int) -> int:
        """Delete up to ``limit`` messages of the inbox that were received longer ago than ``keep``. Returns
        how many."""

    async def forget_seen(self, now: datetime, limit: int) -> int:
        """Forget up to ``limit`` deleted events for good, once that is due. Returns how many."""

    async def record_progress(
        self, source: str, kind: str, worker: str, progress: Sequence[Progress], now: datetime
    ) -> None:
        """Keep what the source pages and the watermark need. A shard's watermark never moves back."""

    async def sighted(self, now: datetime) -> dict[str, Sighted]:
        """Per source how far it is read: the minimum over its shards; None where it is not known yet. Rows of
        shared shards whose worker has been silent for a minute do not count; a source whose every row is
        silent stands still."""
        ...

    async def watch(self, sources: Collection[str], now: datetime) -> dict[str, datetime]:
        """Since when each of these sources is watched: from ``now`` on where it was not before."""
        ...

    async def historic(self) -> dict[str, Counter[FindingKind]]:
        """By flow how many findings are of a time before it was watched, by kind; only those found since the
        last notice of such ended."""
        ...

    async def outcomes(self, flow: str, sla: str, begins: Sequence[datetime], until: datetime) -> list[Count]:
        """How many clocks of an SLA were met and failed, from each of ``begins`` to ``until``."""
        ...

    async def begin_notice(self, notice: Notice) -> bool:
        """Keep a notice. One of the same kind and subject that lasts already stays as it is, but for its
        message and severity. Returns whether it begins now."""

    async def end_notice(self, kind: NoticeKind, subject: str, now: datetime) -> bool:
        """The trouble is over. Returns whether there was a notice of it that lasted."""

    async def notices(self, kind: NoticeKind | None = None) -> list[Notice]:
        """Those that last, the newest first; of one kind or of all."""
        ...

    async def close(self) -> None: ...

"""What commands are, and the protocols between those who ask for them, keep them and send them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from monitor.commands.declared import Item, Mode
from monitor.domain.verdict import Clock
from monitor.errors import ChoreoscopeError
from monitor.storage.views import FindingRow, Page, TraceDetail

MONITOR = "choreoscope"
"""Who asks for automatic commands."""


class Status(StrEnum):
    """``waiting``: for a second person. ``queued``: to be sent as soon as possible. ``publishing``: somebody
    is sending it. ``published``: the broker has it. ``effective``, ``ineffective``: the expected event
    followed, or did not in time. ``unroutable``: the broker had nowhere to put it. ``refused``: the broker
    would not have it. ``failed``: given up, and surely never sent. ``unconfirmed``: given up, and it may have
    arrived all the same. ``limited``: a limit kept the monitor from asking. ``dry_run``: everything but
    sent."""

    WAITING = "waiting"
    QUEUED = "queued"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    EFFECTIVE = "effective"
    INEFFECTIVE = "ineffective"
    UNROUTABLE = "unroutable"
    REFUSED = "refused"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LIMITED = "limited"
    DRY_RUN = "dry_run"

    @property
    def may_go_again(self) -> bool:
        """Whether somebody may have the same message sent again, by the same id."""
        return self in (Status.UNROUTABLE, Status.REFUSED, Status.FAILED, Status.UNCONFIRMED)

    @property
    def may_be_cancelled(self) -> bool:
        return self in (Status.WAITING, Status.QUEUED)

    @property
    def counts(self) -> bool:
        """Whether it counts against limits: it was sent, or may yet be."""
        return self not in (Status.CANCELLED, Status.EXPIRED, Status.LIMITED)


class Outcome(StrEnum):
    """Of one attempt. ``away``: the broker was not reached, so nothing was sent. ``unclear``: sent, and never
    confirmed. ``unroutable`` and ``refused``: for good, until somebody changes something. ``nacked``: the
    broker would not take it now (a queue is full); other queues behind the same exchange may have it."""

    PUBLISHED = "published"
    AWAY = "away"
    UNCLEAR = "unclear"
    NACKED = "nacked"
    UNROUTABLE = "unroutable"
    REFUSED = "refused"

    @property
    def is_final(self) -> bool:
        return self in (Outcome.PUBLISHED, Outcome.UNROUTABLE, Outcome.REFUSED)

    @property
    def may_have_arrived(self) -> bool:
        return self in (Outcome.PUBLISHED, Outcome.UNCLEAR, Outcome.NACKED)


class NotPossible(ChoreoscopeError):
    """This cannot be done with the command as things stand."""


class Unpublished(ChoreoscopeError):
    """The message was not published."""

    def __init__(self, outcome: Outcome, message: str, *, mend: str | None = None) -> None:
        super().__init__(message, mend=mend)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out, to the byte. ``id`` is the CloudEvents id, the same over all attempts: by it consumers
    know a repeat. ``headers`` are those of the broker's message, CloudEvents attributes included."""

    id: str
    type: str
    kind: str
    broker: str
    place: str
    key: str
    headers: Mapping[str, str]
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """A command that may be sent for a trace as it stands. ``finding``: the one it is offered for. ``unmet``:
    why it cannot be asked for just now."""

    item: Item
    finding: FindingRow | None
    unmet: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """``message`` is exactly what would be sent; ``digest`` names it; ``at``: when it was made."""

    offer: Offer
    message: Message
    at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class Request:
    """A command to be kept and sent. ``traces``: the trace, and those that became part of it. ``once``: no
    second one with this text is ever kept."""

    item: Item
    message: Message
    trace: int
    trace_key: str
    finding: str | None
    reason: str
    who: str
    note: str
    status: Status
    once: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command that somebody asked for, as it is kept. ``reason``: the finding's sentence. ``told``: what
    was said of it last. ``due``: until when the expected event has to follow; ``effect``: when it did, and
    ``effect_event`` its id. ``next_at``: when the monitor looks at it again. ``settled``: when it came to its
    end."""

    id: int
    name: str
    title: str
    flow: str
    trace: int
    trace_key: str
    finding: str | None
    reason: str
    mode: Mode
    dry_run: bool
    status: Status
    message: Message
    requested: datetime
    requested_by: str
    note: str
    approved: datetime | None
    approved_by: str | None
    expires: datetime | None
    attempts: int
    next_at: datetime | None
    published: datetime | None
    told: str | None
    expect: str | None
    within: timedelta | None
    since: datetime | None
    due: datetime | None
    effect: datetime | None
    effect_event: str | None
    settled: datetime | None

    @property
    def may_go_again(self) -> bool:
        """One that failed without an attempt never had a message."""
        return self.status.may_go_again and self.attempts > 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a command: kept before it is made, its outcome afterwards. Without one it is under
    way, or its sender died."""

    number: int
    worker: str
    began: datetime
    ended: datetime | None
    outcome: Outcome | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """The kill switch is thrown."""

    by: str
    since: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Broker:
    """How the circuit breaker of a broker stands: ``failures`` in a row; nothing is sent before ``until``;
    ``trying``: until when one attempt is under way that decides."""

    broker: str
    failures: int
    until: datetime | None
    trying: datetime | None
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """``failures`` in a row open the circuit for ``pause``. A failed attempt is made again after ``base``,
    then twice as long each time, up to ``cap``, until ``give_up`` after the request. ``lease``: so long one
    sender has a command to itself."""

    failures: int = 5
    pause: timedelta = timedelta(minutes=1)
    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(seconds=30)
    give_up: timedelta = timedelta(minutes=15)
    lease: timedelta = timedelta(seconds=60)


class Found(NamedTuple):
    """The event a command was to bring about."""

    time: datetime
    event: str | None


class CommandFilter(NamedTuple):
    status: Status | None = None
    name: str | None = None


EVERY_COMMAND = CommandFilter()


class Publisher(Protocol):
    """Sends one message and hears that it arrived. Connected only while it does."""

    async def publish(self, message: Message) -> str:
        """What the broker said. Raises :class:`Unpublished`."""
        ...


class CommandBook(Protocol):
    """Commands as rows, for people. Whatever changes one puts that down in the audit."""

    async def request(self, request: Request, now: datetime) -> Command:
        """Keep a command; the same message id again is the same command. Raises NotPossible where the kill
        switch is thrown or a limit is reached."""
        ...

    async def unmet(self, item: Item, trace: int, now: datetime) -> str | None:
        """Which limit is reached, in words."""
        ...

    async def approve(self, id: int, who: str, note: str, patience: Patience, now: datetime) -> Command:
        """Raises NotPossible, as the others do, where it cannot be done: it takes somebody else."""
        ...

    async def cancel(self, id: int, who: str, note: str, now: datetime) -> Command: ...
    async def again(self, id: int, who: str, patience: Patience, now: datetime) -> Command:
        """Send the same message again, by the same id."""
        ...

    async def stop(self, who: str, note: str, now: datetime) -> bool: ...
    async def resume(self, who: str, note: str, now: datetime) -> bool: ...
    async def stopped(self) -> Stop | None: ...
    async def command(self, id: int) -> Command | None: ...
    async def by_message(self, message_id: str) -> Command | None: ...
    async def attempts(self, id: int, limit: int = 100) -> Sequence[Attempt]:
        """The newest first."""
        ...

    async def commands(
        self, filter: CommandFilter = EVERY_COMMAND, cursor: str | None = None, limit: int = 50
    ) -> Page[Command]:
        """The newest first."""
        ...

    async def of_trace(self, trace: int, limit: int = 100) -> Sequence[Command]:
        """The newest first, those of traces that became part of it included."""
        ...

    async def brokers(self) -> Sequence[Broker]: ...


class CommandStore(CommandBook, Protocol):
    """The same for the sweep, which sends them, watches their effect and asks for automatic ones."""

    async def held_back(self, request: Request, why: str, now: datetime) -> bool:
        """Keep, as what the request's status says, why a command was not sent; False where its ``once`` is
        known."""
        ...

    async def known(self, once: Sequence[str]) -> set[str]: ...
    async def in_vain(self, name: str) -> int:
        """How many of the latest commands of this name in a row had no effect, up to 100; counted since
        commands were resumed last."""
        ...

    async def resumed(self) -> datetime | None:
        """Since when commands go again, where they were stopped before."""
        ...

    async def claim(self, worker: str, patience: Patience, now: datetime, limit: int) -> list[Command]:
        """Commands to be sent now, each with its attempt begun: nobody else gets them before ``lease`` is
        over. Those whose time is over are settled."""
        ...

    async def record(
        self, command: Command, outcome: Outcome, told: str, patience: Patience, now: datetime
    ) -> Command | None:
        """What came of the attempt that :meth:`claim` began."""
        ...

    async def awaited(self, now: datetime, limit: int) -> list[Command]:
        """Published ones whose effect is to be looked for now."""
        ...

    async def followed(self, command: Command) -> Found | None:
        """The expected event, in the trace or those with its keys, since it was sent."""
        ...

    async def watched(
        self,
        command: Command,
        status: Status,
        found: Found | None,
        told: str,
        again: datetime | None,
        now: datetime,
    ) -> bool:
        """How its effect stands, and when to look again."""
        ...

    async def expire(self, now: datetime, limit: int) -> int:
        """Requests nobody approved in time."""
        ...

    async def confirmed(
        self, flow: str, since: datetime, until: datetime, limit: int, after: FindingRow | None = None
    ) -> Sequence[FindingRow]:
        """Findings confirmed then, not of a past that was read in, that nobody takes care of; the oldest
        first. ``after``: only those behind this one."""
        ...


class Commands(Protocol):
    """What people may ask for."""

    @property
    def items(self) -> Sequence[Item]: ...
    @property
    def dry_run(self) -> bool:
        """Whether nothing at all is sent."""
        ...

    @property
    def store(self) -> CommandBook: ...

    async def offers(self, detail: TraceDetail, clocks: Sequence[Clock], who: str) -> Sequence[Offer]: ...
    async def preview(
        self,
        detail: TraceDetail,
        clocks: Sequence[Clock],
        name: str,
        finding: str | None,
        who: str,
        made: tuple[str, datetime] | None = None,
    ) -> Preview:
        """``made``: id and time of a preview that somebody has seen. Raises NotPossible."""
        ...

    async def request(self, preview: Preview, detail: TraceDetail, who: str, note: str) -> Command: ...
    async def approve(self, id: int, who: str, note: str) -> Command: ...
    async def cancel(self, id: int, who: str, note: str) -> Command: ...
    async def again(self, id: int, who: str) -> Command: ...
    async def stop(self, who: str, note: str) -> bool: ...
    async def resume(self, who: str, note: str) -> bool: ...

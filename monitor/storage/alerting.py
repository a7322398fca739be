"""What routing, telling and showing alerts ask of the database.

Delivery at least once rests on this: a message is stored in the transaction that decides to send it, an
attempt before it is made, its outcome after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from monitor.alerts.base import Alert, Kind, Notification, Status
from monitor.alerts.grouping import Decision, Member, Muting
from monitor.alerts.inhibition import Candidate
from monitor.alerts.matchers import Matcher
from monitor.alerts.policy import Target
from monitor.storage.views import Page

Router = Callable[[Mapping[str, str]], Sequence[Target]]
"""From an alert's labels to its groups."""


@dataclass(frozen=True, slots=True)
class Group:
    """``flushes``: how often it was looked at. ``notified``: when it last sent something."""

    id: bytes
    receiver: str
    route: str
    labels: Mapping[str, str]
    notified: datetime | None
    flushes: int
    undelivered: bool


@dataclass(frozen=True, slots=True)
class Grouped:
    """A member of a group with what routing and inhibition need."""

    member: Member
    labels: Mapping[str, str]
    trace: int | None
    starts_at: datetime
    due: str | None


class Flushing(Protocol):
    """A group that is due, locked for this transaction."""

    @property
    def group(self) -> Group: ...

    async def members(self) -> list[Grouped]:
        """Those to be looked at, the ones that began first first."""
        ...

    async def silences(self, now: datetime) -> list[tuple[int, tuple[Matcher, ...]]]:
        """Those in force, by number."""
        ...

    async def firing(self, names: Collection[str] | None) -> list[Candidate]:
        """Every alert that fires; of these names only, where they are given."""
        ...

    async def firing_of(self, traces: Collection[int]) -> dict[int, tuple[int, list[Grouped]]]:
        """By trace: the flow version it follows, and what fires about it."""
        ...

    async def write(self, decision: Decision, message: Message | None, not_before: datetime) -> None:
        """Put down what was decided, and the message if there is one. Before ``not_before`` the group is not
        looked at again unless the decision says so."""
        ...


class Message(NamedTuple):
    """A notification to be: its ``uid`` is what receivers recognise it by."""

    uid: str
    kind: Kind
    most: int
    """So many alerts it tells at most; the others are only counted."""


class Claimed(NamedTuple):
    """A notification to be delivered, and the number of this attempt, which is on record already."""

    row: int
    attempt: int
    notification: Notification


class Outcome(NamedTuple):
    """What became of an attempt. ``next``: when to try again; None: never. ``disables``: the receiver
    is not tried again until somebody mends it."""

    arrived: bool
    said: str
    next: datetime | None = None
    disables: bool = False


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert, as it is shown. ``lasting``: a trouble with an end, else a fact. ``tells_end``: whether its
    end is good news."""

    alert: Alert
    lasting: bool
    tells_end: bool
    severity: str
    flow: str | None
    born: datetime
    updated: datetime
    reason: str | None
    acknowledged: datetime | None
    acknowledged_by: str | None
    acknowledged_note: str | None


@dataclass(frozen=True, slots=True)
class MemberRow:
    """An alert's place with one receiver: what that was told of it last, or why nothing (now)."""

    receiver: str
    route: str
    labels: Mapping[str, str]
    told: Status | None
    told_at: datetime | None
    muted: Muting | None
    muted_at: datetime | None
    active: bool
    next_flush: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """``outcome``: arrived, failed, refused (for good); None: nobody knows, it was broken off or goes on."""

    number: int
    worker: str
    started: datetime
    finished: datetime | None
    outcome: str | None
    said: str | None


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """``status``: waiting, sent, or given_up. ``next_at``: when it is tried next, while it waits."""

    id: int
    uid: str
    receiver: str
    kind: Kind
    group_key: str
    status: str
    firing: int
    resolved: int
    truncated: int
    created: datetime
    next_at: datetime | None
    attempts: int
    done: datetime | None
    said: str | None


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """An alert's life. ``attempts``: by notification."""

    row: AlertRow
    members: Sequence[MemberRow]
    notifications: Sequence[NotificationRow]
    attempts: Mapping[int, Sequence[AttemptRow]]


@dataclass(frozen=True, slots=True)
class SilenceRow:
    id: int
    matchers: tuple[Matcher, ...]
    starts: datetime
    ends: datetime
    comment: str
    created: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class ReceiverRow:
    """``failing``: since when nothing arrives; ``disabled`` since, with the ``reason``. ``waiting``
    notifications are on their way, the oldest since ``oldest``."""

    name: str
    disabled: datetime | None
    reason: str | None
    failing: datetime | None
    sent: datetime | None
    waiting: int
    oldest: datetime | None


class AlertFilter(NamedTuple):
    """``state``: firing (troubles that last), facts, resolved; None: all."""

    state: str | None = None
    name: str | None = None
    flow: str | None = None
    severity: str | None = None
    trace: int | None = None
    acknowledged: bool | None = None


EVERY_ALERT = AlertFilter()


class Alerting(Protocol):
    """Alerts in the database."""

    async def route(self, router: Router, now: datetime, limit: int) -> int:
        """Put up to ``limit`` alerts that changed into their groups. Returns how many."""
        ...

    def flushing(self, now: datetime) -> AbstractAsyncContextManager[Flushing | None]:
        """The group that is longest due, locked and to be written to until the end of this; None: there is
        none."""
        ...

    async def claim(
        self, receiver: str, worker: str, external_url: str, lease: timedelta, now: datetime
    ) -> Claimed | None:
        """The notification to deliver next to a receiver, leased to this worker for so long, with an attempt
        on record; None: there is none, or the receiver is disabled. Of one group they come in order."""
        ...

    async def record(self, claimed: Claimed, outcome: Outcome, now: datetime) -> None:
        """What became of the attempt. A receiver that is disabled by it is told of by a notice."""
        ...

    async def configured(self, receivers: Mapping[str, str], routing: str, now: datetime) -> None:
        """These receivers, each with a digest of its settings, and this digest of the routes are in force.
        A disabled receiver with other settings is enabled. With other routes what fires is routed anew."""
        ...

    async def test(self, receiver: str, uid: str, alerts: Sequence[Alert], who: str, now: datetime) -> int:
        """Store a message of kind ``test``; its number."""
        ...

    async def enable(self, receiver: str, who: str, now: datetime) -> bool:
        """Try a disabled receiver again. False where it is not disabled."""
        ...

    async def resend(self, notification: int, who: str, now: datetime) -> bool:
        """Deliver a notification once more, with the same id. False where there is none such, or it waits
        already."""
        ...

    async def acknowledge(self, alert: bytes, who: str, note: str | None, now: datetime) -> bool:
        """``who`` takes care of an alert that is about no finding, or, without a note, no longer does. False
        where no such alert fires. (Findings are acknowledged by themselves.)"""
        ...

    async def silence(
        self,
        matchers: Sequence[Matcher],
        starts: datetime,
        ends: datetime,
        comment: str,
        who: str,
        now: datetime,
    ) -> int: ...

    async def expire(self, silence: int, who: str, now: datetime) -> bool:
        """End a silence now. False where it has ended."""
        ...

    async def mark(self, name: str, every: timedelta, now: datetime) -> bool:
        """Whether ``every`` has passed since this was last asked with that answer, by whomever."""
        ...

    async def purge(self, keep: timedelta, now: datetime, limit: int) -> int:
        """Delete up to ``limit`` alerts that are over, and notifications that are done, for so long."""
        ...

    async def alerts(
        self, wanted: AlertFilter = EVERY_ALERT, cursor: str | None = None, limit: int = 50
    ) -> Page[AlertRow]: ...
    async def alert(self, alert: bytes) -> AlertDetail | None: ...
    async def silences(
        self, cursor: str | None = None, limit: int = 50, *, over: bool, now: datetime
    ) -> Page[SilenceRow]: ...
    async def receivers(self) -> Sequence[ReceiverRow]: ...
    async def misfits(self, since: datetime) -> Mapping[str, int]:
        """By source, how many messages received since then are in the inbox."""
        ...

    async def notifications(
        self, receiver: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[NotificationRow]: ...
    async def notification(
        self, id: int, external_url: str
    ) -> tuple[NotificationRow, Notification, Sequence[AttemptRow]] | None: ...

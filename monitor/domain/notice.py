"""What people should know that is about no single trace: the monitor's own blindness, a promise that too many
traces break, a history that was read in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NoticeKind(StrEnum):
    """``blind``: a source is not read, so absence cannot be judged (DESIGN 3.6). ``burn_rate``: the error
    budget of an objective is used up too fast. ``history``: what was found in a past that was read in later.
    ``unreadable_clock``: an armed clock that cannot be read and is put off. ``inbox_growing``: more messages
    than usual cannot be placed. ``receiver_failing``: alerts do not reach a receiver for a while,
    ``receiver_disabled``: for good, until somebody mends it. ``command_ineffective``: what a corrective
    command was to bring about did not follow in time."""

    BLIND = "blind"
    BURN_RATE = "burn_rate"
    HISTORY = "history"
    UNREADABLE_CLOCK = "unreadable_clock"
    INBOX_GROWING = "inbox_growing"
    RECEIVER_FAILING = "receiver_failing"
    RECEIVER_DISABLED = "receiver_disabled"
    COMMAND_INEFFECTIVE = "command_ineffective"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. Of one ``kind`` and ``subject`` (a source, ``flow/SLA``, a flow) there is one open at a
    time: however often the same trouble is seen, it is one spell, from ``since`` to ``ended``.

    ``since`` is when the trouble began, ``noticed`` when it was first told, ``ended`` None while it lasts."""

    kind: NoticeKind
    subject: str
    message: str
    since: datetime
    noticed: datetime
    flow: str | None = None
    severity: str = "warning"
    ended: datetime | None = None

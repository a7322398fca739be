"""What people change, kept for good: who, when, what, and with which outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from monitor.domain.event import Json

INBOX_REPLAY = "inbox.replay"
INBOX_DISCARD = "inbox.discard"
FINDING_ACKNOWLEDGE = "finding.acknowledge"
FINDING_RESUME = "finding.resume"
ALERT_ACKNOWLEDGE = "alert.acknowledge"
ALERT_RESUME = "alert.resume"
ALERT_RESEND = "alert.resend"
SILENCE_CREATE = "silence.create"
SILENCE_EXPIRE = "silence.expire"
RECEIVER_ENABLE = "receiver.enable"
RECEIVER_TEST = "receiver.test"

LOCAL = "local"
"""Who changes things as long as there are no users."""


class Entry(NamedTuple):
    """One change, as it is put down in the transaction that makes it. ``subject`` says in a few words what
    was changed; ``detail`` is what one would ask later, as JSON."""

    who: str
    action: str
    subject: str
    detail: Mapping[str, Json] = {}


class Audited(NamedTuple):
    """An entry as it is kept. ``detail`` is JSON text."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str
    detail: str

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
LOGIN = "login.done"
LOGIN_FAILED = "login.failed"
LOGOUT = "login.out"
SESSION_END = "login.end"
USER_ADD = "user.add"
USER_ROLE = "user.role"
USER_PASSWORD = "user.password"  # noqa: S105 - an action's name
USER_DISABLE = "user.disable"
USER_ENABLE = "user.enable"
USER_REMOVE = "user.remove"
TOKEN_CREATE = "token.create"  # noqa: S105
TOKEN_REVOKE = "token.revoke"  # noqa: S105
COMMAND_REQUEST = "command.request"
COMMAND_APPROVE = "command.approve"
COMMAND_CANCEL = "command.cancel"
COMMAND_AGAIN = "command.again"
COMMAND_STOP = "command.stop"
COMMAND_RESUME = "command.resume"

LOCAL = "local"
"""Who changes things where there is no login, and at the command line."""
NOBODY = "nobody"
"""Who is not known: a login that failed under a name that no user has."""


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

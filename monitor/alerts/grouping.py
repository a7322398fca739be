"""What a group of alerts tells its receiver, and when again. Pure.

A group is looked at when it is due: a while after it began, then every ``group_interval``. It sends where
something is new, something has ended, or what lasts was last told a ``repeat_interval`` ago. Facts (an event
out of order) are told once; troubles (an SLA is breached) are told again while they last.

Nothing is lost by being held back: what is muted now stays in the group until it is told or has been answered
for. Two exceptions, on purpose: a fact that is silenced is not told later; what was over before anybody was
told of it is not told at all (but in digests).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.alerts.base import Status


class Why(StrEnum):
    """Why an alert is muted."""

    SILENCED = "silenced"
    INHIBITED = "inhibited"
    HELD = "held"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Muting:
    """``by``: the silence's number, the other alert's id, the time interval's name, who acknowledged."""

    why: Why
    by: str


@dataclass(frozen=True, slots=True)
class Member:
    """An alert in a group. ``told``: what the receiver was told of it last (None: nothing). ``leaving``: no
    route leads it here any more, so that only the end of what was told is told."""

    id: bytes
    status: Status
    lasting: bool
    tells_end: bool
    acknowledged_by: str | None
    told: Status | None
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """How the group's route and receiver want it. ``held``: why it says nothing just now. ``digest``: it
    sends what has been and what is, all at its times (``next``). ``undelivered``: a message of it is still on
    its way."""

    group_interval: timedelta
    repeat_interval: timedelta
    send_resolved: bool
    held: str | None = None
    digest: bool = False
    undelivered: bool = False
    next: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """``firing`` and ``resolved``: what is sent now, both empty where nothing is. ``active``: what stays to
    be looked at. ``muted``: of those not sent, why. ``next``: when to look again; None: once something
    changes. ``astray``: what fires, was not told and leaves, to be routed anew if no other group has it."""

    firing: tuple[bytes, ...]
    resolved: tuple[bytes, ...]
    active: frozenset[bytes]
    muted: Mapping[bytes, Muting]
    next: datetime | None
    astray: frozenset[bytes] = frozenset()

    @property
    def sends(self) -> bool:
        return bool(self.firing or self.resolved)


def decide(
    members: Sequence[Member],
    muted: Mapping[bytes, Muting],
    terms: Terms,
    notified: datetime | None,
    now: datetime,
) -> Decision:
    """``muted``: by alert, silences before inhibitions. ``notified``: when the group last sent something."""
    if terms.held is not None:
        return _held(members, terms, now)
    lasting: list[bytes] = []
    new: list[bytes] = []
    ended: list[bytes] = []
    active: set[bytes] = set()
    astray: set[bytes] = set()
    why: dict[bytes, Muting] = {}
    for one in members:
        muting = _muting(one, muted.get(one.id))
        if one.status == "resolved":
            if one.told == "firing" and one.tells_end and terms.send_resolved:
                if muting is None:
                    ended.append(one.id)
                else:
                    active.add(one.id)
                    why[one.id] = muting
            elif terms.digest and one.told is None and muting is None:
                ended.append(one.id)
            continue
        if one.leaving:
            if one.told is None:
                astray.add(one.id)
            elif one.lasting:
                active.add(one.id)
            continue
        if one.lasting:
            active.add(one.id)
        elif one.told is not None:
            continue
        if muting is not None:
            why[one.id] = muting
            if muting.why is not Why.SILENCED:
                active.add(one.id)
            continue
        (lasting if one.told == "firing" else new).append(one.id)
    is_due = bool(lasting) and not terms.undelivered and _is_past(notified, terms.repeat_interval, now)
    sends = bool(new or ended or is_due or (terms.digest and lasting))
    return Decision(
        firing=(*new, *lasting) if sends else (),
        resolved=tuple(ended) if sends else (),
        active=frozenset(active),
        muted=why,
        next=_next(active, terms, now),
        astray=frozenset(astray),
    )


def _held(members: Sequence[Member], terms: Terms, now: datetime) -> Decision:
    assert terms.held is not None
    held = {one.id: Muting(Why.HELD, terms.held) for one in members}
    return Decision((), (), frozenset(held), held, _next(held.keys(), terms, now))


def _muting(member: Member, muting: Muting | None) -> Muting | None:
    """An inhibition holds back what fires, never an end; who acknowledged is not told again, but of the
    end."""
    if muting is not None and (muting.why is not Why.INHIBITED or member.status == "firing"):
        return muting
    if member.acknowledged_by is not None and member.status == "firing" and member.told == "firing":
        return Muting(Why.ACKNOWLEDGED, member.acknowledged_by)
    return None


def _is_past(notified: datetime | None, interval: timedelta, now: datetime) -> bool:
    return notified is None or now - notified >= interval


def _next(active: object, terms: Terms, now: datetime) -> datetime | None:
    if not active:
        return None
    return terms.next if terms.next is not None else now + terms.group_interval

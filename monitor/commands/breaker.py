"""The circuit breaker of a broker, and when what failed is tried again. Pure.

So many failures in a row open the circuit: for a while nothing is sent there. Then one attempt may go;
whether the circuit closes or stays open is up to it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.commands.base import Broker, Outcome, Patience, Status

LONGEST = timedelta(hours=1)
"""So long at most a circuit stays open before the next attempt."""


def waits_until(broker: Broker, now: datetime) -> datetime | None:
    """Until when nothing more may be sent there; None: it may now."""
    if broker.until is None:
        return None
    if now < broker.until:
        return broker.until
    return broker.trying if broker.trying is not None and now < broker.trying else None


def begun(broker: Broker, patience: Patience, now: datetime) -> Broker:
    """An attempt begins. Of an open circuit it is the only one."""
    return broker if broker.until is None else replace(broker, trying=now + patience.lease)


def ended(broker: Broker, outcome: Outcome, told: str, patience: Patience, now: datetime) -> Broker:
    """An attempt had this outcome. Each further failure of an open circuit doubles the pause."""
    if outcome is Outcome.PUBLISHED:
        return Broker(broker.broker, 0, None, None)
    failures = broker.failures + 1
    over = failures - patience.failures
    until = None if over < 0 else now + min(patience.pause * float(2 ** min(over, 16)), LONGEST)
    return Broker(broker.broker, failures, until, None, told)


def pause(attempts: int, patience: Patience) -> timedelta:
    """After so many attempts that failed."""
    return min(patience.base * float(2 ** min(attempts - 1, 16)), patience.cap)


def given_up(outcomes: Collection[Outcome | None]) -> Status:
    """What a command is whose time is over. ``outcomes``: of its attempts; None is one without."""
    if None in outcomes or Outcome.UNCLEAR in outcomes:
        return Status.UNCONFIRMED
    if not outcomes:
        return Status.EXPIRED
    return Status.REFUSED if Outcome.NACKED in outcomes else Status.FAILED


def may_have_arrived(outcomes: Collection[Outcome | None]) -> bool:
    """Whether it may have by any of these attempts."""
    return any(one is None or one.may_have_arrived for one in outcomes)

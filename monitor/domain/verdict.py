"""What is said about a trace: findings, SLA clocks, and the verdict that holds them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class FindingKind(StrEnum):
    """Deviations (DESIGN 3.4) and SLA matters."""

    OUT_OF_ORDER = "out_of_order"
    MISSING = "missing"
    DUPLICATE = "duplicate"
    UNEXPECTED = "unexpected"
    UNKNOWN = "unknown"
    AFTER_END = "after_end"
    TOO_EARLY = "too_early"
    CONDITION = "condition"
    SLA_AT_RISK = "sla_at_risk"
    SLA_BREACH = "sla_breach"

    @property
    def is_deviation(self) -> bool:
        return self not in (FindingKind.SLA_AT_RISK, FindingKind.SLA_BREACH)


class FindingState(StrEnum):
    """``provisional`` until the watermark has passed its time plus the flow's lateness; then ``confirmed``.
    ``retracted`` when a later event disproved it: kept, with when and why."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Finding:
    """One deviation or SLA matter, in a sentence.

    ``element`` is the BPMN element's id and ``name`` its name; ``event`` the producer's id of the event
    that shows it (None for an absence) and ``identity`` that event's digest; ``time`` when it became true
    (event time); ``expected`` the labels that were possible instead; ``subject`` tells apart findings
    that would otherwise say the same (the occurrence of an SLA clock, the n-th skip of one element).
    """

    kind: FindingKind
    name: str
    time: datetime
    message: str
    element: str | None = None
    event: str | None = None
    identity: bytes | None = None
    expected: tuple[str, ...] = ()
    subject: str = ""
    severity: str = "warning"

    def key(self) -> bytes:
        """16 bytes derived from what the finding says: the same statement twice is one finding."""
        said = "\x1f".join(
            (self.kind, self.element or "", self.name, (self.identity or b"").hex(), self.subject)
        )
        return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class ClockState(StrEnum):
    """States of one occurrence of an SLA clock (DESIGN 3.5). ``blind`` is only ever shown, never stored:
    a clock past its due time that the watermark has not reached yet."""

    RUNNING = "running"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"
    BLIND = "blind"

    is_open: bool
    """Whether the clock still runs."""

    def __init__(self, value: str) -> None:
        self.is_open = value in ("running", "at_risk", "breached", "blind")  # asked for by the million


class ClockKind(StrEnum):
    """``limit``: past due is a breach. ``reminder``: past due it is only told that something still waits."""

    LIMIT = "limit"
    REMINDER = "reminder"


class Clock(NamedTuple):
    """One occurrence of an SLA's clock in a trace; ``occurrence`` counts from 0. A tuple, because each event
    makes some of them.

    ``paused``: since when it stands still, an event having said so; ``due`` and ``at_risk`` are then those of
    a clock that went on at that very instant. ``sure``: what it waits for must come; where the flow may just
    as well have gone another way unseen, it is past due never more than at risk. ``unverified``: its state
    was judged although the sources had not been read so far, for they had been away too long.
    """

    sla: str
    occurrence: int
    state: ClockState
    started: datetime
    due: datetime
    at_risk: datetime | None = None
    ended: datetime | None = None
    severity: str = "warning"
    element: str | None = None
    kind: ClockKind = ClockKind.LIMIT
    paused: datetime | None = None
    sure: bool = True
    unverified: bool = False

    @property
    def breaches(self) -> bool:
        """Whether it is a breach if nothing comes until it is due."""
        return self.kind is ClockKind.LIMIT and self.sure

    def next_change(self) -> datetime | None:
        """When time alone will change the state: the row's armed instant. None once nothing more can, while
        it is paused, and for what need not come."""
        if self.paused is not None or not self.sure:
            return None
        if self.state is ClockState.RUNNING:
            return min(self.at_risk, self.due) if self.at_risk and self.breaches else self.due
        if self.state is ClockState.AT_RISK and self.breaches:
            return self.due
        return None


class Verdict(NamedTuple):
    """What holds of a trace, by its flow and the observations so far.

    ``conforms``: no deviation so far. ``complete``: the flow can be finished with silent steps only.
    ``cost``: of the optimal alignment (of the prefix while not complete); ``exact`` is False where a bound
    was passed and the alignment is only good. ``undecided``: a bound on the markings was passed, so nothing
    is blamed. ``expected``: labels possible next, sorted. ``visited`` and ``standing``: ids of the elements
    and sequence flows passed, and of the elements where tokens wait, for the picture.
    """

    conforms: bool
    complete: bool
    cost: int
    findings: tuple[Finding, ...] = ()
    clocks: tuple[Clock, ...] = ()
    expected: tuple[str, ...] = ()
    exact: bool = True
    undecided: bool = False
    visited: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()

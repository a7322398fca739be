"""What becomes an alert, and what it says: from a finding or a notice to an alert's row. Pure.

The id follows from what the alert is about, so writing one twice is harmless. Labels are closed words,
configured names, and the trace; sentences are annotations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.verdict import Clock, FindingKind

LONGEST_LABEL = 200
"""Characters of a label's value; a longer one is cut and ends with an ellipsis."""

LONGEST_SENTENCE = 2000

FINDINGS: Mapping[FindingKind, str] = {
    FindingKind.OUT_OF_ORDER: "OutOfOrder",
    FindingKind.MISSING: "Missing",
    FindingKind.DUPLICATE: "Duplicate",
    FindingKind.UNEXPECTED: "Unexpected",
    FindingKind.UNKNOWN: "Unknown",
    FindingKind.AFTER_END: "AfterEnd",
    FindingKind.TOO_EARLY: "TooEarly",
    FindingKind.CONDITION: "Condition",
    FindingKind.SLA_AT_RISK: "SlaAtRisk",
    FindingKind.SLA_BREACH: "SlaBreached",
}
"""Alert names, by the finding's kind."""

_NOTICES = {NoticeKind.BLIND: "SourceBlind"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Born(NamedTuple):
    """An alert as it is first stored. ``lasting``: a trouble that has an end, to be told again while it
    lasts; otherwise a fact, told once. ``tells_end``: whether its end is worth a message."""

    id: bytes
    name: str
    lasting: bool
    tells_end: bool
    trace: int | None
    finding: bytes | None
    flow: str | None
    severity: str
    labels: dict[str, str]
    annotations: dict[str, str]
    summary: str
    starts_at: datetime
    ends_at: datetime | None
    reason: str | None


class Stated(NamedTuple):
    """A confirmed finding, as it is stored; ``expected``: the labels that were possible instead."""

    trace: int
    key: bytes
    trace_key: str
    flow: str
    kind: FindingKind
    severity: str
    element: str | None
    name: str
    message: str
    expected: tuple[str, ...]
    time: datetime
    found: datetime


def name_of_notice(kind: NoticeKind) -> str:
    """``burn_rate`` is ``BurnRate``."""
    return _NOTICES.get(kind) or "".join(part.capitalize() for part in kind.value.split("_"))


NAMES = (*FINDINGS.values(), *(name_of_notice(kind) for kind in NoticeKind))
"""Every alert's name."""


def finding_id(trace: int, key: bytes, found: datetime) -> bytes:
    """Of the alert about a finding that was found then: one found again is another trouble."""
    return _id("finding", str(trace), key.hex(), str(_micros(found)))


def notice_id(kind: str, subject: str, noticed: datetime) -> bytes:
    return _id("notice", kind, subject, str(_micros(noticed)))


def of_finding(finding: Stated, clock: Clock | None) -> Born:
    """``clock``: the one an SLA finding is about. One that has ended by now is born resolved."""
    is_deviation = finding.kind.is_deviation
    labels = {
        "alertname": FINDINGS[finding.kind],
        "flow": finding.flow,
        "kind": finding.kind.value,
        "severity": finding.severity,
        "trace": str(finding.trace),
        "key": finding.trace_key,
    }
    if not is_deviation:
        labels["sla"] = finding.name
    element = finding.element or (clock.element if clock else None)
    if element:
        labels["element"] = element
    annotations = {"key": finding.trace_key, "name": finding.name}
    if finding.expected:
        annotations["expected"] = ", ".join(finding.expected)
    ended = None
    if clock is not None:
        annotations["started"] = clock.started.isoformat()
        annotations["due"] = clock.due.isoformat()
        ended = clock.ended
    return Born(
        id=finding_id(finding.trace, finding.key, finding.found),
        name=FINDINGS[finding.kind],
        lasting=not is_deviation,
        tells_end=True,
        trace=finding.trace,
        finding=finding.key,
        flow=finding.flow,
        severity=finding.severity,
        labels=_cut(labels, LONGEST_LABEL),
        annotations=_cut(annotations, LONGEST_SENTENCE),
        summary=sentence(finding.message),
        starts_at=finding.time,
        ends_at=ended,
        reason=None if ended is None else "It came, but late.",
    )


def of_notice(notice: Notice) -> Born:
    """The past that was read in is told once; all other notices last."""
    is_history = notice.kind is NoticeKind.HISTORY
    labels = {"alertname": name_of_notice(notice.kind), "kind": notice.kind.value}
    labels["severity"] = notice.severity
    if notice.flow:
        labels["flow"] = notice.flow
    labels |= _named(notice)
    return Born(
        id=notice_id(notice.kind.value, notice.subject, notice.noticed),
        name=labels["alertname"],
        lasting=not is_history,
        tells_end=not is_history,
        trace=None,
        finding=None,
        flow=notice.flow,
        severity=notice.severity,
        labels=_cut(labels, LONGEST_LABEL),
        annotations=_cut({"subject": notice.subject}, LONGEST_SENTENCE),
        summary=sentence(notice.message),
        starts_at=notice.since,
        ends_at=notice.ended,
        reason=None,
    )


def _named(notice: Notice) -> dict[str, str]:
    """What the subject of a notice is, by its kind."""
    match notice.kind:
        case NoticeKind.BLIND | NoticeKind.INBOX_GROWING:
            return {"source": notice.subject}
        case NoticeKind.BURN_RATE | NoticeKind.UNREADABLE_CLOCK:
            return {"sla": notice.subject.partition("/")[2]}
        case NoticeKind.RECEIVER_DISABLED | NoticeKind.RECEIVER_FAILING:
            return {"receiver": notice.subject}
        case NoticeKind.COMMAND_INEFFECTIVE:
            return {"command": notice.subject}
        case _:
            return {}


def sentence(text: str) -> str:
    return _short(text, LONGEST_SENTENCE)


def _cut(texts: Mapping[str, str], longest: int) -> dict[str, str]:
    return {name: _short(text, longest) for name, text in texts.items()}


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _id(*parts: str) -> bytes:
    said = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=16).digest()


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)

"""The finding a clock's state implies, in a sentence."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.domain.verdict import Clock, ClockKind, ClockState, Finding, FindingKind


def duration_text(duration: timedelta) -> str:
    """A duration as people say it, in its two largest units: ``2 d 4 h``, ``1 min 30 s``, ``0.4 s``."""
    seconds = abs(duration.total_seconds())
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    rest = round(seconds)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def instant_text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S UTC")


def subject(clock: Clock) -> str:
    """Tells the findings of one clock from those of any other of the trace."""
    return f"{clock.sla}#{clock.occurrence}"


def clock_finding(clock: Clock, trace_key: str) -> Finding | None:
    """The SLA finding that holds while the clock is in its state, or None.

    A breach stands while the clock runs on (``breached``) and after it ended late (``missed``). Both are
    one finding: only an event that disproves the breach takes it back.
    """
    due = instant_text(clock.due)
    unverified = " Not verified: the sources are not read so far." if clock.unverified else ""
    if clock.state is ClockState.AT_RISK:
        is_reminder = clock.kind is ClockKind.REMINDER
        return Finding(
            kind=FindingKind.SLA_AT_RISK,
            name=clock.sla,
            time=clock.due if is_reminder else clock.at_risk or clock.due,
            message=(
                f"“{clock.sla}”: {trace_key} still waits at {due}.{unverified}"
                if is_reminder
                else f"“{clock.sla}” is at risk for {trace_key}: due {due}, not met yet.{unverified}"
            ),
            element=clock.element,
            subject=subject(clock),
            severity=clock.severity,
        )
    if clock.state in (ClockState.BREACHED, ClockState.MISSED):
        if clock.ended is None:
            message = f"“{clock.sla}” is breached for {trace_key}: it was due {due} and has not been met."
            message += unverified
        else:
            late = duration_text(clock.ended - clock.due)
            message = f"“{clock.sla}” was missed for {trace_key}: due {due}, met {late} late."
        return Finding(
            kind=FindingKind.SLA_BREACH,
            name=clock.sla,
            time=clock.due,
            message=message,
            element=clock.element,
            subject=subject(clock),
            severity=clock.severity,
        )
    return None

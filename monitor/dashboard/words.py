"""Plain words for people: durations, states and the sentence that says how a trace stands. Pure.

A sentence is a tuple of texts and instants, so that a page can show each instant in the reader's own time
zone while the API and page titles get plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.domain.audit import (
    ALERT_ACKNOWLEDGE,
    ALERT_RESEND,
    ALERT_RESUME,
    COMMAND_AGAIN,
    COMMAND_APPROVE,
    COMMAND_CANCEL,
    COMMAND_REQUEST,
    COMMAND_RESUME,
    COMMAND_STOP,
    FINDING_ACKNOWLEDGE,
    FINDING_RESUME,
    INBOX_DISCARD,
    INBOX_REPLAY,
    LOGIN,
    LOGIN_FAILED,
    LOGOUT,
    RECEIVER_ENABLE,
    RECEIVER_TEST,
    SESSION_END,
    SILENCE_CREATE,
    SILENCE_EXPIRE,
    TOKEN_CREATE,
    TOKEN_REVOKE,
    USER_ADD,
    USER_DISABLE,
    USER_ENABLE,
    USER_PASSWORD,
    USER_REMOVE,
    USER_ROLE,
)
from monitor.domain.event import Key
from monitor.domain.notice import NoticeKind
from monitor.domain.verdict import Clock, ClockKind, ClockState, FindingKind, FindingState
from monitor.storage.views import FindingRow, TraceDetail, TraceRow

Sentence = tuple[str | datetime, ...]

PLACEHOLDER_KEYS = frozenset({"subject", "correlationid", "traceid", "case", "trace", "key", "id", "default"})
"""Key names that say nothing to a reader; the flow's key stands in for them."""

LATE = timedelta(minutes=1)
"""What came this long after it happened is called late."""

KINDS = {
    FindingKind.OUT_OF_ORDER: "Out of order",
    FindingKind.MISSING: "Missing",
    FindingKind.DUPLICATE: "Duplicate",
    FindingKind.UNEXPECTED: "Unexpected",
    FindingKind.UNKNOWN: "Unknown event",
    FindingKind.AFTER_END: "After the end",
    FindingKind.TOO_EARLY: "Too early",
    FindingKind.CONDITION: "Against a condition",
    FindingKind.SLA_AT_RISK: "SLA at risk",
    FindingKind.SLA_BREACH: "SLA breached",
}

NOTICES = {
    NoticeKind.BLIND: "Blind",
    NoticeKind.BURN_RATE: "Budget burns",
    NoticeKind.HISTORY: "History read in",
    NoticeKind.UNREADABLE_CLOCK: "Unreadable clock",
    NoticeKind.INBOX_GROWING: "Inbox grows",
    NoticeKind.RECEIVER_FAILING: "Receiver not reached",
    NoticeKind.RECEIVER_DISABLED: "Receiver disabled",
    NoticeKind.COMMAND_INEFFECTIVE: "Command without effect",
}

CLOCKS = {
    ClockState.RUNNING: "Running",
    ClockState.AT_RISK: "At risk",
    ClockState.BREACHED: "Breached",
    ClockState.MET: "Met",
    ClockState.MISSED: "Missed",
    ClockState.CANCELLED: "Cancelled",
    ClockState.BLIND: "Blind",
}

REASONS = {
    "undecodable": "Not readable",
    "oversized": "Too large",
    "unmapped": "No flow knows it",
    "no_key": "Without key",
    "ambiguous": "Ambiguous",
    "id_reused": "Event id used twice",
    "failed": "Refused by the monitor",
}


FATES = {
    "placed": "Placed",
    "repeat": "Stored before",
    "ignored": "Ignored",
    "stays": "Stays in the inbox",
    "failed": "Processing failed",
    "discarded": "Discarded",
    "gone": "No longer there",
}

ACTIONS = {
    INBOX_REPLAY: "Replayed",
    INBOX_DISCARD: "Discarded",
    FINDING_ACKNOWLEDGE: "Finding acknowledged",
    FINDING_RESUME: "Finding no longer acknowledged",
    ALERT_ACKNOWLEDGE: "Alert acknowledged",
    ALERT_RESUME: "Alert no longer acknowledged",
    ALERT_RESEND: "Message sent again",
    SILENCE_CREATE: "Silenced",
    SILENCE_EXPIRE: "Silence ended",
    RECEIVER_ENABLE: "Receiver enabled",
    RECEIVER_TEST: "Receiver tried out",
    LOGIN: "Logged in",
    LOGIN_FAILED: "Login failed",
    LOGOUT: "Logged out",
    SESSION_END: "Session ended",
    USER_ADD: "User added",
    USER_ROLE: "Role changed",
    USER_PASSWORD: "Password set",
    USER_DISABLE: "User disabled",
    USER_ENABLE: "User enabled",
    USER_REMOVE: "User removed",
    TOKEN_CREATE: "Token made",
    TOKEN_REVOKE: "Token revoked",
    COMMAND_REQUEST: "Command asked for",
    COMMAND_APPROVE: "Command approved",
    COMMAND_CANCEL: "Command cancelled",
    COMMAND_AGAIN: "Command sent again",
    COMMAND_STOP: "Commands stopped",
    COMMAND_RESUME: "Commands resumed",
}


def duration(span: timedelta) -> str:
    """At most two units, as people say it: ``350 ms``, ``1.2 s``, ``5 min``, ``3 h 20 min``, ``2 d 4 h``."""
    seconds = abs(span.total_seconds())
    sign = "−" if span < timedelta(0) else ""
    if seconds < 1:
        return f"{sign}{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{sign}{round(seconds, 1):g} s"
    whole = round(seconds)
    for size, unit, part, subunit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            many, rest = divmod(whole, size)
            rest //= part
            shown = f"{many} {unit} {rest} {subunit}" if rest and many < 10 else f"{many} {unit}"
            return sign + shown
    return f"{sign}{whole} s"


def ago(span: timedelta) -> str:
    """``3 h ago``; anything below two seconds, or ahead of our clock, is ``just now``."""
    return "just now" if span < timedelta(seconds=2) else f"{duration(span)} ago"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """``1 event``, ``7 events``, ``12 345 events``."""
    word = singular if number == 1 else plural or f"{singular}s"
    return f"{thousands(number)} {word}"


def percent(share: float) -> str:
    """``99.35 %``; never rounded up to all of it."""
    return f"{min(share, 0.9999) * 100:.2f} %" if share < 1 else "100 %"


def share_told(part: float, whole: float) -> str:
    """``62 %`` of a whole; less than a half per cent is ``< 1 %``, and nothing of nothing is a dash."""
    if not whole:
        return "–"
    shown = part / whole * 100
    if 0 < shown < 0.5:
        return "< 1 %"
    if 99.5 <= shown < 100:
        return "> 99 %"
    return f"{thousands(round(shown))} %"


def thousands(number: int) -> str:
    """Digits in groups of three, held together by narrow no-break spaces: ``12 345``."""
    return f"{number:,}".replace(",", "\u202f") if abs(number) >= 10_000 else str(number)


def either(names: Sequence[str], most: int = 3) -> str:
    """``A``, ``A or B``, ``A, B or C``, ``A, B, C or 2 others``."""
    shown = list(names[:most])
    rest = len(names) - len(shown)
    if rest:
        shown.append(f"{rest} {'other' if rest == 1 else 'others'}")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def plain(sentence: Sentence) -> str:
    """The sentence as text, instants in UTC."""
    return "".join(part if isinstance(part, str) else instant(part) for part in sentence)


def instant(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def subject(row: TraceRow, keys: Sequence[Key] = ()) -> str:
    """What a person calls the trace: ``Order o-17``. ``row.key`` may be ``name=value`` or the bare value."""
    name, separator, value = row.key.partition("=")
    if not separator:
        name, value = next((key.name for key in keys if key.value == row.key), ""), row.key
    noun = row.flow if not name or name.lower() in PLACEHOLDER_KEYS else name
    noun = noun.replace("-", " ").replace("_", " ")
    return f"{noun[:1].upper()}{noun[1:]} {value}"


def progress_sentence(row: TraceRow, keys: Sequence[Key], now: datetime) -> Sentence:
    """Where the trace stands: complete, waiting for what and since when, or why nobody can say."""
    who = subject(row, keys)
    if row.last is None:
        return (f"{who} has no events yet.",)
    age = duration(max(now - row.last, timedelta(0)))
    if row.undecided:
        return (
            f"{who} allows too many readings of its flow to be judged; last event ",
            row.last,
            f" ({age}).",
        )
    if row.complete:
        took = f" after {duration(row.last - row.first)}" if row.first and row.last > row.first else ""
        return (f"{who} is complete since ", row.last, f"{took}.")
    if row.expected:
        return (f"{who} is waiting for {either(row.expected)} since ", row.last, f" ({age}).")
    return (f"{who} cannot continue as its flow expects; last event ", row.last, f" ({age}).")


def judgement(findings: Sequence[FindingRow], clocks: Sequence[Clock], row: TraceRow) -> str:
    """Deviations and SLA matters in short: ``1 deviation. 1 SLA breached.``"""
    holding = [finding for finding in findings if finding.state is not FindingState.RETRACTED]
    deviations = [finding for finding in holding if finding.kind.is_deviation]
    provisional = sum(finding.state is FindingState.PROVISIONAL for finding in deviations)
    said = [f"{count(len(deviations), 'deviation')}." if deviations else "No deviations."]
    if row.undecided and not deviations:
        said = []
    elif deviations and provisional == len(deviations):
        said = [f"{count(provisional, 'deviation')}, still provisional: late events can arrive."]
    elif provisional:
        said.append(f"{provisional} of them may still change, as late events can arrive.")
    for state, words in (
        (ClockState.BREACHED, "breached"),
        (ClockState.MISSED, "missed"),
        (ClockState.AT_RISK, "at risk"),
        (ClockState.BLIND, "unknown while the monitor is blind"),
    ):
        matching = [clock for clock in clocks if clock.state is state]
        if matching:
            said.append(f"{count(len(matching), 'SLA')} {words}.")
    return " ".join(said)


def trace_sentence(detail: TraceDetail, clocks: Sequence[Clock], now: datetime) -> Sentence:
    """The header of a trace's page. ``clocks`` are the states as shown (blind ones included)."""
    said = judgement(detail.findings, clocks, detail.row)
    return (*progress_sentence(detail.row, detail.keys, now), f" {said}" if said else "")


def clock_sentence(clock: Clock, now: datetime) -> Sentence:
    """What a clock says in words, with how long is left or by how much it is over."""
    if clock.paused is not None:
        left = f"with {duration(clock.due - clock.paused)} left" if clock.due > clock.paused else "past due"
        return ("paused since ", clock.paused, f", {left}")
    match clock.state:
        case ClockState.AT_RISK if clock.kind is ClockKind.REMINDER:
            return (f"still waits, {duration(now - clock.due)} after the reminder",)
        case ClockState.RUNNING if not clock.sure and clock.due <= now:
            return ("its time is past, but the flow may have gone another way: late only if it comes",)
        case ClockState.RUNNING | ClockState.AT_RISK:
            return (f"{duration(clock.due - now)} left" if clock.due > now else "due now",)
        case ClockState.BREACHED:
            unverified = "; not verified, for a source is not read so far" if clock.unverified else ""
            return (f"overdue by {duration(now - clock.due)}{unverified}",)
        case ClockState.MET if clock.ended:
            return (f"done {duration(clock.due - clock.ended)} before it was due",)
        case ClockState.MISSED if clock.ended:
            return (f"done {duration(clock.ended - clock.due)} too late",)
        case ClockState.CANCELLED:
            return ("no longer applies: the flow took another path",)
        case ClockState.BLIND:
            return ("due time has passed, but a source is not read up to it: nobody can say yet",)
    return ("",)

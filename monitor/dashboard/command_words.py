"""Plain words for corrective commands: how each stands, and what that means."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.commands.base import Attempt, Command, Outcome, Status
from monitor.commands.declared import Item, Mode
from monitor.dashboard.words import KINDS, Sentence, duration

STATUS: dict[Status, tuple[str, str, str, str]] = {
    Status.WAITING: ("warn", "what", "Waits for approval", "A second person has to agree"),
    Status.QUEUED: ("plain", "run", "To be sent", "It is sent as soon as possible"),
    Status.PUBLISHING: ("plain", "run", "Being sent", "The broker has not confirmed it yet"),
    Status.PUBLISHED: ("ok", "mail", "Sent", "The broker has confirmed it"),
    Status.EFFECTIVE: ("ok", "ok", "Effective", "What it was to bring about has followed"),
    Status.INEFFECTIVE: ("bad", "bad", "Without effect", "What it was to bring about did not follow in time"),
    Status.UNROUTABLE: ("bad", "bad", "Not routable", "The broker had nowhere to put it"),
    Status.REFUSED: ("bad", "bad", "Refused", "The broker would not have it"),
    Status.FAILED: ("bad", "bad", "Not sent", "It was given up, and surely never sent"),
    Status.UNCONFIRMED: (
        "bad",
        "what",
        "Not confirmed",
        "It was given up, and may have arrived all the same",
    ),
    Status.CANCELLED: ("quiet", "none", "Cancelled", ""),
    Status.EXPIRED: ("quiet", "none", "Expired", "Its time was over before it could be sent"),
    Status.LIMITED: ("quiet", "none", "Held back", "A limit was reached"),
    Status.DRY_RUN: ("quiet", "none", "Dry run", "Everything was done but the sending"),
}
"""Tone, sign and word of a chip, and what it means."""

MODES = {
    Mode.MANUAL: "Whoever asks for it confirms it.",
    Mode.APPROVE: "A second person has to approve it.",
    Mode.AUTOMATIC: "The monitor sends it by itself, once for each finding.",
}

OUTCOMES = {
    Outcome.PUBLISHED: "Confirmed",
    Outcome.AWAY: "Not reached",
    Outcome.UNCLEAR: "Not confirmed",
    Outcome.NACKED: "Not taken",
    Outcome.UNROUTABLE: "Not routable",
    Outcome.REFUSED: "Refused",
}


def standing(command: Command, now: datetime) -> Sentence:
    """What is to be said of a command besides its status."""
    told = command.told or ""
    match command.status:
        case Status.WAITING if command.expires is not None:
            return ("Somebody else has to approve it before ", command.expires, ".")
        case Status.QUEUED if command.attempts and command.next_at is not None:
            return (f"{told} Tried again at ".lstrip(), command.next_at, ".")
        case Status.PUBLISHING if command.attempts > 1:
            return (f"Attempt {command.attempts}. {told}".strip(),)
        case Status.PUBLISHED if command.due is not None and now <= command.due:
            return (f"{command.expect} has to follow by ", command.due, ".")
        case Status.PUBLISHED if command.due is not None:
            said = f"{command.expect} did not follow by "
            return (said, command.due, " so far; the sources are not read that far yet.")
    return (told,) if told else ()


def when(item: Item) -> str:
    """Of which traces a command is offered, in a sentence."""
    asked = item.when
    state = {frozenset({"open"}): "Open traces", frozenset({"complete"}): "Complete traces"}.get(
        asked.states, "Traces"
    )
    parts = [f"{state} of {item.flow}"]
    if asked.standing:
        parts.append(f"that wait at {_either(asked.standing)}")
    if asked.asks_of_finding:
        kinds = _either({KINDS[kind] for kind in asked.findings}) if asked.findings else "a finding"
        about = [
            f"of {_either({f'“{name}”' for name in asked.sla})}" if asked.sla else "",
            f"at {_either(asked.element)}" if asked.element else "",
            f"({_either(asked.severity)})" if asked.severity else "",
        ]
        parts.append(" ".join(["with", kinds, *filter(None, about)]))
    return f"{' '.join(parts)}."


def limits(item: Item) -> str:
    each, hour = item.limits.per_trace, item.limits.per_hour
    said = [
        f"{each} for each trace" if each is not None else "any number for a trace",
        f"{hour} an hour" if hour is not None else "any number an hour",
    ]
    return f"At most {', '.join(said)}."


def expectation(event: str, within: timedelta) -> str:
    return f"{event} within {duration(within)}"


def attempt(row: Attempt) -> str:
    if row.outcome is not None:
        return OUTCOMES[row.outcome]
    return "No outcome: under way, or its sender died"


def _either(names: set[str] | frozenset[str]) -> str:
    *some, last = sorted(names)
    return f"{', '.join(some)} or {last}" if some else last

"""Whom there is to tell of alerts, and what people may wish: what pages and API of alerts are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.alerts.matchers import InvalidMatcher, Matcher, parse
from monitor.alerts.policy import Policy
from monitor.dashboard import parameters
from monitor.dashboard.parameters import BadParameter, Given
from monitor.storage.alerting import Alerting, AlertRow
from monitor.storage.base import Acknowledges

LONGEST_NOTE = 2000
LONGEST_SILENCE = timedelta(days=366)
DURATIONS = {"1h": "an hour", "4h": "4 hours", "1d": "a day", "7d": "a week", "30d": "30 days"}
_DURATIONS = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class AlertDesk:
    """``receivers``: the kinds of those that are configured, by name. ``policy``: None where nobody is told
    of anything. ``acknowledges``: who takes care of findings."""

    store: Alerting
    acknowledges: Acknowledges
    receivers: Mapping[str, str] = field(default_factory=dict)
    policy: Policy | None = None

    @property
    def external_url(self) -> str:
        return self.policy.external_url if self.policy is not None else ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A silence somebody wants."""

    matchers: tuple[Matcher, ...]
    starts: datetime
    ends: datetime
    comment: str


def wish_of(given: Given, now: datetime) -> Wish:
    """From a form or a JSON object: ``matchers``, and ``duration`` (1h, 30m, 7d) or ``ends`` (with ``starts``
    if not now), ``comment``. Raises BadParameter."""
    text = given.get("matchers", "").strip()
    if len(text) > parameters.LONGEST_TEXT * 4:
        raise BadParameter("The matchers are too long.")
    try:
        matchers = parse(", ".join(line for line in text.splitlines() if line.strip()))
    except InvalidMatcher as error:
        raise BadParameter(error.message, mend=error.mend) from None
    if not matchers:
        raise BadParameter(
            "A silence needs a matcher, or it would silence everything.", mend='Like alertname="SlaBreached".'
        )
    if all(matcher.matches({}) for matcher in matchers):
        raise BadParameter(
            "These matchers hold of an alert without any label, so of nearly everything.",
            mend='Say what has to be there, like flow="order".',
        )
    starts = parameters.moment(given, "starts") or now
    ends = parameters.moment(given, "ends")
    if ends is None:
        ends = starts + _length(given.get("duration", ""))
    if not now < ends or not starts < ends:
        raise BadParameter("The silence ends before it begins.")
    if ends - starts > LONGEST_SILENCE:
        raise BadParameter("No silence lasts longer than a year.")
    comment = given.get("comment", "").strip()
    if len(comment) > LONGEST_NOTE:
        raise BadParameter(f"The comment is longer than {LONGEST_NOTE} characters.", mend="Shorten it.")
    return Wish(matchers, starts, ends, comment)


def _length(text: str) -> timedelta:
    if text in _DURATIONS:
        return _DURATIONS[text]
    found = parameters.span({"duration": text}, "duration")
    if found is None:
        raise BadParameter("How long the silence lasts is missing.", mend="duration: 4h, or ends: a time.")
    return found


def state_of(row: AlertRow) -> str:
    """firing, fact or resolved."""
    if row.alert.status == "resolved":
        return "resolved"
    return "firing" if row.lasting else "fact"


def shown_state(row: AlertRow) -> str:
    """As :func:`state_of`, or ``over``: what came after it is no good news, or none."""
    state = state_of(row)
    return "over" if state == "resolved" and not row.tells_end else state

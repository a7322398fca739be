"""Who is told of what, when and how often: the configuration, understood. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.alerts.born import name_of_notice
from monitor.alerts.inhibition import Rule
from monitor.alerts.intervals import Interval
from monitor.alerts.routing import Route, destinations
from monitor.domain.notice import NoticeKind

DIGEST = "digest"
"""Instead of a route, of the one group a receiver of digests has."""

_ABOUT_RECEIVERS = {name_of_notice(NoticeKind.RECEIVER_FAILING), name_of_notice(NoticeKind.RECEIVER_DISABLED)}


class Target(NamedTuple):
    """A group that an alert belongs to. ``first``: when a new one is first looked at."""

    receiver: str
    route: str
    labels: Mapping[str, str]
    first: datetime


@dataclass(frozen=True)
class Digest:
    """At a time of day, in minutes, in a zone; or every so often."""

    at: int | None
    zone: ZoneInfo
    every: timedelta | None

    def next(self, now: datetime) -> datetime:
        """The first instant after now: those of ``every`` are whole multiples since 1970."""
        if self.every is not None:
            since = now.timestamp() // self.every.total_seconds() + 1
            return datetime.fromtimestamp(since * self.every.total_seconds(), now.tzinfo)
        assert self.at is not None
        local = now.astimezone(self.zone)
        hour, minute = divmod(self.at, 60)
        for ahead in range(3):
            day = local.date() + timedelta(days=ahead)
            instant = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
            if instant.timestamp() > now.timestamp():
                return instant.astimezone(now.tzinfo)
        raise AssertionError("a day has passed")


@dataclass(frozen=True)
class Receiver:
    name: str
    send_resolved: bool = True
    digest: Digest | None = None


@dataclass(frozen=True)
class Retry:
    base: timedelta = timedelta(seconds=10)
    cap: timedelta = timedelta(hours=1)
    give_up_after: timedelta = timedelta(days=3)

    def next(self, attempt: int, created: datetime, now: datetime, chance: float) -> datetime | None:
        """When to try again after so many attempts; ``chance`` from 0 to 1 spreads them over half the wait
        more. None: it is given up."""
        if now - created >= self.give_up_after:
            return None
        doubled: int = 2 ** min(attempt - 1, 20)
        wait = min(self.cap, self.base * doubled)
        return now + wait * (1 + chance / 2)


@dataclass(frozen=True)
class Policy:
    """Who is told of what: the configuration, understood."""

    route: Route
    receivers: Mapping[str, Receiver]
    rules: Sequence[Rule] = ()
    downstream: bool = True
    intervals: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
    retry: Retry = Retry()
    external_url: str = ""

    def targets(self, labels: Mapping[str, str], now: datetime) -> list[Target]:
        """The groups an alert belongs to. That a receiver is not reached the others are told: if no route
        leads to any of them, all of them."""
        found = destinations(self.route, labels)
        told = [(one.route.receiver, one.route.key, one.labels, one.route.group_wait) for one in found]
        unreached = labels.get("receiver")
        if labels.get("alertname") in _ABOUT_RECEIVERS:
            told = [one for one in told if one[0] != unreached] or [
                (name, self.route.key, {"alertname": labels["alertname"]}, self.route.group_wait)
                for name in sorted(self.receivers)
                if name != unreached
            ]
        targets: list[Target] = []
        for receiver, key, group, wait in told:
            digest = self.receivers[receiver].digest
            if digest is None:
                targets.append(Target(receiver, key, group, now + wait))
            else:
                targets.append(Target(receiver, DIGEST, {}, digest.next(now)))
        return list({(one.receiver, one.route, tuple(one.labels.items())): one for one in targets}.values())

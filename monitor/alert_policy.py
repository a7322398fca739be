"""From settings to the policy by which people are told: who, when, how often."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from monitor.alerts.inhibition import Rule
from monitor.alerts.intervals import Interval
from monitor.alerts.matchers import parse_all
from monitor.alerts.policy import Digest, Policy, Receiver, Retry
from monitor.alerts.routing import Route
from monitor.settings.alerts import (
    MONTHS,
    WEEKDAYS,
    AlertSettings,
    RootRoute,
    RouteSettings,
    TimeRangeSettings,
    read_day_span,
    read_minute,
    read_span,
)
from monitor.settings.receivers import DigestSettings


def policy_of(settings: AlertSettings, external_url: str) -> Policy:
    """The configuration, understood. Settings have been checked, so nothing is refused here."""
    retry = settings.retry
    return Policy(
        route=route_of(settings.route),
        receivers={
            one.name: Receiver(one.name, one.send_resolved, _digest(one.digest)) for one in settings.receivers
        },
        rules=tuple(
            Rule(parse_all(rule.source_matchers), parse_all(rule.target_matchers), rule.equal)
            for rule in settings.inhibit_rules
        ),
        downstream=settings.inhibit_downstream,
        intervals={
            one.name: tuple(_interval(part) for part in one.time_intervals) for one in settings.time_intervals
        },
        retry=Retry(retry.base, retry.cap, retry.give_up_after),
        external_url=external_url,
    )


def route_of(root: RootRoute) -> Route:
    """The tree, with what routes inherit put in."""
    own = Route(
        key="{}",
        receiver=root.receiver,
        group_by=root.group_by,
        group_wait=root.group_wait,
        group_interval=root.group_interval,
        repeat_interval=root.repeat_interval,
        mute_times=root.mute_time_intervals,
        active_times=root.active_time_intervals,
    )
    return _with_children(own, root.routes)


def _with_children(parent: Route, children: tuple[RouteSettings, ...]) -> Route:
    seen: dict[str, int] = {}
    routes = []
    for child in children:
        matchers = parse_all(child.matchers)
        key = f"{parent.key}/{{{','.join(map(str, matchers))}}}"
        seen[key] = seen.get(key, 0) + 1
        own = Route(
            key=key if seen[key] == 1 else f"{key}/{seen[key]}",
            receiver=child.receiver or parent.receiver,
            matchers=matchers,
            group_by=parent.group_by if child.group_by is None else child.group_by,
            group_wait=parent.group_wait if child.group_wait is None else child.group_wait,
            group_interval=child.group_interval or parent.group_interval,
            repeat_interval=child.repeat_interval or parent.repeat_interval,
            continues=child.continues,
            mute_times=child.mute_time_intervals,
            active_times=child.active_time_intervals,
        )
        routes.append(_with_children(own, child.routes))
    return replace(parent, routes=tuple(routes))


def _digest(settings: DigestSettings | None) -> Digest | None:
    if settings is None:
        return None
    at = None if settings.at is None else settings.at
    return Digest(at, ZoneInfo(settings.timezone), settings.every)


def _interval(settings: TimeRangeSettings) -> Interval:
    return Interval(
        times=tuple((read_minute(one.start_time), read_minute(one.end_time)) for one in settings.times),
        weekdays=tuple(read_span(one, WEEKDAYS, 0, 6) for one in settings.weekdays),
        days=tuple(read_day_span(one) for one in settings.days_of_month),
        months=tuple(read_span(one, MONTHS, 1, 12) for one in settings.months),
        years=tuple(read_span(one, (), 1, 9999) for one in settings.years),
        zone=ZoneInfo(settings.location),
    )

"""Who is told of an alert: a tree of routes, as in Alertmanager. Pure.

An alert enters at the root. Of the children that match the first takes it, and those after it too where it
says ``continue``; where no child takes it, the route itself does. What a child does not say it has from its
parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from monitor.alerts.matchers import Matcher, matches

ALL_LABELS = "..."
"""In ``group_by``: alerts are only together where all of their labels are equal."""


@dataclass(frozen=True)
class Route:
    """A node with what it inherits put in. ``key`` tells it from the others, as long as it says the same."""

    key: str
    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] = ()
    group_wait: timedelta = timedelta(seconds=30)
    group_interval: timedelta = timedelta(minutes=5)
    repeat_interval: timedelta = timedelta(hours=4)
    continues: bool = False
    mute_times: tuple[str, ...] = ()
    active_times: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()

    def all(self) -> Iterator[Route]:
        """This one and those below it, in order."""
        yield self
        for route in self.routes:
            yield from route.all()


class Destination(NamedTuple):
    """A group an alert belongs to."""

    route: Route
    labels: Mapping[str, str]


def matching(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """The routes that take an alert with these labels, in order; none if it does not even enter."""
    if not matches(route.matchers, labels):
        return []
    found: list[Route] = []
    for child in route.routes:
        taken = matching(child, labels)
        found += taken
        if taken and not child.continues:
            break
    return found or [route]


def group_labels(route: Route, labels: Mapping[str, str]) -> dict[str, str]:
    """What an alert's group has in common. Labels it does not have are left out."""
    if ALL_LABELS in route.group_by:
        return dict(sorted(labels.items()))
    return {name: labels[name] for name in sorted(set(route.group_by)) if name in labels}


def destinations(route: Route, labels: Mapping[str, str]) -> list[Destination]:
    """Every group an alert with these labels belongs to, each once."""
    found: dict[tuple[str, str], Destination] = {}
    for one in matching(route, labels):
        found.setdefault((one.key, one.receiver), Destination(one, group_labels(one, labels)))
    return list(found.values())


def group_key(route: str, labels: Mapping[str, str]) -> str:
    """As Alertmanager writes it."""
    told = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return f"{route}:{{{told}}}"

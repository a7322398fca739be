"""Routing and grouping against references that are told without cleverness.

Routing: Alertmanager's own words, one sentence at a time. Grouping: a receiver that believes what it is told
is held against what was the case, whatever happens and whatever is muted meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.base import Status
from monitor.alerts.grouping import Member, Muting, Terms, Why, decide
from monitor.alerts.matchers import Matcher, Operator
from monitor.alerts.routing import Route, destinations, matching
from tests.support.effort import examples

LABELS = ("a", "b", "c")
VALUES = ("1", "2")
labels_of = st.dictionaries(st.sampled_from(LABELS), st.sampled_from(VALUES))
matchers_of = st.lists(
    st.builds(
        Matcher,
        st.sampled_from(LABELS),
        st.sampled_from(list(Operator)),
        st.sampled_from(("1", "2", "", "1|2")),
    ),
    max_size=2,
).map(tuple)


@st.composite
def routes(draw: st.DrawFn, depth: int = 3, root: bool = True, key: str = "r") -> Route:
    children = draw(st.integers(0, 3 if depth else 0))
    return Route(
        key=key,
        receiver=draw(st.sampled_from(("x", "y", "z"))),
        matchers=() if root else draw(matchers_of),
        group_by=tuple(draw(st.lists(st.sampled_from((*LABELS, "...")), max_size=2))),
        continues=draw(st.booleans()),
        routes=tuple(draw(routes(depth - 1, False, f"{key}/{n}")) for n in range(children)),
    )


def holds(matcher: Matcher, labels: Mapping[str, str]) -> bool:
    value = labels.get(matcher.label, "")
    if matcher.operator in (Operator.EQUAL, Operator.UNEQUAL):
        return (value == matcher.value) is (matcher.operator is Operator.EQUAL)
    return (value in matcher.value.split("|")) is (matcher.operator is Operator.LIKE)


def taken(route: Route, labels: Mapping[str, str]) -> list[str]:
    """The keys of the routes that take it, by the sentences of Alertmanager's documentation."""
    for matcher in route.matchers:
        if not holds(matcher, labels):
            return []
    found: list[str] = []
    stopped = False
    for child in route.routes:
        if stopped:
            break
        below = taken(child, labels)
        if below != []:
            found.extend(below)
            stopped = child.continues is False
    if found == []:
        found.append(route.key)
    return found


@given(routes(), labels_of)
def test_routing_is_alertmanagers(root: Route, labels: dict[str, str]) -> None:
    assert [route.key for route in matching(root, labels)] == taken(root, labels)
    assert matching(root, labels) != []  # somebody is always told


@given(routes(), labels_of, labels_of)
def test_alerts_are_together_where_their_labels_are_equal(
    root: Route, one: dict[str, str], other: dict[str, str]
) -> None:
    first = {(to.route.key, tuple(to.labels.items())) for to in destinations(root, one)}
    second = {(to.route.key, tuple(to.labels.items())) for to in destinations(root, other)}
    for route in root.all():
        both = route.key in taken(root, one) and route.key in taken(root, other)
        compared = LABELS if "..." in route.group_by else route.group_by
        equal = all(one.get(name) == other.get(name) for name in compared)
        together = any(key == route.key and (key, labels) in second for key, labels in first)
        assert together is (both and equal)


# grouping ---------------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 1, tzinfo=UTC)
INTERVAL, REPEAT = timedelta(minutes=5), timedelta(minutes=20)


@dataclass
class One:
    """An alert as it is, and what the receiver believes of it."""

    lasting: bool
    status: Status = "firing"
    told: Status | None = None
    believed: Status | None = None
    active: bool = True
    acknowledged: bool = False
    dropped: bool = False
    times: int = 0
    mute: Why | None = None


@dataclass
class World:
    ones: dict[bytes, One] = field(default_factory=dict)
    notified: datetime | None = None
    now: datetime = NOW
    scheduled: bool = False

    def change(self, what: str, which: int) -> None:
        """Something happens to an alert, and routing puts it before the group again."""
        if what in ("trouble", "fact"):
            self.ones[bytes([len(self.ones)])] = One(lasting=what == "trouble")
        elif self.ones:
            one = list(self.ones.values())[which % len(self.ones)]
            match what:
                case "end":
                    one.status = "resolved"
                case "again" if one.lasting:
                    one.status = "firing"
                case "acknowledge":
                    one.acknowledged = one.status == "firing"
                    return
                case "silence":
                    one.mute = Why.SILENCED
                    return
                case "inhibit":
                    one.mute = Why.INHIBITED
                    return
                case "unmute":
                    one.mute = None
                    return
            one.active = True
            if one.status == "resolved":
                one.acknowledged = False
        self.scheduled = True

    def flush(self) -> None:
        self.now += INTERVAL
        if not self.scheduled:
            return
        members = [
            Member(id_, one.status, one.lasting, True, "ann" if one.acknowledged else None, one.told)
            for id_, one in self.ones.items()
            if one.active
        ]
        muted = {id_: Muting(one.mute, "") for id_, one in self.ones.items() if one.mute}
        terms = Terms(INTERVAL, REPEAT, send_resolved=True)
        made = decide(members, muted, terms, self.notified, self.now)
        before = {id_: one.believed for id_, one in self.ones.items()}
        for id_ in made.firing:
            one = self.ones[id_]
            assert one.status == "firing"  # never a false alarm
            assert one.mute is None
            one.told = one.believed = "firing"
            one.times += 1
        for id_ in made.resolved:
            one = self.ones[id_]
            assert one.status == "resolved"
            assert one.believed == "firing"  # no end of what nobody heard of
            one.told = one.believed = "resolved"
        if made.sends:
            news = any(before[id_] != "firing" for id_ in made.firing) or made.resolved
            assert news or self.notified is None or self.now - self.notified >= REPEAT
            self.notified = self.now
        for id_, one in self.ones.items():
            if one.active and id_ not in made.active:
                one.active = False
                one.dropped |= one.mute is Why.SILENCED and not one.lasting and one.told is None
        self.scheduled = made.next is not None
        assert self.scheduled is bool(made.active)


changes = st.tuples(
    st.sampled_from(
        ("trouble", "fact", "end", "again", "acknowledge", "silence", "inhibit", "unmute", "flush", "flush")
    ),
    st.integers(0, 5),
)


@examples(150)
@given(st.lists(changes, max_size=40))
def test_in_the_end_the_receiver_knows_what_is_the_case(happened: list[tuple[str, int]]) -> None:
    world = World()
    for what, which in happened:
        if what == "flush":
            world.flush()
        else:
            world.change(what, which)
    for one in world.ones.values():
        one.mute = None  # whatever is muted is so for a while
    for _ in range(6):
        world.flush()
    for one in world.ones.values():
        if one.status == "firing":
            assert one.believed == "firing" or one.dropped
        else:
            assert one.believed in (None, "resolved")
        if not one.lasting:
            assert one.times <= 1  # a fact is told once


@given(st.integers(1, 30), st.booleans())
def test_what_lasts_is_repeated_unless_somebody_takes_care(flushes: int, acknowledged: bool) -> None:
    world = World()
    world.change("trouble", 0)
    world.flush()
    (one,) = world.ones.values()
    one.acknowledged = acknowledged
    for _ in range(flushes):
        world.flush()
    assert one.times == (1 if acknowledged else 1 + flushes * INTERVAL // REPEAT)

"""Which observations of a trace have a known order (DESIGN 3.2).

A trace is ordered by event time. Observations at most ``tolerance`` apart are concurrent, unless one
producer's own order says otherwise: the same partition, its sequence numbers, or one naming the other as
its cause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple

from monitor.domain.event import Observation

_by_time = attrgetter("time", "label", "identity")


MAX_UNTANGLED = 500
"""Observations of one window among which producers' contradictions are told apart; in larger windows one
contradiction leaves only what the time says."""


class Data(NamedTuple):
    """What events told of the fields of the flow's conditions before a window (``known``) and after it
    (``learned``), as JSON; and the sequence flows that rules out: while it happens, and ``then``."""

    known: str
    learned: str
    forbidden: frozenset[int]
    then: frozenset[int]


class Window(NamedTuple):
    """Observations no gap in time separates. ``before[i]`` are the observations of the window (as bits of
    their index) known to come before ``observations[i]``. ``data``: of a flow with conditions."""

    observations: tuple[Observation, ...]
    before: tuple[int, ...]
    data: Data | None = None


def sort_key(observation: Observation) -> tuple[datetime, str, bytes]:
    """The canonical order: time first, then what does not depend on arrival."""
    return (observation.time, observation.label, observation.identity)


def windows(observations: Sequence[Observation], tolerance: timedelta) -> list[Window]:
    """Cut a trace wherever two neighbours are further apart than ``tolerance``: what stands in different
    windows is ordered; inside one, ``before`` tells."""
    ordered = sorted(observations, key=_by_time)
    cut: list[Window] = []
    start = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or ordered[at].time - ordered[at - 1].time > tolerance:
            group = tuple(ordered[start:at])
            cut.append(Window(group, (0,) if len(group) == 1 else _known_order(group, tolerance)))
            start = at
    return cut


def parts(window: Window) -> list[Window]:
    """The same window as windows one after the other, as small as the known order allows."""
    observations, before, data = window
    if len(observations) == 1 or not any(before):
        return [window]
    # what everything from here on comes after, going from the last to be ready to the first
    order = sorted(range(len(before)), key=lambda at: (before[at].bit_count(), at))
    common = [0] * len(order)
    shared = -1
    for place in range(len(order) - 1, -1, -1):
        shared &= before[order[place]]
        common[place] = shared
    cut: list[Window] = []
    start, passed = 0, 0
    for place, at in enumerate(order):
        if place and common[place] & passed == passed:
            cut.append(_part(window, order[start:place]))
            start = place
        passed |= 1 << at
    if not cut:
        return [window]
    cut.append(_part(window, order[start:]))
    if data is not None:  # only the last one leaves behind what all of them told
        undecided = data._replace(then=data.forbidden)
        cut = [*(part._replace(data=undecided) for part in cut[:-1]), cut[-1]._replace(data=data)]
    return cut


def chains(labels: Sequence[str], before: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Indices of a window's observations in chains, each with its bits: of a chain's observations the next
    one not taken yet is the only one that need be tried, because it is known to come before the others or
    because they are interchangeable."""
    precede = 0
    for bits in before:
        precede |= bits
    found: list[list[int]] = []
    twins: dict[tuple[str, int], list[int]] = {}
    for at in sorted(range(len(labels)), key=lambda at: (before[at].bit_count(), at)):
        bits = before[at]
        chain = None if precede >> at & 1 else twins.get((labels[at], bits))
        if chain is None and bits:
            chain = next((one for one in found if bits >> one[-1] & 1), None)
        if chain is None:
            chain = []
            found.append(chain)
            if not precede >> at & 1:
                twins[labels[at], bits] = chain
        chain.append(at)
    return [(sum(1 << at for at in chain), chain) for chain in found]


def _part(window: Window, members: Sequence[int]) -> Window:
    places = sorted(members)
    inside = {old: new for new, old in enumerate(places)}
    mask = sum(1 << at for at in places)
    before = []
    for at in places:
        left, bits = window.before[at] & mask, 0
        while left:
            lowest = left & -left
            bits |= 1 << inside[lowest.bit_length() - 1]
            left ^= lowest
        before.append(bits)
    return Window(tuple(window.observations[at] for at in places), tuple(before))


# known order -------------------------------------------------------------------------------------------


def _known_order(group: tuple[Observation, ...], tolerance: timedelta) -> tuple[int, ...]:
    """``before`` of a window. By the clock where times differ by more than the tolerance, else by the cause,
    else by the producer's numbers, else by its lane."""
    by_clock = [0] * len(group)
    near = [0] * len(group)
    low = high = 0
    for at, one in enumerate(group):
        while one.time - group[low].time > tolerance:
            low += 1
        while high < len(group) and group[high].time - one.time <= tolerance:
            high += 1
        by_clock[at] = (1 << low) - 1
        near[at] = (1 << high) - 1 ^ by_clock[at]
    said = _by_producers(group)
    if not said:
        return tuple(by_clock)
    before = [clock | near[at] & said.get(at, 0) for at, clock in enumerate(by_clock)]
    if _has_circle(before):
        if len(before) > MAX_UNTANGLED:
            return tuple(by_clock)
        _drop_circles(before)
    return tuple(before)


def _by_producers(group: Sequence[Observation]) -> dict[int, int]:
    """What producers say comes before each observation, whatever the times."""
    said: defaultdict[int, int] = defaultdict(int)
    named: defaultdict[str, int] = defaultdict(int)
    numbered: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    in_lane: defaultdict[tuple[str | None, str], list[tuple[int, int]]] = defaultdict(list)
    for at, one in enumerate(group):
        if one.event_id is not None:
            named[one.event_id] |= 1 << at
        if one.producer is not None and one.sequence is not None:
            numbered[one.producer].append((one.sequence, at))
        if one.lane is not None and one.offset is not None:
            in_lane[one.producer, one.lane].append((one.offset, at))
    for at, one in enumerate(group):
        if one.cause is not None and (causes := named.get(one.cause, 0) & ~(1 << at)):
            said[at] |= causes
    for numbers in numbered.values():
        for at, earlier in _ascending(numbers):
            said[at] |= earlier
    for (producer, _), offsets in in_lane.items():
        with_numbers = 0 if producer is None else sum(1 << at for _, at in numbered.get(producer, ()))
        for at, earlier in _ascending(offsets):
            said[at] |= earlier & ~with_numbers if with_numbers >> at & 1 else earlier
    return {at: bits for at, bits in said.items() if bits}


def _ascending(numbers: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Each index with the bits of those of a smaller number."""
    earlier = 0
    for _, equal in groupby(sorted(numbers), key=itemgetter(0)):
        together = 0
        for _, at in equal:
            yield at, earlier
            together |= 1 << at
        earlier |= together


def _has_circle(before: Sequence[int]) -> bool:
    """Whether something comes before itself, by depth-first search: every observation is entered once."""
    unseen = (1 << len(before)) - 1
    while unseen:
        way = [(unseen & -unseen).bit_length() - 1]
        unseen ^= 1 << way[0]
        on_way = 1 << way[0]
        while way:
            following = before[way[-1]]
            if following & on_way:
                return True
            if following & unseen:
                at = (following & unseen & -(following & unseen)).bit_length() - 1
                unseen ^= 1 << at
                on_way |= 1 << at
                way.append(at)
            else:
                on_way ^= 1 << way.pop()
    return False


def _drop_circles(before: list[int]) -> None:
    """Producers may contradict each other or the clock: observations caught in a circle have no known
    order among themselves."""
    closure = list(before)
    for middle in range(len(closure)):
        for at in range(len(closure)):
            if closure[at] >> middle & 1:
                closure[at] |= closure[middle]
    for at, reached in enumerate(closure):
        if reached >> at & 1:
            for other in range(len(closure)):
                if closure[at] >> other & 1 and closure[other] >> at & 1:
                    before[at] &= ~(1 << other)

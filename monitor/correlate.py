"""Stage 4: which observations belong together (DESIGN 3.7). Pure.

Keys link what shares them: an event with an order and a payment key makes both one trace's keys, for all
events before and after. Within a batch that is decided here; across batches by the keys the database
knows (see :meth:`monitor.storage.base.Ingest.chains`).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from monitor.domain.event import Key, Observation

Item = TypeVar("Item", bound=Hashable)


class Group(NamedTuple):
    """Observations of one flow whose keys are linked, in the order given, and all of those keys, sorted."""

    flow: str
    keys: tuple[Key, ...]
    observations: tuple[Observation, ...]


class DisjointSets(Generic[Item]):
    """Union-find with path halving and union by size."""

    def __init__(self) -> None:
        self._parent: dict[Item, Item] = {}
        self._size: dict[Item, int] = {}

    def find(self, item: Item) -> Item:
        parent = self._parent
        if item not in parent:
            parent[item] = item
            self._size[item] = 1
            return item
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    def union(self, one: Item, other: Item) -> None:
        a, b = self.find(one), self.find(other)
        if a == b:
            return
        if self._size[a] < self._size[b]:
            a, b = b, a
        self._parent[b] = a
        self._size[a] += self._size[b]


def group(observations: Sequence[Observation]) -> list[Group]:
    """Observations that share a key of the same flow, directly or by way of others, put together. Every
    observation has at least one key."""
    sets: DisjointSets[tuple[str, Key]] = DisjointSets()
    for observation in observations:
        first = (observation.flow, observation.keys[0])
        sets.find(first)
        for key in observation.keys[1:]:
            sets.union(first, (observation.flow, key))
    members: dict[tuple[str, Key], tuple[dict[Key, None], list[Observation]]] = {}
    for observation in observations:
        root = sets.find((observation.flow, observation.keys[0]))
        keys, mine = members.setdefault(root, ({}, []))
        keys.update(dict.fromkeys(observation.keys))
        mine.append(observation)
    return [Group(flow, tuple(sorted(keys)), tuple(mine)) for (flow, _), (keys, mine) in members.items()]

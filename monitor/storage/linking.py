"""From correlation keys to chains of traces, under lock.

A key leads for good to the chain it was first linked to. Where two chains turn out to be one, the later one
is absorbed: its traces' ``chain_id`` points to the other from then on, so that one hop always arrives.

Locks are taken in one order by everyone: new keys (sorted), then the chains' first traces (by id), then
whatever belongs to those traces. docs/storage.md says why this cannot deadlock but in one rare case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, or_, select

from monitor.domain.event import Key
from monitor.errors import StorageConflict
from monitor.storage.base import Chain, KeyGroup, Trace
from monitor.storage.tables import LATER_IN_CHAIN, LISTED, observations, trace_keys, traces
from monitor.storage.tally import Counted
from monitor.storage.transaction import Transaction

Link = tuple[str, str, str]
"""Flow, key name, key value: what leads to a chain."""

_LONGEST = 500
_NEVER = datetime.max.replace(tzinfo=UTC)


def link_value(value: str, longest: int = _LONGEST) -> str:
    """A key's value as it is linked: a text too long for an index is cut, and told apart by its digest."""
    if len(value) <= longest:
        return value
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{value[: longest - 40]}…{digest}"


class Sets:
    """Disjoint sets of anything hashable."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, one: Hashable) -> Hashable:
        parent = self._parent.setdefault(one, one)
        while parent != one:
            above = self._parent[parent]
            self._parent[one] = above
            one, parent = parent, above
        return one

    def join(self, one: Hashable, other: Hashable) -> None:
        self._parent[self.find(one)] = self.find(other)


_TRACE = [traces.c["chain_id" if one.name == "chain" else one.name] for one in fields(Trace)[:-1]]
_LOADED = [*_TRACE, traces.c.merged_into, traces.c.confirmed, traces.c.sla]
"""A :class:`Trace` in its order, and how it is counted."""


class Linking:
    """Finds or begins the chains of one batch. After :meth:`chains`, ``counted`` holds how every trace
    found was counted, and ``merged`` which traces were absorbed into which."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._sets = Sets()  # of groups, links and chain ids
        self._moved: dict[int, int] = {}  # chains absorbed between our look and our lock
        self._emptied: set[int] = set()
        self._new_links: set[Link] = set()
        self.counted: dict[int, Counted] = {}
        self.merged: list[tuple[Trace, int]] = []

    async def chains(self, groups: Sequence[KeyGroup]) -> list[Chain]:
        links = {(group.flow, key.name, link_value(key.value)) for group in groups for key in group.keys}
        for place, group in enumerate(groups):
            for key in group.keys:
                self._sets.join(("group", place), (group.flow, key.name, link_value(key.value)))
        roots = await self._find(sorted(links))
        new = await self._link(sorted(links - roots.keys()), roots)
        locked = await self._lock(set(roots.values()) - new)
        await self._still_linked({link: root for link, root in roots.items() if root not in new}, locked)
        members: dict[Hashable, set[int]] = {}
        for root in {*roots.values(), *locked}:
            members.setdefault(self._sets.find(root), set()).add(root)
        later = await self._later(locked)
        absorbed = await self._merge(members, locked, later)
        chains = self._chains(groups, members, locked, later, absorbed)
        await self._complete_keys(chains)
        return chains

    async def _complete_keys(self, chains: Sequence[Chain]) -> None:
        """All keys of the chains that were there before and have new ones now."""
        extended = {chain.id: chain for chain in chains if chain.linked and chain.traces}
        if not extended:
            return
        roots = await self._members(extended)
        keys = select(trace_keys).where(self._transaction.among(trace_keys.c.trace_id, roots))
        found: dict[int, set[Key]] = {}
        for row in await self._transaction.rows(keys):
            found.setdefault(roots[row.trace_id], set()).add(Key(row.name, row.value))
        for root, chain in extended.items():
            chain.keys = tuple(sorted(found.get(root, set()).union(chain.keys)))

    async def _members(self, roots: Collection[int]) -> dict[int, int]:
        """All traces of these chains, emptied ones included, with their chain. Asked so that no index has to
        hold every trace under its chain: most are the first of theirs."""
        if not roots:
            return {}
        of, among = traces.c, self._transaction.among
        asked = select(of.id, of.chain_id).where(
            or_(among(of.id, roots), LATER_IN_CHAIN & among(of.chain_id, roots))
        )
        return {row.id: row.chain_id for row in await self._transaction.rows(asked)}

    async def _find(self, links: Sequence[Link]) -> dict[Link, int]:
        """The chain each link leads to, as of now."""
        keys = trace_keys.c
        first = traces.alias("first")
        there = select(first.c.chain_id).where(first.c.id == keys.trace_id).scalar_subquery()
        rows = await self._transaction.look_up(
            trace_keys,
            [keys.flow, keys.name, keys.value],
            links,
            [keys.flow, keys.name, keys.value, func.coalesce(there, keys.trace_id).label("root")],
        )
        found = {(flow, name, value): root for flow, name, value, root in rows}
        for link, root in found.items():
            self._sets.join(link, root)
        return found

    async def _link(self, missing: Sequence[Link], roots: dict[Link, int]) -> set[int]:
        """Link new keys: to the chain their group has, or to a new one. Returns the new chains' ids."""
        if not missing:
            return set()
        leads: dict[Hashable, int] = {}
        for root in sorted(set(roots.values())):
            leads.setdefault(self._sets.find(root), root)
        headless = list(dict.fromkeys(at for link in missing if (at := self._sets.find(link)) not in leads))
        new = await self._transaction.ids(traces, len(headless))
        leads.update(zip(headless, new, strict=True))
        target = {link: leads[self._sets.find(link)] for link in missing}
        claimed = await self._transaction.claim(
            trace_keys, list(trace_keys.c), [(*link, target[link]) for link in missing]
        )
        lost = [link for link in missing if link not in claimed]
        found = await self._find(lost)
        if len(found) < len(lost):
            raise StorageConflict
        for link in missing:
            if link in claimed:
                self._new_links.add(link)
                roots[link] = target[link]
                self._sets.join(link, target[link])
        roots.update(found)
        return set(new)

    async def _lock(self, roots: set[int]) -> dict[int, Trace]:
        """Lock the chains' first traces, following those absorbed meanwhile. Chains no trace was ever
        written for have nothing to lock; beginning them twice is noticed when their trace is inserted."""
        locked: dict[int, Trace] = {}
        wanted = roots
        while wanted:
            asked = select(*_LOADED).where(self._transaction.among(traces.c.id, wanted))
            moved: dict[int, int] = {}
            for row in await self._transaction.rows(asked.order_by(traces.c.id).with_for_update()):
                id_, chain, *_ = row
                if chain == id_:
                    locked[id_] = self._loaded(row)
                else:
                    moved[id_] = chain
            for old, root in moved.items():
                self._sets.join(old, root)
            self._moved |= moved
            wanted = set(moved.values()) - locked.keys()
        return locked

    async def _still_linked(self, roots: dict[Link, int], locked: dict[int, Trace]) -> None:
        """Links to chains that have nothing to lock: either no trace was ever written for them, or retention
        has deleted them, and the link, between our look and our lock."""
        bare = {link: root for link, old in roots.items() if (root := self._arrived(old)) not in locked}
        if bare and await self._find(sorted(bare)) != bare:
            raise StorageConflict

    def _arrived(self, root: int) -> int:
        while root in self._moved:
            root = self._moved[root]
        return root

    async def _later(self, locked: dict[int, Trace]) -> dict[int, list[Trace]]:
        if not locked:
            return {}
        asked = select(*_LOADED).where(
            self._transaction.among(traces.c.chain_id, locked), LATER_IN_CHAIN, LISTED
        )
        later: dict[int, list[Trace]] = {}
        for row in await self._transaction.rows(asked.order_by(traces.c.ordinal, traces.c.id)):
            later.setdefault(row.chain_id, []).append(self._loaded(row))
        return later

    async def _merge(
        self, members: dict[Hashable, set[int]], locked: dict[int, Trace], later: dict[int, list[Trace]]
    ) -> dict[int, tuple[int, ...]]:
        """Where several chains are one, the one that began first takes in the others."""
        absorbed: dict[int, tuple[int, ...]] = {}
        bare: list[tuple[int, int]] = []
        for roots in members.values():
            if len(roots) == 1:
                continue
            written = sorted(
                (root for root in roots if root in locked),
                key=lambda root: _began(locked[root], later.get(root, ())),
            )
            survivor = written[0] if written else min(roots)
            losers = written[1:]
            bare += [(root, survivor) for root in sorted(roots - {survivor}) if root not in locked]
            if losers:
                absorbed[survivor] = tuple(sorted(losers))
                for root in losers:
                    self.merged += [(trace, survivor) for trace in (locked[root], *later.get(root, ()))]
        change = self._transaction.update
        await change(trace_keys, [trace_keys.c.trace_id], [trace_keys.c.trace_id], bare)
        into = {root: survivor for survivor, roots in absorbed.items() for root in roots}
        moves = [(id_, into[root], into[root]) for id_, root in sorted((await self._members(into)).items())]
        await change(traces, [traces.c.id], [traces.c.chain_id, traces.c.merged_into], moves)
        await change(
            observations,
            [observations.c.trace_id],
            [observations.c.trace_id],
            [(trace.id, survivor) for trace, survivor in self.merged],
        )
        return absorbed

    def _chains(
        self,
        groups: Sequence[KeyGroup],
        members: dict[Hashable, set[int]],
        locked: dict[int, Trace],
        later: dict[int, list[Trace]],
        absorbed: dict[int, tuple[int, ...]],
    ) -> list[Chain]:
        keys: dict[Hashable, set[Key]] = {}
        for place, group in enumerate(groups):
            keys.setdefault(self._sets.find(("group", place)), set()).update(group.keys)
        extended = {self._sets.find(link) for link in self._new_links}
        chains: dict[Hashable, Chain] = {}
        for place, group in enumerate(groups):
            component = self._sets.find(("group", place))
            if component not in chains:
                roots = members[component]
                gone = {loser for survivor in roots for loser in absorbed.get(survivor, ())}
                written = {root for root in roots if root in locked and root not in gone}
                root = written.pop() if written else min(roots)
                own = [locked[root], *later.get(root, ())] if root in locked else []
                own = [trace for trace in own if trace.id not in self._emptied]
                chains[component] = Chain(
                    root,
                    group.flow,
                    tuple(sorted(keys[component])),
                    own,
                    absorbed.get(root, ()),
                    linked=component in extended or root in absorbed,
                )
        return [chains[self._sets.find(("group", place))] for place in range(len(groups))]

    def _loaded(self, row: Sequence[Any]) -> Trace:
        """From a row of :data:`_LOADED`."""
        *values, merged_into, confirmed, sla = row
        trace = Trace(*values)
        if merged_into is None:
            self.counted[trace.id] = Counted(trace.flow, trace.complete, confirmed, sla)
        else:
            self._emptied.add(trace.id)
        return trace


def _began(first: Trace, later: Iterable[Trace]) -> tuple[datetime, int]:
    return (min((trace.first or _NEVER for trace in (first, *later)), default=_NEVER), first.id)

"""What mending tells, and what the dashboard and the command line ask of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from monitor.domain.event import Key, Observation
from monitor.mending.advice import Advice
from monitor.mending.groups import SubGroup
from monitor.mending.outlook import Outlook
from monitor.storage.mending import InboxPart, Link, LinkedTrace


class Fate(StrEnum):
    """What became of a message: ``placed`` into traces; ``repeat``: its event was stored before, so that it
    just left; ``ignored`` by a rule; ``stays``: it still cannot be placed; ``failed``: our own processing
    refused it; ``gone``: it was no longer there, or somebody else was at it."""

    PLACED = "placed"
    REPEAT = "repeat"
    IGNORED = "ignored"
    STAYS = "stays"
    FAILED = "failed"
    DISCARDED = "discarded"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one message. ``observations``: as what it was placed. ``detail``: why it stays."""

    id: int
    fate: Fate
    detail: str = ""
    observations: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True)
class As:
    """As what an event would be seen, and the trace it would join; None: it begins one."""

    flow: str
    label: str
    keys: tuple[Key, ...]
    trace: LinkedTrace | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of one message."""

    id: int
    fate: Fate
    detail: str
    seen: tuple[As, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What tried rules would make of messages, the one asked about first. ``linked``: the traces they would
    join; a key that is not there would begin one. ``stored``: identities of events that are stored already,
    and so would only leave the inbox. ``more`` messages of the group were not tried."""

    outlooks: tuple[Outlook, ...]
    linked: Mapping[Link, LinkedTrace]
    stored: Collection[bytes]
    more: int = 0

    def messages(self) -> list[Tried]:
        return [self._one(seen) for seen in self.outlooks]

    def _one(self, seen: Outlook) -> Tried:
        detail = ""
        if seen.misfit is not None:
            fate, detail = Fate.STAYS, seen.misfit.detail
        elif seen.is_ignored:
            fate = Fate.IGNORED
        else:
            stored = all(event.identity in self.stored for event in seen.events)
            fate = Fate.REPEAT if stored else Fate.PLACED
        return Tried(seen.id, fate, detail, tuple(map(self._as, seen.observations)))

    def _as(self, one: Observation) -> As:
        links = (Link(one.flow, key.name, key.value) for key in one.keys)
        trace = next((self.linked[link] for link in links if link in self.linked), None)
        return As(one.flow, one.label, one.keys, trace)


@dataclass(slots=True)
class Progress:
    """How far replaying or discarding a group has come. ``after``: the number of the last message seen to;
    ``until``: the last one that is meant, for what comes in meanwhile is not. ``told`` are examples."""

    after: int
    until: int
    counts: Counter[Fate] = field(default_factory=Counter)
    told: list[Told] = field(default_factory=list)
    is_done: bool = False

    @property
    def seen(self) -> int:
        return sum(self.counts.values())


class Mends(Protocol):
    """All of these raise :mod:`monitor.errors` only."""

    async def advice(self, id_: int) -> Advice | None:
        """Why a message could not be placed, and what would mend it. None: it is not in the inbox."""
        ...

    async def parts(self, part: InboxPart) -> tuple[list[SubGroup], int]:
        """The newest messages of a group by what they have in common, and how many were looked at."""
        ...

    async def count(self, part: InboxPart) -> int: ...
    async def newest(self, part: InboxPart) -> int:
        """The number of a group's newest message; 0: it is empty."""
        ...

    async def remaining(self, part: InboxPart, progress: Progress) -> int:
        """How many messages of a group are still to be seen to, up to :data:`MOST_COUNTED`."""
        ...

    def nearest(self, type_: str) -> Sequence[str]:
        """Labels of known flows that look like a type, the most alike first."""
        ...

    async def attempt(self, id_: int, text: str) -> Trial | None:
        """What a message, and others of its group, would be with these rules placed before the configured
        ones. Nothing is written. None: it is not in the inbox. Raises InvalidConfig."""
        ...

    async def replay(self, id_: int, who: str) -> Told:
        """Try one message again for good."""
        ...

    async def discard(self, id_: int, who: str) -> bool:
        """Delete one message; False: it was no longer there, or somebody else was at it."""
        ...

    async def begin(self, part: InboxPart) -> Progress:
        """All of a group as it is now."""
        ...

    async def replay_group(self, part: InboxPart, who: str, progress: Progress, seconds: float) -> Progress:
        """Go on replaying a group for about so many seconds, from where ``progress`` is."""
        ...

    async def discard_group(self, part: InboxPart, who: str, progress: Progress, seconds: float) -> Progress:
        """Likewise, deleting them."""
        ...


MOST_COUNTED = 100_000


def part_in_words(part: InboxPart) -> str:
    return f"{part.reason.value} {part.type or 'messages'} of {part.source}"

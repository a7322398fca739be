"""What those who mend the inbox ask of the database. What they change goes through ``base.Ingest``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from monitor.domain.event import InboxReason
from monitor.storage.base import Kept


class InboxPart(NamedTuple):
    """A group of messages, as :class:`~monitor.storage.views.InboxGroup` counts it."""

    reason: InboxReason
    type: str | None
    source: str


class Link(NamedTuple):
    """A correlation key of a flow."""

    flow: str
    name: str
    value: str


class LinkedTrace(NamedTuple):
    """The first trace of the chain a key leads to."""

    id: int
    key: str


class InboxViews(Protocol):
    """Questions of those who mend what could not be placed. Each is bounded by what it is asked for."""

    async def numbers(self, part: InboxPart, after: int, until: int, limit: int) -> Sequence[tuple[int, int]]:
        """Number and size of the messages of a group numbered above ``after`` up to ``until``, in order."""
        ...

    async def last(self, part: InboxPart) -> int:
        """The greatest number in a group, 0 where it is empty."""
        ...

    async def count(self, part: InboxPart) -> int: ...
    async def remaining(self, part: InboxPart, after: int, until: int, most: int) -> int:
        """How many messages :meth:`numbers` would give without a limit, up to ``most``."""
        ...

    async def details(self, part: InboxPart, limit: int) -> Sequence[tuple[int, str]]:
        """Number and detail of the newest messages of a group."""
        ...

    async def kept(self, ids: Sequence[int]) -> Sequence[Kept]:
        """Messages whole, in order of their numbers."""
        ...

    async def linked(self, links: Collection[Link]) -> Mapping[Link, LinkedTrace]:
        """Where these keys lead; those nobody has seen are left out."""
        ...

    async def valued(self, values: Collection[str], limit: int) -> Sequence[Link]:
        """Up to ``limit`` keys with one of these values, of whichever flow."""
        ...

    async def examples(self, flow: str, name: str, limit: int) -> Sequence[str]:
        """Some values of a key."""
        ...

    async def stored(self, identities: Collection[bytes]) -> set[bytes]:
        """Which of these events are stored."""
        ...

"""The read side of mending: :class:`~monitor.storage.mending.InboxViews`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from monitor.storage.base import Kept
from monitor.storage.kept import KEPT, kept_of
from monitor.storage.linking import link_value
from monitor.storage.mending import InboxPart, Link, LinkedTrace
from monitor.storage.tables import inbox, inbox_groups, seen, trace_keys, traces
from monitor.storage.transaction import Transaction

_of = inbox.c


class SqlInboxViews:
    """``read`` opens a transaction in which nothing changes."""

    def __init__(self, read: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        self._read = read

    async def numbers(self, part: InboxPart, after: int, until: int, limit: int) -> Sequence[tuple[int, int]]:
        asked = select(_of.id, _of.size).where(_within(part), _of.id > after, _of.id <= until)
        return await self._rows(asked.order_by(_of.id).limit(limit))

    async def last(self, part: InboxPart) -> int:
        asked = select(_of.id).where(_within(part)).order_by(_of.id.desc()).limit(1)
        return next((id_ for (id_,) in await self._rows(asked)), 0)

    async def count(self, part: InboxPart) -> int:
        of = inbox_groups.c
        asked = select(func.coalesce(func.sum(of["count"]), 0)).where(
            of.reason == part.reason.value, of.type == (part.type or ""), of.source == part.source
        )
        ((count,),) = await self._rows(asked)
        return int(count)

    async def remaining(self, part: InboxPart, after: int, until: int, most: int) -> int:
        some = select(_of.id).where(_within(part), _of.id > after, _of.id <= until).limit(most).subquery()
        ((count,),) = await self._rows(select(func.count()).select_from(some))
        return int(count)

    async def details(self, part: InboxPart, limit: int) -> Sequence[tuple[int, str]]:
        asked = select(_of.id, _of.detail).where(_within(part)).order_by(_of.id.desc()).limit(limit)
        return await self._rows(asked)

    async def kept(self, ids: Sequence[int]) -> Sequence[Kept]:
        async with self._read() as transaction:
            asked = select(*KEPT).where(transaction.among(_of.id, ids)).order_by(_of.id)
            return [kept_of(row) for row in await transaction.rows(asked)]

    async def linked(self, links: Collection[Link]) -> Mapping[Link, LinkedTrace]:
        if not links:
            return {}
        by_stored = {(flow, name, link_value(value)): (flow, name, value) for flow, name, value in links}
        keys = trace_keys.c
        async with self._read() as transaction:
            rows = await transaction.look_up(
                trace_keys,
                [keys.flow, keys.name, keys.value],
                sorted(by_stored),
                [keys.flow, keys.name, keys.value, keys.trace_id],
            )
            first = traces.alias("first")
            linked = traces.alias("linked")
            among = transaction.among(linked.c.id, {trace for *_, trace in rows})
            asked = (
                select(linked.c.id.label("came_by"), first.c.id, first.c.key)
                .join_from(linked, first, first.c.id == linked.c.chain_id)
                .where(among)
            )
            first_of = {row.came_by: LinkedTrace(row.id, row.key) for row in await transaction.rows(asked)}
        return {
            Link(*by_stored[flow, name, value]): first_of[trace]
            for flow, name, value, trace in rows
            if trace in first_of
        }

    async def valued(self, values: Collection[str], limit: int) -> Sequence[Link]:
        of = trace_keys.c
        if not values:
            return []
        asked = select(of.flow, of.name, of.value).where(of.value.in_(sorted(map(link_value, values))))
        return [Link(*row) for row in await self._rows(asked.limit(limit))]

    async def examples(self, flow: str, name: str, limit: int) -> Sequence[str]:
        of = trace_keys.c
        asked = select(of.value).where(of.flow == flow, of.name == name)
        return [value for (value,) in await self._rows(asked.order_by(of.value.desc()).limit(limit))]

    async def stored(self, identities: Collection[bytes]) -> set[bytes]:
        async with self._read() as transaction:
            rows = await transaction.look_up(
                seen, [seen.c.digest], [(one,) for one in sorted(identities)], [seen.c.digest]
            )
        return {digest for (digest,) in rows}

    async def _rows(self, asked: Any) -> Sequence[Any]:
        async with self._read() as transaction:
            return await transaction.rows(asked)


def _within(part: InboxPart) -> ColumnElement[bool]:
    of_type = _of.type.is_(None) if part.type is None else _of.type == part.type
    return and_(_of.reason == part.reason.value, of_type, _of.source == part.source)

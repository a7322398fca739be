"""The inbox: messages that could not be placed, whole (DESIGN 3.8), and how they leave it again.

Two who take messages at once never wait for each other: each gets what the other has not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, select

from monitor.domain.event import Delivery, Event, InboxReason, Misfit
from monitor.identity import content, identity
from monitor.storage.base import Kept
from monitor.storage.kept import KEPT, REFERENCE, headers_of, kept_of, properties_of
from monitor.storage.tables import inbox
from monitor.storage.tally import Tally, shown_type
from monitor.storage.transaction import Transaction


class Inbox:
    """The inbox in one transaction."""

    def __init__(self, transaction: Transaction, tally: Tally) -> None:
        self._transaction = transaction
        self._tally = tally
        self._taken: dict[int, Row[Any]] = {}
        self._twins: list[Row[Any]] = []

    # out ----------------------------------------------------------------------------------------------

    async def take(self, ids: Sequence[int]) -> list[Kept]:
        """See :meth:`monitor.storage.base.Ingest.take`."""
        asked = select(*KEPT).where(self._transaction.among(inbox.c.id, ids)).order_by(inbox.c.id)
        rows = await self._transaction.rows(asked.with_for_update(skip_locked=True))
        self._taken.update((row.id, row) for row in rows)
        return [kept_of(row) for row in rows]

    async def discard(self, ids: Sequence[int]) -> list[Kept]:
        """See :meth:`monitor.storage.base.Ingest.discard`."""
        asked = select(*REFERENCE).where(self._transaction.among(inbox.c.id, ids)).order_by(inbox.c.id)
        rows = await self._transaction.rows(asked.with_for_update(skip_locked=True))
        await self._delete(rows)
        return [kept_of(row) for row in rows]

    async def recall(self, events: Sequence[Event]) -> None:
        """See :meth:`monitor.storage.base.Ingest.recall`."""
        asked_for = {digest for event in events if _is_told_by_bytes(event) for digest in _twins_of(event)}
        if asked_for:
            of = inbox.c
            asked = select(*REFERENCE, of.content).where(of.content.in_(sorted(asked_for))).order_by(of.id)
            self._twins += await self._transaction.rows(asked.with_for_update())

    async def stored(self, events: Sequence[Event]) -> None:
        """These are placed now: the first one recalled of the same bytes is no longer to be kept for each."""
        gone: list[Row[Any]] = []
        for event in events:
            if self._twins and _is_told_by_bytes(event):
                same = _twins_of(event)
                twin = next((row for row in self._twins if row.content in same), None)
                if twin is not None:
                    self._twins.remove(twin)
                    gone.append(twin)
        await self._delete(gone)

    async def finish(self) -> None:
        """What was taken and did not come back has left."""
        taken, self._taken = list(self._taken.values()), {}
        await self._delete(taken)

    async def _delete(self, rows: Sequence[Row[Any]]) -> None:
        if rows:
            among = self._transaction.among(inbox.c.id, [row.id for row in rows])
            await self._transaction.execute(delete(inbox).where(among))
        for row in rows:
            self._tally.left_inbox(row.reason, row.type, row.source)

    # in -----------------------------------------------------------------------------------------------

    async def add(self, misfits: Sequence[Misfit]) -> None:
        """Those taken from here go back; of the others, those that are not here yet: by identity or exact
        position, or for redelivered messages without either by their bytes."""
        back: dict[int, Misfit] = {}
        new: dict[bytes, Misfit] = {}
        for misfit in misfits:
            kept = misfit.delivery.kept
            if kept is not None and kept in self._taken and kept not in back:
                back[kept] = misfit
            else:
                new.setdefault(_digest(misfit), misfit)
        await self._put_back(back)
        redelivered = {digest: _bytes_digest(misfit) for digest, misfit in new.items() if _by_bytes(misfit)}
        if redelivered:
            asked = select(inbox.c.content).where(inbox.c.content.in_(sorted(set(redelivered.values()))))
            known = {body for (body,) in await self._transaction.rows(asked)}
            for digest, misfit in list(new.items()):  # nor may it depend on how messages fall into batches
                body = redelivered.get(digest) or _bytes_digest(misfit)
                if digest in redelivered and body in known:
                    del new[digest]
                known.add(body)
        for digest in await self._there(new):
            del new[digest]
        rows = [_values(misfit, digest) for digest, misfit in new.items()]
        await self._transaction.append(inbox, _COLUMNS, rows)
        for misfit in new.values():
            self._tally.misfit(misfit)

    async def _put_back(self, back: dict[int, Misfit]) -> None:
        """Into their places, with what is wrong with them now. Where another row says the same of the same
        message already, one of the two is enough."""
        if not back:
            return
        digests = {id_: _digest(misfit) for id_, misfit in back.items()}
        there = await self._there(set(digests.values()))
        chosen: dict[bytes, int] = {}
        for id_, digest in sorted(digests.items(), key=lambda one: there.get(one[1]) != one[0]):
            if there.get(digest, id_) in self._taken:
                chosen.setdefault(digest, id_)
        rows = {id_: self._taken.pop(id_) for id_ in chosen.values()}
        await self.finish()  # before the others move to where these may have been
        moved = sorted(id_ for digest, id_ in chosen.items() if there.get(digest) != id_)
        of = inbox.c
        await self._transaction.update(inbox, [of.id], [of.digest], [(id_, _nowhere(id_)) for id_ in moved])
        changes = [of.digest, of.content, of.reason, of.type, of.detail, of.mend]
        await self._transaction.update(
            inbox,
            [of.id],
            changes,
            [
                (id_, digest, *_wrong(back[id_]))
                for digest, id_ in sorted(chosen.items(), key=lambda one: one[1])
            ],
        )
        for id_, row in rows.items():
            self._tally.left_inbox(row.reason, row.type, row.source)
            self._tally.misfit(back[id_])

    async def _there(self, digests: Iterable[bytes]) -> dict[bytes, int]:
        """Which of them rows have, and which rows."""
        of = inbox.c
        rows = await self._transaction.look_up(
            inbox, [of.digest], [(digest,) for digest in digests], [of.digest, of.id]
        )
        return dict(rows)


def _by_bytes(misfit: Misfit) -> bool:
    delivery = misfit.delivery
    has_id = misfit.event is not None and misfit.event.id is not None
    return delivery.redelivered and delivery.position.offset is None and not has_id


def _is_told_by_bytes(event: Event) -> bool:
    """Whether only its bytes tell that it is a message which came before. One taken from the inbox is
    itself."""
    delivery = event.delivery
    return (
        delivery.redelivered
        and delivery.position.offset is None
        and event.id is None
        and delivery.kept is None
    )


def _digest(misfit: Misfit) -> bytes:
    """What makes it the same entry: the message (by what it is recognised as an event, see
    :mod:`monitor.identity`) and what is wrong with it."""
    event = misfit.event
    message = identity(misfit.delivery, None, None) if event is None else event.identity
    said = content(event) if event is not None and misfit.reason is InboxReason.ID_REUSED else b""
    wrong = f"{misfit.reason}\x1f{misfit.type}\x1f{misfit.detail}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(message + said + wrong, digest_size=16).digest()


def _wrong(misfit: Misfit) -> tuple[Any, ...]:
    """The columns content, reason, type, detail and mend."""
    return _bytes_digest(misfit), misfit.reason.value, shown_type(misfit), misfit.detail, misfit.mend


def _nowhere(id_: int) -> bytes:
    """A digest that no entry has, for rows that change places."""
    return hashlib.blake2b(b"on its way %d" % id_, digest_size=16).digest()


def _bytes_digest(misfit: Misfit) -> bytes:
    index = misfit.event.index if misfit.event is not None else 0
    return _digest_of_bytes(misfit.delivery, misfit.reason, index)


def _twins_of(event: Event) -> list[bytes]:
    """As the same bytes may be in the inbox, for whichever reason."""
    return [_digest_of_bytes(event.delivery, reason, event.index) for reason in InboxReason]


def _digest_of_bytes(delivery: Delivery, reason: InboxReason, index: int) -> bytes:
    where = f"{delivery.source}\x1f{delivery.position.channel}\x1f{reason}\x1f"
    told = f"{where}{index}\x1f".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told + delivery.body, digest_size=16).digest()


_COLUMNS = [column for column in inbox.c if column.name != "id"]


def _values(misfit: Misfit, digest: bytes) -> tuple[Any, ...]:
    delivery = misfit.delivery
    channel, partition, offset, exchange, routing_key, _ = delivery.position
    return (
        digest,
        *_wrong(misfit),
        delivery.source,
        channel,
        partition,
        offset,
        exchange,
        routing_key,
        delivery.key,
        delivery.received,
        delivery.content_type,
        delivery.content_encoding,
        headers_of(misfit),
        properties_of(misfit),
        delivery.body,
        len(delivery.body),
    )

"""The inbox: messages that could not be placed, whole (DESIGN 3.8)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from monitor.domain.event import InboxReason, Misfit
from monitor.identity import content, identity
from monitor.storage.tables import inbox
from monitor.storage.tally import Tally, shown_type
from monitor.storage.transaction import Transaction
from monitor.storage.types import shown_json


async def add(transaction: Transaction, misfits: Sequence[Misfit], tally: Tally) -> None:
    """Add those that are not in the inbox yet, by identity or exact position, or for redelivered messages
    without either by their bytes."""
    new: dict[bytes, tuple[Misfit, bytes]] = {}
    for misfit in misfits:
        new.setdefault(_digest(misfit), (misfit, _bytes_digest(misfit)))
    redelivered = {digest: body for digest, (misfit, body) in new.items() if _by_bytes(misfit)}
    if redelivered:
        asked = select(inbox.c.content).where(inbox.c.content.in_(sorted(set(redelivered.values()))))
        known = {body for (body,) in await transaction.rows(asked)}
        for digest, body in redelivered.items():
            if body in known:
                del new[digest]
    there = await transaction.look_up(
        inbox, [inbox.c.digest], [(digest,) for digest in new], [inbox.c.digest]
    )
    for (digest,) in there:
        del new[digest]
    added = [misfit for misfit, _ in new.values()]
    await transaction.append(inbox, _COLUMNS, [_values(*one, digest) for digest, one in new.items()])
    for misfit in added:
        tally.misfit(misfit)


def _by_bytes(misfit: Misfit) -> bool:
    delivery = misfit.delivery
    has_id = misfit.event is not None and misfit.event.id is not None
    return delivery.redelivered and delivery.position.offset is None and not has_id


def _digest(misfit: Misfit) -> bytes:
    """What makes it the same entry: the message (by what it is recognised as an event, see
    :mod:`monitor.identity`) and what is wrong with it."""
    event = misfit.event
    message = identity(misfit.delivery, None, None) if event is None else event.identity
    said = content(event) if event is not None and misfit.reason is InboxReason.ID_REUSED else b""
    wrong = f"{misfit.reason}\x1f{misfit.type}\x1f{misfit.detail}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(message + said + wrong, digest_size=16).digest()


def _bytes_digest(misfit: Misfit) -> bytes:
    delivery = misfit.delivery
    where = f"{delivery.source}\x1f{delivery.position.channel}\x1f{misfit.reason}\x1f"
    index = misfit.event.index if misfit.event is not None else 0
    told = f"{where}{index}\x1f".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told + delivery.body, digest_size=16).digest()


_COLUMNS = [column for column in inbox.c if column.name != "id"]


def _values(misfit: Misfit, body: bytes, digest: bytes) -> tuple[Any, ...]:
    delivery = misfit.delivery
    channel, partition, offset, exchange, routing_key, _ = delivery.position
    return (
        digest,
        body,
        misfit.reason.value,
        shown_type(misfit),
        misfit.detail,
        misfit.mend,
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
        shown_json(delivery.headers),
        shown_json(delivery.properties),
        delivery.body,
        len(delivery.body),
    )

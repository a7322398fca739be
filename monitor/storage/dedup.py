"""Which events of a batch are stored for the first time (DESIGN 3.8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from monitor.storage.base import Freshness, Seen
from monitor.storage.tables import PLAIN, seen
from monitor.storage.transaction import Transaction

_FRESH = Freshness(True)


async def fresh(transaction: Transaction, asked: Sequence[Seen], now: datetime) -> list[Freshness]:
    """Claim the identities of ``asked``. Without an id of its own, a message the broker says it delivered
    before is a repeat of any message of the same content; that must not depend on how messages fall into
    batches, so it holds inside this one too."""
    known = await _known_contents(transaction, {one.content for one in asked if _by_content(one)})
    first: dict[bytes, Seen] = {}
    repeats: set[int] = set()
    for place, one in enumerate(asked):
        if one.identity in first:
            continue
        if _by_content(one) and one.content in known:
            repeats.add(place)
            continue
        first[one.identity] = one
        if not one.has_id:
            known.add(one.content)
    claimed = await transaction.claim(
        seen,
        [seen.c.digest, seen.c.content, seen.c.plain, seen.c.received],
        [(digest, first[digest].content, not first[digest].has_id, now) for digest in sorted(first)],
    )
    new = {digest for (digest,) in claimed}
    stored = {digest: one.content for digest, one in first.items() if digest in new}
    there = [digest for digest, one in first.items() if one.has_id and digest not in new]
    if there:
        stored |= await _contents(transaction, there)
    answers = []
    for place, one in enumerate(asked):
        if place in repeats:
            answers.append(Freshness(False))
        elif one.identity in new:
            new.remove(one.identity)
            answers.append(_FRESH)
        else:
            before = stored.get(one.identity)
            answers.append(Freshness(False, one.has_id and before is not None and before != one.content))
    return answers


def _by_content(one: Seen) -> bool:
    return one.redelivered and not one.has_id


async def _known_contents(transaction: Transaction, contents: set[bytes]) -> set[bytes]:
    if not contents:
        return set()
    asked = select(seen.c.content).where(PLAIN, seen.c.content.in_(sorted(contents)))
    return {content for (content,) in await transaction.rows(asked)}


async def _contents(transaction: Transaction, digests: Sequence[bytes]) -> dict[bytes, bytes]:
    rows = await transaction.look_up(
        seen, [seen.c.digest], [(digest,) for digest in digests], [seen.c.digest, seen.c.content]
    )
    return dict(rows)

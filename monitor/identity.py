"""By what an event is recognised when it comes again (DESIGN 3.8).

The producer's own event id, with its CloudEvents source; else the exact position where the source numbers
its messages for good; else this hand-over's receipt, which is new each time: a redelivered message is then
recognised by its content.
"""

from __future__ import annotations

import hashlib

import orjson

from monitor.domain.event import Delivery, Event

_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def _digest(*parts: str | bytes | int | None) -> bytes:
    """16 bytes over length-prefixed parts, so that no two lists of parts run together."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = (
            b""
            if part is None
            else part
            if isinstance(part, bytes)
            else str(part).encode("utf-8", "surrogatepass")
        )
        hasher.update(b"%d:" % len(raw))
        hasher.update(raw)
    return hasher.digest()


def identity(delivery: Delivery, producer: str | None, event_id: str | None, index: int = 0) -> bytes:
    """The digest an event is deduplicated by. ``index`` is its place in a batched delivery."""
    if event_id:
        return _digest("id", producer if producer is not None else delivery.source, event_id)
    position = delivery.position
    if position.offset is not None:
        return _digest("at", delivery.source, position.channel, position.partition, position.offset, index)
    return _digest("receipt", delivery.source, position.channel, position.receipt, index)


def content(event: Event) -> bytes:
    """A digest of what an event says, whoever hands it over and however it is wrapped."""
    said = orjson.dumps(event.data, option=_CANONICAL, default=str)
    return _digest(event.type, event.subject, said)

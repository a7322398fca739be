"""What was said to RabbitMQ: every frame of AMQP 0-9-1, in words that name what it touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pamqp.frame
from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.commands import Basic, Exchange, Queue
from pamqp.header import ContentHeader, ProtocolHeader
from pamqp.heartbeat import Heartbeat


def frames(sent: bytes) -> Iterator[object]:
    """All whole frames. What a lost connection cut off in the middle never reached the broker as a frame."""
    while len(sent) >= 7:
        if not sent.startswith(b"AMQP") and len(sent) < 8 + int.from_bytes(sent[3:7]):
            return
        used, _, frame = pamqp.frame.unmarshal(sent)
        assert used, f"no frame: {sent[:40]!r}"
        yield frame
        sent = sent[used:]


def told(connections: Iterable[bytes | bytearray]) -> set[str]:
    return {_words(frame) for sent in connections for frame in frames(bytes(sent))}


def _words(frame: object) -> str:
    match frame:
        case ProtocolHeader():
            return "protocol header"
        case Heartbeat():
            return "heartbeat"
        case ContentHeader() | ContentBody():
            return "a message"  # only publishers send these
        case Queue.Declare():
            return f"Queue.Declare {'passive' if frame.passive else 'to make'}: queue {frame.queue}"
        case Exchange.Declare():
            return f"Exchange.Declare {'passive' if frame.passive else 'to make'}: exchange {frame.exchange}"
        case Queue.Bind():
            return f"Queue.Bind: queue {frame.queue}, exchange {frame.exchange}"
        case Basic.Consume():
            return f"Basic.Consume{' exclusive' if frame.exclusive else ''}: queue {frame.queue}"
        case Frame():
            named = [
                f"{name} {frame[name]!s}"
                for name in ("queue", "exchange", "destination", "source")
                if name in frame.attributes()
            ]
            return f"{frame.name!s}: {', '.join(named)}" if named else frame.name
        case _:
            raise AssertionError(f"not a frame: {frame!r}")

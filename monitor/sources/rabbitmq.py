"""RabbitMQ: a bounded queue of our own, bound to exchanges that exist; or an existing stream, read as it is.

Nothing of the landscape is declared, consumed or changed: exchanges are looked up passively, and the only
things that come into being are our own queue and its bindings.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, NamedTuple, Self, cast
from uuid import uuid4

from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from monitor.domain.event import NO_HEADERS, Delivery, HeaderValue, Position
from monitor.errors import SourceError
from monitor.rabbitmq import LOST
from monitor.settings import RabbitmqSource
from monitor.sources.amqp import Refused, Session, explain
from monitor.sources.base import Batch, Now, Progress, SourceState, utc_now
from monitor.sources.buffer import Buffer
from monitor.sources.frontier import Frontier
from monitor.sources.retry import backoff

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 30.0
_ANSWER_TIMEOUT = 20.0
_STEADY = 30.0
"""Seconds after which a connection counts as good, and between looks at the bindings."""

_PROPERTIES = (
    ("message_id", "message_id"),
    ("correlation_id", "correlation_id"),
    ("message_type", "type"),
    ("app_id", "app_id"),
    ("reply_to", "reply_to"),
    ("user_id", "user_id"),
    ("expiration", "expiration"),
)
_PLAIN = frozenset((str, bytes, int, float, bool, datetime, type(None)))
_STREAM_OFFSET = "x-stream-offset"
_STREAM_START = 2.0


class _Handed(NamedTuple):
    """Token of a batch: the connection it came by, and the last delivery tag handed out by then."""

    incarnation: int
    tag: int


class Rabbitmq:
    """One queue, read beside other workers; or one stream, read by each worker for itself.

    ``resume`` is the stream offset to go on from after a restart, where it is known (``position`` of the
    progress recorded last); otherwise the stream is read from the configured offset again, and what was
    stored before is recognised by its offset.
    """

    kind = "rabbitmq"

    def __init__(
        self, settings: RabbitmqSource, *, worker: str, now: Now = utc_now, resume: int | None = None
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._now = now
        self._channel = settings.stream or settings.queue
        self._receipt = f"{worker}-{uuid4().hex[:8]}"
        self._buffer: Buffer[Delivery] = Buffer()
        self._frontier = Frontier()
        self._session: Session | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._incarnation = 0
        self._received = 0
        self._handed = 0
        self._acknowledged = 0
        self._waiting: int | None = None
        self._next_offset = resume
        self._offsets: list[tuple[int, int]] = []
        self._error: str | None = None
        self._failed = False
        self._told_of_bytes = False
        self._last_message: datetime | None = None
        self._began = now()

    async def __aenter__(self) -> Self:
        self._supervisor = asyncio.create_task(self._supervise(), name=f"source {self.name}")
        self._supervisor.add_done_callback(lambda _: self._buffer.wake())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait((self._supervisor,))
            self._supervisor = None

    async def batch(self, limit: int, wait: float) -> Batch | None:
        if self._supervisor is not None and self._supervisor.done():
            error = self._supervisor.exception()
            raise SourceError(f"source {self.name} cannot go on: {error}") from error
        taken = await self._buffer.take(limit, wait)
        self._handed += len(taken)
        if self._settings.stream and taken:
            self._offsets.append((self._handed, cast(int, taken[-1].position.offset) + 1))
        return Batch(taken, _Handed(self._incarnation, self._handed))

    async def acknowledge(self, batch: Batch) -> None:
        handed = batch.token
        assert isinstance(handed, _Handed)
        session = self._session
        if session is None or handed.incarnation != self._incarnation or handed.tag <= self._acknowledged:
            return
        try:
            # Batches come back in order, so one frame acknowledges all of this one. The frame need not
            # have left yet: should it get lost with the connection, the deliveries come again.
            await session.channel.basic_ack(handed.tag, multiple=True, wait=False)
        except LOST:
            return
        self._acknowledged = handed.tag
        self._frontier.reach(handed.tag)
        while self._offsets and self._offsets[0][0] <= handed.tag:
            self._next_offset = self._offsets.pop(0)[1]

    async def refresh(self) -> None:
        session, incarnation = self._session, self._incarnation
        if session is None:
            return
        time = self._now()
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT):
                # The broker's channel first asks the queue how much waits there. What the queue had sent
                # to the channel by then stands before the second request, so with its answer we have it.
                waiting = await session.waiting(self._channel)
                await session.waiting(self._channel)
        except LOST as error:
            # The answer may still come: whatever is asked next would take it for its own.
            session.fail(error)
            return
        if incarnation != self._incarnation or not self._reads_all():
            return
        if self._settings.stream:
            # A stream does not count what we have not read, but as long as we may have more it sends more:
            # once it has begun to, that nothing came means that there is nothing.
            begun = self._received or (time - self._began).total_seconds() > _STREAM_START
            owed = self._received - self._acknowledged < self._settings.prefetch
            self._waiting = 0 if begun and owed else None
        else:
            self._waiting = waiting
        if self._waiting == 0:
            self._frontier.probe(time, self._received)

    def progress(self) -> Sequence[Progress]:
        unacknowledged = self._received - self._acknowledged
        connected = self._reads_all()
        if self._failed:
            state = SourceState.FAILED
        elif not connected:
            state = SourceState.CONNECTING
        elif self._waiting == 0 and not unacknowledged:
            state = SourceState.CAUGHT_UP
        else:
            state = SourceState.READING
        stream = self._settings.stream is not None
        position = self._next_offset if stream else None
        return (
            Progress(
                shard=self._channel,
                state=state,
                watermark=self._frontier.watermark,
                lag=self._waiting + unacknowledged if connected and self._waiting is not None else None,
                position="" if position is None else str(position),
                last_message=self._last_message,
                error=self._error,
                shared=not stream,
            ),
        )

    async def _supervise(self) -> None:
        """Connect, stay until the connection is lost, and begin again; ends only by being cancelled."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            began = loop.time()
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT):
                    session = await Session.open(self._settings)
                try:
                    await self._read(session)
                finally:
                    self._leave()
                    await session.close()
            except Refused as error:
                self._report(str(error), failed=error.permanent)
            except LOST as error:
                self._report(explain(self._settings, error))
            attempt = 0 if loop.time() - began > _STEADY else attempt + 1
            await asyncio.sleep(backoff(attempt))

    async def _read(self, session: Session) -> None:
        """Consume until the connection, the channel or the consumer is lost."""
        self._frontier.restart(0)
        arguments = {_STREAM_OFFSET: self._offset()} if self._settings.stream else None
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            await session.consume(self._channel, self._receiver(), arguments)
        self._session = session
        self._began = self._now()
        log.info("source %s reads %s", self.name, self._channel)
        if session.without_bytes and not self._told_of_bytes:
            self._told_of_bytes = True
            log.warning(
                "source %s: queue %s was made without a limit in bytes, and is kept as it is. To have one,"
                " delete the queue while it is empty; or say max_bytes: null",
                self.name,
                self._channel,
            )
        attempt = 0
        while not session.lost.done():
            complaint = "; ".join(sorted(set(session.missing.values()))) or None
            self._report(complaint)
            attempt = attempt + 1 if complaint else 0
            await asyncio.wait((session.lost,), timeout=backoff(attempt) if complaint else _STEADY)
            if not session.lost.done():
                await session.bind()
        self._report(explain(self._settings, session.lost.result()))

    def _receiver(self) -> Callable[[DeliveredMessage], Coroutine[Any, Any, None]]:
        """What the channel calls for each message. Runs millions of times: no logging, no waiting."""
        incarnation = self._incarnation
        receipt = f"{self._receipt}-{incarnation}-"
        source, channel, now = self.name, self._channel, self._now
        push = self._buffer.push
        stream = self._settings.stream is not None

        async def receive(message: DeliveredMessage) -> None:
            if incarnation != self._incarnation:
                return
            deliver = cast(Basic.Deliver, message.delivery)
            said = message.header.properties
            headers = _headers(said.headers)
            received = now()
            self._received += 1
            self._last_message = received
            push(
                Delivery(
                    source,
                    message.body,
                    Position(
                        channel,
                        None,
                        cast(int, headers.get(_STREAM_OFFSET)) if stream else None,
                        deliver.exchange,
                        deliver.routing_key,
                        f"{receipt}{deliver.delivery_tag}",
                    ),
                    received,
                    headers,
                    {
                        name: str(value)
                        for attribute, name in _PROPERTIES
                        if (value := getattr(said, attribute)) is not None
                    },
                    None,
                    said.content_type,
                    said.content_encoding,
                    said.timestamp,
                    bool(deliver.redelivered),
                )
            )

        return receive

    def _reads_all(self) -> bool:
        """Connected and bound to every exchange, as told: state, error and watermark change at one moment."""
        return self._session is not None and self._error is None

    def _leave(self) -> None:
        """What was not acknowledged will be delivered again, under other tags."""
        self._session = None
        self._incarnation += 1
        self._buffer.items.clear()
        self._offsets.clear()
        self._waiting = None
        self._received = self._handed = self._acknowledged = 0

    def _offset(self) -> str | int | datetime:
        return self._settings.stream_offset if self._next_offset is None else self._next_offset

    def _report(self, error: str | None, failed: bool = False) -> None:
        if error is not None and error != self._error:
            log.warning("source %s: %s", self.name, error)
        self._error = error
        self._failed = failed


def _headers(table: Mapping[str, object] | None) -> Mapping[str, HeaderValue]:
    """AMQP has two kinds of value that nobody else knows."""
    if not table:
        return NO_HEADERS
    for value in table.values():
        if type(value) not in _PLAIN:
            return {name: _plain(value) for name, value in table.items()}
    return cast(Mapping[str, HeaderValue], table)


def _plain(value: object) -> HeaderValue:
    match value:
        case Decimal():
            return str(value)
        case bytearray():
            return bytes(value)
        case list():
            return [_plain(member) for member in value]
        case dict():
            return {str(name): _plain(member) for name, member in value.items()}
        case _:
            return cast(HeaderValue, value)

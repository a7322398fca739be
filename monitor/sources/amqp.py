"""One connection to RabbitMQ: what the rabbitmq source does on it, and what went wrong with it, in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.exceptions import (
    ChannelClosed,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import ChannelAccessRefused, ChannelLockedResource
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from monitor.errors import SourceUnavailable
from monitor.rabbitmq import connected, leave
from monitor.settings import RabbitmqSource

_BYTES = "x-max-length-bytes"


class Refused(SourceUnavailable):
    """The broker answered, and will not do what we ask. ``permanent``: until somebody changes something."""

    def __init__(self, message: str, *, mend: str | None = None, permanent: bool = False) -> None:
        super().__init__(message, mend=mend)
        self.permanent = permanent


class Session:
    """One connection with one consuming channel. ``lost`` is done, with the reason, once either is gone.
    ``without_bytes``: our queue stands from before queues had a limit in bytes."""

    def __init__(self, settings: RabbitmqSource, connection: aio_pika.abc.AbstractConnection) -> None:
        self.lost: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self.missing: dict[int, str] = {}
        self.without_bytes = False
        self._settings = settings
        self._connection = connection
        self._consuming: AbstractChannel | None = None

    @classmethod
    async def open(cls, settings: RabbitmqSource) -> Self:
        """Connect, and declare and bind our queue. Raises one of :data:`LOST`, or :class:`Refused`."""
        connection = await connected(
            settings.url.get_secret_value(),
            name=f"choreoscope {settings.name}",
            tls=settings.tls,
            heartbeat=settings.heartbeat,
        )
        session = cls(settings, connection)
        try:
            await session._declare()
            await session.bind()
        except BaseException:  # cancelled, too: no connection stays open
            await session.close()
            raise
        return session

    @property
    def channel(self) -> AbstractChannel:
        """The consuming channel."""
        assert self._consuming is not None
        return self._consuming

    async def bind(self) -> None:
        """Bind our queue to the configured exchanges. Repeated from time to time, because nobody tells us
        of an exchange that was deleted and made again. Those that cannot be bound are in ``missing``."""
        channel: AbstractChannel | None = None
        for number, binding in enumerate(self._settings.bindings):
            channel = channel or await self._new_channel()
            try:
                await channel.exchange_declare(binding.exchange, passive=True)
                await channel.queue_bind(
                    self._settings.queue,
                    binding.exchange,
                    binding.routing_key,
                    arguments=binding.arguments or None,
                )
            except ChannelNotFoundEntity:
                channel = None
                self.missing[number] = f"exchange {binding.exchange!r} does not exist in {self._vhost}"
            except ChannelClosed as error:
                channel = None
                self.missing[number] = f"exchange {binding.exchange!r} cannot be bound: {_said(error)}"
            else:
                self.missing.pop(number, None)
        if channel is not None:
            await channel.close()

    async def consume(
        self,
        queue: str,
        receive: Callable[[DeliveredMessage], Coroutine[Any, Any, None]],
        arguments: dict[str, Any] | None,
    ) -> None:
        channel = self._consuming = await self._new_channel()
        channel.closing.add_done_callback(self._closed)
        channel.on_consumer_cancel_callbacks.add(self._cancelled)
        await channel.basic_qos(prefetch_count=self._settings.prefetch)
        # Past aio_pika's own wrapper, which starts a second task for every message.
        await channel.basic_consume(queue, receive, arguments=arguments)

    async def waiting(self, queue: str) -> int:
        """How many messages stand in the queue and were not sent to any consumer."""
        declared = await self.channel.queue_declare(queue, passive=True)
        return declared.message_count or 0

    def fail(self, reason: BaseException) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)

    async def close(self) -> None:
        await leave(self._connection)

    @property
    def _vhost(self) -> str:
        return f"vhost {_vhost(self._settings)!r}"

    async def _new_channel(self) -> AbstractChannel:
        channel = self._connection.channel(publisher_confirms=False)
        await channel.initialize()
        return await channel.get_underlay_channel()

    async def _declare(self) -> None:
        settings = self._settings
        try:
            if settings.stream:
                channel = await self._new_channel()
                await channel.queue_declare(settings.stream, passive=True)
                await channel.close()
            else:
                await self._declare_own()
        except ChannelNotFoundEntity:
            raise Refused(f"stream {settings.stream!r} does not exist in {self._vhost}") from None
        except ChannelPreconditionFailed as error:
            raise Refused(
                f"queue {settings.queue!r} exists in {self._vhost} with other settings: {_said(error)}",
                mend="Set the source's settings to what the queue has, or give another `queue`, or delete the"
                " queue with what is in it.",
                permanent=True,
            ) from None
        except (ChannelAccessRefused, ChannelLockedResource) as error:
            raise Refused(
                f"queue {settings.stream or settings.queue!r} in {self._vhost}: {_said(error)}",
                mend="The user needs `configure`, `write` and `read` on the queue, `read` on the exchanges.",
                permanent=True,
            ) from None

    async def _declare_own(self) -> None:
        """Our queue. One from before queues had a limit in bytes is kept unless a limit is asked for: what is
        in it is worth more, and it is bounded in messages."""
        arguments = _arguments(self._settings)
        channel = await self._new_channel()
        try:
            await channel.queue_declare(self._settings.queue, durable=True, arguments=arguments)
        except ChannelPreconditionFailed as refused:
            if "max_bytes" in self._settings.model_fields_set:
                raise
            channel = await self._new_channel()
            del arguments[_BYTES]
            try:
                await channel.queue_declare(self._settings.queue, durable=True, arguments=arguments)
            except ChannelPreconditionFailed:
                raise refused from None  # it differs in more than that
            self.without_bytes = True
        await channel.close()

    def _closed(self, closing: asyncio.Future[Any]) -> None:
        reason = None if closing.cancelled() else closing.exception()
        self.fail(reason or ConnectionError("the connection was closed"))

    def _cancelled(self, _: object) -> None:
        self.fail(ConnectionError(f"the queue {self._settings.stream or self._settings.queue!r} was deleted"))


def explain(settings: RabbitmqSource, error: BaseException) -> str:
    """Why there is no connection, without the password."""
    address = urlsplit(settings.url.get_secret_value())
    where = f"{address.hostname}:{address.port or (5671 if address.scheme == 'amqps' else 5672)}"
    if isinstance(error, ProbableAuthenticationError):
        return f"{where} refuses user {address.username!r} or the password"
    if isinstance(error, InvalidFrameError) and "Connection.OpenOk" in str(error):
        # aiormq does not hand on what the broker said when it refuses to open the vhost.
        return f"{where} refuses vhost {_vhost(settings)!r}: it does not exist, or the user may not use it"
    if isinstance(error, TimeoutError):
        return f"{where} does not answer"
    return f"{where}: {_said(error)}"


def _said(error: BaseException) -> str:
    texts = [part.strip() for part in map(str, error.args) if part.strip() and not part.isdigit()]
    return texts[-1] if texts else type(error).__name__


def _vhost(settings: RabbitmqSource) -> str:
    return unquote(urlsplit(settings.url.get_secret_value()).path[1:]) or "/"


def _arguments(settings: RabbitmqSource) -> dict[str, Any]:
    """Bounds of our queue: a monitor that is away loses the oldest events rather than fill the broker."""
    arguments: dict[str, Any] = {"x-overflow": settings.overflow}
    if settings.queue_type != "classic":
        arguments["x-queue-type"] = settings.queue_type
    if settings.max_length is not None:
        arguments["x-max-length"] = settings.max_length
    if settings.max_bytes is not None:
        arguments[_BYTES] = settings.max_bytes
    if settings.message_ttl is not None:
        arguments["x-message-ttl"] = _milliseconds(settings.message_ttl)
    if settings.expires is not None:
        arguments["x-expires"] = _milliseconds(settings.expires)
    return arguments


def _milliseconds(duration: timedelta) -> int:
    return max(1, duration // timedelta(milliseconds=1))


def _tolerate_undecodable_headers() -> None:
    """Let a message with properties that cannot be decoded pass, without them.

    pamqp raises on a timestamp in nanoseconds or an unknown field type, aiormq then drops the connection,
    the broker delivers the message again: one such message would stop the source for good.
    """
    strict = ContentHeader.unmarshal

    def unmarshal(self: ContentHeader, data: bytes) -> None:
        try:
            strict(self, data)
        except (ValueError, OverflowError, OSError, UnicodeError) as error:
            self.properties = Basic.Properties(headers={"choreoscope-undecodable-properties": str(error)})

    ContentHeader.unmarshal = unmarshal  # type: ignore[method-assign]


_tolerate_undecodable_headers()

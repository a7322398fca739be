"""RabbitMQ: a message is published once the broker has confirmed it, and ``mandatory`` makes the broker give
back what it has no queue for. Nothing is declared.

There is a connection only while a message is sent: commands are rare, and a connection that writes is
nothing a monitor should keep open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.exceptions import (
    AMQPError,
    ChannelNotFoundEntity,
    DeliveryError,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from aiormq.exceptions import (
    AuthenticationError,
    ChannelAccessRefused,
    ChannelClosed,
    ConnectionNotAllowed,
    PublishError,
)
from pamqp.commands import Basic

from monitor.commands.base import Message, Outcome, Unpublished
from monitor.rabbitmq import LOST, connected, leave
from monitor.settings.commands import RabbitmqTarget


class RabbitmqPublisher:
    """One broker as one user. ``timeout``: to connect, and then again for the confirmation."""

    def __init__(self, target: RabbitmqTarget, timeout: timedelta) -> None:
        self._target = target
        self._seconds = timeout.total_seconds()

    async def publish(self, message: Message) -> str:
        connection = await self._connected()
        try:
            return await self._send(connection, message)
        finally:
            await leave(connection)

    async def reach(self) -> str:
        """Connect and go again; nothing is sent. What was found. Raises Unpublished."""
        connection = await self._connected()
        await leave(connection)
        return f"{self._where} lets user {self._user!r} in; whether they may write only a message shows"

    async def _connected(self) -> aio_pika.abc.AbstractConnection:
        target = self._target
        try:
            async with asyncio.timeout(self._seconds):
                return await connected(
                    target.url.get_secret_value(), name="choreoscope commands", tls=target.tls
                )
        except (ProbableAuthenticationError, AuthenticationError):
            raise Unpublished(
                Outcome.REFUSED, f"{self._where} refuses user {self._user!r} or the password."
            ) from None
        except (InvalidFrameError, ConnectionNotAllowed) as error:
            # aiormq does not always hand on what the broker said when it refuses to open the vhost
            raise Unpublished(
                Outcome.REFUSED,
                f"{self._where} refuses vhost {self._vhost!r}: it does not exist, or the user may not use it."
                f" ({_said(error)})",
            ) from None
        except TimeoutError:
            raise Unpublished(Outcome.AWAY, f"{self._where} does not answer.") from None
        except (AMQPError, OSError, RuntimeError) as error:
            raise Unpublished(Outcome.AWAY, f"{self._where} cannot be reached: {_said(error)}.") from None

    async def _send(self, connection: aio_pika.abc.AbstractConnection, message: Message) -> str:
        place = f"exchange {message.place!r}" if message.place else "the default exchange"
        try:
            async with asyncio.timeout(self._seconds):
                opened = connection.channel(publisher_confirms=True, on_return_raises=True)
                await opened.initialize()
                channel = await opened.get_underlay_channel()
        except LOST as error:
            raise Unpublished(
                Outcome.AWAY, f"{self._where} was lost before anything was sent: {_said(error)}."
            ) from None
        try:
            async with asyncio.timeout(self._seconds):
                confirmed = await channel.basic_publish(
                    message.body,
                    exchange=message.place,
                    routing_key=message.key,
                    properties=_properties(message),
                    mandatory=True,
                )
        except PublishError:
            raise Unpublished(
                Outcome.UNROUTABLE,
                f"{self._where} gave it back: no queue is bound to {place} by {message.key!r}.",
                mend="Let the service that is to get it bind its queue, or correct the target.",
            ) from None
        except DeliveryError:
            raise Unpublished(
                Outcome.NACKED,
                f"{self._where} did not take it from {place}: a queue behind it is full, or has failed.",
            ) from None
        except ChannelNotFoundEntity:
            raise Unpublished(
                Outcome.REFUSED,
                f"{self._where} has no {place} in vhost {self._vhost!r}.",
                mend="Correct the target, or let its owner declare the exchange; then try again.",
            ) from None
        except ChannelAccessRefused as error:
            raise Unpublished(
                Outcome.REFUSED,
                f"{self._where} does not let user {self._user!r} write to {place}: {_said(error)}.",
                mend="The user needs `write` on the exchange.",
            ) from None
        except ChannelClosed as error:
            raise Unpublished(Outcome.REFUSED, f"{self._where} refuses: {_said(error)}.") from None
        except TimeoutError:
            raise Unpublished(
                Outcome.UNCLEAR, f"{self._where} did not confirm it in {self._seconds:g} s."
            ) from None
        except LOST as error:
            raise Unpublished(
                Outcome.UNCLEAR, f"{self._where} was lost before it confirmed: {_said(error)}."
            ) from None
        if not isinstance(confirmed, Basic.Ack):
            raise Unpublished(Outcome.UNCLEAR, f"{self._where} answered {type(confirmed).__name__}.")
        return f"{self._where} confirmed it: routed by {place}."

    @property
    def _where(self) -> str:
        address = urlsplit(self._target.url.get_secret_value())
        return f"{address.hostname}:{address.port or (5671 if address.scheme == 'amqps' else 5672)}"

    @property
    def _user(self) -> str:
        return unquote(urlsplit(self._target.url.get_secret_value()).username or "guest")

    @property
    def _vhost(self) -> str:
        return unquote(urlsplit(self._target.url.get_secret_value()).path[1:]) or "/"


def _properties(message: Message) -> Basic.Properties:
    headers: Mapping[str, str] = message.headers
    time = headers.get("cloudEvents_time")
    return Basic.Properties(
        message_id=message.id,
        message_type=message.type,
        content_type=message.content_type,
        delivery_mode=2,
        app_id="choreoscope",
        timestamp=None if time is None else datetime.fromisoformat(time),
        headers=dict(headers),
    )


def _said(error: BaseException) -> str:
    texts = [part.strip() for part in map(str, error.args) if part.strip() and not part.isdigit()]
    return texts[-1].rstrip(".") if texts else type(error).__name__

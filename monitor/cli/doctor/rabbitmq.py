"""RabbitMQ: reached, let in, exchanges there, our queue as we would make it. Leaves nothing behind."""

from __future__ import annotations

import asyncio

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import (
    AMQPError,
    ChannelClosed,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from monitor.cli.doctor.result import SECONDS, Result, Results, fail, ok, warn
from monitor.rabbitmq import connected
from monitor.settings import RabbitmqSource
from monitor.sources import amqp


async def examine(source: RabbitmqSource) -> Results:
    what = f"source {source.name}"
    try:
        async with asyncio.timeout(SECONDS):
            connection = await connected(
                source.url.get_secret_value(), name=f"choreoscope doctor {source.name}", tls=source.tls
            )
    except (AMQPError, OSError) as error:
        mend = "Check url (host, port, user, password, vhost) and that the broker runs."
        yield fail(what, amqp.explain(source, error), mend)
        return
    async with connection:
        yield ok(what, "connected and let in")
        if source.stream:
            yield await _queue(connection, source, what, "stream", source.stream)
            return
        for name in dict.fromkeys(binding.exchange for binding in source.bindings):
            yield await _exchange(connection, what, name)
        yield await _queue(connection, source, what, "queue", source.queue)


async def _exchange(connection: AbstractConnection, what: str, name: str) -> Result:
    try:
        async with connection.channel(publisher_confirms=False) as channel:
            await channel.get_exchange(name, ensure=True)
    except ChannelNotFoundEntity:
        return fail(
            what,
            f"exchange {name!r} does not exist",
            "Check bindings[].exchange and the vhost; services make their exchanges, the monitor never does.",
        )
    except ChannelClosed as error:
        return fail(what, f"exchange {name!r}: {amqp._said(error)}", "Give the user `read` on the exchange.")
    return ok(what, f"exchange {name!r} exists")


async def _queue(
    connection: AbstractConnection, source: RabbitmqSource, what: str, kind: str, name: str
) -> Result:
    """An existing queue is declared again as the source would do it, which changes nothing or is refused."""
    try:
        async with connection.channel(publisher_confirms=False) as channel:
            queue = await channel.get_queue(name, ensure=True)
            waiting = queue.declaration_result.message_count or 0
            if not source.stream:
                await channel.declare_queue(name, durable=True, arguments=amqp._arguments(source))
    except ChannelNotFoundEntity:
        if source.stream:
            return fail(what, f"stream {name!r} does not exist", "Check stream and the vhost.")
        return warn(
            what,
            f"queue {name!r} does not exist yet",
            "It is made when the monitor first starts; events sent before that are not seen.",
        )
    except ChannelPreconditionFailed as error:
        return fail(
            what,
            f"queue {name!r} exists with other settings: {amqp._said(error)}",
            "Set the source to what the queue has, or give another queue, or delete it with what is in it.",
        )
    except ChannelClosed as error:
        return fail(
            what,
            f"{kind} {name!r}: {amqp._said(error)}",
            f"Give the user `configure`, `write` and `read` on {name!r}.",
        )
    return ok(what, f"{kind} {name!r} exists, {waiting} messages waiting")

"""A connection to RabbitMQ: for the source, the commands, `doctor` and the simulated landscape."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aio_pika
from aio_pika.connection import make_url
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from monitor.settings import Tls
from monitor.tls import context_of

LOST = (AMQPError, ChannelInvalidStateError, OSError, RuntimeError)
"""What a call on a connection raises that is gone, or going. aiormq uses RuntimeError for some of it.
OSError has TimeoutError among its own."""

_CLOSE_SECONDS = 5.0


async def connected(
    url: str, *, name: str, tls: Tls | None = None, heartbeat: int | None = None
) -> aio_pika.Connection:
    """Connect as ``name``, which RabbitMQ shows its operators. ``heartbeat`` in seconds, unless the URL
    says one. Raises one of :data:`LOST`.

    As :func:`aio_pika.connect`, except that a connection that did not come about is closed: left to the
    garbage collector it asks whatever event loop runs there and then to close it, or none.
    """
    options: dict[str, Any] = {}
    if heartbeat is not None and "heartbeat=" not in url:
        options["heartbeat"] = heartbeat
    connection = aio_pika.Connection(
        make_url(url, **options),
        ssl_context=context_of(tls) if tls else None,
        client_properties={"connection_name": name},
        **options,
    )
    try:
        await connection.connect()
    except BaseException:  # cancelled, too: no connection is left half open
        await connection.close()
        raise
    return connection


async def leave(connection: aio_pika.abc.AbstractConnection) -> None:
    """Close the connection, politely if the broker answers within seconds."""
    try:
        with contextlib.suppress(*LOST):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await connection.close()
    finally:  # a close that was given up leaves it open in name: see connected()
        await connection.close()

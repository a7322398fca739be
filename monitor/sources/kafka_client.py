"""Kafka's clients as they are configured, and what aiokafka has no public way for."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.conn import CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.helpers import create_ssl_context

from monitor.settings import KafkaSource

log = logging.getLogger(__name__)

LOST = (KafkaError, OSError, TimeoutError)
"""What calls of a client fail with while brokers are away."""

_METADATA_AGE = 10.0
"""Seconds until a new topic or partition is noticed."""
_STOP_TIMEOUT = 15.0


def client_of(settings: KafkaSource, worker: str, **options: Any) -> AIOKafkaConsumer:
    client = AIOKafkaConsumer(
        **options_of(settings, worker), metadata_max_age_ms=int(_METADATA_AGE * 1000), **options
    )
    return _lost_is_lost(_never_by_name(client))


def options_of(settings: KafkaSource, worker: str) -> dict[str, Any]:
    """With what every client connects."""
    secured = settings.security_protocol.endswith("SSL")
    password = settings.sasl_password
    return {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "client_id": f"{settings.client_id}-{worker}",
        "security_protocol": settings.security_protocol,
        "ssl_context": create_ssl_context(
            cafile=settings.ssl_cafile, certfile=settings.ssl_certfile, keyfile=settings.ssl_keyfile
        )
        if secured
        else None,
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": password.get_secret_value() if password else None,
    }


def pattern_of(topic: str) -> str:
    """As librdkafka has it: ``^`` begins a pattern that has to match the beginning of the name."""
    return f"(?:{topic})" if topic.startswith("^") else f"(?:{re.escape(topic)}$)"


async def stop(client: AIOKafkaConsumer) -> None:
    try:
        async with asyncio.timeout(_STOP_TIMEOUT):
            await client.stop()
    except LOST as error:
        log.warning("a Kafka client did not stop cleanly: %s", said(error))


def _never_by_name(client: AIOKafkaConsumer) -> AIOKafkaConsumer:
    """Have a client that misses the leader of a partition look up all topics, as one that subscribes to a
    pattern does anyway: asked for by its name, a topic that was deleted just now is made again."""
    inner = client._client
    inner.add_topic = lambda _topic: inner.force_metadata_update()
    return client


def _lost_is_lost(client: AIOKafkaConsumer) -> AIOKafkaConsumer:
    """Have a write to a connection that broke a moment ago fail as on any lost connection: uvloop calls it a
    RuntimeError, which aiokafka does not expect; asyncio's own loop is silent."""
    inner = client._client
    connect = inner._get_conn

    async def connected(*asked: Any, **options: Any) -> Any:
        connection = await connect(*asked, **options)
        if connection is not None and "send" not in vars(connection):
            connection.send = partial(_send, connection, connection.send)
        return connection

    inner._get_conn = connected
    return client


def _send(connection: Any, send: Callable[..., Any], *asked: Any, **options: Any) -> Any:
    try:
        return send(*asked, **options)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise KafkaConnectionError(str(error)) from error


def all_topics(asker: AIOKafkaConsumer) -> asyncio.Future[Any]:
    """Have the leaders of all partitions looked up anew; done when they are known.

    aiokafka has no public way to ask for this. Left alone it asks for a topic by its name when it misses a
    leader, again and again, and that can bring a topic into being that was deleted.
    """
    looked_up: asyncio.Future[Any] = asker._client.set_topics([])
    return looked_up


def milliseconds(duration: timedelta) -> int:
    return max(1, duration // timedelta(milliseconds=1))


def said(error: BaseException) -> str:
    return str(error) or type(error).__name__

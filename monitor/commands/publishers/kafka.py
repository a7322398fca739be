"""Kafka: ``acks=all`` and an idempotent producer, so that the client's own retries make no second record.

A topic that is not there is never created: brokers that create topics when asked about one are asked for all
they have instead. The producer lives only while a message is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    RecordListTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from aiokafka.helpers import create_ssl_context

from monitor.commands.base import Message, Outcome, Unpublished
from monitor.settings.commands import KafkaTarget

_STOP_SECONDS = 5.0
_LOST = (KafkaError, OSError, RuntimeError)
"""What a call on a connection raises that is gone, or going: a write to one that broke a moment ago is a
RuntimeError of uvloop. OSError has TimeoutError among its own."""

_NO_ENTRY = (SaslAuthenticationFailed, UnsupportedSaslMechanismError, ClusterAuthorizationFailedError)
_WRONG = (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)


class KafkaPublisher:
    """One cluster as one user. ``timeout``: to connect, and then again for the confirmation."""

    def __init__(self, target: KafkaTarget, timeout: timedelta) -> None:
        self._target = target
        self._seconds = timeout.total_seconds()

    async def publish(self, message: Message) -> str:
        async with self._producing(message.place) as producer:
            return await self._send(producer, message)

    async def reach(self) -> str:
        """Connect and go again; nothing is sent. What was found. Raises Unpublished."""
        async with self._producing(self._target.topic):
            return (
                f"{self._where} has topic {self._target.topic!r}; whether we may write only a message shows"
            )

    @contextlib.asynccontextmanager
    async def _producing(self, topic: str) -> AsyncIterator[AIOKafkaProducer]:
        """Connected, and the topic is there."""
        producer = self._producer()
        try:
            await self._start(producer)
            await self._look(producer, topic)
            yield producer
        finally:
            await _stop(producer)

    async def _start(self, producer: AIOKafkaProducer) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await producer.start()
        except _NO_ENTRY as error:
            raise Unpublished(Outcome.REFUSED, f"{self._where} refuses us: {_said(error)}.") from None
        except TimeoutError:
            raise Unpublished(Outcome.AWAY, f"{self._where} does not answer.") from None
        except _LOST as error:
            raise Unpublished(Outcome.AWAY, f"{self._where} cannot be reached: {_said(error)}.") from None

    async def _look(self, producer: AIOKafkaProducer, topic: str) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                known = await producer.client.fetch_all_metadata()
        except _LOST as error:
            raise Unpublished(Outcome.AWAY, f"{self._where} was lost: {_said(error)}.") from None
        if topic not in known.topics():
            raise Unpublished(
                Outcome.UNROUTABLE,
                f"{self._where} has no topic {topic!r}, or does not let us see it. None is created.",
                mend="Correct the target, or let the topic's owner create it; then send it again.",
            )

    async def _send(self, producer: AIOKafkaProducer, message: Message) -> str:
        key = message.key.encode() or None
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        headers.append(("content-type", message.content_type.encode()))
        try:
            async with asyncio.timeout(self._seconds + 1):  # the producer's own time is up first
                kept = await producer.send_and_wait(message.place, message.body, key=key, headers=headers)
        except _WRONG as error:
            raise Unpublished(
                Outcome.REFUSED, f"{self._where} refuses it for topic {message.place!r}: {_said(error)}."
            ) from None
        except NotEnoughReplicasAfterAppendError:
            raise Unpublished(
                Outcome.UNCLEAR, f"{self._where} stored it, but not on as many replicas as the topic demands."
            ) from None
        except NotEnoughReplicasError:
            raise Unpublished(
                Outcome.NACKED, f"{self._where} did not take it: too few replicas are in step."
            ) from None
        except (KafkaTimeoutError, KafkaConnectionError, TimeoutError):
            raise Unpublished(
                Outcome.UNCLEAR, f"{self._where} did not confirm it in {self._seconds:g} s."
            ) from None
        except _LOST as error:
            raise Unpublished(Outcome.UNCLEAR, f"{self._where} did not confirm it: {_said(error)}.") from None
        return f"{self._where} confirmed it: {kept.topic}/{kept.partition} at {kept.offset}."

    def _producer(self) -> AIOKafkaProducer:
        target = self._target
        password = target.sasl_password
        secured = target.security_protocol.endswith("SSL")
        return AIOKafkaProducer(
            bootstrap_servers=list(target.bootstrap_servers),
            client_id=f"choreoscope-commands-{uuid4().hex[:8]}",
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=max(1, int(self._seconds * 1000)),
            security_protocol=target.security_protocol,
            ssl_context=create_ssl_context(
                cafile=target.ssl_cafile, certfile=target.ssl_certfile, keyfile=target.ssl_keyfile
            )
            if secured
            else None,
            sasl_mechanism=target.sasl_mechanism,
            sasl_plain_username=target.sasl_username,
            sasl_plain_password=password.get_secret_value() if password else None,
        )

    @property
    def _where(self) -> str:
        return ",".join(self._target.bootstrap_servers)


async def _stop(producer: AIOKafkaProducer) -> None:
    """Where stopping waits for an answer that does not come, what is under way is broken off: nothing may be
    sent after we have said how the attempt ended."""
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await producer.stop()
    except _LOST:
        if producer._sender is not None:  # there is no other way to it
            with contextlib.suppress(asyncio.CancelledError, KafkaError):
                await producer._sender.close()
        await producer.client.close()


def _said(error: BaseException) -> str:
    return (str(error) or type(error).__name__).rstrip(".")

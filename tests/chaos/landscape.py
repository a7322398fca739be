"""Orders of which everything is known, the configuration that watches them, and an exact producer.

The landscape is the simulated shop of :mod:`monitor.landscape`: five services on both brokers, orders that
are stuck, late, out of order, repeated, sent again or incomplete, each with the verdict it must get.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from monitor.errors import SourceUnavailable
from monitor.landscape import demo
from monitor.landscape.plan import Pace, Plan, plan
from monitor.landscape.publish import Send, rabbitmq, to_kafka
from monitor.landscape.story import Limits
from monitor.landscape.wire import EXCHANGE, TOPICS, Emission
from tests.support.serving import written

EVENTS_PER_ORDER = 7.6
"""On average, by the shares of the faults."""

PARTITIONS = 3
CONFIRMED_WITHIN = 5.0
"""Seconds after which a publisher no longer waits for a confirmation, and sends again."""

_LOST = (
    KafkaError,
    OSError,
    TimeoutError,
    SourceUnavailable,
    aio_pika.exceptions.AMQPError,
    aio_pika.exceptions.ChannelInvalidStateError,
    asyncio.InvalidStateError,
)


@dataclass(frozen=True)
class Load:
    """``rate``: events per second; ``step``: the longest from one event of an order to its next;
    ``lateness``: how long findings wait for late events, longer than any the landscape delays on purpose."""

    seconds: float
    rate: float
    step: timedelta

    @property
    def lateness(self) -> timedelta:
        return 4 * self.step

    def plan(self, seed: int, begin: datetime) -> Plan:
        every = EVENTS_PER_ORDER / self.rate
        orders = max(1, int(self.seconds / every))
        pace = Pace(timedelta(seconds=every), self.step)
        return plan(seed, orders, begin, pace, prefix=f"S{seed}-")


@dataclass(frozen=True)
class Addresses:
    """Where our processes find things: by the links, not past them."""

    database: str
    rabbitmq: str
    kafka: str
    webhook: str
    smtp_port: int


def configured(path: Path, where: Addresses, load: Load) -> Path:
    """The configuration file of our processes."""
    sources = [
        {
            "name": demo.RABBIT,
            "kind": "rabbitmq",
            "url": where.rabbitmq,
            "bindings": [{"exchange": EXCHANGE, "routing_key": "#"}],
            "heartbeat": 4,
            "prefetch": 200,
        },
        {
            "name": demo.KAFKA,
            "kind": "kafka",
            "bootstrap_servers": where.kafka,
            "topics": list(TOPICS),
            "session_timeout": "PT6S",
        },
    ]
    return written(
        path,
        where.database,
        sources,  # type: ignore[arg-type]
        Limits.of(load.step),
        ordering={"lateness": f"PT{load.lateness.total_seconds()}S"},
        ingest={"batch_size": 100},
        alerts=_alerts(where),
    )


def _alerts(where: Addresses) -> dict[str, Any]:
    """Everybody hears of everything, each alert by itself."""
    subject = "{{ alerts[0].labels.alertname }}|{{ alerts[0].id }}|{{ alerts[0].status }}"
    return {
        "smtp": {"host": "127.0.0.1", "port": where.smtp_port, "security": "none", "timeout": "PT5S"},
        "receivers": [
            {"name": "hook", "webhook": {"url": where.webhook, "allow_private": True, "timeout": "PT4S"}},
            {
                "name": "mail",
                "email": {
                    "to": "ops@example.com",
                    "from": "monitor@example.com",
                    "subject": subject,
                    "pictures": False,
                },
            },
        ],
        "route": {
            "receiver": "hook",
            "group_by": ["..."],
            "group_wait": "0s",
            "group_interval": "1s",
            "routes": [
                {"matchers": ['severity="critical"'], "receiver": "mail", "continue": True},
                {"receiver": "hook"},
            ],
        },
        "retry": {"base": "1s", "cap": "4s"},
        "inhibit_downstream": False,
        "inbox_growth": None,
    }


async def prepared(rabbitmq_url: str, bootstrap: str) -> None:
    """Exchange and topics belong to the services: they are there before anybody listens."""
    async with rabbitmq(rabbitmq_url):
        pass
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in TOPICS])
    except TopicAlreadyExistsError:
        pass
    finally:
        await admin.close()


@asynccontextmanager
async def kafka(bootstrap: str) -> AsyncIterator[Send]:
    """As :func:`monitor.landscape.publish.kafka`, but it gives up a broker that is away soon."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        linger_ms=5,
        request_timeout_ms=int(CONFIRMED_WITHIN * 1000),
        retry_backoff_ms=100,
    )
    try:
        async with asyncio.timeout(2 * CONFIRMED_WITHIN):
            await producer.start()
        yield to_kafka(producer)
    finally:
        try:
            async with asyncio.timeout(2 * CONFIRMED_WITHIN):
                await producer.stop()
        except _LOST:  # it has to be gone, not tidy
            pass


@dataclass
class Ledger:
    """What the brokers have confirmed. ``first``: by message, when first; ``sends``: attempts, repeats
    included; ``events``: different events that can be placed."""

    first: dict[str, datetime] = field(default_factory=dict)
    sends: int = 0
    confirmed: int = 0
    events: int = 0

    def confirm(self, message: Emission) -> None:
        self.confirmed += 1
        if message.id not in self.first:
            self.first[message.id] = datetime.now(UTC)
            self.events += not is_noise(message)


@dataclass
class Publisher:
    """One broker's messages, each at its time and until the broker has confirmed it. After anything that
    goes wrong all that is not confirmed is sent again, which brings duplicates."""

    connect: Callable[[], AbstractAsyncContextManager[Send]]
    ledger: Ledger
    window: int = 200
    reconnects: int = 0
    _open: dict[int, Emission] = field(default_factory=dict)
    _again: deque[Emission] = field(default_factory=deque)
    _recent: deque[Emission] = field(default_factory=lambda: deque(maxlen=50))

    def send_again(self, count: int) -> None:
        """Publish the last messages once more, as they were."""
        self._again.extend(list(self._recent)[-count:])

    async def run(self, messages: Iterable[Emission]) -> None:
        """Until all are confirmed."""
        ahead = deque(enumerate(messages))
        while ahead or self._open or self._again:
            try:
                async with self.connect() as send:
                    await self._session(send, ahead)
            except* _LOST:
                self.reconnects += 1
                await asyncio.sleep(0.3)

    async def _session(self, send: Send, ahead: deque[tuple[int, Emission]]) -> None:
        room = asyncio.Semaphore(self.window)

        async def one(number: int | None, message: Emission) -> None:
            try:
                self.ledger.sends += 1
                async with asyncio.timeout(CONFIRMED_WITHIN):
                    await send(message)
                self.ledger.confirm(message)
                self._recent.append(message)
                if number is not None:
                    del self._open[number]
            finally:
                room.release()

        async with asyncio.TaskGroup() as tasks:
            for number, message in list(self._open.items()):
                await room.acquire()
                tasks.create_task(one(number, message))
            while ahead or self._again:
                while self._again:
                    await room.acquire()
                    tasks.create_task(one(None, self._again.popleft()))
                if not ahead:
                    break
                left = ahead[0][1].at.timestamp() - time.time()
                if left > 0:
                    await asyncio.sleep(min(left, 0.2))
                    continue
                number, message = ahead.popleft()
                self._open[number] = message
                await room.acquire()
                tasks.create_task(one(number, message))


def is_noise(message: Emission) -> bool:
    """What the landscape sends although nobody can place it."""
    return message.type.endswith(".ParcelWeighed")


def of_channel(told: Plan, channel: str) -> list[Emission]:
    return [message for message in told.emissions if message.channel == channel]

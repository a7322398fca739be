"""The whole story on real brokers: an order is stuck, people are told, an operator sends the command from the
browser, the warehouse reacts, the breach is over, and the trace tells all of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from playwright.async_api import Page, async_playwright, expect
from standardwebhooks import Webhook

from monitor.resources import models
from tests.browser.conftest import FLAGS, browser_path
from tests.e2e.test_landscape import Monitor, choreoscope, running
from tests.support.http_receiver import HttpReceiver
from tests.support.smtp_server import MailServer

PATIENCE = 60.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PASSWORD = "correct horse battery staple"
ORDER = "O-4711"
RELEASE = "com.shop.ReleaseOrder"


class Shop:
    """The landscape, by names of this test's own: orders and payments on RabbitMQ, the warehouse on Kafka.
    The warehouse has lost an order, and ships it once it is told to look again."""

    def __init__(self, channel: aio_pika.abc.AbstractChannel, producer: AIOKafkaProducer, mark: str) -> None:
        self.exchange_name = f"story-shop-{mark}"
        self.commands_name = f"story-commands-{mark}"
        self.topic = f"story-warehouse-{mark}"
        self.told: list[aio_pika.abc.AbstractIncomingMessage] = []
        self._channel = channel
        self._producer = producer

    async def open(self) -> None:
        kind = aio_pika.ExchangeType.TOPIC
        self._exchange = await self._channel.declare_exchange(self.exchange_name, kind, auto_delete=False)
        commands = await self._channel.declare_exchange(self.commands_name, kind)
        queue = await self._channel.declare_queue(exclusive=True)
        await queue.bind(commands, "orders.release")
        await queue.consume(self._released)

    async def orders(self, label: str) -> None:
        await self._exchange.publish(
            aio_pika.Message(_event(label, "orders"), content_type="application/cloudevents+json"),
            routing_key=f"orders.{label}",
        )

    async def warehouse(self, label: str) -> None:
        headers = [("content-type", b"application/cloudevents+json")]
        await self._producer.send_and_wait(
            self.topic, _event(label, "warehouse"), key=ORDER.encode(), headers=headers
        )

    async def _released(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        async with message.process():
            self.told.append(message)
            await self.warehouse("GoodsShipped")


def _event(label: str, service: str) -> bytes:
    now = datetime.now(UTC)
    said = {
        "specversion": "1.0",
        "id": f"{label}-{time.time_ns()}",
        "source": f"/shop/{service}",
        "type": f"com.shop.{label}",
        "time": now.isoformat(),
        "subject": ORDER,
        "datacontenttype": "application/json",
        "data": {"orderId": ORDER},
    }
    return json.dumps(said).encode()


@asynccontextmanager
async def opened_shop(rabbitmq_url: str, bootstrap: str, mark: str) -> AsyncIterator[Shop]:
    connection = await aio_pika.connect(rabbitmq_url)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        shop = Shop(await connection.channel(publisher_confirms=True), producer, mark)
        await shop.open()
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(shop.topic, 1, 1)])
        await admin.close()
        yield shop
    finally:
        await producer.stop()
        await connection.close()


def configuration(
    shop: Shop,
    mark: str,
    database: str,
    rabbitmq_url: str,
    bootstrap: str,
    mail: MailServer,
    hook: HttpReceiver,
) -> dict[str, Any]:
    return {
        "database": database,
        "sources": [
            {
                "name": "orders",
                "kind": "rabbitmq",
                "url": rabbitmq_url,
                "queue": f"choreoscope.story.{mark}",
                "bindings": [{"exchange": shop.exchange_name, "routing_key": "#"}],
            },
            {
                "name": "warehouse",
                "kind": "kafka",
                "bootstrap_servers": bootstrap,
                "topics": [shop.topic],
                "group": f"choreoscope-story-{mark}",
                "start": "earliest",
            },
        ],
        "ordering": {"lateness": "PT1S"},
        "models": [
            {
                "file": str(models() / "order-fulfilment.bpmn"),
                "key": "order",
                "timers": False,
                "slas": [
                    {
                        "name": "Shipped in time",
                        "from": "PaymentReceived",
                        "to": "GoodsShipped",
                        "within": "PT4S",
                        "severity": "critical",
                    }
                ],
            }
        ],
        "alerts": {
            "smtp": {"host": "127.0.0.1", "port": mail.port, "security": "none"},
            "receivers": [
                {"name": "shop-team", "email": {"to": "shop@example.com", "from": "monitor@example.com"}},
                {"name": "on-call", "webhook": {"url": hook.url, "secret": SECRET, "allow_private": True}},
            ],
            "route": {
                "receiver": "shop-team",
                "group_by": ["trace"],
                "group_wait": "0s",
                "group_interval": "1s",
                "routes": [
                    {"matchers": ['severity="critical"'], "receiver": "shop-team", "continue": True},
                    {"matchers": ['severity="critical"'], "receiver": "on-call"},
                ],
            },
        },
        "commands": {
            "enabled": True,
            "dry_run": False,
            "items": [
                {
                    "name": "release-order",
                    "title": "Release the order",
                    "flow": "order",
                    "when": {"sla": "Shipped in time"},
                    "target": {
                        "kind": "rabbitmq",
                        "url": rabbitmq_url,
                        "exchange": shop.commands_name,
                        "routing_key": "orders.release",
                    },
                    "type": RELEASE,
                    "subject": "{{ trace.key }}",
                    "body": {"orderId": "{{ trace.key }}", "because": "{{ finding.message }}"},
                    "expect": {"event": "GoodsShipped", "within": "PT20S"},
                }
            ],
        },
        "auth": {"local": True},
        "dashboard": {"port": 0},
    }


async def until(condition: Callable[[], bool], monitor: Monitor, why: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        monitor.alive()
        assert time.monotonic() < end, why()
        await asyncio.sleep(0.1)


async def shown(page: Page, address: str, there: Callable[[], Awaitable[None]]) -> None:
    """Load a page until it shows something."""
    end = time.monotonic() + PATIENCE
    while True:
        await page.goto(address)
        try:
            return await there()
        except AssertionError:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(0.5)


async def test_a_stuck_order_is_told_released_and_over(
    tmp_path: Path, postgres_url: str, rabbitmq_url: str, kafka_bootstrap: str
) -> None:
    mark = str(time.time_ns())
    chromium = browser_path()
    async with (
        MailServer() as mail,
        HttpReceiver() as hook,
        opened_shop(rabbitmq_url, kafka_bootstrap, mark) as shop,
    ):
        config = tmp_path / "choreoscope.yaml"
        said = configuration(shop, mark, postgres_url, rabbitmq_url, kafka_bootstrap, mail, hook)
        config.write_text(yaml.safe_dump(said), "utf-8")
        (tmp_path / "password").write_text(PASSWORD, "utf-8")
        for command in (
            ("db", "upgrade", "-c", config),
            (
                "users",
                "add",
                "ann",
                "--role",
                "operator",
                "--password-file",
                tmp_path / "password",
                "-c",
                config,
            ),
        ):
            done = await asyncio.to_thread(
                subprocess.run, choreoscope(*command), capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stderr

        with running(config, tmp_path / "monitor.log") as monitor:
            log = tmp_path / "monitor.log"
            await until(lambda: "http://127.0.0.1" in log.read_text("utf-8"), monitor, lambda: "no dashboard")
            await asyncio.sleep(1.0)  # queue and group are there
            for label in ("OrderPlaced", "PaymentRequested", "PaymentReceived"):
                await shop.orders(label)
            for label in ("ItemsPicked", "ParcelPacked"):
                await shop.warehouse(label)

            # it is stuck; nothing more comes
            await until(
                lambda: bool(mail.mails and hook.received), monitor, lambda: log.read_text("utf-8")[-3000:]
            )
            first = mail.mails[0].message
            assert ORDER in str(first["Subject"])
            told = _verified(hook, 0)
            assert [one["status"] for one in told["data"]["alerts"]] == ["firing"]
            assert told["data"]["alerts"][0]["labels"]["alertname"] == "SlaBreached"

            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
                page = await browser.new_page()
                await _release(page, monitor.address())
                await until(lambda: bool(shop.told), monitor, lambda: "the warehouse was not told")
                for label in ("InvoiceSent", "OrderCompleted"):
                    await shop.orders(label)

                # the breach is over, and who was told of it is told so
                await until(
                    lambda: len(mail.mails) > 1 and len(hook.received) > 1,
                    monitor,
                    lambda: log.read_text("utf-8")[-3000:],
                )
                await shown(page, f"{monitor.address()}/search?q={ORDER}", lambda: _tells_the_story(page))
                await browser.close()

            await asyncio.sleep(3.0)  # nothing is told twice
            assert [ORDER in str(one.message["Subject"]) for one in mail.mails] == [True, True]
            last = mail.mails[1].message
            assert str(first["Message-ID"]) != str(last["Message-ID"])
            assert set(str(first["References"]).split()) & set(str(last["References"]).split())
            told = _verified(hook, 1)
            assert [one["status"] for one in told["data"]["alerts"]] == ["resolved"]
            assert len(hook.received) == 2
            assert len({one.headers["webhook-id"] for one in hook.received}) == 2
            assert len(shop.told) == 1
            assert monitor.stop() == 0

    (message,) = shop.told
    assert message.type == RELEASE
    assert message.headers["cloudEvents_subject"] == ORDER
    assert json.loads(message.body)["orderId"] == ORDER


def _verified(hook: HttpReceiver, number: int) -> dict[str, Any]:
    received = hook.received[number]
    verified: dict[str, Any] = Webhook(SECRET).verify(received.body, received.headers)
    return verified


async def _release(page: Page, address: str) -> None:
    """Ann logs in, finds the order, looks at what would be sent, and sends it."""
    await page.goto(f"{address}/search?q={ORDER}")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(ORDER)
    await page.get_by_role("link", name="Preview it").click()
    await expect(page.locator("pre.bytes")).to_contain_text(f'"orderId":"{ORDER}"')
    await page.get_by_role("button", name="Send exactly this").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Release the order")


async def _tells_the_story(page: Page) -> None:
    main = page.locator("main")
    await expect(main).to_contain_text("Missed", timeout=1000)
    await expect(main).to_contain_text("GoodsShipped", timeout=1000)
    sent = page.locator("section", has=page.get_by_role("heading", name="Commands"))
    await expect(sent).to_contain_text("Release the order", timeout=1000)
    await expect(sent).to_contain_text("ann", timeout=1000)
    await expect(sent).to_contain_text("Effective", timeout=1000)

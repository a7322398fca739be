"""Corrective commands from the trace's page to real brokers and back: previewed, sent, effective."""

from __future__ import annotations

import asyncio
import html
import json
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import aio_pika
import httpx
import pytest
import yaml
from aiokafka import AIOKafkaConsumer
from argon2 import PasswordHasher

from monitor.dashboard.auth.service import digest
from monitor.domain.access import Role
from monitor.storage.migrate import upgrade
from monitor.storage.sql import open_store
from tests.browser.landscape import SHOP, Monitor, running
from tests.contract.source_harnesses import make_topic
from tests.services import Service

PATIENCE = 40.0


@dataclass(frozen=True)
class Got:
    """What a service behind the broker receives. ``headers``: those of the message."""

    id: str
    body: bytes
    headers: dict[str, Any]


class Behind(Protocol):
    """The broker, and the service that is to react."""

    target: dict[str, Any]

    async def get(self) -> Got: ...


class BehindRabbitmq:
    def __init__(self, url: str, exchange: str, queue: aio_pika.abc.AbstractQueue) -> None:
        self.target = {"kind": "rabbitmq", "url": url, "exchange": exchange, "routing_key": "orders"}
        self._queue = queue

    async def get(self) -> Got:
        async with asyncio.timeout(PATIENCE):
            while (got := await self._queue.get(no_ack=True, fail=False)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        headers: dict[str, Any] = dict(got.headers)
        assert got.message_id == headers["cloudEvents_id"]
        return Got(headers["cloudEvents_id"], got.body, headers)


class BehindKafka:
    def __init__(self, bootstrap: str, topic: str, consumer: AIOKafkaConsumer) -> None:
        self.target = {
            "kind": "kafka",
            "bootstrap_servers": bootstrap,
            "topic": topic,
            "key": "{{ keys.order }}",
        }
        self._consumer = consumer

    async def get(self) -> Got:
        record = await asyncio.wait_for(self._consumer.getone(), PATIENCE)
        assert record.key == b"o-1"
        headers = {name: value.decode() for name, value in record.headers}
        return Got(headers["ce_id"], record.value, headers)


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:10]}"


@pytest.fixture
async def rabbitmq(rabbitmq_url: str, name: str) -> AsyncIterator[BehindRabbitmq]:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "#")
        yield BehindRabbitmq(rabbitmq_url, name, queue)
        await exchange.delete()


@pytest.fixture
async def kafka(kafka_bootstrap: str, name: str) -> AsyncIterator[BehindKafka]:
    await make_topic(kafka_bootstrap, name, 2)
    async with AIOKafkaConsumer(
        name, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        yield BehindKafka(kafka_bootstrap, name, consumer)


@pytest.fixture(params=["rabbitmq", "kafka"])
def behind(request: pytest.FixtureRequest) -> Behind:
    found: Behind = request.getfixturevalue(request.param)
    return found


def configured(target: dict[str, Any], **changed: Any) -> str:
    """The shop's configuration with one command, for orders that wait to be shipped too long."""
    item = {
        "name": "release",
        "title": "Release the order",
        "description": "Asks the warehouse to look at the order again.",
        "flow": "order",
        "when": {"sla": "Ship within an hour"},
        "target": target,
        "type": "com.shop.ReleaseOrder",
        "subject": "{{ keys.order }}",
        "headers": {"why": "{{ finding.kind }}"},
        "body": {"orderId": "{{ keys.order }}", "amount": "{{ events.PaymentReceived.data.amount }}"},
        "expect": {"event": "GoodsShipped", "within": "PT30S"},
    }
    top = {"enabled": True, "dry_run": False}
    for key, value in changed.items():
        (top if key in ("dry_run", "give_up", "timeout", "breaker", "enabled") else item)[key] = value
    return SHOP + yaml.safe_dump({"commands": {**top, "items": [item]}})


@asynccontextmanager
async def stuck(folder: Path, configuration: str) -> AsyncIterator[tuple[Monitor, int]]:
    """A monitor with an order that was paid long ago and is not shipped, and its trace."""
    now = datetime.now(UTC)
    async with running(folder, configuration) as monitor:
        for step, hours in (("OrderPlaced", 3.0), ("PaymentRequested", 2.9), ("PaymentReceived", 2.5)):
            await monitor.post("o-1", step, now - timedelta(hours=hours), paymentId="p-1", amount=42)
        trace = await monitor.trace("o-1")
        path = f"/traces/{trace}"
        await monitor.until(path, lambda told: any(one["state"] == "confirmed" for one in told["findings"]))
        yield monitor, trace


async def page(monitor: Monitor, path: str) -> str:
    answer = await monitor.http.get(path)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def fields(text: str) -> dict[str, str]:
    """The hidden fields of the form that confirms."""
    form = re.findall(r'<form class="confirm".*?</form>', text, re.DOTALL)[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


async def send(monitor: Monitor, trace: int, **more: str) -> tuple[str, httpx.Response]:
    """From the trace's page to the preview, and what its form says back. Returns the preview's page too."""
    shown = await page(monitor, f"/traces/{trace}")
    link = re.findall(rf'href="(/traces/{trace}/commands/release[^"]*)"', shown)[0]
    preview = await page(monitor, link)
    sent = {**fields(preview), **more}
    answer = await monitor.http.post(link.partition("?")[0], data=sent)
    return preview, answer


async def stands(
    monitor: Monitor, answer: httpx.Response, holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    assert answer.status_code == 303, answer.text
    found: dict[str, Any] = await monitor.until(answer.headers["location"], holds)
    return found


def is_in(*statuses: str) -> Callable[[dict[str, Any]], bool]:
    return lambda told: told["status"] in statuses


async def test_an_operator_sends_it_the_service_reacts_and_the_trace_says_so(
    tmp_path: Path, behind: Behind
) -> None:
    async with stuck(tmp_path, configured(behind.target)) as (monitor, trace):
        preview, answer = await send(monitor, trace, note="they called")
        got = await behind.get()
        assert got.id in preview
        assert got.body.decode() in preview
        assert json.loads(got.body) == {"orderId": "o-1", "amount": "42"}
        assert got.headers["why"] == "sla_breach"
        told = await stands(monitor, answer, is_in("published"))
        assert told["message"]["id"] == got.id
        assert [one["outcome"] for one in told["tries"]] == ["published"]
        assert "confirmed" in told["told"]

        await monitor.post("o-1", "GoodsShipped", datetime.now(UTC))
        told = await stands(monitor, answer, is_in("effective"))
        assert told["told"].startswith("GoodsShipped followed")
        shown = await page(monitor, f"/traces/{trace}")
        assert "Commands sent" in shown
        assert "Effective" in shown
        life = await page(monitor, answer.headers["location"])
        assert "they called" in life
        assert got.body.decode() in life
        audit = await monitor.get("/audit?action=command")
        assert [(one["action"], one["who"]) for one in audit["items"]] == [("command.request", "local")]


async def test_the_same_form_twice_is_one_command(tmp_path: Path, rabbitmq: BehindRabbitmq) -> None:
    async with stuck(tmp_path, configured(rabbitmq.target)) as (monitor, trace):
        shown = await page(monitor, f"/traces/{trace}/commands/release")
        sent = fields(shown)
        answers = await asyncio.gather(
            *(monitor.http.post(f"/traces/{trace}/commands/release", data=sent) for _ in range(4))
        )
        assert len({answer.headers["location"] for answer in answers}) == 1
        await rabbitmq.get()
        await stands(monitor, answers[0], is_in("published"))
        _, answer = await send_or_told(monitor, trace)
        assert "asked for already" in answer
        assert len((await monitor.get("/commands"))["items"]) == 1


async def send_or_told(monitor: Monitor, trace: int) -> tuple[str, str]:
    shown = await page(monitor, f"/traces/{trace}/commands/release")
    return shown, shown


async def test_what_changed_since_the_preview_is_not_sent(tmp_path: Path, rabbitmq: BehindRabbitmq) -> None:
    async with stuck(tmp_path, configured(rabbitmq.target)) as (monitor, trace):
        sent = fields(await page(monitor, f"/traces/{trace}/commands/release"))
        later = datetime.now(UTC) - timedelta(hours=2.4)
        await monitor.post("o-1", "PaymentReceived", later, paymentId="p-1", amount=43)
        await monitor.until(f"/traces/{trace}", lambda told: len(told["events"]) == 4)
        answer = await monitor.http.post(f"/traces/{trace}/commands/release", data=sent)
        assert answer.status_code == 409
        assert "Nothing was sent" in answer.text
        assert '"43"' in html.unescape(answer.text)
        assert (await monitor.get("/commands"))["items"] == []
        forged = {**sent, "digest": "0" * 32}
        assert (await monitor.http.post(f"/traces/{trace}/commands/release", data=forged)).status_code == 409


async def test_a_dry_run_does_all_but_the_sending(tmp_path: Path, rabbitmq: BehindRabbitmq) -> None:
    nowhere = {**rabbitmq.target, "url": "amqp://nobody:secret@127.0.0.1:1/"}
    async with stuck(tmp_path, configured(nowhere, dry_run=True)) as (monitor, trace):
        preview, answer = await send(monitor, trace)
        assert "Dry run" in preview
        assert "secret" not in preview
        told = await stands(monitor, answer, is_in("dry_run"))
        assert told["tries"] == []
        assert "secret" not in json.dumps(await monitor.get("/commands"))


async def test_not_enabled_there_is_nothing(tmp_path: Path, rabbitmq: BehindRabbitmq) -> None:
    async with stuck(tmp_path, configured(rabbitmq.target, enabled=False)) as (monitor, trace):
        assert "/commands/release" not in await page(monitor, f"/traces/{trace}")
        assert "Commands are off" in await page(monitor, "/commands")
        answer = await monitor.http.get(f"/traces/{trace}/commands/release")
        assert answer.status_code == 404
        answer = await monitor.http.post(f"/api/v1/traces/{trace}/commands/release", json={})
        assert answer.status_code == 404


async def test_what_has_nowhere_to_go_is_shown_and_goes_again_by_the_same_id(
    tmp_path: Path, rabbitmq_url: str, name: str
) -> None:
    target = {"kind": "rabbitmq", "url": rabbitmq_url, "exchange": name, "routing_key": "orders"}
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC)
        async with stuck(tmp_path, configured(target)) as (monitor, trace):
            preview, answer = await send(monitor, trace)
            told = await stands(monitor, answer, is_in("unroutable"))
            assert "no queue is bound" in told["told"]
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange, "orders")
            life = await page(monitor, answer.headers["location"])
            token = re.findall(r'name="token" value="(\w+)"', life)[0]
            again = await monitor.http.post(f"{answer.headers['location']}/again", data={"token": token})
            told = await stands(monitor, again, is_in("published"))
            got = await BehindRabbitmq(rabbitmq_url, name, queue).get()
            assert got.id == told["message"]["id"]
            assert got.id in preview
            assert [one["outcome"] for one in told["tries"]] == ["published", "unroutable"]
        await exchange.delete()


async def test_a_broker_that_is_away_gets_it_when_it_is_back(
    tmp_path: Path, private_rabbitmq: Service, name: str
) -> None:
    private_rabbitmq.stop()
    target = {"kind": "rabbitmq", "url": private_rabbitmq.address, "routing_key": name}
    async with stuck(tmp_path, configured(target, breaker={"failures": 100})) as (monitor, trace):
        _, answer = await send(monitor, trace)
        told = await stands(monitor, answer, lambda told: told["attempts"] >= 2)
        assert "cannot be reached" in told["told"]
        private_rabbitmq.start()
        async with await aio_pika.connect(private_rabbitmq.address) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, exclusive=True)
            told = await monitor.until(answer.headers["location"], is_in("published", "unroutable"))
            if told["status"] == "unroutable":  # an attempt came before our queue did
                await monitor.http.post(f"/api/v1/commands/{told['id']}/again", json={})
                await stands(monitor, answer, is_in("published"))
            got = await BehindRabbitmq(private_rabbitmq.address, "", queue).get()
            assert got.id == told["message"]["id"]
            assert await queue.get(no_ack=True, fail=False) is None


async def test_without_effect_there_is_a_notice(tmp_path: Path, rabbitmq: BehindRabbitmq) -> None:
    expect = {"event": "GoodsShipped", "within": "PT1S"}
    quick = configured(rabbitmq.target, expect=expect).replace(
        "events:", "ordering: {lateness: PT0S}\nevents:"
    )
    async with stuck(tmp_path, quick) as (monitor, trace):
        _, answer = await send(monitor, trace)
        await rabbitmq.get()
        told = await stands(monitor, answer, is_in("ineffective"))
        assert "did not follow" in told["told"]
        (notice,) = (await monitor.get("/notices?kind=command_ineffective"))["items"]
        assert notice["subject"] == str(told["id"])
        assert "Release the order" in await page(monitor, "/notices")


async def test_an_automatic_command_is_sent_once_for_a_finding(
    tmp_path: Path, rabbitmq: BehindRabbitmq
) -> None:
    limits = {"per_trace": 5, "per_hour": 5}
    soon = configured(rabbitmq.target, mode="automatic", limits=limits).replace(
        "within: PT1H", "within: PT2S"
    )
    async with running(tmp_path, soon) as monitor:
        await monitor.until("/sources", lambda told: told["items"])
        now = datetime.now(UTC)
        for number, step in enumerate(("OrderPlaced", "PaymentRequested", "PaymentReceived")):
            when = now + timedelta(milliseconds=number)
            await monitor.post("o-1", step, when, paymentId="p-1", amount=42)
        got = await rabbitmq.get()
        assert json.loads(got.body)["orderId"] == "o-1"
        (told,) = (await monitor.get("/commands"))["items"]
        assert (told["requested_by"], told["mode"]) == ("choreoscope", "automatic")
        await asyncio.sleep(3)
        assert len((await monitor.get("/commands"))["items"]) == 1


async def stop_by(monitor: Monitor, who: Callable[[], Awaitable[httpx.Response]]) -> None:
    assert (await who()).status_code in (200, 303)
    assert (await monitor.get("/commands"))["stopped"] is not None


async def test_the_kill_switch_keeps_what_waits_from_being_sent(
    tmp_path: Path, rabbitmq: BehindRabbitmq
) -> None:
    nowhere = {**rabbitmq.target, "url": "amqp://guest:guest@127.0.0.1:1/"}
    async with stuck(tmp_path, configured(nowhere)) as (monitor, trace):
        _, answer = await send(monitor, trace)
        await stands(monitor, answer, lambda told: told["attempts"] >= 1)
        shown = await page(monitor, "/commands")
        token = re.findall(r'name="token" value="(\w+)"', shown)[0]
        await stop_by(
            monitor,
            lambda: monitor.http.post("/commands/stop", data={"token": token, "note": "it does harm"}),
        )
        before = (await monitor.get(answer.headers["location"]))["attempts"]
        await asyncio.sleep(4)
        after = (await monitor.get(answer.headers["location"]))["attempts"]
        assert after <= before + 1  # one may have been on its way
        shown = await page(monitor, "/commands")
        assert "it does harm" in shown
        refused = await monitor.http.post(f"/api/v1/traces/{trace}/commands/release", json={})
        assert refused.status_code == 409
        assert "stopped by local" in refused.text
        resumed = await monitor.http.post("/api/v1/commands/resume", json={})
        assert resumed.json() == {"stopped": None}


async def test_without_logins_nobody_can_approve(tmp_path: Path, rabbitmq: BehindRabbitmq) -> None:
    async with stuck(tmp_path, configured(rabbitmq.target, mode="approve")) as (monitor, trace):
        shown = await page(monitor, f"/traces/{trace}/commands/release")
        assert "without logins nobody can be told from another" in shown
        refused = await monitor.http.post(f"/api/v1/traces/{trace}/commands/release", json={})
        assert refused.status_code == 409
        assert (await monitor.get("/commands"))["items"] == []


PASSWORD = "correct horse battery"


async def logged_in(monitor: Monitor, name: str) -> httpx.AsyncClient:
    http = httpx.AsyncClient(base_url=monitor.address, timeout=PATIENCE)
    token = re.findall(r'name="token" value="(\w+)"', (await http.get("/login")).text)[0]
    answer = await http.post("/login", data={"token": token, "name": name, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return http


async def test_a_second_person_approves_it(tmp_path: Path, rabbitmq: BehindRabbitmq) -> None:
    configuration = configured(rabbitmq.target, mode="approve") + "auth: {local: true}\n"
    configuration = configuration.replace("{name: web, kind: http}", "{name: web, kind: http, token: sesame}")
    file = tmp_path / "browser.db"
    upgrade(f"sqlite:///{file}")
    store = await open_store(f"sqlite:///{file}")
    now = datetime.now(UTC)
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    for name, role in (("ann", Role.OPERATOR), ("bob", Role.OPERATOR), ("cid", Role.VIEWER)):
        await store.access.add_user(name, hashed, role, "local", now)
    secret = "chs_" + "x" * 40
    await store.access.create_token("robot", digest(secret), secret[:8], Role.ADMIN, None, "ann", now)
    await store.close()
    async with running(tmp_path, configuration) as monitor:
        monitor.http.headers["authorization"] = "Bearer sesame"
        for step, hours in (("OrderPlaced", 3.0), ("PaymentRequested", 2.9), ("PaymentReceived", 2.5)):
            await monitor.post("o-1", step, now - timedelta(hours=hours), paymentId="p-1", amount=42)
        monitor.http.headers["authorization"] = f"Bearer {secret}"
        trace = await monitor.trace("o-1")
        await monitor.until(
            f"/traces/{trace}", lambda told: any(one["state"] == "confirmed" for one in told["findings"])
        )
        ann, bob, cid = [await logged_in(monitor, name) for name in ("ann", "bob", "cid")]
        try:
            preview = html.unescape((await ann.get(f"/traces/{trace}/commands/release")).text)
            assert "Ask a second person to approve it" in preview
            asked = await ann.post(f"/traces/{trace}/commands/release", data=fields(preview))
            place = asked.headers["location"]
            own = await ann.get(place)
            assert "takes a second person" in own.text
            assert "Approve and send it" not in own.text
            token = re.findall(r'name="token" value="(\w+)"', own.text)[0]
            refused = await ann.post(f"{place}/approve", data={"token": token})
            assert refused.status_code == 409
            assert (await monitor.http.post(f"/api/v1{place}/approve", json={})).status_code == 409
            looked = await cid.get(place)
            assert "Approve and send it" not in looked.text
            assert "Cancel it" not in looked.text
            token = re.findall(r'name="token" value="(\w+)"', looked.text)[0]
            assert (await cid.post(f"{place}/approve", data={"token": token})).status_code == 403
            assert (await monitor.get(place))["status"] == "waiting"

            offered = html.unescape((await bob.get(place)).text)
            done = await bob.post(f"{place}/approve", data={**fields(offered), "note": "go"})
            told = await stands(monitor, done, is_in("published"))
            assert (told["requested_by"], told["approved_by"]) == ("ann", "bob")
            got = await rabbitmq.get()
            assert got.id in preview
            audit = (await monitor.get("/audit?action=command"))["items"]
            assert [(one["who"], one["action"]) for one in audit] == [
                ("bob", "command.approve"),
                ("ann", "command.request"),
            ]
        finally:
            for http in (ann, bob, cid):
                await http.aclose()

"""Webhooks: bodies, signatures, and receivers of all kinds."""

import base64
import json
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from monitor.alerts.addresses import Policy
from monitor.alerts.base import Undeliverable
from monitor.alerts.channels.webhook import WebhookChannel
from monitor.alerts.outbound import Outbound
from tests.support.http_receiver import HttpReceiver, Received, answer
from tests.unit.alerts.samples import HOSTILE, NOW, alert, hostile, notification, resolved

OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 24).decode()
PRIVATE = Policy(allow_private=True)


def channel(receiver: HttpReceiver, **how: object) -> WebhookChannel:
    outbound = Outbound(f"{receiver.url}/hook", policy=PRIVATE, timeout=timedelta(seconds=5))
    return WebhookChannel(outbound, **how)  # type: ignore[arg-type]


async def test_the_standard_body_and_its_signature() -> None:
    now = datetime.now(UTC)  # the library refuses signatures of another time
    async with HttpReceiver() as receiver:
        said = await channel(receiver, secrets=[NEW]).send(notification(alert(), resolved(id="a2")), now)
    assert said == "200 OK: ok"
    (received,) = receiver.received
    told = Webhook(NEW).verify(received.body, received.headers)
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == told["data"]["id"] == "n-1"
    assert told["type"] == "alerts.firing"
    assert told["timestamp"] == "2026-03-02T09:30:00.000Z"
    assert told["data"]["group_labels"] == {"flow": "order"}
    first, second = told["data"]["alerts"]
    assert first["labels"]["sla"] == "Ship in time"
    assert (first["starts_at"], first["ends_at"]) == ("2026-03-02T09:25:00.000Z", None)
    assert (second["status"], second["ends_at"]) == ("resolved", "2026-03-02T09:30:00.000Z")
    assert first["trace_url"] == "https://monitor.example/traces/7"
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(received.body + b" ", received.headers)


async def test_while_secrets_are_exchanged_both_sign() -> None:
    async with HttpReceiver() as receiver:
        await channel(receiver, secrets=[NEW, OLD]).send(notification(), datetime.now(UTC))
    (received,) = receiver.received
    for secret in (NEW, OLD):
        Webhook(secret).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(base64.b64encode(b"x" * 32).decode()).verify(received.body, received.headers)


async def test_without_a_secret_nothing_is_signed_but_the_id_is_there() -> None:
    async with HttpReceiver() as receiver:
        await channel(receiver).send(notification(resolved()), NOW)
    (received,) = receiver.received
    assert "webhook-signature" not in received.headers
    assert received.headers["webhook-id"] == "n-1"
    assert json.loads(received.body)["type"] == "alerts.resolved"


async def test_alertmanagers_body() -> None:
    async with HttpReceiver() as receiver:
        what = notification(alert(), resolved(id="a2", trace=8), truncated=3)
        await channel(receiver, format="alertmanager").send(what, NOW)
    told = json.loads(receiver.received[0].body)
    assert told.keys() == {
        *("version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels"),
        *("commonLabels", "commonAnnotations", "externalURL", "alerts"),
    }
    assert (told["version"], told["truncatedAlerts"], told["status"]) == ("4", 3, "firing")
    assert told["alerts"][0].keys() == {
        *("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"),
    }
    assert told["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert told["alerts"][1]["endsAt"] == "2026-03-02T09:30:00.000Z"
    assert told["alerts"][0]["generatorURL"] == "https://monitor.example/alerts/a1"


async def test_a_body_of_ones_own() -> None:
    template = '{"text": "{{ common_labels.key }} is {{ status }}", "all": {{ alerts | tojson }}}'
    async with HttpReceiver() as receiver:
        await channel(receiver, template=template).send(notification(), NOW)
    told = json.loads(receiver.received[0].body)
    assert told["text"] == "order=o-17 is firing"
    assert told["all"][0]["id"] == "a1"


async def test_no_value_breaks_out_of_a_template() -> None:
    template = '{"text": "{{ alerts[0].annotations.summary }}", "safe": true}'
    async with HttpReceiver() as receiver:
        await channel(receiver, template=template).send(hostile(), NOW)
    assert json.loads(receiver.received[0].body) == {"text": HOSTILE, "safe": True}


@pytest.mark.parametrize(
    "template", ["{{ nothing }}", "no json", "{{ ''.__class__.__mro__ }}", "{{ 1 // 0 }}"]
)
async def test_a_template_that_fails_says_so_and_disables_nobody(template: str) -> None:
    """What fails may be due to one message's values, which a producer chose."""
    async with HttpReceiver() as receiver:
        with pytest.raises(Undeliverable, match="The template of the body") as caught:
            await channel(receiver, template=template).send(notification(), NOW)
    assert not caught.value.permanent
    assert receiver.received == []


@pytest.mark.parametrize("form", ["standard", "alertmanager"])
async def test_hostile_texts_stay_texts(form: str) -> None:
    async with HttpReceiver() as receiver:
        what = notification(*hostile().alerts, group_labels={"flow": "half a pair: \ud800"})
        await channel(receiver, format=form, secrets=[NEW]).send(what, NOW)
    told = orjson.loads(receiver.received[0].body)
    alerts = told["alerts"] if form == "alertmanager" else told["data"]["alerts"]
    assert alerts[0]["labels"]["flow"] == HOSTILE


async def test_410_is_for_good() -> None:
    async with HttpReceiver([answer(410, "Gone")]) as receiver:
        with pytest.raises(Undeliverable) as caught:
            await channel(receiver).send(notification(), NOW)
    assert caught.value.permanent


async def test_retry_after_is_handed_on() -> None:
    async with HttpReceiver([answer(429, "Slowly", retry_after="Mon, 02 Mar 2026 10:00:00 GMT")]) as receiver:
        with pytest.raises(Undeliverable) as caught:
            await channel(receiver).send(notification(), NOW)
    assert caught.value.retry_after == timedelta(minutes=30)


async def test_500_for_an_hour_is_one_message_in_the_end() -> None:
    """Every attempt has the same id and body and a timestamp and signature of its own, so that a receiver
    recognises the repeat, and takes it."""
    clock = NOW
    said = ""
    async with HttpReceiver() as receiver:

        async def broken(received: Received, writer: object) -> None:
            down = clock < NOW + timedelta(hours=1)
            writer.write(answer(500, "Broken") if down else answer(204))  # type: ignore[attr-defined]

        receiver.answers = [broken]
        one = channel(receiver, secrets=[NEW])
        while not said:
            try:
                said = await one.send(notification(), clock)
            except Undeliverable as failure:
                assert failure.message == "answered 500 Broken"  # noqa: PT017 - each of many
                assert not failure.permanent  # noqa: PT017
                clock += timedelta(minutes=5)
    assert said == "204"
    attempts = receiver.received
    assert len(attempts) == 13
    assert {each.headers["webhook-id"] for each in attempts} == {"n-1"}
    assert len({each.body for each in attempts}) == 1
    stamps = [int(each.headers["webhook-timestamp"]) for each in attempts]
    assert stamps == [int(NOW.timestamp()) + 300 * number for number in range(13)]
    for each, stamp in zip(attempts, stamps, strict=True):
        at = datetime.fromtimestamp(stamp, UTC)
        assert each.headers["webhook-signature"] == Webhook(NEW).sign("n-1", at, each.body.decode())

"""Alerts posted to an Alertmanager."""

import json
from datetime import timedelta

import pytest

from monitor.alerts.addresses import Policy
from monitor.alerts.base import Undeliverable
from monitor.alerts.channels.alertmanager import AlertmanagerChannel
from monitor.alerts.outbound import Outbound
from tests.support.http_receiver import HttpReceiver, answer
from tests.unit.alerts.samples import NOW, alert, notification, resolved


def channel(receiver: HttpReceiver, path: str = "") -> AlertmanagerChannel:
    outbound = Outbound(receiver.url + path, policy=Policy(allow_private=True))
    return AlertmanagerChannel(outbound, lasts=timedelta(hours=6))


@pytest.mark.parametrize(("path", "asked"), [("", "/api/v2/alerts"), ("/am/", "/am/api/v2/alerts")])
async def test_alerts_are_posted_where_it_takes_them(path: str, asked: str) -> None:
    async with HttpReceiver() as receiver:
        await channel(receiver, path).send(notification(alert(), resolved(id="a2", trace=8)), NOW)
    (received,) = receiver.received
    assert received.path == asked
    first, second = json.loads(received.body)
    assert first["labels"]["alertname"] == "SlaBreached"
    assert first["startsAt"] == "2026-03-02T09:25:00.000Z"
    assert first["endsAt"] == "2026-03-02T15:30:00.000Z"
    assert second["endsAt"] == "2026-03-02T09:30:00.000Z"
    assert first["generatorURL"] == "https://monitor.example/alerts/a1"


async def test_the_same_alert_has_the_same_labels_when_it_fires_and_when_it_ends() -> None:
    async with HttpReceiver() as receiver:
        one = channel(receiver)
        await one.send(notification(), NOW)
        await one.send(notification(resolved()), NOW)
    fired, ended = (json.loads(each.body)[0]["labels"] for each in receiver.received)
    assert fired == ended


async def test_label_names_are_what_every_alertmanager_takes() -> None:
    odd = alert(labels={"alertname": "X", "my-key": "v", "empty": ""}, annotations={"a.b": "c"}, trace=3)
    async with HttpReceiver() as receiver:
        await channel(receiver).send(notification(odd), NOW)
    (told,) = json.loads(receiver.received[0].body)
    assert told["labels"] == {"alertname": "X", "my_key": "v", "trace": "3"}
    assert told["annotations"] == {"a_b": "c"}


async def test_what_it_refuses_is_told() -> None:
    async with HttpReceiver([answer(400, "Bad Request", b'"invalid label set"')]) as receiver:
        with pytest.raises(Undeliverable, match=r"400 Bad Request: .*invalid label set"):
            await channel(receiver).send(notification(), NOW)

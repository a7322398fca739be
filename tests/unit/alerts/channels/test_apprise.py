"""The library apprise, over one of its services that is a real server here."""

import json
from datetime import timedelta

import pytest

from monitor.alerts.base import Undeliverable
from monitor.alerts.channels.apprise import AppriseChannel, message
from monitor.errors import ConfigError
from tests.support.http_receiver import HttpReceiver, answer, silence
from tests.unit.alerts.samples import NOW, alert, hostile, notification, resolved

pytest.importorskip("apprise")
pytestmark = pytest.mark.filterwarnings(
    "ignore:'imghdr' is deprecated:DeprecationWarning"
)  # the library's own
SECONDS = timedelta(seconds=20)


def address(receiver: HttpReceiver) -> str:
    return f"json://user:pa55word@127.0.0.1:{receiver.port}/in"


async def test_a_message_arrives() -> None:
    async with HttpReceiver() as receiver:
        said = await AppriseChannel([address(receiver)], timeout=SECONDS).send(notification(), NOW)
    told = json.loads(receiver.received[0].body)
    assert said == "taken by JSON"
    assert told["title"].startswith("Order o-17: GoodsShipped was due")
    assert "Open the trace: https://monitor.example/traces/7" in told["message"]
    assert told["type"] == "failure"


async def test_only_those_are_told_again_that_did_not_take_it() -> None:
    async with HttpReceiver() as good, HttpReceiver([answer(500), answer(200)]) as bad:
        channel = AppriseChannel([address(good), address(bad)], timeout=SECONDS)
        with pytest.raises(Undeliverable, match=r"not taken by JSON \(2\)") as caught:
            await channel.send(notification(), NOW)
        assert "pa55word" not in caught.value.message
        await channel.send(notification(), NOW)
        assert (len(good.received), len(bad.received)) == (1, 2)
        await channel.send(notification(id="n-2"), NOW)
        assert (len(good.received), len(bad.received)) == (2, 3)
        await channel.send(notification(id="n-2"), NOW)  # by hand, say
        assert (len(good.received), len(bad.received)) == (3, 4)


async def test_a_service_that_hangs_is_given_up() -> None:
    async with HttpReceiver([silence]) as receiver:
        url = f"{address(receiver)}?rto=2&cto=2"
        with pytest.raises(Undeliverable):
            await AppriseChannel([url], timeout=timedelta(seconds=0.5)).send(notification(), NOW)


def test_an_address_that_is_none_is_told_without_telling_it() -> None:
    with pytest.raises(ConfigError, match="The address 2 of the receiver") as caught:
        AppriseChannel(["json://localhost", "nonsense://secret"], timeout=SECONDS)
    assert "secret" not in str(caught.value)


def test_the_kind_of_message_is_that_of_the_worst() -> None:
    info = alert(labels={"severity": "info"})
    assert message(notification(info), "UTC")[2] == "info"
    assert message(notification(info, alert()), "UTC")[2] == "failure"
    assert message(notification(resolved()), "UTC")[2] == "success"
    assert message(hostile(), "UTC")[0]

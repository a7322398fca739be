"""Settings become channels, and a sample goes out by them."""

from typing import Any

import pytest

from monitor.alerts.factory import channels_of
from monitor.alerts.sample import sample
from monitor.errors import ConfigError
from monitor.settings.receivers import ReceiverSettings, SmtpSettings
from tests.support.http_receiver import HttpReceiver
from tests.support.smtp_server import MailServer
from tests.unit.alerts.samples import NOW

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def receiver(name: str, **block: Any) -> ReceiverSettings:
    return ReceiverSettings.model_validate({"name": name, **block})


async def test_a_sample_goes_out_by_every_way() -> None:
    async with HttpReceiver() as http, MailServer() as mail:
        smtp = SmtpSettings(host="127.0.0.1", port=mail.port, security="none", hello="m.example")
        inner = {"url": http.url, "allow_private": True}
        channels = channels_of(
            [
                receiver("email", email={"to": "ops@shop.example", "from": "monitor@shop.example"}),
                receiver("webhook", webhook=inner),
                receiver("slack", slack=inner),
                receiver("teams", teams=inner),
                receiver("alertmanager", alertmanager=inner),
                receiver("apprise", apprise={"urls": f"json://127.0.0.1:{http.port}"}),
            ],
            smtp=smtp,
        )
        for name, channel in channels.items():
            said = await channel.send(sample(name, "https://monitor.example", NOW, f"t-{name}"), NOW)
            assert said
            await channel.close()
    assert len(http.received) == 5
    assert mail.mails[0].message["Subject"] == "Test of the receiver email"


async def test_the_guard_is_on_unless_it_is_said_otherwise() -> None:
    async with HttpReceiver() as http:
        (channel,) = channels_of([receiver("hook", webhook={"url": http.url})]).values()
        with pytest.raises(Exception, match="loopback address"):
            await channel.send(sample("hook", "https://monitor.example", NOW, "t-1"), NOW)
        near = {"url": http.url, "allowed_networks": "127.0.0.0/8"}
        (channel,) = channels_of([receiver("hook", webhook=near)]).values()
        await channel.send(sample("hook", "https://monitor.example", NOW, "t-1"), NOW)
    assert len(http.received) == 1


def test_mail_without_a_server_is_told() -> None:
    mail = receiver("ops", email={"to": "ops@shop.example", "from": "monitor@shop.example"})
    with pytest.raises(ConfigError, match="The receiver ops gets mail, and there is no server"):
        channels_of([mail])

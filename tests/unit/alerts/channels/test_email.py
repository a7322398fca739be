"""Mail, handed in at a real server."""

import logging
import ssl
import time
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.alerts.base import Undeliverable
from monitor.alerts.channels.email import EmailChannel, Server
from monitor.alerts.letters import Writing
from monitor.alerts.outbound import tls_context
from monitor.settings.sources import Tls
from tests.support.certificates import server_context
from tests.support.smtp_server import MailServer
from tests.unit.alerts.samples import NOW, hostile, notification

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10"/></svg>'
WRITING = Writing("Choreoscope <monitor@shop.example>", ("ops@shop.example", "Shop <shop@shop.example>"))


pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


class Drawn:
    def __init__(self, svg: str | None = SVG, error: Exception | None = None) -> None:
        self.svg_text, self.error = svg, error
        self.asked: list[int] = []

    async def svg(self, trace: int) -> str | None:
        self.asked.append(trace)
        if self.error is not None:
            raise self.error
        return self.svg_text


def server(mail: MailServer, **how: object) -> Server:
    known: dict[str, object] = {"host": "127.0.0.1", "security": "none", "timeout": timedelta(seconds=5)}
    return Server(port=mail.port, hello="m.example", **{**known, **how})  # type: ignore[arg-type]


def local(mail: MailServer, security: str, trusted: ssl.SSLContext, **how: str) -> Server:
    return server(mail, host="localhost", security=security, context=trusted, **how)


async def refused(channel: EmailChannel) -> Undeliverable:
    with pytest.raises(Undeliverable) as caught:
        await channel.send(notification(), NOW)
    return caught.value


async def test_a_mail_arrives_for_everybody() -> None:
    async with MailServer() as mail:
        said = await EmailChannel(server(mail), WRITING).send(notification(), NOW)
    (got,) = mail.mails
    assert said == "127.0.0.1 took it for 2 of 2: queued as 4711"
    assert got.sender == "monitor@shop.example"
    assert got.recipients == ("ops@shop.example", "shop@shop.example")
    assert got.message["Subject"].startswith("Order o-17: GoodsShipped was due")
    assert got.message["To"] == "ops@shop.example, Shop <shop@shop.example>"
    assert got.message["Message-ID"] == "<n-1@shop.example>"


async def test_a_repeat_has_the_same_message_id_and_content() -> None:
    async with MailServer() as mail:
        for _ in range(2):  # a process each, that does not know of the other
            await EmailChannel(server(mail), WRITING).send(notification(), NOW + timedelta(hours=1))
    first, second = (got.message for got in mail.mails)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]
    assert first["Subject"] == second["Subject"]


async def test_what_everybody_has_and_is_sent_again_goes_to_everybody() -> None:
    async with MailServer(refuses={"ops@shop.example": "451 greylisted"}) as mail:
        channel = EmailChannel(server(mail), WRITING)
        await refused(channel)
        mail.refuses.clear()
        await channel.send(notification(), NOW)
        await channel.send(notification(), NOW)  # by hand, say
    assert mail.mails[2].recipients == ("ops@shop.example", "shop@shop.example")


async def test_starttls_with_a_login(tmp_path: Path) -> None:
    context = server_context(tmp_path, "localhost")
    async with MailServer(starttls=context, login=("me", "pa55word")) as mail:
        trusted = tls_context(Tls(ca_file=tmp_path / "ca.pem"))
        where = local(mail, "starttls", trusted, username="me", password="pa55word")
        await EmailChannel(where, WRITING).send(notification(), NOW)
    assert mail.mails[0].encrypted


async def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    context = server_context(tmp_path, "localhost")
    async with MailServer(tls=context) as mail:
        trusted = tls_context(Tls(ca_file=tmp_path / "ca.pem"))
        await EmailChannel(local(mail, "tls", trusted), WRITING).send(notification(), NOW)
        failure = await refused(EmailChannel(local(mail, "tls", tls_context(None)), WRITING))
    assert len(mail.mails) == 1
    assert not failure.permanent
    assert "certificate" in failure.message


async def test_nothing_is_sent_in_the_clear_where_tls_is_wanted() -> None:
    async with MailServer() as mail:
        failure = await refused(EmailChannel(server(mail, security="starttls"), WRITING))
    assert failure.permanent
    assert "STARTTLS" in failure.message
    assert mail.attempts == 0


async def test_a_wrong_password_is_for_good_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with MailServer(login=("me", "right")) as mail:
        where = server(mail, username="me", password="swordfish")
        failure = await refused(EmailChannel(where, WRITING))
    assert failure.permanent
    assert "refused the login: 535" in failure.message
    assert "swordfish" not in failure.message
    assert "swordfish" not in caplog.text


async def test_recipients_that_are_unknown_are_for_good_if_all_are() -> None:
    unknown = dict.fromkeys(("ops@shop.example", "shop@shop.example"), "550 no such user")
    async with MailServer(refuses=unknown) as mail:
        failure = await refused(EmailChannel(server(mail), WRITING))
    assert failure.permanent
    assert "ops@shop.example (550 no such user)" in failure.message


async def test_one_unknown_recipient_keeps_nothing_from_the_others() -> None:
    async with MailServer(refuses={"ops@shop.example": "550 no such user"}) as mail:
        said = await EmailChannel(server(mail), WRITING).send(notification(), NOW)
    assert mail.mails[0].recipients == ("shop@shop.example",)
    assert said.endswith("took it for 1 of 2: queued as 4711; refused: ops@shop.example (550 no such user)")


async def test_who_is_put_off_is_told_later_and_alone() -> None:
    async with MailServer(refuses={"ops@shop.example": "451 greylisted"}) as mail:
        channel = EmailChannel(server(mail), WRITING)
        failure = await refused(channel)
        assert not failure.permanent
        assert "451 greylisted" in failure.message
        mail.refuses.clear()
        await channel.send(notification(), NOW)
    assert [got.recipients for got in mail.mails] == [("shop@shop.example",), ("ops@shop.example",)]
    assert mail.mails[0].message["Message-ID"] == mail.mails[1].message["Message-ID"]


@pytest.mark.parametrize("reply", ["452 full", "552 mailbox full", "421 later"])
async def test_a_full_mailbox_is_not_for_good(reply: str) -> None:
    full = dict.fromkeys(("ops@shop.example", "shop@shop.example"), reply)
    async with MailServer(refuses=full) as mail:
        failure = await refused(EmailChannel(server(mail), WRITING))
    assert not failure.permanent


async def test_a_refused_sender_is_for_good() -> None:
    async with MailServer(sender_refused="553 not yours") as mail:
        failure = await refused(EmailChannel(server(mail), WRITING))
    assert failure.permanent
    assert "refused the sender: 553 not yours" in failure.message


async def test_a_refused_content_may_be_this_mails_only() -> None:
    async with MailServer(says="554 looks like spam") as mail:
        failure = await refused(EmailChannel(server(mail), WRITING))
    assert not failure.permanent
    assert "554 looks like spam" in failure.message


async def test_a_server_that_hangs_is_given_up() -> None:
    async with MailServer(hangs=True) as mail:
        began = time.monotonic()
        failure = await refused(EmailChannel(server(mail, timeout=timedelta(seconds=0.4)), WRITING))
    assert time.monotonic() - began < 3
    assert "did not answer within 0.4 s" in failure.message
    assert not failure.permanent


async def test_nobody_there() -> None:
    async with MailServer() as mail:
        pass
    failure = await refused(EmailChannel(server(mail), WRITING))
    assert "cannot be reached" in failure.message
    assert not failure.permanent


async def test_the_trace_is_drawn() -> None:
    pictures = Drawn()
    async with MailServer() as mail:
        await EmailChannel(server(mail), WRITING, pictures).send(notification(), NOW)
    kinds = [part.get_content_type() for part in mail.mails[0].message.walk()]
    assert pictures.asked == [7]
    assert "image/png" in kinds or "image/svg+xml" in kinds


@pytest.mark.parametrize("pictures", [Drawn(svg=None), Drawn(error=RuntimeError("no picture"))])
async def test_an_alert_goes_out_without_a_picture_rather_than_not_at_all(
    pictures: Drawn, caplog: pytest.LogCaptureFixture
) -> None:
    async with MailServer() as mail:
        await EmailChannel(server(mail), WRITING, pictures).send(notification(), NOW)
    assert len(mail.mails) == 1
    assert bool(pictures.error) == ("the mail has none" in caplog.text)


async def test_hostile_texts_change_nothing_but_the_text() -> None:
    async with MailServer() as mail:
        await EmailChannel(server(mail), WRITING).send(hostile(), NOW)
    (got,) = mail.mails
    assert got.recipients == ("ops@shop.example", "shop@shop.example")
    assert got.message["Bcc"] is None
    assert got.message.get_all("To") == ["ops@shop.example, Shop <shop@shop.example>"]


async def test_a_subject_that_fails_is_told() -> None:
    async with MailServer() as mail:
        own = Writing("monitor@shop.example", ("ops@shop.example",), subject="{{ nothing }}")
        failure = await refused(EmailChannel(server(mail), own))
    assert failure.message.startswith("The template of the subject fails")
    assert not failure.permanent

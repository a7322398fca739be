"""Settings of receivers: what is understood, and what is refused with which words."""

from typing import Any

import pytest
from pydantic import ValidationError

from monitor.settings.receivers import (
    EmailSettings,
    ReceiverSettings,
    SmtpSettings,
    WebhookSettings,
    without_smtp,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MAIL = {"to": "ops@example.org", "from": "Choreoscope <monitor@example.org>"}


def told(model: Any, value: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    return str(caught.value)


def test_a_receiver_is_one_thing() -> None:
    receiver = ReceiverSettings.model_validate({"name": "ops", "email": MAIL})
    assert (receiver.kind, receiver.send_resolved) == ("email", True)
    assert isinstance(receiver.block, EmailSettings)
    assert "give exactly one of email, webhook" in told(ReceiverSettings, {"name": "ops"})
    both = {"name": "ops", "email": MAIL, "webhook": {"url": "https://x.example"}}
    assert "has email and webhook: give exactly one" in told(ReceiverSettings, both)


@pytest.mark.parametrize(
    "address",
    [
        "ops",
        "@example.org",
        "ops@",
        "a@b\nBcc: c@d",
        "a@b, c@d",
        "<>",
        "",
        "ü@example.org",
        "a b@c",
        "a@b\x00",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    assert "is not one address" in told(EmailSettings, {**MAIL, "to": address})


def test_addresses_may_have_names_and_be_several() -> None:
    mail = EmailSettings.model_validate({**MAIL, "to": ["a@b.example", '"Zoë, ops" <z@b.example>']})
    assert mail.to == ("a@b.example", '"Zoë, ops" <z@b.example>')


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_a_signing_secret_is_long_and_random(secret: str) -> None:
    assert "must be whsec_" in told(WebhookSettings, {"url": "https://x.example", "secret": [secret]})


def test_secrets_come_one_or_several_also_from_a_file() -> None:
    for given in (SECRET, [SECRET, SECRET], f"{SECRET}\n{SECRET}"):
        webhook = WebhookSettings.model_validate({"url": "https://x.example", "secret": given})
        assert {one.get_secret_value() for one in webhook.secret} == {SECRET}


@pytest.mark.parametrize(
    "url", ["x.example", "ftp://x.example", "https://", "https://x:99999/", "//x", "https://[x"]
)
def test_a_url_is_http(url: str) -> None:
    assert "must be an address that begins with https://" in told(WebhookSettings, {"url": url})


def test_too_many_are_told() -> None:
    assert "at most 5 items" in told(WebhookSettings, {"url": "https://x.example", "secret": [SECRET] * 6})
    assert "at least 1 item" in told(EmailSettings, {**MAIL, "to": []})


@pytest.mark.parametrize(
    ("name", "value"),
    [("Host", "x"), ("content-length", "1"), ("webhook-id", "x"), ("a b", "x"), ("X-A", "a\r\nb"), ("", "x")],
)
def test_headers_that_are_ours_or_none_are_refused(name: str, value: str) -> None:
    assert "header" in told(WebhookSettings, {"url": "https://x.example", "headers": {name: value}})


def test_a_template_is_read_with_the_configuration() -> None:
    webhook = {"url": "https://x.example", "body": '{"a": "{{ status"}'}
    assert "is not a template: line 1" in told(WebhookSettings, webhook)
    assert "is not a template" in told(EmailSettings, {**MAIL, "subject": "{% if %}"})


def test_nothing_secret_is_shown() -> None:
    receiver = ReceiverSettings.model_validate(
        {
            "name": "hook",
            "webhook": {
                "url": "https://user:pa55word@x.example/T0KEN",
                "secret": SECRET,
                "headers": {"X-Key": "swordfish"},
            },
        }
    )
    shown = f"{receiver!r} {receiver} {receiver.model_dump_json()}"
    for secret in ("pa55word", "T0KEN", SECRET, "swordfish"):
        assert secret not in shown


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_from_the_security(security: str, port: int) -> None:
    assert SmtpSettings(host="mail.example", security=security).used_port == port  # type: ignore[arg-type]


def test_a_login_is_whole() -> None:
    assert "belong together" in told(SmtpSettings, {"host": "mail.example", "username": "me"})


def test_a_password_is_not_sent_in_the_clear() -> None:
    login = {"security": "none", "username": "me", "password": "x"}
    assert "not sent in the clear" in told(SmtpSettings, {"host": "mail.example", **login})
    for host in ("localhost", "127.0.0.1", "::1"):
        SmtpSettings.model_validate({"host": host, **login})


def test_digests_are_at_a_time_or_every_so_often() -> None:
    receiver = {"name": "ops", "email": MAIL}
    daily = ReceiverSettings.model_validate(
        {**receiver, "digest": {"at": "08:00", "timezone": "Europe/Berlin"}}
    )
    assert daily.digest is not None
    assert daily.digest.at == 480
    for digest in ({}, {"at": "08:00", "every": "PT1H"}):
        assert "either at" in told(ReceiverSettings, {**receiver, "digest": digest})


def test_mail_needs_a_server() -> None:
    own = ReceiverSettings.model_validate({"name": "a", "email": {**MAIL, "smtp": {"host": "m.example"}}})
    none = ReceiverSettings.model_validate({"name": "b", "email": MAIL})
    assert without_smtp((own, none), None) == (1,)
    assert without_smtp((own, none), SmtpSettings(host="m.example")) == ()

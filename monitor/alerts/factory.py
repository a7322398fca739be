"""From settings to channels: which receiver is reached by which way."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import assert_never

from monitor.alerts import outbound
from monitor.alerts.addresses import Policy
from monitor.alerts.base import Channel, Pictures
from monitor.alerts.outbound import Outbound, Resolve
from monitor.errors import ConfigError
from monitor.settings.receivers import (
    AlertmanagerSettings,
    AppriseSettings,
    EmailSettings,
    HttpReceiver,
    ReceiverSettings,
    SlackSettings,
    SmtpSettings,
    TeamsSettings,
    WebhookSettings,
)


def channels_of(
    receivers: Iterable[ReceiverSettings],
    *,
    smtp: SmtpSettings | None = None,
    pictures: Pictures | None = None,
    resolve: Resolve = outbound.resolve,
) -> dict[str, Channel]:
    """The channel of each receiver, by its name. ``smtp``: the server of those that have none of their own.
    Raises ConfigError where one cannot be had."""
    return {receiver.name: channel_of(receiver, smtp, pictures, resolve) for receiver in receivers}


def channel_of(
    receiver: ReceiverSettings,
    smtp: SmtpSettings | None = None,
    pictures: Pictures | None = None,
    resolve: Resolve = outbound.resolve,
) -> Channel:
    """The adapters are loaded here, so that only those are that somebody uses."""
    block = receiver.block
    match block:
        case EmailSettings():
            server = block.smtp or smtp
            if server is None:
                raise ConfigError(
                    f"The receiver {receiver.name} gets mail, and there is no server to send it by.",
                    mend="Give alerts.smtp, or smtp in its email block.",
                )
            return _email(block, server, pictures)
        case WebhookSettings():
            from monitor.alerts.channels.webhook import WebhookChannel

            secrets = [secret.get_secret_value() for secret in block.secret]
            return WebhookChannel(
                outbound_of(block, resolve, secrets),
                format=block.format,
                template=block.body,
                secrets=secrets,
            )
        case SlackSettings():
            from monitor.alerts.channels.slack import SlackChannel

            return SlackChannel(outbound_of(block, resolve), zone=block.timezone)
        case TeamsSettings():
            from monitor.alerts.channels.teams import TeamsChannel

            return TeamsChannel(outbound_of(block, resolve), zone=block.timezone)
        case AlertmanagerSettings():
            from monitor.alerts.channels.alertmanager import AlertmanagerChannel

            return AlertmanagerChannel(outbound_of(block, resolve), lasts=block.lasts)
        case AppriseSettings():
            from monitor.alerts.channels.apprise import AppriseChannel

            urls = [url.get_secret_value() for url in block.urls]
            return AppriseChannel(urls, zone=block.timezone, timeout=block.timeout)
        case _:
            assert_never(block)


def _email(block: EmailSettings, smtp: SmtpSettings, pictures: Pictures | None) -> Channel:
    from monitor.alerts.channels.email import EmailChannel, Server
    from monitor.alerts.letters import Writing

    context: ssl.SSLContext | None = None
    if smtp.security != "none":
        context = outbound.tls_context(smtp.tls)
    server = Server(
        host=smtp.host,
        port=smtp.used_port,
        security=smtp.security,
        timeout=smtp.timeout,
        context=context,
        username=smtp.username,
        password=smtp.password.get_secret_value() if smtp.password else None,
        hello=smtp.hello,
    )
    writing = Writing(
        sender=block.from_,
        to=block.to,
        reply_to=block.reply_to,
        zone=block.timezone,
        subject=block.subject,
    )
    return EmailChannel(server, writing, pictures if block.pictures else None)


def outbound_of(
    block: HttpReceiver, resolve: Resolve = outbound.resolve, secrets: Iterable[str] = ()
) -> Outbound:
    """What sends to an address that is configured."""
    return Outbound(
        block.url.get_secret_value(),
        headers={name: secret.get_secret_value() for name, secret in block.headers.items()},
        policy=Policy(block.allow_private, block.allowed_networks),
        redirects=block.redirects,
        timeout=block.timeout,
        tls=block.tls,
        secrets=secrets,
        resolve=resolve,
    )

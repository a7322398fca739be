"""Receivers of alerts: is whoever is told there, and let in? Nothing is sent."""

from __future__ import annotations

from monitor.alerts.base import Undeliverable
from monitor.alerts.channels.email import EmailChannel
from monitor.alerts.factory import channel_of, outbound_of
from monitor.cli.doctor.result import Results, fail, ok
from monitor.errors import ConfigError
from monitor.settings.receivers import HttpReceiver, ReceiverSettings, SmtpSettings


async def examine(receiver: ReceiverSettings, smtp: SmtpSettings | None) -> Results:
    """Mail servers are greeted and logged in at; over HTTP a connection is made, to where that is allowed."""
    what = f"receiver {receiver.name}"
    try:
        channel = channel_of(receiver, smtp)
    except ConfigError as error:
        yield fail(what, error.message, error.mend or "")
        return
    block = receiver.block
    try:
        if isinstance(channel, EmailChannel):
            said = await channel.reach()
        elif isinstance(block, HttpReceiver):
            outbound = outbound_of(block)
            try:
                said = await outbound.reach()
            finally:
                await outbound.close()
        else:
            said = "its addresses are understood; whether they are right only a message shows"
    except Undeliverable as error:
        yield fail(
            what, error.message, f"choreoscope alerts test {receiver.name} tells more, once this works."
        )
    else:
        yield ok(what, said)
    finally:
        await channel.close()

"""Mail over SMTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Literal

import aiosmtplib

from monitor import sandbox
from monitor.alerts.base import Notification, Pictures, Undeliverable
from monitor.alerts.letters import Picture, Writing, compose, flattened
from monitor.alerts.picturing import png
from monitor.plaintext import one_line

log = logging.getLogger(__name__)

_FULL = frozenset({421, 450, 451, 452, 552})
"""Codes that pass by themselves: 552 means a full mailbox, too, and is no refusal for good (RFC 5321)."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails are handed in. ``timeout``: of one mail, from the connection to the server's word."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    timeout: timedelta
    context: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None
    hello: str | None = None


class EmailChannel:
    """``pictures``: where the picture of a trace comes from; None sends none.

    A mail that some recipients' server takes and others' does not for now is tried again for those only, as
    long as this process lives; afterwards for all, under the same Message-ID.
    """

    def __init__(self, server: Server, writing: Writing, pictures: Pictures | None = None) -> None:
        self._server = server
        self.timeout = server.timeout
        self._writing = writing
        self._pictures = pictures
        self._taken: tuple[str, set[str]] = ("", set())

    async def send(self, notification: Notification, now: datetime) -> str:  # noqa: ARG002 - dated as created
        id_, taken = self._taken
        if id_ != notification.id:
            taken = set()
            self._taken = (notification.id, taken)
        addresses = [parseaddr(mailbox)[1] for mailbox in self._writing.to]
        left = [address for address in addresses if address not in taken]
        try:
            message = compose(notification, self._writing, await self._picture(notification))
        except sandbox.TemplateFailed as error:
            raise Undeliverable(f"The template of the subject fails: {error}") from None
        refused, said = await self._handed_in(message, left)
        taken.update(set(left) - refused.keys())
        later = {address: why for address, why in refused.items() if why[0] in _FULL or why[0] < 500}
        if later:
            raise Undeliverable(f"not taken for now: {_told(later)}")
        self._taken = ("", set())  # sent once more by hand, or because nobody noted it, it goes to all
        where = f"{self._server.host} took it for {len(taken)} of {len(addresses)}: {self._clean(said)}"
        return f"{where}; refused: {_told(refused)}" if refused else where

    async def close(self) -> None:
        pass

    async def _picture(self, notification: Notification) -> Picture | None:
        """None where there is none to be had: an alert goes out without rather than not at all."""
        if self._pictures is None or notification.trace is None:
            return None
        try:
            svg = await self._pictures.svg(notification.trace)
            return Picture(svg, await png(svg)) if svg is not None else None
        except Exception:  # whatever a model does to the drawing, somebody has to be told of the trouble
            log.exception("the picture of trace %s cannot be drawn; the mail has none", notification.trace)
            return None

    async def _handed_in(
        self, message: EmailMessage, recipients: Sequence[str]
    ) -> tuple[dict[str, tuple[int, str]], str]:
        """Recipients the server refused, with its code and words, and what it said of the mail. Raises
        Undeliverable if it did not take it for anybody."""
        smtp = self._client()
        try:
            async with asyncio.timeout(self._server.timeout.total_seconds()):
                await smtp.connect()
                refused, said = await smtp.sendmail(
                    parseaddr(self._writing.sender)[1], list(recipients), flattened(message)
                )
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            raise self._failure(error) from None
        else:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(2):
                    await smtp.quit()
        finally:
            smtp.close()
        return {address: (answer.code, answer.message) for address, answer in refused.items()}, said

    async def reach(self) -> str:
        """Greet the server and log in, without sending anything. Raises Undeliverable."""
        smtp = self._client()
        try:
            async with asyncio.timeout(self._server.timeout.total_seconds()):
                await smtp.connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            raise self._failure(error) from None
        finally:
            smtp.close()
        login = "" if self._server.username is None else f", logged in as {self._server.username}"
        return f"{self._server.host}:{self._server.port} answers{login}"

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=server.context,
            username=server.username,
            password=server.password,
            local_hostname=server.hello,
            timeout=server.timeout.total_seconds(),
        )

    def _failure(self, error: Exception) -> Undeliverable:
        where = f"{self._server.host}:{self._server.port}"
        match error:
            case aiosmtplib.SMTPRecipientsRefused():
                codes = [each.code for each in error.recipients]
                told = {each.recipient: (each.code, each.message) for each in error.recipients}
                for_good = all(code >= 500 and code not in _FULL for code in codes)
                return Undeliverable(f"{where} refused: {_told(told)}", permanent=for_good)
            case aiosmtplib.SMTPAuthenticationError() | aiosmtplib.SMTPSenderRefused():
                what = "login" if isinstance(error, aiosmtplib.SMTPAuthenticationError) else "sender"
                said = f"{where} refused the {what}: {error.code} {self._clean(error.message)}"
                return Undeliverable(said, permanent=error.code >= 500 and error.code not in _FULL)
            case aiosmtplib.SMTPResponseException():
                # also what it said of the content, which the next mail may do better
                return Undeliverable(f"{where} refused: {error.code} {self._clean(error.message)}")
            case aiosmtplib.SMTPTimeoutError() | TimeoutError():
                return Undeliverable(
                    f"{where} did not answer within {self._server.timeout.total_seconds():g} s"
                )
            case aiosmtplib.SMTPConnectError() | aiosmtplib.SMTPServerDisconnected() | OSError():
                return Undeliverable(f"{where} cannot be reached: {self._clean(str(error))}")
            case _:  # no STARTTLS, no login, no such addresses: the server cannot do what is configured
                return Undeliverable(f"{where}: {self._clean(str(error))}", permanent=True)

    def _clean(self, text: str) -> str:
        if self._server.password:
            text = text.replace(self._server.password, "•••")
        return one_line(text)


def _told(refused: dict[str, tuple[int, str]]) -> str:
    return "; ".join(f"{address} ({code} {one_line(said, 100)})" for address, (code, said) in refused.items())

"""A real mail server on the loopback (aiosmtpd), as strict or as broken as a test wants it."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Mail:
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)


@dataclass
class MailServer:
    """``refuses``: what it says to each recipient it does not take, instead of 250. ``says``: to the mail."""

    starttls: ssl.SSLContext | None = None
    tls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    refuses: dict[str, str] = field(default_factory=dict)
    says: str = "250 queued as 4711"
    sender_refused: str = ""
    hangs: bool = False
    mails: list[Mail] = field(default_factory=list)
    attempts: int = 0
    port: int = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _session(self) -> SMTP:
        loop = asyncio.get_running_loop()
        how: dict[str, Any] = {}
        if self.login is not None:
            how = {"authenticator": self._authenticated, "auth_required": True}
            how["auth_require_tls"] = self.starttls is not None
        return SMTP(self, hostname="mail.example", loop=loop, tls_context=self.starttls, **how)

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = data.login.decode(), data.password.decode()
        return AuthResult(success=given == self.login, handled=False)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.attempts += 1
        if self.hangs:
            await asyncio.sleep(60)
        if self.sender_refused:
            return self.sender_refused
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.says.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(
                Mail(
                    envelope.mail_from or "",
                    tuple(envelope.rcpt_tos),
                    envelope.content,
                    session.ssl is not None or self.tls is not None,
                )
            )
        return self.says

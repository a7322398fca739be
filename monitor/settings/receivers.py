"""Settings of those who are told: email, webhook, Slack, Teams, Alertmanager, and what apprise knows."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from email.headerregistry import Address
from email.utils import getaddresses
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from monitor.bpmn.promises.declared import read_zone
from monitor.settings.models import TimeOfDay
from monitor.settings.sources import Tls
from monitor.settings.values import Identifier, Model, OneOrMany, PositiveDuration, is_loopback

KINDS = ("email", "webhook", "slack", "teams", "alertmanager", "apprise")
"""What a receiver can be, by the key of its block."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_ADDRESS = re.compile(
    r"([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64})@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?)"
)
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"})


def _template(text: str) -> str:
    from monitor.sandbox import problem_of  # Jinja is loaded for templates only

    if (problem := problem_of(text)) is not None:
        raise ValueError(problem)
    return text


Template = Annotated[str, Field(min_length=1), AfterValidator(_template)]
"""A sandboxed Jinja template."""


def _mailbox(text: str) -> str:
    found = [] if any(ord(character) < 32 for character in text) else getaddresses([text])
    address = _ADDRESS.fullmatch(found[0][1]) if len(found) == 1 else None
    if address is None:
        raise ValueError(f"{text!r} is not one address such as ops@example.org")
    return str(Address(display_name=found[0][0], username=address[1], domain=address[2]))


Mailbox = Annotated[str, AfterValidator(_mailbox)]
"""``ops@example.org`` or ``Operations <ops@example.org>``."""


def _address(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be an address that begins with https:// (or http://)")
    return url


Url = Annotated[SecretStr, AfterValidator(_address)]
"""An HTTP address. It may hold a token or a password, so it is a secret."""


def _headers(value: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, secret in value.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("webhook-"):
            raise ValueError(f"{name!r} cannot be a header of your own")
        if not _VALUE.fullmatch(secret.get_secret_value()):
            raise ValueError(f"the header {name} holds characters that no header may hold")
    return value


def _lines(value: object) -> object:
    """A file of secrets (``secret_file``) has one a line."""
    return value.split() if isinstance(value, str) else value


def _signing(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError("must be whsec_ and the base64 of 24 to 64 random bytes: openssl rand -base64 32")
    return secret


class SmtpSettings(Model):
    """The mail server. ``security``: ``starttls`` (begin in the clear and turn TLS on; refused without it),
    ``tls`` (from the first byte), ``none`` (in the clear: only on the machine itself or a network of trust).
    ``hello``: the name we greet with, else the machine's."""

    host: str = Field(min_length=1, pattern=r"^[^\s/@]+$")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Default: 587, for tls 465, for none 25"
    )
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = Field(default=None, min_length=1)
    password: SecretStr | None = None
    tls: Tls | None = None
    hello: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.\[\]:-]+$")
    timeout: PositiveDuration = timedelta(seconds=30)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        if self.security == "none" and self.tls is not None:
            raise ValueError("tls says how TLS is done, and security: none does without")
        if self.security == "none" and self.username is not None and not is_loopback(self.host):
            raise ValueError("a password is not sent in the clear: security must be starttls or tls")
        return self

    @property
    def used_port(self) -> int:
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]


class EmailSettings(Model):
    """Mail, as text and HTML. ``timezone``: of the times in it. ``subject``: a template of your own; one
    that is the same for all mails of a trace keeps them together in readers that look at subjects.
    ``pictures``: the flow with the trace in it, where alerts are about one trace. ``smtp``: the server, if
    not that of all receivers."""

    to: Annotated[tuple[Mailbox, ...], Field(min_length=1, max_length=100), OneOrMany]
    from_: Mailbox = Field(alias="from")
    reply_to: Mailbox | None = None
    timezone: Annotated[str, AfterValidator(read_zone)] = "UTC"
    subject: Template | None = None
    pictures: bool = True
    smtp: SmtpSettings | None = None


class HttpReceiver(Model):
    """What all receivers over HTTP have. Private, loopback and link-local addresses are refused, unless
    ``allow_private`` (private and loopback ones) or ``allowed_networks`` (whatever is in them) lets them in.
    ``redirects``: how many are followed (307 and 308, each target checked alike). ``timeout``: of the whole
    request. No proxy of the environment is used."""

    url: Url
    headers: Annotated[dict[str, SecretStr], AfterValidator(_headers)] = Field(default_factory=dict)
    allow_private: bool = False
    allowed_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], OneOrMany] = ()
    redirects: int = Field(default=0, ge=0, le=3)
    timeout: PositiveDuration = timedelta(seconds=15)
    tls: Tls | None = None


class WebhookSettings(HttpReceiver):
    """A webhook. ``format``: the body, ``standard`` (Standard Webhooks: type, timestamp, data) or
    ``alertmanager`` (version 4 of Alertmanager's webhook); or ``body``, a template that yields JSON.
    ``secret``: signs by Standard Webhooks; several while they are being exchanged, the new one first."""

    format: Literal["standard", "alertmanager"] = "standard"
    body: Template | None = None
    secret: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_signing)], ...],
        Field(max_length=5),
        BeforeValidator(_lines, json_schema_input_type=SecretStr | list[SecretStr]),
    ] = ()


class SlackSettings(HttpReceiver):
    """An incoming webhook of a Slack channel, or of one that speaks Slack's words (Mattermost, Rocket.Chat).
    ``timezone``: of the times in messages."""

    timezone: Annotated[str, AfterValidator(read_zone)] = "UTC"


class TeamsSettings(HttpReceiver):
    """A workflow of Microsoft Teams, *When a Teams webhook request is received*. ``timezone``: of the times
    in cards."""

    timezone: Annotated[str, AfterValidator(read_zone)] = "UTC"


class AlertmanagerSettings(HttpReceiver):
    """An Alertmanager, by its address without ``/api/v2/alerts``. ``lasts``: it takes an alert for resolved
    if it has not heard of it for so long; longer than the route's ``repeat_interval``."""

    lasts: PositiveDuration = timedelta(days=1)


class AppriseSettings(Model):
    """Whatever the library apprise reaches, by its addresses; needs ``choreoscope[channels]``. It connects by
    itself: the checks of addresses that other receivers have are not done here. ``timezone``: of the times in
    messages."""

    urls: Annotated[
        tuple[SecretStr, ...],
        Field(min_length=1, max_length=20),
        BeforeValidator(_lines, json_schema_input_type=SecretStr | list[SecretStr]),
    ]
    timezone: Annotated[str, AfterValidator(read_zone)] = "UTC"
    timeout: PositiveDuration = timedelta(seconds=30)


class DigestSettings(Model):
    """Instead of a message for each group, one with all that happened: daily ``at`` a time of day (in
    ``timezone``), or ``every`` so often."""

    at: TimeOfDay | None = None
    timezone: Annotated[str, AfterValidator(read_zone)] = "UTC"
    every: PositiveDuration | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.at is None) == (self.every is None):
            raise ValueError("needs either at (a time of day) or every (a duration)")
        return self


Block = (
    EmailSettings | WebhookSettings | SlackSettings | TeamsSettings | AlertmanagerSettings | AppriseSettings
)


class ReceiverSettings(Model):
    """One receiver: a name, and exactly one of email, webhook, slack, teams, alertmanager, apprise.
    ``send_resolved``: whether it is told that a trouble has ended."""

    name: Identifier
    send_resolved: bool = True
    digest: DigestSettings | None = None
    email: EmailSettings | None = None
    webhook: WebhookSettings | None = None
    slack: SlackSettings | None = None
    teams: TeamsSettings | None = None
    alertmanager: AlertmanagerSettings | None = None
    apprise: AppriseSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_block(cls, value: Any) -> Any:
        given = [kind for kind in KINDS if value.get(kind) is not None] if isinstance(value, dict) else None
        if given is not None and len(given) != 1:
            said = f"has {' and '.join(given)}" if given else "says not how it is reached"
            raise ValueError(f"{said}: give exactly one of {', '.join(KINDS)}")
        return value

    @property
    def kind(self) -> str:
        """The key of its block."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def block(self) -> Block:
        """How it is reached."""
        found: Block = getattr(self, self.kind)
        return found


def without_smtp(receivers: tuple[ReceiverSettings, ...], smtp: SmtpSettings | None) -> tuple[int, ...]:
    """Which receivers get mail and have no server to send it by, neither of their own nor the common one."""
    if smtp is not None:
        return ()
    return tuple(
        number
        for number, receiver in enumerate(receivers)
        if receiver.email is not None and receiver.email.smtp is None
    )

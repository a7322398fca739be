"""Corrective commands: when each is offered, where it goes, what it says and what has to follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from monitor.domain.verdict import FindingKind
from monitor.sandbox import problem_of
from monitor.settings.sources import Tls, amqp_url
from monitor.settings.values import ExistingFile, Identifier, Model, OneOrMany, PositiveDuration


def _template(text: str) -> str:
    problem = problem_of(text)
    if problem is not None:
        raise ValueError(problem)
    return text


TemplateText = Annotated[str, AfterValidator(_template)]
"""A text with ``{{ ... }}`` in it."""

Texts = Annotated[tuple[str, ...], OneOrMany]


class RabbitmqTarget(Model):
    """An exchange that exists (empty: the default exchange), written to as a user of its own: it needs no
    more than `write` there."""

    kind: Literal["rabbitmq"]
    url: Annotated[SecretStr, AfterValidator(amqp_url)]
    exchange: str = ""
    routing_key: TemplateText = ""
    tls: Tls | None = None

    @property
    def broker(self) -> str:
        """Its address, without secrets."""
        address = urlsplit(self.url.get_secret_value())
        port = address.port or (5671 if address.scheme == "amqps" else 5672)
        return f"rabbitmq {address.hostname}:{port}{address.path}"

    @property
    def place(self) -> str:
        return self.exchange

    @property
    def key_text(self) -> str:
        return self.routing_key


class KafkaTarget(Model):
    """A topic that exists. ``key``: of the message; without one any partition will do."""

    kind: Literal["kafka"]
    bootstrap_servers: Annotated[tuple[str, ...], OneOrMany, Field(min_length=1)]
    topic: str = Field(min_length=1)
    key: TemplateText = ""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: ExistingFile | None = None
    ssl_certfile: ExistingFile | None = None
    ssl_keyfile: ExistingFile | None = None

    @field_validator("bootstrap_servers", mode="after")
    @classmethod
    def _split(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(part.strip() for entry in value for part in entry.split(",") if part.strip())

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        sasl = self.security_protocol.startswith("SASL")
        if sasl != (self.sasl_username is not None) or sasl != (self.sasl_password is not None):
            raise ValueError(
                "sasl_username and sasl_password go together with security_protocol SASL_SSL or"
                " SASL_PLAINTEXT"
            )
        return self

    @property
    def broker(self) -> str:
        """Its address."""
        return f"kafka {','.join(self.bootstrap_servers)}"

    @property
    def place(self) -> str:
        return self.topic

    @property
    def key_text(self) -> str:
        return self.key


CommandTarget = Annotated[RabbitmqTarget | KafkaTarget, Field(discriminator="kind")]


class WhenSettings(Model):
    """Of which traces a command is offered: of those all of this is true of. ``finding``, ``sla``,
    ``severity`` and ``element`` are of one confirmed finding; without any of them it takes none.
    ``standing``: the id, name or label of an element where the trace waits, or of an event it waits for."""

    finding: Annotated[tuple[FindingKind, ...], OneOrMany] = ()
    sla: Texts = ()
    severity: Annotated[tuple[Literal["info", "warning", "critical"], ...], OneOrMany] = ()
    element: Texts = ()
    standing: Texts = ()
    state: Literal["open", "complete", "any"] = "open"

    @property
    def asks_of_finding(self) -> bool:
        return bool(self.finding or self.sla or self.severity or self.element)


class ExpectSettings(Model):
    """What has to follow a command: the ``event``, as its label in the flow, ``within`` so long.
    ``tolerance``: so much before the sending it may have happened, by its producer's clock."""

    event: str = Field(min_length=1)
    within: PositiveDuration
    tolerance: PositiveDuration = timedelta(seconds=1)


class LimitSettings(Model):
    """At most so many for one trace, and within any hour; ``null`` is without limit."""

    per_trace: int | None = Field(default=1, ge=1)
    per_hour: int | None = Field(default=20, ge=1)


class CommandSettings(Model):
    """One command. ``body``: JSON text with templates in it, or a value whose texts are templates.
    ``format``: whether the CloudEvents attributes are in headers (``binary``) or around the body
    (``structured``)."""

    name: Identifier
    title: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=1000)
    flow: str
    when: WhenSettings = WhenSettings()
    mode: Literal["manual", "approve", "automatic"] = "manual"
    target: CommandTarget
    type: str = Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")
    source: str = Field(default="/choreoscope", min_length=1, max_length=200, pattern=r"^[!-~]+$")
    subject: TemplateText | None = None
    headers: dict[str, TemplateText] = Field(default_factory=dict, max_length=50)
    format: Literal["binary", "structured"] = "binary"
    body: Any = Field(default_factory=dict)
    expect: ExpectSettings | None = None
    limits: LimitSettings = LimitSettings()
    dry_run: bool = False

    @field_validator("headers")
    @classmethod
    def _header_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not re.fullmatch(r"[!-~]{1,100}", name):
                raise ValueError(f"{name!r} cannot be the name of a header")
            if name.lower().startswith(("ce_", "cloudevents_", "cloudevents:")):
                raise ValueError(f"{name} is a CloudEvents attribute, which the command's own settings say")
        return value

    @field_validator("body")
    @classmethod
    def _templates(cls, value: Any) -> Any:
        if isinstance(value, str):
            _template(value)
        else:
            _check(value)
        return value

    @model_validator(mode="after")
    def _automatic(self) -> Self:
        if self.mode == "automatic" and not self.when.asks_of_finding:
            raise ValueError(
                "mode automatic needs a finding it is sent for: say finding, sla, severity or element under"
                " when"
            )
        if self.mode == "automatic" and (self.limits.per_trace is None or self.limits.per_hour is None):
            raise ValueError("mode automatic needs limits: per_trace and per_hour")
        return self


def _check(value: Any) -> None:
    match value:
        case str():
            _template(value)
        case dict():
            for name, part in value.items():
                if not isinstance(name, str):
                    raise ValueError(f"{name!r} is no text, which a key of JSON has to be")  # noqa: TRY004
                _check(part)
        case list():
            for part in value:
                _check(part)
        case None | bool() | int() | float():
            pass
        case _:
            raise ValueError(f"{value!r} is nothing JSON can say: write it as a text in quotes")


class BreakerSettings(Model):
    """So many ``failures`` in a row of one broker, and nothing is sent there for ``pause``; each further
    failure doubles that."""

    failures: int = Field(default=5, ge=1)
    pause: PositiveDuration = timedelta(minutes=1)


class CommandsSettings(Model):
    """``enabled``: without it nothing is offered, and no broker is ever connected to for writing.
    ``dry_run``: everything but the sending. ``approve_within``: so long a request waits for a second person.
    ``give_up``: so long what could not be sent is tried again. ``timeout``: of one attempt, to connect and
    then again to be confirmed."""

    enabled: bool = False
    dry_run: bool = True
    approve_within: PositiveDuration = timedelta(hours=1)
    give_up: PositiveDuration = timedelta(minutes=15)
    timeout: PositiveDuration = Field(default=timedelta(seconds=10), le=timedelta(seconds=20))
    breaker: BreakerSettings = BreakerSettings()
    items: tuple[CommandSettings, ...] = ()

    def complaints(self, flows: set[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What only shows when the parts are held together; ``flows``: the keys of the models."""
        names: set[str] = set()
        for number, item in enumerate(self.items):
            where = ("commands", "items", number)
            if item.name in names:
                yield (*where, "name"), f"{item.name!r} is used twice; give each its own name"
            names.add(item.name)
            if item.flow not in flows:
                known = f"there is {', '.join(sorted(flows))}" if flows else "none is configured"
                yield (*where, "flow"), f"there is no model {item.flow!r}; {known}"

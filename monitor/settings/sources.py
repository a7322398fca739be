"""Settings of each kind of source."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, field_validator, model_validator

from monitor.settings.values import (
    AnyPath,
    ExistingFile,
    Identifier,
    Model,
    OneOrMany,
    PositiveDuration,
)


class Binding(Model):
    """One binding of the monitor's own queue to an exchange that exists already.

    ``arguments`` are for headers exchanges (``x-match`` and the headers).
    """

    exchange: str = Field(min_length=1)
    routing_key: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)


class Tls(Model):
    """``verify: false`` accepts any certificate: for trials only."""

    ca_file: ExistingFile | None = None
    cert_file: ExistingFile | None = None
    key_file: ExistingFile | None = None
    verify: bool = True


def amqp_url(url: SecretStr) -> SecretStr:
    if urlsplit(url.get_secret_value()).scheme not in ("amqp", "amqps"):
        raise ValueError("must begin with amqp:// or amqps://, as in amqp://user:password@host:5672/vhost")
    return url


class RabbitmqSource(Model):
    """A queue of the monitor's own, bound to exchanges that exist; or a RabbitMQ stream read as it is.

    The queue is bounded (``max_length`` messages, ``max_bytes``, ``message_ttl``) and vanishes when the
    monitor has been away for ``expires``, so that a dead monitor cannot fill the broker.
    """

    kind: Literal["rabbitmq"] = "rabbitmq"
    name: Identifier
    url: Annotated[SecretStr, AfterValidator(amqp_url)]
    bindings: tuple[Binding, ...] = ()
    queue: str = Field(default="", max_length=255, description="Default: choreoscope.<name>")
    queue_type: Literal["classic", "quorum"] = "classic"
    prefetch: int = Field(default=5000, ge=1, le=65535)
    max_length: int | None = Field(default=1_000_000, ge=1)
    max_bytes: int | None = Field(default=1_073_741_824, ge=1)
    overflow: Literal["drop-head", "reject-publish"] = "drop-head"
    message_ttl: PositiveDuration | None = None
    expires: PositiveDuration | None = timedelta(days=7)
    stream: str | None = Field(
        default=None, description="An existing stream to read instead of binding a queue"
    )
    stream_offset: Literal["first", "last", "next"] | int | AwareDatetime = "first"
    tls: Tls | None = None
    heartbeat: int = Field(default=30, ge=0, le=3600, description="Seconds")

    @field_validator("overflow")
    @classmethod
    def _passive(cls, value: str) -> str:
        if value == "reject-publish":
            raise ValueError(
                "reject-publish would push back on the publishers; a passive monitor drops (drop-head)"
            )
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.bindings) == bool(self.stream):
            raise ValueError("needs either bindings (exchanges to listen to) or a stream, not both")
        if not self.queue:
            object.__setattr__(self, "queue", f"choreoscope.{self.name}")
        return self


def _topic(value: str) -> str:
    if not value:
        raise ValueError("a topic's name is empty")
    if value.startswith("^"):
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is not a valid pattern: {error}") from None
    return value


class KafkaSource(Model):
    """Topics read with a consumer group of the monitor's own; nothing is ever produced.

    An entry of ``topics`` that begins with ``^`` is a pattern. ``start`` says where a partition is begun
    that the group has not read before: ``earliest`` (the default, so that traces already under way have
    their beginning), ``latest``, or a time.
    """

    kind: Literal["kafka"] = "kafka"
    name: Identifier
    bootstrap_servers: Annotated[tuple[str, ...], OneOrMany, Field(min_length=1)]
    topics: Annotated[tuple[Annotated[str, AfterValidator(_topic)], ...], OneOrMany, Field(min_length=1)]
    group: str = Field(default="choreoscope", min_length=1)
    client_id: str = "choreoscope"
    start: Literal["earliest", "latest"] | AwareDatetime = "earliest"
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: ExistingFile | None = None
    ssl_certfile: ExistingFile | None = None
    ssl_keyfile: ExistingFile | None = None
    max_poll_records: int = Field(default=1000, ge=1)
    session_timeout: PositiveDuration = timedelta(seconds=30)

    @field_validator("bootstrap_servers", mode="after")
    @classmethod
    def _split(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(part.strip() for entry in value for part in entry.split(",") if part.strip())

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        sasl = self.security_protocol.startswith("SASL")
        given = self.sasl_username is not None, self.sasl_password is not None
        if sasl and not all(given):
            raise ValueError(
                f"security_protocol {self.security_protocol} needs sasl_username and sasl_password"
            )
        if not sasl and any(given):
            raise ValueError(
                "sasl_username and sasl_password need security_protocol SASL_SSL or SASL_PLAINTEXT"
            )
        return self


class HttpSource(Model):
    """``POST /api/v1/events`` and ``/api/ingestion/event/batch`` of the dashboard's address.

    ``token`` is the bearer token callers must show; ``max_pending`` events may wait to be stored before
    callers are told to come back later (429).
    """

    kind: Literal["http"] = "http"
    name: Identifier
    token: SecretStr | None = None
    max_pending: int = Field(default=10_000, ge=1)


class FileSource(Model):
    """Files of events. ``path``: one or several paths or glob patterns. ``follow``: wait for more lines."""

    kind: Literal["file"] = "file"
    name: Identifier
    path: Annotated[tuple[AnyPath, ...], OneOrMany, Field(min_length=1)]
    format: Literal["auto", "jsonl", "csv", "xes"] = "auto"
    follow: bool = False
    poll: PositiveDuration = timedelta(seconds=1)


class MemorySource(Model):
    """Events handed over inside the process: the demo, tests and embedding programs."""

    kind: Literal["memory"] = "memory"
    name: Identifier


SourceSettings = Annotated[
    RabbitmqSource | KafkaSource | HttpSource | FileSource | MemorySource, Field(discriminator="kind")
]

__all__ = [
    "Binding",
    "FileSource",
    "HttpSource",
    "KafkaSource",
    "MemorySource",
    "RabbitmqSource",
    "SourceSettings",
    "Tls",
]

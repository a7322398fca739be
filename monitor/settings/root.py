"""The whole configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from monitor.settings.alerts import AlertSettings
from monitor.settings.auth import AuthSettings
from monitor.settings.commands import CommandsSettings
from monitor.settings.models import CalendarSettings, EventRule, ModelSettings
from monitor.settings.sources import SourceSettings
from monitor.settings.values import Duration, Model, PositiveDuration, base_directory, is_loopback

Complaint = tuple[tuple[str | int, ...], str]
"""Where (keys and list indices from the top) and what is wrong there."""


class OrderingSettings(Model):
    """``tolerance``: events closer together than this count as concurrent (skewed producers' clocks).
    ``lateness``: how long after its time a finding stays provisional, for events that come late."""

    tolerance: Duration = timedelta(0)
    lateness: Duration = timedelta(seconds=5)


class RetentionSettings(Model):
    """How long complete traces (``traces``) and those that are not (``open``) are kept after their last
    event, and inbox messages after their reception; without a value for good. What is older is deleted every
    minute."""

    traces: PositiveDuration | None = None
    open: PositiveDuration | None = None
    inbox: PositiveDuration | None = None

    @model_validator(mode="after")
    def _open_at_least_as_long(self) -> Self:
        if self.traces is not None and self.open is not None and self.open < self.traces:
            raise ValueError(
                "open must not be shorter than traces: make it at least as long, or leave it out to keep"
                " traces that are not complete for good"
            )
        return self


class BlindnessSettings(Model):
    """A source that has not been read up to ``after`` ago is blind: what is missing or late cannot be judged,
    which is told once a spell. ``at_most``: once it has been blind for so long, absence is judged all the
    same, marked unverified; without a value never."""

    after: PositiveDuration = timedelta(minutes=1)
    at_most: PositiveDuration | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.at_most is not None and self.at_most < self.after:
            raise ValueError("at_most must not be shorter than after: a source is not blind before that")
        return self


class SavedView(Model):
    """A link above the trace list: ``query`` is what its address has behind the question mark."""

    name: str = Field(min_length=1, max_length=60)
    query: str = Field(min_length=1, max_length=2000, pattern=r"^\??[\w.]+=[^\s#]*$")

    @field_validator("query")
    @classmethod
    def _bare(cls, value: str) -> str:
        return value.removeprefix("?")


class DashboardSettings(Model):
    """Where the dashboard listens. ``external_url`` is its address in links it sends out. ``tracing``: where
    distributed traces are shown, for events with a ``traceparent``; ``{trace_id}`` stands for the trace's id,
    ``{span_id}`` for the span's. ``views``: links to trace lists that this landscape asks for often.

    Without ``auth`` there is no login, so it listens on the loopback only, unless ``trust_network`` says that
    something else (a container's network, a proxy with a login) keeps strangers out.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=0, le=65535, description="0 picks a free port")
    external_url: str | None = None
    trust_network: bool = False
    tracing: str | None = None
    views: tuple[SavedView, ...] = ()

    @field_validator("tracing")
    @classmethod
    def _template(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        if "{trace_id}" not in value:
            raise ValueError(
                "must say where the trace's id goes, as in https://jaeger.example/trace/{trace_id}"
            )
        left = value.replace("{trace_id}", "").replace("{span_id}", "")
        if "{" in left or "}" in left:
            raise ValueError("has other braces than those of {trace_id} and {span_id}")
        return value

    @field_validator("external_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/") if value else value

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


class Envelope(Model):
    """Where a plain JSON message (not a CloudEvent) says what it is: expressions such as ``meta.eventType``.
    What is left out is found by the usual names."""

    type: str | None = None
    id: str | None = None
    time: str | None = None
    source: str | None = None
    subject: str | None = None
    data: str | None = None


class DecodeSettings(Model):
    """``max_bytes``: larger messages go to the inbox unread."""

    max_bytes: int = Field(default=1_048_576, ge=1024)
    envelope: Envelope = Envelope()


class IngestSettings(Model):
    """``batch_size`` deliveries at most are stored in one transaction, and as many are read ahead meanwhile;
    there are so many only where we are behind. ``wait`` is how long an idle source is listened to before
    looking elsewhere. While messages keep coming a few at a time, they are stored together no more often than
    every ``pace``: a transaction for each would cost far more (zero: at once; those of an ``http`` source
    always are, for their senders wait). Past ``inbox_limit`` unplaced messages of one source that source
    pauses until there is room again; without a value it never does."""

    batch_size: int = Field(default=5000, ge=1, le=50_000)
    wait: PositiveDuration = timedelta(seconds=0.5)
    pace: Duration = timedelta(seconds=0.2)
    inbox_limit: int | None = Field(default=100_000, ge=1)


class TelemetrySettings(Model):
    """Traces of our own work, sent to an OpenTelemetry collector at ``endpoint`` by OTLP over HTTP; without
    it where ``OTEL_EXPORTER_OTLP_ENDPOINT`` says. ``share``: how much of what is done is traced; without a
    value what ``OTEL_TRACES_SAMPLER`` says, else all. ``links``: to so many traces of the landscape at most
    a batch is linked."""

    endpoint: str | None = None
    share: float | None = Field(default=None, ge=0, le=1)
    links: int = Field(default=8, ge=0, le=128)

    @field_validator("endpoint")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://, as in http://localhost:4318")
        return value


def _with_business(calendars: dict[str, CalendarSettings]) -> dict[str, CalendarSettings]:
    """There always is a calendar ``business``: Monday to Friday, nine to five, UTC, unless it is given."""
    return {"business": CalendarSettings(hours={"mon-fri": ("09:00-17:00",)}), **calendars}


_DATABASES = {"sqlite": "sqlite", "postgresql": "postgresql", "postgres": "postgresql"}


def _database(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """Accept ``sqlite:///file`` and ``postgresql://...``; a relative SQLite file counts from the config."""
    url = value.get_secret_value()
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _DATABASES:
        raise ValueError("must be sqlite:///FILE or postgresql://user:password@host:5432/database")
    if scheme == "sqlite":
        file = rest.removeprefix("/")
        if not rest.startswith("/") or not file:
            raise ValueError("needs a file: sqlite:///choreoscope.db (relative) or sqlite:////var/lib/x.db")
        if file != ":memory:":
            rest = "/" + str(base_directory(info).absolute() / file)
    return SecretStr(f"{_DATABASES[scheme]}://{rest}")


class Settings(Model):
    """Everything a run needs to know. Without ``alerts`` nobody is told of anything, without ``auth`` there
    is no login, without ``commands`` nothing is ever sent. Without ``telemetry`` OpenTelemetry's own
    variables decide whether our work is traced."""

    database: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///choreoscope.db")
    sources: tuple[SourceSettings, ...] = ()
    events: tuple[EventRule, ...] = ()
    models: tuple[ModelSettings, ...] = ()
    calendars: Annotated[dict[str, CalendarSettings], AfterValidator(_with_business)] = Field(
        default_factory=dict, validate_default=True
    )
    ordering: OrderingSettings = OrderingSettings()
    blindness: BlindnessSettings = BlindnessSettings()
    retention: RetentionSettings = RetentionSettings()
    dashboard: DashboardSettings = DashboardSettings()
    auth: AuthSettings | None = None
    decode: DecodeSettings = DecodeSettings()
    ingest: IngestSettings = IngestSettings()
    alerts: AlertSettings | None = None
    commands: CommandsSettings = CommandsSettings()
    telemetry: TelemetrySettings | None = None

    def complaints(self) -> Iterator[Complaint]:
        """What only shows when the parts are held together."""
        yield from exposed(self.dashboard, self.auth is not None)
        yield from _repeated("sources", [source.name for source in self.sources], "name")
        yield from _repeated("models", [model.key for model in self.models], "key")
        known_sources = {source.name for source in self.sources}
        known_models = {model.key for model in self.models}
        for number, rule in enumerate(self.events):
            named = rule.match.source
            is_name = named is not None and known_sources and not set("*?") & set(named)
            if is_name and named not in known_sources:
                yield ("events", number, "match", "source"), _unknown("source", str(named), known_sources)
            for key in rule.model:
                if key not in known_models:
                    yield ("events", number, "model"), _unknown("model", key, known_models)
        for number, model in enumerate(self.models):
            yield from (
                ((("models", number, *where)), what)
                for where, what in _repeated("slas", [sla.name for sla in model.slas], "name")
            )
            for place, sla in enumerate(model.slas):
                if sla.calendar is not None and sla.calendar not in self.calendars:
                    where = ("models", number, "slas", place, "calendar")
                    yield where, _unknown("calendar", sla.calendar, set(self.calendars))
        for inside, what in self.alerts.complaints() if self.alerts is not None else ():
            yield ("alerts", *inside), what
        yield from self.commands.complaints(known_models)


def exposed(shown: DashboardSettings, login: bool) -> Iterator[Complaint]:
    """What would let strangers in. A dashboard with any of these must not listen."""
    if shown.is_local:
        return
    reached = f"{shown.host} can be reached from elsewhere"
    if not login and not shown.trust_network:
        said = (
            f"{reached}, and there is no login: add auth: {{local: true}} and dashboard.external_url, or"
            " use 127.0.0.1 behind a proxy with a login, or say trust_network: true where the network"
            " itself keeps strangers out"
        )
        yield ("dashboard", "host"), said
    if login and shown.external_url is None:
        said = (
            f"{reached}: say under which address by dashboard.external_url (https://...), so that cookies"
            " go there only, and encrypted"
        )
        yield ("dashboard", "host"), said


def _repeated(top: str, names: list[str], key: str) -> Iterator[Complaint]:
    counts = Counter(names)
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            yield (top, number, key), f"{name!r} is used {counts[name]} times; give each its own {key}"
        seen.add(name)


def _unknown(what: str, name: str, known: set[str]) -> str:
    if not known:
        return f"there is no {what} {name!r}: none is configured"
    return f"there is no {what} {name!r}; there is {', '.join(sorted(known))}"

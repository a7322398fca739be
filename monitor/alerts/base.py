"""What alerts and channels share: an alert as receivers see it, one message to one receiver, who sends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from monitor.errors import ChoreoscopeError

Status = Literal["firing", "resolved"]
Kind = Literal["alerts", "digest", "test"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One trouble, as receivers see it.

    The id is the same for as long as the trouble is the same. Labels say what it is (Prometheus' words);
    annotations say it to people: ``summary`` is the sentence, ``description`` more of it, ``due``,
    ``started`` (ISO 8601, with an offset), ``expected``, ``reason`` (why it was resolved).
    """

    id: str
    status: Status
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    trace: int | None = None
    finding: str | None = None  # the finding's key, as hex

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "Alert")

    @property
    def summary(self) -> str:
        """The sentence; an alert without one is called by its name."""
        return self.annotations.get("summary") or self.name


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one receiver: what a group of alerts came to.

    The id stays the same over all attempts: it is the webhook-id, the Message-ID and the idempotency key, so
    that a receiver recognises a repeat. ``truncated`` alerts of the group are not told. ``external_url`` is
    the dashboard's address as people reach it, without a slash at the end.
    """

    id: str
    receiver: str
    group_key: str
    group_labels: Mapping[str, str]
    alerts: tuple[Alert, ...]
    created: datetime
    external_url: str
    truncated: int = 0
    kind: Kind = "alerts"

    @property
    def status(self) -> Status:
        """Firing while any of its alerts fires."""
        return "firing" if self.firing else "resolved"

    @property
    def firing(self) -> tuple[Alert, ...]:
        return tuple(alert for alert in self.alerts if alert.status == "firing")

    @property
    def resolved(self) -> tuple[Alert, ...]:
        return tuple(alert for alert in self.alerts if alert.status == "resolved")

    @property
    def common_labels(self) -> dict[str, str]:
        """The labels that all alerts share, value and all."""
        return _common(alert.labels for alert in self.alerts)

    @property
    def common_annotations(self) -> dict[str, str]:
        return _common(alert.annotations for alert in self.alerts)

    @property
    def trace(self) -> int | None:
        """The trace that all alerts are about, if they are all about one."""
        traces = {alert.trace for alert in self.alerts}
        return traces.pop() if len(traces) == 1 else None


class Undeliverable(ChoreoscopeError):
    """A notification did not reach its receiver.

    ``permanent``: no attempt can succeed until somebody changes something (the address is gone, the login is
    refused), so the receiver is disabled. ``retry_after``: the receiver asked to be left alone for that long.
    The message never holds a secret.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class Channel(Protocol):
    """A way to one receiver. It is used by one task at a time and opened for as long as the process lives."""

    @property
    def timeout(self) -> timedelta:
        """How long handing a message over may take."""
        ...

    async def send(self, notification: Notification, now: datetime) -> str:
        """Hand a notification over and return what the receiver said, for the record.

        Raises ``Undeliverable``, and nothing else, when the receiver does not have it. After an error it may
        have it nevertheless: the repeat has the same id.
        """
        ...

    async def close(self) -> None: ...


class Pictures(Protocol):
    """Where it hurts: a trace drawn into its flow."""

    async def svg(self, trace: int) -> str | None:
        """The picture of a trace by itself (its style inside), or None if there is none to be had."""
        ...


def _common(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    common: dict[str, str] | None = None
    for mapping in mappings:
        if common is None:
            common = dict(mapping)
        else:
            common = {name: value for name, value in common.items() if mapping.get(name) == value}
    return common or {}

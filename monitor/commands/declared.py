"""Commands as they are configured: when each is offered, where it goes, what it says, what has to follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from monitor.domain.verdict import FindingKind
from monitor.sandbox import Yields, render


class Mode(StrEnum):
    """``manual``: whoever asks confirms it. ``approve``: somebody else has to agree. ``automatic``: the
    monitor asks by itself, once for each finding."""

    MANUAL = "manual"
    APPROVE = "approve"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class Template:
    """A text with ``{{ ... }}`` in it; ``yields``: what it makes is plain text, or a part of JSON."""

    text: str
    yields: Yields = "text"

    def fill(self, values: Mapping[str, Any]) -> str:
        """Raises :class:`~monitor.sandbox.TemplateFailed`, a ValueError."""
        return render(self.text, values, self.yields)


@dataclass(frozen=True, slots=True)
class When:
    """Of which traces a command is offered; what is empty asks nothing. ``findings``, ``sla``, ``severity``
    and ``element`` are of one confirmed finding; ``standing``: an element's id, name or label where the trace
    waits, or an event it waits for; ``states``: open or complete."""

    findings: frozenset[FindingKind] = frozenset()
    sla: frozenset[str] = frozenset()
    severity: frozenset[str] = frozenset()
    element: frozenset[str] = frozenset()
    standing: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset({"open"})

    @property
    def asks_of_finding(self) -> bool:
        return bool(self.findings or self.sla or self.severity or self.element)


@dataclass(frozen=True, slots=True)
class Expect:
    """The event, as its label in the flow, that has to follow within so long; ``tolerance``: so much earlier
    than the sending it may have happened by its producer's clock."""

    event: str
    within: timedelta
    tolerance: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """At most so many for one trace, and within any hour."""

    per_trace: int | None = 1
    per_hour: int | None = 20


@dataclass(frozen=True, slots=True)
class Target:
    """Where messages go. ``kind`` is the broker's; ``broker`` its address without secrets, by which the
    circuit breaker knows it; ``place`` an exchange (empty: the default one) or a topic; ``key`` the routing
    key or message key."""

    kind: str
    broker: str
    place: str
    key: Template


@dataclass(frozen=True, slots=True)
class Item:
    """A configured command. ``body``: a template of JSON text, or a value whose texts are templates."""

    name: str
    title: str
    flow: str
    when: When
    mode: Mode
    target: Target
    type: str
    source: str
    subject: Template | None
    headers: Mapping[str, Template]
    body: Any
    structured: bool = False
    expect: Expect | None = None
    limits: Limits = Limits()
    dry_run: bool = True
    expires: timedelta = timedelta(hours=1)
    description: str = ""

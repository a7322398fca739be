"""How the monitor tells of its own work as traces: spans, of a batch, a tick, a delivery, a request.

Stages know only this. Where telemetry is not asked for nothing is made and nothing is kept; what
OpenTelemetry needs is in :mod:`monitor.telemetry`. Attributes are counts and configured names: never a
key, a payload or a secret of the landscape.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

Attribute = str | int | float | bool


class Span(Protocol):
    """Something that takes time. An exception that ends it makes it a failed one."""

    def tell(self, **attributes: Attribute) -> None:
        """Add what is known by now, under ``choreoscope.`` and the name."""

    def failed(self, why: str) -> None:
        """It did not work, though no exception says so."""

    def link(self, traceparent: str) -> None:
        """It is about a trace of the landscape (W3C Trace Context), which is not continued by this. No more
        than so many are kept."""

    def forget(self) -> None:
        """There was nothing to tell of."""


class Tracer(Protocol):
    links: int
    """How many links a span keeps; 0: nobody needs to look for any."""

    def span(
        self, name: str, since: datetime | None = None, **attributes: Attribute
    ) -> AbstractContextManager[Span]:
        """A span from ``since`` (None: now) to the end of the block, part of the one around it."""
        ...


class _Unspoken:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def tell(self, **attributes: Attribute) -> None:  # noqa: ARG002
        return None

    def failed(self, why: str) -> None:  # noqa: ARG002
        return None

    def link(self, traceparent: str) -> None:  # noqa: ARG002
        return None

    def forget(self) -> None:
        return None


class _Untraced:
    links = 0
    _span = _Unspoken()

    def span(
        self,
        name: str,  # noqa: ARG002
        since: datetime | None = None,  # noqa: ARG002
        **attributes: Attribute,  # noqa: ARG002
    ) -> _Unspoken:
        return self._span


UNTRACED: Tracer = _Untraced()
"""Tells nobody anything: one object for all spans there are not."""

"""Our own spans to an OpenTelemetry collector (OTLP over HTTP), where that is asked for; the extra ``otel``.

What is not in the configuration is said by OpenTelemetry's own variables (``OTEL_EXPORTER_OTLP_HEADERS``,
``OTEL_SERVICE_NAME``, ``OTEL_TRACES_SAMPLER``), which its SDK reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitor import __version__
from monitor.errors import ConfigError
from monitor.settings import TelemetrySettings
from monitor.tracing import UNTRACED, Attribute, Span, Tracer

if TYPE_CHECKING:
    from opentelemetry import trace

FLUSH_SECONDS = 3.0
"""How long a stop waits for the last spans to be taken."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_CONVENTIONS = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
}
"""What OpenTelemetry has a name of its own for."""

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


def is_wanted(settings: TelemetrySettings | None, environment: Mapping[str, str]) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() == "none":
        return False
    return settings is not None or any(environment.get(name) for name in _ENDPOINTS)


@asynccontextmanager
async def traced(
    settings: TelemetrySettings | None, roles: Sequence[str], environment: Mapping[str, str] = os.environ
) -> AsyncIterator[Tracer]:
    """What spans are told to as long as this lasts. Raises ConfigError where OpenTelemetry is asked for and
    not installed."""
    if not is_wanted(settings, environment):
        yield UNTRACED
        return
    settings = settings or TelemetrySettings()
    provider = _provider(settings, roles)
    try:
        yield _Traces(provider.get_tracer("choreoscope", __version__), settings.links)
    finally:
        await _shut_down(provider)


def _provider(settings: TelemetrySettings, roles: Sequence[str]) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
    except ImportError as error:
        raise ConfigError(
            "telemetry is asked for, and OpenTelemetry is not installed.",
            mend="Install it: pip install 'choreoscope[otel]'; or take telemetry: and"
            " OTEL_EXPORTER_OTLP_ENDPOINT away.",
        ) from error
    about: dict[str, str | Sequence[str]] = {
        "service.version": __version__,
        "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        "choreoscope.roles": roles,
    }
    if "OTEL_SERVICE_NAME" not in os.environ:
        about["service.name"] = "choreoscope"
    provider = TracerProvider(
        resource=Resource.create(about),
        sampler=None if settings.share is None else ParentBasedTraceIdRatio(settings.share),
        shutdown_on_exit=False,
    )
    endpoint = None if settings.endpoint is None else settings.endpoint.rstrip("/") + "/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider


async def _shut_down(provider: Any) -> None:
    """A collector that is away must not keep us from stopping."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def shut_down() -> None:
        provider.shutdown()
        with contextlib.suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=shut_down, name="telemetry", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(done.wait(), FLUSH_SECONDS)


class _Traces:
    def __init__(self, tracer: trace.Tracer, links: int) -> None:
        self.links = links
        self._tracer = tracer

    @contextmanager
    def span(self, name: str, since: datetime | None = None, **attributes: Attribute) -> Iterator[Span]:
        begun = None if since is None else int(since.timestamp() * 1e9)
        # what an exception says may be a payload: only its kind is told
        with self._tracer.start_as_current_span(
            name,
            start_time=begun,
            attributes=_named(attributes),
            end_on_exit=False,
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            span = _Span(made, self.links)
            try:
                yield span
            except Exception as error:
                span.failed(type(error).__name__)
                raise
            finally:
                if not span.forgotten:
                    made.end()


class _Span:
    def __init__(self, span: trace.Span, links: int) -> None:
        self.forgotten = False
        self._span = span
        self._links = links
        self._linked: set[tuple[int, int]] = set()

    def tell(self, **attributes: Attribute) -> None:
        self._span.set_attributes(_named(attributes))

    def failed(self, why: str) -> None:
        from opentelemetry.trace import StatusCode

        self._span.set_status(StatusCode.ERROR, why)

    def link(self, traceparent: str) -> None:
        if len(self._linked) >= self._links or not self._span.is_recording():
            return
        from opentelemetry.trace import SpanContext, TraceFlags

        found = _TRACEPARENT.fullmatch(traceparent.strip().lower()[:256])
        if found is None:
            return
        trace_id, span_id = int(found[2], 16), int(found[3], 16)
        context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(int(found[4], 16)))
        if context.is_valid and (trace_id, span_id) not in self._linked:
            self._linked.add((trace_id, span_id))
            self._span.add_link(context)

    def forget(self) -> None:
        self.forgotten = True


def _named(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {_CONVENTIONS.get(name, f"choreoscope.{name}"): value for name, value in attributes.items()}

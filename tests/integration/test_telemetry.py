"""Our own work as traces, told to a collector: what it is told, and what it never is."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from monitor.settings import TelemetrySettings
from monitor.telemetry import is_wanted, traced
from monitor.tracing import UNTRACED
from tests.services.processes import free_port
from tests.support.flows import bpmn, tasks
from tests.support.http_receiver import HttpReceiver, Received
from tests.support.serving import ROOT, Serving, environment, serving

MODEL = bpmn(f'<startEvent id="s"/>{tasks("Placed", "Paid")}<endEvent id="e"/>\ns -> Placed -> Paid -> e')
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
SECRET = "swordfish"


def written(folder: Path, hook: str, **more: Any) -> Path:
    (folder / "order.bpmn").write_bytes(MODEL)
    path = folder / "choreoscope.yaml"
    receiver = {
        "name": "ops",
        "webhook": {"url": f"{hook}/{SECRET}", "allow_private": True, "secret": "whsec_" + "QUJD" * 8},
    }
    slas = [{"name": "Paid soon", "from": "Placed", "to": "Paid", "within": "PT0.2S"}]
    said = {
        "database": "sqlite:///choreoscope.db",
        "sources": [{"name": "web", "kind": "http", "token": SECRET}],
        "events": [{"match": {"type": "*"}, "keys": {"order": "data.order"}}],
        "models": [{"file": "order.bpmn", "key": "order", "slas": slas}],
        "ordering": {"lateness": "PT0.1S"},
        "dashboard": {"port": 0},
        "alerts": {"receivers": [receiver], "route": {"receiver": "ops", "group_wait": "PT0S"}},
        **more,
    }
    path.write_text(yaml.safe_dump(said), "utf-8")
    return path


def post(monitor: Serving) -> None:
    event = {
        "specversion": "1.0", "id": "e-1", "source": "/t", "type": "Placed", "traceparent": TRACEPARENT,
        "data": {"order": f"o-{SECRET}", "card": SECRET},
    }  # fmt: skip
    answer = monitor.post(
        "/api/v1/events",
        json=event,
        headers={"content-type": "application/cloudevents+json", "authorization": f"Bearer {SECRET}"},
    )
    assert answer.status_code == 202, answer.text


def attributes(span: Span) -> dict[str, object]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes}


class Told:
    """All spans a collector got."""

    def __init__(self, received: list[Received]) -> None:
        self.bodies = [one.body for one in received]
        self.requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        self.resource = {
            one.key: one.value.string_value for one in self.requests[0].resource_spans[0].resource.attributes
        }
        self.spans = [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def under(self, parent: Span) -> list[str]:
        return [one.name for one in self.spans if one.parent_span_id == parent.span_id]


async def test_a_batch_a_tick_a_delivery_and_a_page(tmp_path: Path) -> None:
    async with HttpReceiver() as collector, HttpReceiver() as hook:
        config = written(tmp_path, hook.url, telemetry={"endpoint": collector.url})

        def work() -> None:
            with serving(config, tmp_path / "log") as monitor:
                post(monitor)
                monitor.until(lambda: len(hook.received) > 0)
                monitor.get(f"/traces?q={SECRET}").raise_for_status()
                assert monitor.get(f"/traces/{SECRET}").status_code == 404
                monitor.get("/livez").raise_for_status()
                assert monitor.stop() == 0

        await asyncio.to_thread(work)
    told = Told(collector.received)
    assert {one.path for one in collector.received} == {"/v1/traces"}
    assert told.resource["service.name"] == "choreoscope"

    (batch,) = told.named("batch")
    assert attributes(batch) == {"choreoscope.source": "web", "choreoscope.deliveries": 1}
    assert told.under(batch) == ["receive", "store", "acknowledge"]
    (store,) = told.named("store")
    assert told.under(store) == ["correlate", "check"]
    counts = {"deliveries": 1, "stored": 1, "repeats": 0, "misfits": 0, "ignored": 0}
    assert attributes(store) == {f"choreoscope.{name}": count for name, count in counts.items()}
    (link,) = store.links
    assert (link.trace_id.hex(), link.span_id.hex()) == (TRACE, SPAN)
    assert store.trace_id.hex() != TRACE

    swept = {str(attributes(span)["choreoscope.task"]): attributes(span) for span in told.named("sweep")}
    assert swept["clocks"]["choreoscope.count"] == 1
    delivery = told.named("alert delivery")[0]
    assert attributes(delivery) == {
        "choreoscope.receiver": "ops",
        "choreoscope.attempt": 1,
        "choreoscope.arrived": True,
    }
    asked = [attributes(span) for span in told.named("request")]
    assert {"http.request.method": "GET", "http.route": "/traces", "http.response.status_code": 200} in asked
    assert not any("livez" in str(one) for one in asked)
    assert not any(SECRET.encode() in body for body in told.bodies)


async def test_what_fails_says_so_without_saying_what(tmp_path: Path) -> None:
    async with HttpReceiver() as collector:
        async with traced(TelemetrySettings(endpoint=collector.url, links=1), ["ingest"], {}) as tracer:
            with contextlib.suppress(ValueError), tracer.span("store") as span:
                span.link(TRACEPARENT)
                span.link(TRACEPARENT.replace("4bf", "5bf"))
                raise ValueError(SECRET)
            with tracer.span("sweep") as span:
                span.forget()
            with tracer.span("store") as span:
                for said in ("", "00-0-0-01", f"00-{'0' * 32}-{SPAN}-01", SECRET):
                    span.link(said)
        told = Told(collector.received)
    failed, fine = told.spans
    assert (failed.status.code, failed.status.message) == (Status.STATUS_CODE_ERROR, "ValueError")
    assert len(failed.links) == 1
    assert len(fine.links) == 0
    assert SECRET.encode() not in b"".join(told.bodies)


async def test_a_collector_that_is_away_keeps_nobody_from_stopping(tmp_path: Path) -> None:
    away = {"endpoint": f"http://127.0.0.1:{free_port()}"}
    with serving(written(tmp_path, "http://127.0.0.1:9", telemetry=away), tmp_path / "log") as monitor:
        post(monitor)
        monitor.get("/traces").raise_for_status()
        begun = time.monotonic()
        assert monitor.stop() == 0
        assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("settings", "environment", "wanted"),
    [
        (None, {}, False),
        (TelemetrySettings(), {}, True),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318"}, True),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://otel:4318/v1/traces"}, True),
        (TelemetrySettings(), {"OTEL_SDK_DISABLED": "true"}, False),
        (TelemetrySettings(), {"OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
async def test_when_it_is_wanted(
    settings: TelemetrySettings | None, environment: dict[str, str], wanted: bool
) -> None:
    assert is_wanted(settings, environment) == wanted
    if not wanted:
        async with traced(settings, [], environment) as tracer:
            assert tracer is UNTRACED
            with tracer.span("batch") as one, tracer.span("store") as other:
                assert one is other


def test_what_is_not_asked_for_is_not_even_imported() -> None:
    said = (
        "import sys, monitor.serving; print([one for one in sys.modules if one.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, env=environment(), cwd=ROOT
    )
    assert done.stdout.strip() == "[]"

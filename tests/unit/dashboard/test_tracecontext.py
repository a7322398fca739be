"""``traceparent`` as W3C Trace Context has it, from attributes or headers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from monitor.dashboard.tracecontext import trace_context

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"
TEMPLATE = "https://jaeger.example/trace/{trace_id}?uiFind={span_id}"


@pytest.mark.parametrize(
    "event",
    [
        {"attributes": {"traceparent": GOOD}},
        {"headers": f'{{"traceparent":"{GOOD}"}}'},
        {"headers": f'{{"ce_traceparent":"{GOOD}"}}'},
        {"attributes": {"traceparent": f"01-{TRACE}-{SPAN}-01-of-the-future"}},
        {"attributes": {"traceparent": "nonsense"}, "headers": f'{{"Traceparent":"{GOOD}"}}'},
    ],
)
def test_it_is_found_and_linked(make: SimpleNamespace, event: dict[str, Any]) -> None:
    found = trace_context(make.event_row(**{"attributes": {}, "headers": "{}", **event}), TEMPLATE)
    url = f"https://jaeger.example/trace/{TRACE}?uiFind={SPAN}"
    assert found == (TRACE, SPAN, True, url)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "00-abc-def-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        GOOD + "x" * 1_000_000,
        "javascript:alert(1)",
    ],
)
def test_what_is_none_is_not_taken_for_one(make: SimpleNamespace, said: str) -> None:
    assert trace_context(make.event_row(attributes={"traceparent": said}, headers="[1]"), TEMPLATE) is None
    assert trace_context(make.event_row(attributes={"traceparent": said}, headers="no JSON"), None) is None


def test_without_a_tracing_ui_there_is_no_link(make: SimpleNamespace) -> None:
    found = trace_context(make.event_row(attributes={"traceparent": f"00-{TRACE}-{SPAN}-00"}), None)
    assert found == (TRACE, SPAN, False, None)

"""What an event's ``traceparent`` says (W3C Trace Context, level 1), and where that trace is shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from monitor.storage.views import EventRow

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_NAMES = ("traceparent", "ce_traceparent", "cloudevents:traceparent", "cloudevents_traceparent")


class TraceContext(NamedTuple):
    trace_id: str
    span_id: str
    sampled: bool
    url: str | None


def trace_context(event: EventRow, template: str | None) -> TraceContext | None:
    """From the event's attributes, else from its headers; None where it has none that can be read.
    ``template``: of the address, with ``{trace_id}``."""
    for said in _said(event):
        found = _FORM.fullmatch(said.strip().lower()[:256])
        if found is None:
            continue
        version, trace_id, span_id, flags, more = found.groups()
        if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
            continue
        url = template and template.replace("{trace_id}", trace_id).replace("{span_id}", span_id)
        return TraceContext(trace_id, span_id, bool(int(flags, 16) & 1), url)
    return None


def _said(event: EventRow) -> list[str]:
    said = [event.attributes["traceparent"]] if "traceparent" in event.attributes else []
    try:
        headers = orjson.loads(event.headers) if event.headers else {}
    except orjson.JSONDecodeError:
        return said
    if isinstance(headers, Mapping):
        said += [
            value for name, value in headers.items() if name.lower() in _NAMES and isinstance(value, str)
        ]
    return said

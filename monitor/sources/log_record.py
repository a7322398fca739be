"""One event of a log, whatever the log's format."""

from __future__ import annotations

from typing import NamedTuple

JSON = "application/json"
CLOUDEVENT = "application/cloudevents+json"
CLOUDEVENTS = "application/cloudevents-batch+json"
CSV = "text/csv"

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one line, or of one tag. A longer one means that the file is no text."""

CHUNK = 1 << 16
"""Bytes read at a time."""


class Record(NamedTuple):
    """One event of a log. ``number`` counts from 0 and always means the same record of the same file (JSON
    Lines: the line, blank ones counted); ``line`` is where it begins, from 1. ``content_type`` says what
    ``body`` is: JSON, a CloudEvent, or (``text/csv``) a row that does not fit its header."""

    number: int
    line: int
    body: bytes
    content_type: str

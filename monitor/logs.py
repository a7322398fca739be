"""Log lines on stderr: readable text, or one JSON object a line for machines."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


# What would colour, move or hide what stands in a terminal, or turn it round.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class TextFormatter(logging.Formatter):
    """``2026-07-01T08:00:00.123Z info    monitor.pipeline  batch stored  source=shop events=12``

    Texts of strangers cannot pass for lines of ours: control characters are spelled out, and what follows a
    line break is indented."""

    def format(self, record: logging.LogRecord) -> str:
        extra = "".join(f"  {name}={value}" for name, value in _extra(record).items())
        said = _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", f"{record.getMessage()}{extra}")
        said = said.replace("\n", "\n    ")
        line = f"{_time(record)} {record.levelname.lower():7} {record.name}  {said}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """Keys ``time level logger message``, then what the record carries as ``extra``, then ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str, ensure_ascii=False)


def configure(level: str, style: str) -> None:
    """Send all logging to stderr. ``level`` is one of :data:`LEVELS`, ``style`` one of :data:`FORMATS`.
    Libraries speak up from warning on, whatever the level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # the source says what happened to its connection
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick that is still at work skips the next
    for name in ("choreoscope", "monitor"):
        logging.getLogger(name).setLevel(level.upper())


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

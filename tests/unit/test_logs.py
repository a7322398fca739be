import json
import logging
import sys
from collections.abc import Iterator

import pytest

from monitor import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in (None, "choreoscope", "monitor")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def test_json_lines_hold_what_the_record_carries(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("choreoscope.reading").info("batch %s", "stored", extra={"events": 12})
    said = json.loads(capsys.readouterr().err)
    assert said["message"] == "batch stored"
    assert (said["level"], said["logger"], said["events"]) == ("info", "choreoscope.reading", 12)
    assert said["time"].endswith("Z")


def test_text_lines_are_for_eyes_and_keep_the_exception(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug", "text")
    try:
        int("broken")
    except ValueError:
        logging.getLogger("monitor.x").warning("failed", exc_info=True, extra={"source": "shop"})
    said = capsys.readouterr().err
    assert "warning monitor.x  failed  source=shop" in said
    assert "ValueError: invalid literal" in said


def test_libraries_speak_up_from_warning_on(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug", "text")
    logging.getLogger("aiokafka").info("chatter")
    logging.getLogger("aiokafka").warning("trouble")
    said = capsys.readouterr().err
    assert "chatter" not in said
    assert "trouble" in said
    assert logging.getLogger().handlers[0].stream is sys.stderr  # type: ignore[attr-defined]


def test_a_text_cannot_pass_for_a_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    forged = "x\n2026-07-01T08:00:00.000Z error   choreoscope  all is lost\x1b[2J\u202e\r"
    logging.getLogger("choreoscope").info("read %s", forged, extra={"source": "\x07"})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("    2026")
    assert lines[1].endswith("\\u001b[2J\\u202e\\u000d  source=\\u0007")

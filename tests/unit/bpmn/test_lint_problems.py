"""Problems of several files as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from monitor.bpmn.document import Place, Problem, Severity
from monitor.bpmn.lint import format_text, summary, to_json

ONE = Problem(Severity.ERROR, "no-entry", "Nothing begins.", Place("a.bpmn", 7), "p", "Ship")
TWO = Problem(Severity.WARNING, "unnamed", "It has no name.", Place("b.bpmn", 0))


def test_text() -> None:
    assert format_text([ONE, TWO]) == (
        "a.bpmn:7: error: p (Ship): Nothing begins. [no-entry]\nb.bpmn: warning: It has no name. [unnamed]"
    )


def test_summary() -> None:
    assert summary([ONE, TWO, TWO]) == "1 error, 2 warnings"
    assert summary([]) == "no problems"


def test_json() -> None:
    said = to_json([ONE, TWO])
    assert json.loads(json.dumps(said)) == said
    assert said["problems"][0] == {
        "severity": "error",
        "code": "no-entry",
        "message": "Nothing begins.",
        "file": "a.bpmn",
        "line": 7,
        "element": "p",
        "name": "Ship",
    }
    assert said["problems"][1]["line"] is None
    assert said["summary"] == {"errors": 1, "warnings": 1, "infos": 0, "files": 2}


def test_a_trace_is_told_where_there_is_one() -> None:
    (said,) = to_json([replace(ONE, trace=("A", "B"))])["problems"]
    assert said["trace"] == ["A", "B"]

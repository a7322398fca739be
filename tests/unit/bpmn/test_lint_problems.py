"""Problems of several files as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from monitor.bpmn.document import Place, Problem, Severity
from monitor.bpmn.lint import format_text, lint, to_json
from tests.unit.bpmn.bpmn_text import NS

ONE = Problem(Severity.ERROR, "no-entry", "Nothing begins.", Place("a.bpmn", 7), "p", "Ship")
TWO = Problem(Severity.WARNING, "unnamed", "It has no name.", Place("b.bpmn", 0))


def test_text() -> None:
    assert format_text([ONE, TWO]) == (
        "a.bpmn:7: error: p (Ship) Nothing begins. [no-entry]\n"
        "b.bpmn: warning: It has no name. [unnamed]\n"
        "1 error, 1 warning"
    )
    assert format_text([]) == "no problems"


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


def test_lint_reads_each_file_and_tells_what_cannot_be_read(tmp_path: Path) -> None:
    good, bad, gone = (tmp_path / name for name in ("good.bpmn", "bad.bpmn", "gone.bpmn"))
    good.write_text(
        f'<definitions xmlns="{NS}"><process id="p"><dream/>\n<task id="t"/></process></definitions>'
    )
    bad.write_text("<definitions>\n<")
    problems = lint([good, bad, gone])
    assert [problem.place for problem in problems[-2:]] == [Place(str(bad), 2), Place(str(gone), 0)]
    assert {problem.code for problem in problems[-2:]} == {"unreadable"}
    assert str(bad) not in problems[-2].message
    assert [problem.code for problem in problems[:2]] == ["unknown-element", "no-start"]


def test_other_checks_can_be_asked(tmp_path: Path) -> None:
    file = tmp_path / "m.bpmn"
    file.write_text(f'<definitions xmlns="{NS}"/>')
    assert lint([file], checks=[lambda document: [ONE, ONE]]) == (ONE,)

"""``lint`` as a whole: models played, rules held against them, everything in one order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.bpmn.document import Severity
from monitor.cli import invoke
from monitor.linting import lint_models
from monitor.settings import load
from tests.support.flows import bpmn, tasks

Capture = pytest.CaptureFixture[str]

STUCK = bpmn(
    '<startEvent id="s"/><endEvent id="e"/><exclusiveGateway id="g"/><parallelGateway id="j"/>\n'
    + tasks("A", "B", "C")
    + "\ns -> g -> A -> j -> C -> e\ng -> B -> j\ng -> e"
)
LINE = bpmn('<startEvent id="s"/><endEvent id="e"/>' + tasks("A", "B") + "\ns -> A -> B -> e")


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    path = tmp_path / "stuck.bpmn"
    path.write_bytes(STUCK)
    return path


@pytest.fixture
def line(tmp_path: Path) -> Path:
    path = tmp_path / "line.bpmn"
    path.write_bytes(LINE)
    return path


def config(tmp_path: Path, events: str) -> Path:
    path = tmp_path / "choreoscope.yaml"
    path.write_text(f"models:\n  - {{file: line.bpmn, key: line}}\nevents:\n{events}")
    return path


def test_problems_come_by_file_the_most_severe_first(stuck: Path, line: Path, tmp_path: Path) -> None:
    lost = tmp_path / "lost.bpmn"
    lost.write_bytes(STUCK.replace(b'targetRef="e"', b'targetRef="gone"'))
    problems = lint_models([stuck, line, lost], None)
    files = [problem.place.file for problem in problems]
    assert files == sorted(files, key=[str(stuck), str(line), str(lost)].index)
    for path in (stuck, lost):
        ranks = [list(Severity).index(p.severity) for p in problems if p.place.file == str(path)]
        assert ranks == sorted(ranks)


def test_what_is_not_connected_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "m.bpmn"
    path.write_bytes(LINE.replace(b"</process>", b'<task id="Z" name="Z"/></process>'))
    codes = [problem.code for problem in lint_models([path], None) if problem.element == "Z"]
    assert codes == ["unreachable", "implicit-end"]


def test_gaps_of_the_rules_have_the_line_of_the_rule_or_the_element(line: Path, tmp_path: Path) -> None:
    file = config(
        tmp_path,
        "  - match: {type: a}\n    as: A\n    keys: {other: data.x}\n"
        "  - match: {type: b}\n    as: Q\n  - ignore: true\n",
    )
    problems = lint_models([], load(file, {}), config=file)
    assert [(p.code, p.place.file, p.place.line, p.element) for p in problems] == [
        ("unmapped-element", str(line), 1, "B"),
        ("missing-key", str(file), 6, None),
        ("unknown-label", str(file), 8, None),
    ]


def test_the_command_tells_them_as_text_and_counts_them(stuck: Path, capsys: Capture) -> None:
    assert invoke(["lint", str(stuck)]) == 0
    captured = capsys.readouterr()
    assert f"{stuck}:1: warning: j: Runs can get stuck here" in captured.out
    assert captured.err == "2 warnings\n"
    assert invoke(["lint", "--strict", str(stuck)]) == 1


def test_the_command_tells_the_trace_in_json(stuck: Path, capsys: Capture) -> None:
    assert invoke(["lint", "--format", "json", str(stuck)]) == 0
    said = json.loads(capsys.readouterr().out)
    deadlock, dead = said["problems"]
    assert (deadlock["code"], deadlock["trace"]) in (("deadlock", ["A"]), ("deadlock", ["B"]))
    assert "trace" not in dead
    assert said["summary"] == {"errors": 0, "warnings": 2, "infos": 0, "files": 1}


def test_what_is_not_told_at_load(stuck: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("models: [{file: stuck.bpmn, key: stuck}]\n")
    assert invoke(["config", "check", str(file)]) == 0
    assert "warning" not in capsys.readouterr().err


def test_conditions_over_what_nothing_keeps(tmp_path: Path) -> None:
    said = "<conditionExpression>= amount > 1000 and order.region = 1</conditionExpression>"
    path = tmp_path / "line.bpmn"
    path.write_bytes(
        bpmn(
            f"""<startEvent id="s"/><exclusiveGateway id="x"/>{tasks("A", "B")}
            <sequenceFlow id="c" sourceRef="x" targetRef="A">{said}</sequenceFlow>
            s -> x -> B"""
        )
    )
    rule = "  - {match: {type: '*'}, attributes: {amount: data.amount}}\n"
    found = lint_models([], load(config(tmp_path, rule), {}))
    (lost,) = [problem for problem in found if problem.code == "condition-not-kept"]
    assert (lost.element, lost.severity) == ("c", Severity.INFO)
    assert "order.region" in lost.message
    assert "amount" not in lost.message.split("which")[0]
    kept = "  - {match: {type: '*'}, attributes: {amount: data.amount}, keep: [data.order]}\n"
    assert "condition-not-kept" not in {p.code for p in lint_models([], load(config(tmp_path, kept), {}))}
    assert "condition-not-kept" not in {p.code for p in lint_models([path], None)}

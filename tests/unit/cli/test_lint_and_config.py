"""``lint`` and ``config check``: findings exit with 1, invalid input with 2, each problem with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from monitor.cli import invoke

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "models" / "order-fulfilment.bpmn"

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A model whose one sequence flow leads nowhere."""
    text = MODEL.read_text("utf-8")
    path = tmp_path / "broken.bpmn"
    path.write_text(re.sub(r'targetRef="Task_PaymentRequested"', 'targetRef="Task_Gone"', text), "utf-8")
    return path


def test_a_good_model_has_no_errors(capsys: Capture) -> None:
    assert invoke(["lint", str(MODEL)]) == 0
    assert "error" not in capsys.readouterr().out


def test_problems_name_file_line_and_element(broken: Path, capsys: Capture) -> None:
    code = invoke(["lint", "--strict", str(broken)])
    captured = capsys.readouterr()
    assert code == 1, captured
    assert re.search(rf"^{re.escape(str(broken))}:\d+: ", captured.out, re.MULTILINE)
    assert "Flow_Attempt" in captured.out


def test_problems_as_json(broken: Path, capsys: Capture) -> None:
    assert invoke(["lint", "--strict", "--format", "json", str(broken)]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert problems
    assert {"severity", "code", "message", "file", "line", "element", "name"} == problems[0].keys()


def test_what_is_no_model_at_all_is_invalid_input(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "note.bpmn"
    path.write_text("just a note")
    assert invoke(["lint", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def config(tmp_path: Path, text: str) -> str:
    path = tmp_path / "choreoscope.yaml"
    path.write_text(text.replace("MODEL", str(MODEL)), "utf-8")
    return str(path)


def test_a_good_configuration_is_summed_up(tmp_path: Path, capsys: Capture) -> None:
    good = config(tmp_path, "sources: [{name: web, kind: http}]\nmodels: [{file: MODEL, key: order}]\n")
    assert invoke(["config", "check", good]) == 0
    said = capsys.readouterr().out
    assert "web (http)" in said
    assert "order (order-fulfilment.bpmn)" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alerts: {}\ndatabse: x\n", "choreoscope.yaml:2: databse: unknown key; did you mean 'database'?"),
        ("models: [{file: MODEL, key: order}]\nevents: [{keys: {order: 'data.['}}]\n", "data.["),
        ("models: [{file: MODEL, bind: {OrderPlaced: Task_Nowhere}}]\n", "Task_Nowhere"),
        ("models: [{file: MODEL, slas: [{name: Ship, on: GoodShipped, within: PT1H}]}]\n", "GoodShipped"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str, capsys: Capture) -> None:
    assert invoke(["config", "check", config(tmp_path, text)]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err

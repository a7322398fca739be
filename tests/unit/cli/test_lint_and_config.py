"""``lint`` and ``config check``: findings exit with 1, invalid input with 2, each problem with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

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


OBJECTIVES = """
models:
  - file: MODEL
    key: order
    slas:
      - {name: "Shipped, in time", from: PaymentReceived, to: GoodsShipped, within: P2D,
         objective: {target: 99%, window: P28D}}
      - {name: Paid, from: start, to: PaymentReceived, within: P2D,
         objective: {target: 95%, period: month, timezone: Europe/Berlin}}
      - {name: Done, from: start, to: end, within: P9D}
"""


def test_objectives_as_openslo(tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "choreoscope.yaml"
    config.write_text(OBJECTIVES.replace("MODEL", str(MODEL)))
    assert invoke(["config", "openslo", str(config)]) == 0
    service, paid, shipped = yaml.safe_load_all(capsys.readouterr().out)
    assert (service["apiVersion"], service["kind"], service["metadata"]["name"]) == (
        "openslo/v1",
        "Service",
        "order",
    )
    assert (paid["kind"], paid["spec"]["service"]) == ("SLO", "order")
    (window,) = paid["spec"]["timeWindow"]
    assert window == {
        "duration": "1M",
        "isRolling": False,
        "calendar": {"startTime": "2024-01-01 00:00:00", "timeZone": "Europe/Berlin"},
    }
    assert shipped["metadata"] == {"name": "order-shipped-in-time", "displayName": "Shipped, in time"}
    assert shipped["spec"]["timeWindow"] == [{"duration": "4w", "isRolling": True}]
    assert shipped["spec"]["objectives"] == [{"displayName": "Shipped, in time", "target": 0.99}]
    good = shipped["spec"]["indicator"]["spec"]["ratioMetric"]["good"]["metricSource"]
    assert good == {
        "type": "Prometheus",
        "spec": {"query": 'choreoscope_objective_met{flow="order",sla="Shipped, in time"}'},
    }


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ("{target: 99%, window: -P30D}", "P30D"),
        ("{target: 100%, window: P30D}", "no error budget"),
        ("{target: 99%}", "needs one of window"),
        ("{target: 99%, window: P30D, period: month}", "needs one of window"),
        ("{target: 99%, window: P30D, timezone: UTC}", "a time zone belongs to period"),
        ("{target: 99%, period: month, timezone: Mars/Base}", "is not a time zone"),
        ("{target: 99%, window: P30D, minimum: 0}", "minimum"),
    ],
)
def test_objectives_that_make_no_sense(objective: str, said: str, tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "choreoscope.yaml"
    config.write_text(
        OBJECTIVES.replace("MODEL", str(MODEL)).replace("{target: 99%, window: P28D}", objective)
    )
    assert invoke(["config", "check", str(config)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert re.search(r"choreoscope\.yaml:[67]\b", told), told

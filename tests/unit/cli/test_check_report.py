"""``check`` on the landscape's own stories, in every format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from monitor.cli import invoke
from monitor.cli.report import as_junit, as_text
from monitor.landscape.plan import Plan, plan
from monitor.landscape.wire import STRUCTURED

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "models" / "order-fulfilment.bpmn"
CONFIG = ROOT / "examples" / "landscape.yaml"
START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)

Capture = pytest.CaptureFixture[str]


def events_file(path: Path, told: Plan) -> Path:
    """The plan's readable messages as JSON lines of structured CloudEvents."""
    lines = []
    for message in told.emissions:
        if not message.body.endswith(b"}"):
            continue
        document = json.loads(message.body)
        if message.content_type != STRUCTURED:
            prefix = "cloudEvents:" if message.channel == "rabbit" else "ce_"
            named = {name.removeprefix(prefix): value for name, value in message.headers.items()}
            document = {**named, "data": document}
        lines.append(json.dumps(document))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_whole_landscape_is_told_as_its_truth(tmp_path: Path, capsys: Capture) -> None:
    told = plan(3, 150, START)
    events = events_file(tmp_path / "events.jsonl", told)
    arguments = [
        "check",
        "--config",
        str(CONFIG),
        "--format",
        "json",
        "--now",
        told.end.isoformat(),
        str(events),
    ]
    assert invoke(arguments) == 1
    report = json.loads(capsys.readouterr().out)
    traces = {trace["key"]: trace for trace in report["traces"]}
    assert traces.keys() == {truth.order for truth in told.truths}
    for truth in told.truths:
        trace = traces[truth.order]
        found = sorted((finding["kind"], finding["name"]) for finding in trace["findings"])
        assert found == sorted(truth.deviations), truth
        assert trace["complete"] == truth.complete
        declared = {clock.sla for clock in truth.clocks}  # the model's own timers bring their own
        states = sorted((sla["name"], sla["state"]) for sla in trace["slas"] if sla["name"] in declared)
        assert states == sorted((clock.sla, clock.state(told.end)) for clock in truth.clocks), truth
    assert report["summary"]["events"] == sum(truth.events for truth in told.truths)


def test_good_events_exit_with_0(tmp_path: Path, capsys: Capture) -> None:
    events = events_file(tmp_path / "events.jsonl", plan(3, 10, START, faults={}))
    assert invoke(["check", "--config", str(CONFIG), str(events)]) == 0
    assert "10 traces" in capsys.readouterr().out


def test_text_tells_deviating_traces_in_words(tmp_path: Path, capsys: Capture) -> None:
    events = events_file(tmp_path / "events.jsonl", plan(3, 5, START, faults={"swapped": 1.0}))
    assert invoke(["check", "--config", str(CONFIG), str(events)]) == 1
    said = capsys.readouterr().out
    assert "order A-00001: deviates, complete" in said
    assert "[out_of_order] ItemsPicked came too early" in said
    assert "findings: 5 out_of_order" in said


def test_flat_lines_from_standard_input_need_no_configuration(tmp_path: Path, capsys: Capture) -> None:
    flat = tmp_path / "flat.jsonl"
    steps = ["OrderPlaced", "PaymentRequested", "PaymentFailed", "OrderRejected"]
    flat.write_text(
        "\n".join(
            json.dumps({"case": "o-1", "type": step, "time": f"2026-07-01T08:0{n}:00Z"})
            for n, step in enumerate(steps)
        )
    )
    assert invoke(["check", "--model", str(MODEL), "--all", str(flat)]) == 0
    assert "o-1: conforms, complete" in capsys.readouterr().out


def test_standard_input_and_pipes_are_read(tmp_path: Path) -> None:
    told = plan(3, 3, START, faults={"missing": 1.0})
    events = events_file(tmp_path / "events.jsonl", told).read_text()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "monitor.cli", "check", "--config", str(CONFIG)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "-"],
        input=events,
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "findings: 3 missing" in done.stdout
    with subprocess.Popen([*command, str(pipe)], stdout=subprocess.PIPE, text=True, env=env) as reader:
        pipe.write_text(events)
        assert reader.communicate(timeout=60)[0] == done.stdout


def trace(**given: object) -> dict[str, object]:
    return {
        "key": "o-1",
        "model": "order",
        "conforms": True,
        "complete": True,
        "findings": [],
        "slas": [],
        **given,
    }


def report(*traces: dict[str, object]) -> dict[str, object]:
    summary = {"traces": len(traces), "events": 7, "conforming": 0, "complete": 1}
    return {"traces": list(traces), "summary": summary}


def test_junit_is_one_case_for_each_trace() -> None:
    finding = {"kind": "missing", "message": 'A is missing: "B" came <without> it.'}
    missed = {"name": "Ship", "state": "missed", "due": "d", "ended": "e"}
    text = as_junit(
        report(
            trace(), trace(key="o-2", conforms=False, findings=[finding]), trace(key="o\x003", slas=[missed])
        )
    )
    root = ElementTree.fromstring(text)
    assert (root.get("tests"), root.get("failures")) == ("3", "2")
    cases = root.findall("./testsuite[@name='order']/testcase")
    assert [case.get("name") for case in cases] == ["o-1", "o-2", "o\ufffd3"]
    failures = [case.find("failure") for case in cases]
    assert failures[0] is None
    assert failures[1] is not None
    assert failures[1].text == finding["message"]
    assert failures[2] is not None
    assert "was missed" in (failures[2].text or "")


def test_text_groups_what_could_not_be_placed() -> None:
    inbox = [{"reason": "unmapped", "detail": "nobody knows X"}] * 3
    lines = list(as_text({**report(trace()), "inbox": inbox}))
    assert "not placed, 3x unmapped: nobody knows X" in lines
    assert not any(line.startswith("order o-1") for line in lines)
    assert any(line.startswith("order o-1") for line in as_text(report(trace()), everything=True))

"""``check``: recorded events of every format held against models, and what is said about them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.checking import CheckReport, check_events
from tests.support.flows import bpmn, tasks


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "line.bpmn"
    path.write_bytes(bpmn(f'<startEvent id="s"/> {tasks("A", "B", "C")}\ns -> A -> B -> C'))
    return path


def row(case: str, label: str, minute: int, **more: str) -> dict[str, str]:
    return {"case": case, "type": label, "time": f"2026-01-01T08:{minute:02}:00Z", **more}


ROWS = [row("o-1", "A", 0), row("o-1", "B", 1), row("o-1", "C", 2), row("o-2", "A", 0), row("o-2", "C", 3)]


def jsonl(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


def csv(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("case,type,time\n" + "".join(f"{r['case']},{r['type']},{r['time']}\n" for r in rows))
    return path


def xes(path: Path, rows: list[dict[str, str]]) -> Path:
    traces = ""
    for case in dict.fromkeys(one["case"] for one in rows):
        events = "".join(
            f'<event><string key="concept:name" value="{one["type"]}"/>'
            f'<date key="time:timestamp" value="{one["time"]}"/></event>'
            for one in rows
            if one["case"] == case
        )
        traces += f'<trace><string key="concept:name" value="{case}"/>{events}</trace>'
    path.write_text(f'<log xmlns="http://www.xes-standard.org/">{traces}</log>')
    return path


def told(report: CheckReport) -> list[tuple[str, bool, bool, list[str]]]:
    return [
        (t.key, t.verdict.conforms, t.verdict.complete, [f.kind.value for f in t.verdict.findings])
        for t in report.traces
    ]


@pytest.mark.parametrize(("write", "name"), [(jsonl, "e.jsonl"), (csv, "e.csv"), (xes, "e.xes")])
def test_every_format_tells_the_same(model: Path, tmp_path: Path, write: object, name: str) -> None:
    report = check_events([model], None, [write(tmp_path / name, ROWS)], None)  # type: ignore[operator]
    assert told(report) == [("o-1", True, True, []), ("o-2", False, True, ["missing"])]
    assert (report.events, report.duplicates, report.misfits) == (5, 0, [])
    assert report.has_findings


def test_the_shape_of_its_json(model: Path, tmp_path: Path) -> None:
    said = check_events([model], None, [jsonl(tmp_path / "e.jsonl", ROWS)], None).to_json()
    assert json.loads(json.dumps(said)) == said
    assert said["summary"] | {"traces": 2, "events": 5, "conforming": 1, "complete": 2} == said["summary"]
    second = said["traces"][1]
    assert {"key", "model", "conforms", "complete", "cost", "findings", "slas"} <= second.keys()
    assert (second["key"], second["model"], second["conforms"]) == ("o-2", "line", False)
    assert (second["complete"], second["cost"], second["slas"]) == (True, 1, [])
    (finding,) = second["findings"]
    assert {"kind", "element", "name", "event", "expected", "message"} <= finding.keys()
    assert (finding["kind"], finding["element"], finding["event"]) == ("missing", "B", None)
    assert finding["expected"] == ["B"]


def test_an_event_of_the_same_id_counts_once(model: Path, tmp_path: Path) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/p", "subject": "o-1", "type": "A"}
    event["time"] = "2026-01-01T08:00:00Z"
    report = check_events([model], None, [jsonl(tmp_path / "e.jsonl", [event, event])], None)
    assert (report.events, report.duplicates) == (1, 1)
    assert told(report) == [("o-1", True, False, [])]
    assert not report.has_findings


def test_an_unknown_event_is_a_finding_of_one_model_and_a_misfit_of_several(
    model: Path, tmp_path: Path
) -> None:
    events = jsonl(tmp_path / "e.jsonl", [row("o-1", "A", 0), row("o-1", "Q", 1)])
    assert told(check_events([model], None, [events], None)) == [("o-1", False, False, ["unknown"])]
    other = tmp_path / "other.bpmn"
    other.write_bytes(bpmn('<startEvent id="s"/><task id="Z" name="Z"/>\ns -> Z'))
    report = check_events([model, other], None, [events], datetime(2027, 1, 1, tzinfo=UTC))
    assert told(report) == [("o-1", True, False, [])]
    assert [(m.reason.value, m.type) for m in report.misfits] == [("unmapped", "Q")]
    assert report.has_findings


def test_what_cannot_be_read_is_told_with_its_place(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text(json.dumps(row("o-1", "A", 0)) + "\nnot json\n")
    said = check_events([model], None, [path], None).to_json()
    (misfit,) = said["inbox"]
    assert misfit["reason"] == "undecodable"
    assert misfit["where"].endswith("record 2")
    assert said["summary"]["unplaced"] == 1

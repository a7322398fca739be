"""``replay`` on logs: what people read, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.cli import invoke
from tests.support.flows import bpmn, tasks

Capture = pytest.CaptureFixture[str]

LINE = bpmn('<startEvent id="s"/><endEvent id="e"/>' + tasks("A", "B", "C") + "\ns -> A -> B -> C -> e")
SKIP = bpmn(
    '<startEvent id="s"/><endEvent id="e"/><exclusiveGateway id="x"/><exclusiveGateway id="m"/>'
    + tasks("A", "B", "C")
    + "\ns -> A -> x -> B -> m -> C -> e\nx -> m"
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """The model in force, a draft in which B may be left out, and a log."""
    (tmp_path / "line.bpmn").write_bytes(LINE)
    (tmp_path / "draft.bpmn").write_bytes(SKIP)
    words = {"full": "ABC", "short": "AC", "wrong": "BC"}
    lines = [
        json.dumps({"case": case, "type": label, "time": f"2026-01-01T00:0{at}:00Z"})
        for case, word in words.items()
        for at, label in enumerate(word)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    return str(tmp_path / "line.bpmn"), str(tmp_path / "draft.bpmn"), str(tmp_path / "log.jsonl")


def test_what_would_change_is_told_in_words(files: tuple[str, str, str], capsys: Capture) -> None:
    line, draft, log = files
    assert invoke(["replay", "--model", draft, "--against", line, log]) == 1
    said = capsys.readouterr().out
    assert "3 trace keys of flow line: the verdict on 1 would change" in said
    assert "1 would conform, and deviate now" in said
    assert "  short\n    now   B is missing: C came without it.\n    draft conforms\n" in said
    assert "--key KEY" in said


def test_as_json(files: tuple[str, str, str], capsys: Capture) -> None:
    line, draft, log = files
    assert invoke(["replay", "-m", draft, "--against", line, "--format", "json", log]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["summary"] == {"keys": 3, "changed": 1, "changes": {"no_longer_deviating": 1}, "lost": 0}
    assert [one["key"] for one in said["differences"]] == ["short"]


def test_nothing_changes_by_the_same_model(files: tuple[str, str, str], capsys: Capture) -> None:
    line, _, log = files
    assert invoke(["replay", "--model", line, "--against", line, log]) == 0
    assert "no verdict changes" in capsys.readouterr().out


def test_one_key(files: tuple[str, str, str], capsys: Capture) -> None:
    line, draft, log = files
    assert invoke(["replay", "--model", draft, "--against", line, "--key", "full", log]) == 0
    assert invoke(["replay", "--model", draft, "--against", line, "--key", "short", log]) == 1
    assert "--key KEY" not in capsys.readouterr().out


def test_what_to_compare_must_be_said(files: tuple[str, str, str], capsys: Capture) -> None:
    line, draft, log = files
    assert invoke(["replay", "--model", draft]) == 2
    assert invoke(["replay", "--model", draft, "--against", line]) == 2
    assert "--config" in capsys.readouterr().err
    config = Path(log).with_name("choreoscope.yaml")
    config.write_text("models:\n  - {file: line.bpmn, key: line}\n")
    assert invoke(["replay", "--model", draft, "-c", str(config), "--flow", "other", log]) == 2
    said = capsys.readouterr().err
    assert "“other”" in said
    assert "line" in said
    assert invoke(["replay", "--model", draft, "-c", str(config), log]) == 1


def test_into_the_store(files: tuple[str, str, str], tmp_path: Path, capsys: Capture) -> None:
    """The same log twice: what is stored is recognised."""
    line, _, log = files
    config = tmp_path / "choreoscope.yaml"
    config.write_text(
        "database: sqlite:///past.db\nsources: [{name: web, kind: http}]\n"
        f"models: [{{file: {line}, key: line}}]\n"
    )
    command = ["replay", "--into-store", "-c", str(config), log, "--now", "2026-01-02T00:00:00Z"]
    assert invoke(command) == 0
    assert "7 events stored as history; 0 were stored before, 0 are in the inbox" in capsys.readouterr().out
    assert invoke([*command, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "stored": 0,
        "duplicates": 7,
        "unplaced": 0,
        "ignored": 0,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--into-store", "LOG"], "--into-store needs --config"),
        (["--into-store", "-c", "x.yaml"], "--into-store needs --config choreoscope.yaml and EVENTS"),
        (["--into-store", "-m", "LINE", "LOG"], "neither --model nor --against"),
        (["--against", "LINE", "LOG"], "Name the draft"),
    ],
)
def test_what_does_not_go_together(
    arguments: list[str], said: str, files: tuple[str, str, str], capsys: Capture
) -> None:
    names = {"LINE": files[0], "LOG": files[2]}
    assert invoke(["replay", *(names.get(one, one) for one in arguments)]) == 2
    assert said in " ".join(capsys.readouterr().err.split())

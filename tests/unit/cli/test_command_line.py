"""The command line's manners: exit codes, where errors go, help that teaches, a quick start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor import __version__
from monitor.cli import COMMANDS, invoke

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "models" / "order-fulfilment.bpmn"

Capture = pytest.CaptureFixture[str]


def run(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """A process of its own, as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "monitor.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        input=stdin,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_version(capsys: Capture) -> None:
    assert invoke(["--version"]) == 0
    assert capsys.readouterr().out == f"choreoscope {__version__}\n"


def test_help_names_every_command(capsys: Capture) -> None:
    assert invoke(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in COMMANDS)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_teaches_by_example(command: str, capsys: Capture) -> None:
    assert invoke([command, "--help"]) == 0
    said = capsys.readouterr().out
    if command not in ("db", "config"):
        assert "Example" in said
        assert f"choreoscope {command}" in said


@pytest.mark.parametrize("command", [["db", "upgrade"], ["config", "check"], ["config", "schema"]])
def test_groups_teach_too(command: list[str], capsys: Capture) -> None:
    assert invoke([*command, "--help"]) == 0
    assert "Example" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek"], "No such command 'chek'"),
        (["check"], "Say what to expect"),
        (["check", "--model", str(MODEL)], "Say which events"),
        (["check", "--model", "gone.bpmn", "x"], "'gone.bpmn' does not exist"),
        (["check", "--model", str(MODEL), "--now", "soon", str(MODEL)], "'soon' is not a time"),
        (["lint"], "Say which models"),
        (["landscape"], "Say where to publish"),
        (["landscape", "--kafka", "x", "--fault", "sluggish"], "there is no fault 'sluggish'"),
        (["landscape", "--kafka", "x", "--fault", "slow=2"], "come to more than 1"),
        (["config", "check", "none.yaml"], "none.yaml:1: cannot be read"),
        (["run", "--config", "none.yaml"], "none.yaml:1: cannot be read"),
        (["doctor", "--config", "none.yaml"], "none.yaml:1: cannot be read"),
        (["db", "current", "--config", "none.yaml"], "none.yaml:1: cannot be read"),
    ],
)
def test_usage_and_input_errors_exit_with_2_and_one_message(
    arguments: list[str], said: str, capsys: Capture
) -> None:
    assert invoke(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_a_process_exits_with_the_code_and_says_so_on_stderr() -> None:
    done = run("config", "check", "none.yaml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_broken_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m monitor.cli config schema | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stderr == ""


def test_config_schema_is_json(capsys: Capture) -> None:
    assert invoke(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Choreoscope configuration"


def test_check_does_not_load_what_servers_need() -> None:
    """The reason ``check`` starts quickly. Judged by what is loaded, not by the clock of a busy machine."""
    heavy = (
        "pydantic",
        "sqlalchemy",
        "starlette",
        "aio_pika",
        "aiokafka",
        "apscheduler",
        "psycopg",
        "uvicorn",
    )
    program = (
        "import sys; from monitor.cli import invoke\n"
        f"code = invoke(['check', '--model', {str(MODEL)!r}, '-'])\n"
        f"print(code, [name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        input="",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr


def test_diagram_is_svg(tmp_path: Path) -> None:
    assert invoke(["diagram", str(MODEL), "-o", str(tmp_path / "order.svg")]) == 0
    assert (tmp_path / "order.svg").read_text("utf-8").lstrip().startswith("<svg")


LOG = """\
{"case": "o-1", "type": "OrderPlaced", "time": "2026-07-01T08:00:00Z"}
{"case": "o-1", "type": "PaymentRequested", "time": "2026-07-01T09:00:00Z"}
{"case": "o-1", "type": "PaymentReceived", "time": "2026-07-01T11:00:00Z"}
{"case": "o-1", "type": "ParcelPacked", "time": "2026-07-01T15:00:00Z"}
{"case": "o-2", "type": "OrderPlaced", "time": "2026-07-01T08:00:00Z"}
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "events.jsonl"
    file.write_text(LOG)
    return file


def test_diagram_of_a_trace_shows_its_path_where_it_stands_and_its_findings(
    log: Path, capsys: Capture
) -> None:
    assert invoke(["diagram", str(MODEL), "--trace", str(log), "--key", "o-1"]) == 0
    drawn = capsys.readouterr().out
    assert 'class="bpmn-diagram judged"' in drawn
    assert "Receive task" not in drawn
    assert "Send task: PaymentRequested; passed" in drawn
    assert "Missing: " in drawn
    assert "waits here" in drawn, "the legend"


def test_diagram_of_a_log_is_a_heat_map(log: Path, capsys: Capture) -> None:
    assert invoke(["diagram", str(MODEL), "--heat", str(log)]) == 0
    drawn = capsys.readouterr().out
    assert 'class="bpmn-diagram heated"' in drawn
    assert "Frequency: 1 trace to 2 traces" in drawn
    assert "passed by 1 of 2 traces (50.00 %)" in drawn
    assert "median wait 2 h" in drawn
    assert invoke(["diagram", str(MODEL), "--heat", str(log), "--heat-by", "waiting"]) == 0
    assert "Median wait: no time to 4 h" in capsys.readouterr().out
    assert invoke(["diagram", str(MODEL), "--heat", str(log), "--heat-by", "deviations"]) == 0
    assert "Deviations: 1 deviation to 1 deviation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--trace", "LOG"], "Choose one with --key: o-1, o-2"),
        (["--trace", "LOG", "--key", "o-9"], "There is no trace o-9"),
        (["--trace", "EMPTY"], "There is no trace of this model"),
        (["--heat", "EMPTY"], "There is no trace of this model"),
        (["--trace", "LOG", "--heat", "LOG"], "not both"),
        (["--key", "o-1"], "give --trace or --heat"),
        (["--heat", "LOG", "--key", "o-1"], "--key chooses the trace of --trace"),
    ],
)
def test_diagram_says_what_it_cannot_draw(
    log: Path, tmp_path: Path, capsys: Capture, options: list[str], said: str
) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    given = [{"LOG": str(log), "EMPTY": str(empty)}.get(option, option) for option in options]
    assert invoke(["diagram", str(MODEL), *given]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


def test_the_database_is_upgraded_once(tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "choreoscope.yaml"
    config.write_text("database: sqlite:///x.db\n")
    assert invoke(["db", "check", "--config", str(config)]) == 2
    assert "choreoscope db upgrade" in capsys.readouterr().err
    assert invoke(["db", "upgrade", "--config", str(config)]) == 0
    assert "was: none" in capsys.readouterr().out
    assert invoke(["db", "upgrade", "--config", str(config)]) == 0
    assert "up to date already" in capsys.readouterr().out
    assert invoke(["db", "check", "--config", str(config)]) == 0

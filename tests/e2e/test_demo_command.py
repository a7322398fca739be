"""``choreoscope demo``, as a newcomer starts it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
LINE = re.compile(
    r"(\d+) events, (\d+) traces \((\d+) open\): "
    r"(\d+) deviating, (\d+) at risk, (\d+) breached; (\d+) in the inbox"
)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "monitor.cli", "demo", "--port", "0", "--seed", "5", "--duration", "120"]
    process = subprocess.Popen(
        [*command, "--data", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )
    yield process
    process.kill()
    process.communicate()


def lines_until(process: subprocess.Popen[str], pattern: re.Pattern[str], seconds: float) -> re.Match[str]:
    assert process.stdout is not None
    told = ""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (line := process.stdout.readline()):
        told += line
        if found := pattern.search(line):
            return found
    pytest.fail(f"never said {pattern.pattern!r}:\n{told}")


def test_soon_there_is_something_to_see(demo: subprocess.Popen[str]) -> None:
    address = lines_until(demo, re.compile(r"The dashboard is at (http://127\.0\.0\.1:\d+)"), 30)[1]
    while True:  # for as long as it runs: how soon is the machine's affair
        totals = [int(number) for number in lines_until(demo, LINE, 90).groups()]
        events, traces, opened, deviating, at_risk, breached, inbox = totals
        if events > 2000 and opened and deviating and breached and at_risk and inbox:
            break
    assert traces > 300
    for path in ("/", "/traces", "/findings", "/slas", "/flows/order", "/inbox", "/sources"):
        answer = httpx.get(address + path, follow_redirects=True, timeout=10)
        assert answer.status_code == 200, path

    demo.send_signal(signal.SIGINT)
    said, _ = demo.communicate(timeout=20)
    assert demo.returncode == 0, said
    assert "Stopped." in said
    assert "Traceback" not in said


def test_a_port_asked_for_and_taken_is_an_error_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "monitor.cli",
                "demo",
                "--port",
                str(port),
                "--duration",
                "3",
                "--data",
                tmp_path,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
    assert done.returncode == 2
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "Traceback" not in done.stderr

"""How long ``choreoscope check`` takes from the command to its last word, of a log of one order: its start.

Beside it, by turns, an interpreter that does nothing, one that imports the libraries that reading a model and
a log cannot do without, and ``--help``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from monitor.resources import models

RUNS = 21

_ORDER = ("OrderPlaced", "PaymentRequested", "PaymentReceived")


def main() -> None:
    with TemporaryDirectory(prefix="choreoscope-start-") as folder:
        log = Path(folder) / "order.jsonl"
        log.write_text("".join(f"{_event(at, label)}\n" for at, label in enumerate(_ORDER)), "utf-8")
        ours = [sys.executable, "-m", "monitor.cli"]
        model = models() / "order-fulfilment.bpmn"
        timed: dict[str, list[str]] = {
            "an interpreter that does nothing": [sys.executable, "-c", "pass"],
            "the libraries alone (click, lxml, orjson)": [
                sys.executable,
                "-c",
                "import click, lxml.etree, orjson",
            ],
            "choreoscope check --help": [*ours, "check", "--help"],
            "choreoscope check, a model and three events": [*ours, "check", "--model", str(model), str(log)],
        }
        found: dict[str, list[float]] = {name: [] for name in timed}
        for _ in range(RUNS):
            for name, command in timed.items():
                found[name].append(_seconds(command))
    bare = median(found["an interpreter that does nothing"])
    print(f"Seconds from the command to its end, median and slowest of {RUNS} by turns:")
    for name, several in found.items():
        print(f"  {name:46} {median(several):.3f} {max(several):.3f}  {median(several) / bare:5.1f}x")


def _event(minute: int, label: str) -> str:
    return json.dumps({"case": "o-1", "type": label, "time": f"2026-01-01T12:{minute:02}:00Z"})


def _seconds(command: Sequence[str]) -> float:
    """Raises SystemExit where it does not do what it is timed for; to find something is no failure."""
    begun = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    took = perf_counter() - begun
    if done.returncode not in (0, 1) or done.stderr:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr}")
    return took

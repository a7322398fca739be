"""Writes the table of docs/metrics.md anew from monitor/metrics.py: run it when a metric changes."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from monitor.metrics import LABELS, Metrics  # noqa: E402

PAGE = ROOT / "docs" / "metrics.md"
BEGIN, END = "<!-- from monitor/metrics.py: begin -->\n", "<!-- end -->\n"


def tables() -> str:
    """Every metric and every label, as they stand between the marks of the page."""
    lines = ["| metric | kind | labels | unit | meaning |", "|---|---|---|---|---|"]
    for one in Metrics().vocabulary():
        labels = ", ".join(f"`{label}`" for label in one.labels)
        lines.append(f"| `{one.name}` | {one.kind} | {labels} | {one.unit} | {one.meaning} |")
    lines += ["", "| label | values |", "|---|---|"]
    lines += [f"| `{label}` | {values} |" for label, values in LABELS.items()]
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with its tables as they should be."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + tables() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")

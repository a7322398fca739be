"""docs/lint.md has every code that lint can tell, with its severity, and no other."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

TELLING = [
    *(ROOT / "monitor" / "bpmn").rglob("*.py"),
    *(ROOT / "monitor" / "soundness").glob("*.py"),
    ROOT / "monitor" / "mapping" / "coverage.py",
]
"""Where problems are told."""

FUNCTIONS = {
    "Problem",
    "problem",
    "_problem",
    "report",
    "_report",
    "error",
    "refuse",
    "_about",
    "Gap",
    "_warn",
}
SEVERITY = {
    "error": {"error"},
    "refuse": {"error"},
    "_about": {"warning"},
    "Gap": {"warning"},
    "_warn": {"warning"},
}
"""Of the functions that are not given any."""


def told() -> Iterator[tuple[str, set[str]]]:
    """Each code that stands in the sources, with the severities it is told with where they show."""
    for path in TELLING:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = ast.unparse(call.func).rpartition(".")[2]
            if name not in FUNCTIONS:
                continue
            codes = [
                one.value
                for one in call.args[:3]
                if isinstance(one, ast.Constant)
                and isinstance(one.value, str)
                and re.fullmatch(r"[a-z]+(-[a-z]+)*", one.value)
            ]
            if codes:
                given = {match.lower() for match in re.findall(r"Severity\.([A-Z]+)", ast.unparse(call))}
                yield codes[0], given or SEVERITY.get(name, set())


def documented() -> dict[str, set[str]]:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| ([a-z, ]+) \|(?: [^|]+\|){3}$",
        (ROOT / "docs" / "lint.md").read_text("utf-8"),
        re.M,
    )
    assert len(rows) == len({code for code, _ in rows}), "a code is there twice"
    return {code: set(severities.split(", ")) for code, severities in rows}


def test_the_table_has_every_code_and_no_other() -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for code, severities in told():
        found[code] |= severities
    in_docs = documented()
    assert in_docs.keys() == found.keys(), in_docs.keys() ^ found.keys()
    wrong = {code: severities for code, severities in found.items() if not severities <= in_docs[code]}
    assert not wrong

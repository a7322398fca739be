"""Problems of many models at once, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from monitor.bpmn.document import Document, Problem, Severity
from monitor.bpmn.read import UnreadableModel, read_file
from monitor.bpmn.validate import validate

Check = Callable[[Document], Iterable[Problem]]


def lint(paths: Iterable[Path | str], checks: Sequence[Check] = (validate,)) -> tuple[Problem, ...]:
    """Read each file and hold it against the checks; by file, then line. A file that cannot be read at all
    is one error with the code ``unreadable``."""
    return tuple(problem for path in paths for problem in _lint_one(path, checks))


def _lint_one(path: Path | str, checks: Sequence[Check]) -> list[Problem]:
    try:
        document = read_file(path)
    except UnreadableModel as error:
        return [Problem(Severity.ERROR, "unreadable", error.reason, error.place)]
    found = [*document.problems, *(problem for check in checks for problem in check(document))]
    return sorted(dict.fromkeys(found), key=lambda problem: problem.place.line)


def format_text(problems: Iterable[Problem]) -> str:
    """One line each, ``file:line: severity: id (name) message [code]``, and a last one that counts them."""
    found = list(problems)
    return "\n".join([*map(str, found), _summary_line(found)])


def to_json(problems: Iterable[Problem]) -> dict[str, Any]:
    """``{"problems": [{severity, code, message, file, line, element, name}], "summary": {errors, warnings,
    infos, files}}``. ``files`` counts the files with problems; ``line`` is null where it is unknown."""
    found = list(problems)
    count = Counter(problem.severity for problem in found)
    return {
        "problems": [_plain(problem) for problem in found],
        "summary": {
            "errors": count[Severity.ERROR],
            "warnings": count[Severity.WARNING],
            "infos": count[Severity.INFO],
            "files": len({problem.place.file for problem in found}),
        },
    }


def _plain(problem: Problem) -> dict[str, Any]:
    return {
        "severity": problem.severity.value,
        "code": problem.code,
        "message": problem.message,
        "file": problem.place.file,
        "line": problem.place.line or None,
        "element": problem.element,
        "name": problem.name,
    }


def _summary_line(problems: list[Problem]) -> str:
    count = Counter(problem.severity for problem in problems)
    counted = [
        f"{count[severity]} {severity}{'s' if count[severity] != 1 else ''}"
        for severity in Severity
        if count[severity]
    ]
    return ", ".join(counted) if counted else "no problems"

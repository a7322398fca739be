"""Problems of models, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from monitor.bpmn.document import Problem, Severity


def format_text(problems: Iterable[Problem]) -> str:
    """One line each: ``file:line: severity: id (name): message [code]``."""
    return "\n".join(map(str, problems))


def to_json(problems: Iterable[Problem]) -> dict[str, Any]:
    """``{"problems": [{severity, code, message, file, line, element, name, trace}], "summary": {errors,
    warnings, infos, files}}``. ``line`` is null where it is unknown; ``trace``, a list of labels, is only
    there where events lead to the problem; ``files`` counts the files with problems."""
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


def summary(problems: Iterable[Problem]) -> str:
    """How many there are of each severity."""
    count = Counter(problem.severity for problem in problems)
    counted = [
        f"{count[severity]} {severity}{'s' if count[severity] != 1 else ''}"
        for severity in Severity
        if count[severity]
    ]
    return ", ".join(counted) if counted else "no problems"


def _plain(problem: Problem) -> dict[str, Any]:
    plain = {
        "severity": problem.severity.value,
        "code": problem.code,
        "message": problem.message,
        "file": problem.place.file,
        "line": problem.place.line or None,
        "element": problem.element,
        "name": problem.name,
    }
    return plain | {"trace": list(problem.trace)} if problem.trace else plain

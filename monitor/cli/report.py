"""A check's result (the JSON value of DESIGN 4.2) in the forms people and machines read. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import orjson

Report = Mapping[str, Any]

_NOT_XML = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

_SLA_WORDS = {
    "at_risk": "is at risk: due {due}",
    "breached": "is breached: was due {due} and still runs",
    "missed": "was missed: due {due}, ended {ended}",
}


def as_json(report: Report) -> bytes:
    return orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def as_text(report: Report, *, everything: bool = False) -> Iterator[str]:
    """One block for each trace with something to tell (``everything``: for each trace), then a summary."""
    for trace in report["traces"]:
        told = [_sentence(finding) for finding in trace["findings"]] + list(_slas(trace))
        if told or everything:
            yield f"{trace['model']} {trace['key']}: {_standing(trace)}"
            yield from (f"  {line}" for line in told)
    yield from _misfits(report)
    yield from _summary(report)


def _standing(trace: Mapping[str, Any]) -> str:
    conforms = "conforms" if trace["conforms"] else "deviates"
    return f"{conforms}, {'complete' if trace['complete'] else 'not complete'}"


def _sentence(finding: Mapping[str, Any]) -> str:
    return f"[{finding['kind']}] {finding['message']}"


def _slas(trace: Mapping[str, Any]) -> Iterator[str]:
    for sla in trace.get("slas", ()):
        words = _SLA_WORDS.get(sla["state"])
        if words:
            told = words.format(due=sla["due"], ended=sla.get("ended"))
            yield f"[sla {sla['state']}] “{sla['name']}” {told}."


def _misfits(report: Report) -> Iterator[str]:
    """Events that could not be placed, where the report has them: grouped, so that a thousand of one
    making are one line."""
    groups: Counter[tuple[str, str]] = Counter(
        (misfit["reason"], misfit["detail"]) for misfit in report.get("inbox", ())
    )
    for (reason, detail), count in groups.most_common():
        yield f"not placed, {count}x {reason}: {detail}"


def _summary(report: Report) -> Iterator[str]:
    summary = report["summary"]
    kinds = Counter(finding["kind"] for trace in report["traces"] for finding in trace["findings"])
    states = Counter(sla["state"] for trace in report["traces"] for sla in trace.get("slas", ()))
    yield (
        f"{_count(summary['traces'], 'trace')}, {_count(summary['events'], 'event')}: "
        f"{summary['conforming']} conforming, {summary['complete']} complete"
    )
    if kinds:
        yield "findings: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    for told in report.get("objectives", ()):
        yield _objective(told)
    late = {state: states[state] for state in ("at_risk", "breached", "missed") if states[state]}
    if late:
        yield "SLAs: " + ", ".join(f"{count} {state}" for state, count in late.items())


def _objective(told: Mapping[str, Any]) -> str:
    total = told["met"] + told["failed"]
    said = f"objective “{told['sla']}” of {told['model']}: {told['met']} of {total} met"
    if told["compliance"] is None:
        return f"{said}, not enough to tell ({told['minimum']} are)"
    kept = "kept" if told["compliance"] >= told["target"] else "missed"
    return (
        f"{said}, {told['compliance'] * 100:.2f} % of {told['target'] * 100:g} %: {kept},"
        f" {told['budget_left'] * 100:.0f} % of the error budget left"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def as_junit(report: Report) -> str:
    """JUnit XML as build servers read it: a suite for each model, a case for each trace, a failure for a
    trace that deviates or is late."""
    suites: dict[str, list[str]] = {}
    failures: Counter[str] = Counter()
    for trace in report["traces"]:
        model = str(trace["model"])
        reasons = [finding["message"] for finding in trace["findings"]]
        reasons += [line for line in _slas(trace) if not line.startswith("[sla at_risk]")]
        kind = trace["findings"][0]["kind"] if trace["findings"] else "sla"
        suites.setdefault(model, []).append(_case(model, str(trace["key"]), kind, reasons))
        failures[model] += bool(reasons)
    total = sum(map(len, suites.values()))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="choreoscope" tests="{total}" failures="{failures.total()}">',
    ]
    for model, cases in suites.items():
        lines.append(
            f'<testsuite name={_attribute(model)} tests="{len(cases)}" failures="{failures[model]}">'
        )
        lines += cases
        lines.append("</testsuite>")
    lines.append("</testsuites>")
    return "\n".join(lines)


def _case(model: str, key: str, kind: str, reasons: Sequence[str]) -> str:
    begin = f"<testcase classname={_attribute(model)} name={_attribute(key)}"
    if not reasons:
        return begin + "/>"
    text = escape(_printable("\n".join(reasons)), quote=False)
    failure = f"<failure type={_attribute(kind)} message={_attribute(reasons[0])}>{text}</failure>"
    return f"{begin}>{failure}</testcase>"


def _attribute(value: str) -> str:
    return f'"{escape(_printable(value))}"'


def _printable(text: str) -> str:
    """Without the characters XML 1.0 cannot hold: keys come from producers, who may send anything."""
    return _NOT_XML.sub("\ufffd", text)

"""What the files of each tool make of themselves: read, compiled, and traces that fit them."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.assembly import models_from_files
from monitor.flows import build, problems_of
from tests.support.flows import judged

MODELS = Path(__file__).parents[2] / "models"

FITTING = {
    "camunda8": (["parcel-packed", "Book carrier", "Bill it"], ["call-not-found"]),
    "flowable": (["Ask the boss", "Book days"], []),
    "activiti": (["Ask the boss"], []),
    "jbpm": (["Interview"], []),
    "bpmn-io": (["Brew coffee"], ["no-end"]),
    "enterprise-architect": (["Prüfen", "Prüfen"], []),
}


@pytest.mark.parametrize(("name", "trace", "warnings"), [(k, *v) for k, v in FITTING.items()], ids=FITTING)
def test_a_tools_file_is_a_flow(name: str, trace: list[str], warnings: list[str]) -> None:
    (model,) = models_from_files([MODELS / f"{name}.bpmn"], None)
    found = [problem for problem in problems_of(model) if problem.severity in ("error", "warning")]
    assert [problem.code for problem in found] == warnings, [str(problem) for problem in found]
    verdict = judged(build(model)[1], trace).verdict
    assert (verdict.conforms, verdict.complete) == (True, True)
    assert not judged(build(model)[1], ["?", *trace]).verdict.conforms


def test_vendors_data_is_kept_and_is_not_the_flow() -> None:
    (model,) = models_from_files([MODELS / "camunda8.bpmn"], None)
    document = build(model)[0]
    assert document.messages[0].correlation_key == "=parcel.id"
    assert [one.tag for one in document.processes[0].extensions] == ["versionTag"]
    assert {one.called_element for one in document.processes[0].nodes} == {None, "Bill"}

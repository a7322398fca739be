"""A stored version can be built again without the files it was deployed from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.bpmn.compile import Options
from monitor.flows import Flows
from monitor.model import BpmnFile, Model
from monitor.storage.sql import SqlStore
from tests.support.flows import HEAD

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MAIN = f'{HEAD}<process id="main"><callActivity id="c" calledElement="sub"/></process></definitions>'


def called(step: str) -> BpmnFile:
    inside = f'<process id="sub"><task id="t" name="{step}"/></process>'
    return BpmnFile("sub.bpmn", f"{HEAD}{inside}</definitions>".encode())


@pytest.mark.parametrize("where", ["include", "beside"])
async def test_the_called_file_of_an_old_version_is_kept(store: SqlStore, where: str) -> None:
    first = Flows(store)
    for step in ("Before", "After"):
        files = {where: (called(step),)}
        await first.deploy([Model("main.bpmn", MAIN.encode(), Options(key="k"), **files)], NOW)
    newer = first.active["k"]
    later = Flows(store)
    rebuilt = [await later.version(newer.id - 1), await later.version(newer.id)]
    assert [tuple(one.flow.labels) for one in rebuilt if one] == [("Before",), ("After",)]
    assert [one.version for one in rebuilt if one] == [1, 2]
    assert rebuilt[1] is not None
    assert rebuilt[1].flow == newer.flow

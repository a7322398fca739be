"""Two verdicts on the same events."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.comparing import Change, Comparison, compare, of_keys, renamed, side
from monitor.domain.verdict import Finding, FindingKind, Verdict
from tests.support.flows import flow_of, tasks

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = Verdict(conforms=True, complete=True, cost=0)
OPEN = Verdict(conforms=True, complete=False, cost=0)


def bad(message: str) -> Verdict:
    finding = Finding(FindingKind.MISSING, "A", NOW, message)
    return Verdict(conforms=False, complete=True, cost=1, findings=(finding,))


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ([GOOD], [GOOD], ()),
        ([GOOD], [bad("x")], (Change.NEWLY_DEVIATING,)),
        ([bad("x")], [GOOD], (Change.NO_LONGER_DEVIATING,)),
        ([bad("x")], [bad("y")], (Change.OTHER_FINDINGS,)),
        ([bad("x")], [bad("x")], ()),
        ([OPEN], [GOOD], (Change.NOW_COMPLETE,)),
        ([GOOD], [OPEN], (Change.NO_LONGER_COMPLETE,)),
        ([GOOD], [GOOD, GOOD], (Change.TRACES,)),
        ([OPEN], [bad("x")], (Change.NEWLY_DEVIATING, Change.NOW_COMPLETE)),
    ],
)
def test_how_two_sides_differ(
    before: list[Verdict], after: list[Verdict], changes: tuple[Change, ...]
) -> None:
    difference = compare("k", side(before), side(after))
    assert (() if difference is None else difference.changes) == changes


def test_keys_of_either_side_are_compared_once() -> None:
    found = of_keys("f", [("a", GOOD), ("b", GOOD), ("a", GOOD)], [("a", GOOD), ("c", bad("x"))])
    assert found.keys == 3
    assert [one.key for one in found.differences] == ["a", "b", "c"]
    said = found.to_json()
    assert said["summary"]["changed"] == 3
    assert said["summary"]["changes"]["traces"] == 3
    assert said["differences"][2]["after"]["findings"] == ["x"]


def test_nothing_compared_is_nothing_changed() -> None:
    assert Comparison("f").to_json()["summary"] == {"keys": 0, "changed": 0, "changes": {}, "lost": 0}


def test_events_keep_their_name_their_element_or_their_alias() -> None:
    before = flow_of(f"{tasks('A', 'B', 'C')}\nA -> B -> C")
    after = flow_of('<task id="A" name="A"/><task id="B" name="Bee"/><task id="D" name="D"/>\nA -> B -> D')
    assert renamed(before, after) == {"A": "A", "B": "Bee", "C": None}

"""What keeps an alert from being told: rules, and what only follows from a late step."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.inhibition import Candidate, Downstream, Late, Rule, by_rules
from monitor.alerts.matchers import parse
from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Sla
from monitor.domain.limit import Limit
from tests.support.flows import flow_of, tasks

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def one(id: str, **labels: str) -> Candidate:
    return Candidate(id.encode(), labels)


RULE = Rule(parse('severity="critical"'), parse('severity="warning"'), ("flow",))


def test_a_source_inhibits_targets_with_equal_labels() -> None:
    source = one("s", severity="critical", flow="order")
    targets = [one("a", severity="warning", flow="order"), one("b", severity="warning", flow="refund")]
    assert by_rules([RULE], targets, [source, *targets]) == {b"a": b"s"}


def test_a_missing_label_equals_an_empty_one() -> None:
    assert by_rules([RULE], [one("a", severity="warning")], [one("s", severity="critical")]) == {b"a": b"s"}


def test_without_a_source_nothing_is_inhibited() -> None:
    assert by_rules([RULE], [one("a", severity="warning", flow="order")], []) == {}


def test_nothing_inhibits_itself_nor_do_two_each_other() -> None:
    rule = Rule(parse('flow="order"'), parse('flow=~".*"'))
    first, second, other = one("1", flow="order"), one("2", flow="order"), one("3", flow="refund")
    assert by_rules([rule], [first, second, other], [first, second, other]) == {b"3": b"1"}


LINE = f"""
<startEvent id="s"/> {tasks("A", "B", "C", "D")} <endEvent id="e"/>
s -> A -> B -> C -> D -> e
"""
WITHIN = Limit.of(timedelta(hours=1))
ON = {name: Sla(f"{name} in time", WITHIN, on=(name,)) for name in "ABCD"}
WHOLE = Sla("whole", WITHIN)


def downstream(model: str, *slas: Sla) -> Downstream:
    return Downstream(flow_of(model, Options(slas=slas or (*ON.values(), WHOLE))))


def late(name: str, minute: float, *, breached: bool = True, severity: str = "warning") -> Late:
    sla = "whole" if name == "whole" else f"{name} in time"
    at = NOON + timedelta(minutes=minute)
    return Late(f"{name}{minute}".encode(), sla, None, breached, severity, at)


def follows(model: str, *several: Late, slas: tuple[Sla, ...] = ()) -> dict[str, str]:
    found = downstream(model, *slas).follows(several)
    return {target.decode(): source.decode() for target, source in found.items()}


def test_what_comes_after_a_late_step_follows_from_it() -> None:
    assert follows(LINE, late("B", 0), late("C", 5), late("D", 9)) == {"C5": "B0", "D9": "B0"}


def test_what_was_due_before_it_does_not() -> None:
    assert follows(LINE, late("C", 0), late("B", 5)) == {}


def test_what_is_before_it_does_not() -> None:
    assert follows(LINE, late("B", 0), late("A", 5)) == {}


def test_a_risk_follows_and_nothing_follows_from_it() -> None:
    assert follows(LINE, late("B", 0), late("C", 5, breached=False)) == {"C5": "B0"}
    assert follows(LINE, late("B", 0, breached=False), late("C", 5)) == {}


def test_what_is_more_severe_is_told_all_the_same() -> None:
    assert follows(LINE, late("B", 0), late("C", 5, severity="critical")) == {}
    assert follows(LINE, late("B", 0, severity="critical"), late("C", 5)) == {"C5": "B0"}


def test_the_end_of_the_flow_comes_after_everything() -> None:
    assert follows(LINE, late("B", 0), late("whole", 5)) == {"whole5": "B0"}
    assert follows(LINE, late("whole", 0), late("B", 5)) == {}


def test_a_missing_step_after_a_late_one_follows() -> None:
    gone = Late(b"gone", None, "D", False, "warning", NOON + timedelta(minutes=3))
    own = Late(b"own", None, "B", False, "warning", NOON + timedelta(minutes=3))
    assert follows(LINE, late("B", 0), gone, own) == {"gone": "B0"}


def test_two_events_a_promise_apart_are_late_at_the_second() -> None:
    between = Sla("C in time", WITHIN, start="A", end="C")
    assert follows(LINE, late("B", 0), late("C", 5), slas=(ON["B"], between)) == {"C5": "B0"}


PARALLEL = f"""
<startEvent id="s"/> {tasks("A", "B", "C", "D")}
<parallelGateway id="x"/> <parallelGateway id="m"/> <endEvent id="e"/>
s -> x -> A -> m -> D -> e
x -> B -> C -> m
"""


def test_branches_do_not_follow_from_one_another() -> None:
    found = follows(PARALLEL, late("A", 0), late("B", 1), late("C", 5), late("D", 9))
    assert found == {"C5": "B1", "D9": "A0"}


LOOP = f"""
<startEvent id="s"/> {tasks("A", "B")}
<exclusiveGateway id="m"/> <exclusiveGateway id="x"/> <endEvent id="e"/>
s -> m -> A -> B -> x -> e
x -> m
"""


def test_in_a_loop_nothing_only_follows() -> None:
    assert follows(LOOP, late("A", 0), late("B", 5), slas=(ON["A"], ON["B"])) == {}


INSIDE = f"""
<startEvent id="s"/> {tasks("A", "D")}
<subProcess id="p"><startEvent id="s2"/>{tasks("B", "C")}<endEvent id="e2"/>
<sequenceFlow id="g1" sourceRef="s2" targetRef="B"/><sequenceFlow id="g2" sourceRef="B" targetRef="C"/>
<sequenceFlow id="g3" sourceRef="C" targetRef="e2"/></subProcess> <endEvent id="e"/>
s -> A -> p -> D -> e
"""


@pytest.mark.parametrize(
    ("first", "second", "does"), [("A", "B", True), ("B", "C", True), ("C", "D", True), ("D", "B", False)]
)
def test_into_subprocesses_and_out_of_them(first: str, second: str, does: bool) -> None:
    assert bool(follows(INSIDE, late(first, 0), late(second, 5))) is does


def test_what_the_flow_does_not_know_follows_from_nothing() -> None:
    other = Late(b"x", "of another version", None, True, "warning", NOON)
    assert follows(LINE, other, late("B", 5)) == {}
    assert follows(LINE, late("B", 0), Late(b"x", "gone", None, True, "warning", NOON)) == {}

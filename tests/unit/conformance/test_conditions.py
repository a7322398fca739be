"""Data conditions: what events told rules branches out, and going by one all the same is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Flow, Ordering
from monitor.conformance.checker import Checker
from monitor.conformance.segments import Cutting
from monitor.domain.event import Observation
from monitor.domain.verdict import FindingKind, Verdict
from tests.support.flows import flow_of, sorts, tasks, word

BEGIN = '<startEvent id="s"/> <endEvent id="e"/>'


def flow(source: str, target: str, condition: str) -> str:
    said = condition.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<sequenceFlow id="{source}.{target}" sourceRef="{source}" targetRef="{target}">'
        f"<conditionExpression>{said}</conditionExpression></sequenceFlow>"
    )


REVIEW = f"""
{BEGIN} {tasks("O", "R", "S")} <exclusiveGateway id="x" default="byDefault"/> <exclusiveGateway id="m"/>
{flow("x", "R", "= amount > 1000")}
<sequenceFlow id="byDefault" sourceRef="x" targetRef="m"/>
s -> O -> x
R -> m -> S -> e
"""


def told(
    labels: str, *values: Mapping[str, Any], minutes: Sequence[float] | None = None
) -> list[Observation]:
    """Observations, each with what it tells."""
    said = [*values, *({} for _ in labels[len(values) :])]
    return [
        observation._replace(attributes=tuple(attributes.items()))
        for observation, attributes in zip(word(labels, minutes), said, strict=True)
    ]


def verdict(model: Flow, observations: Sequence[Observation]) -> Verdict:
    judged, rest = Checker(model).replay(observations)
    assert not rest
    one_by_one(model, observations, judged.verdict)
    return judged.verdict


def one_by_one(model: Flow, observations: Sequence[Observation], whole: Verdict) -> None:
    """Going on from what was stored says the same as a replay."""
    checker = Checker(model)
    judged, _ = checker.replay(observations[:1])
    for at in range(1, len(observations)):
        advanced = None
        if judged.stored is not None:
            advanced = Checker(model).advance(judged.stored, observations[at : at + 1])
        judged = advanced or Checker(model).replay(observations[: at + 1])[0]
    assert judged.verdict == whole


def test_what_is_not_known_rules_out_nothing() -> None:
    model = flow_of(REVIEW)
    sorts(model, "OS, ORS", "O, OR", "S, OSS")
    assert verdict(model, told("OS", {"other": 5})).conforms
    assert verdict(model, told("ORS", {"amount": "5000"})).conforms, "a text is no number"


def test_a_branch_that_its_condition_rules_out() -> None:
    model = flow_of(REVIEW)
    assert verdict(model, told("OS", {"amount": 200})).conforms
    said = verdict(model, told("ORS", {"amount": 200}))
    assert (said.conforms, said.complete, said.cost) == (False, True, 1)
    (finding,) = said.findings
    assert finding.kind is FindingKind.CONDITION
    assert (finding.element, finding.name, finding.event, finding.expected) == ("x", "R", "e1", ("S",))
    assert finding.message == "R came although “amount > 1000” does not hold (amount was 200) (expected S)."


def test_a_default_flow_that_a_condition_rules_out() -> None:
    model = flow_of(REVIEW)
    assert verdict(model, told("ORS", {"amount": 2000})).conforms
    said = verdict(model, told("OS", {"amount": 2000}))
    assert (said.conforms, said.cost) == (False, 1)
    assert said.findings[0].message == "R is missing: S came without it."
    model = flow_of(REVIEW.replace('targetRef="m"', 'targetRef="D"') + f"{tasks('D')}\nD -> m")
    said = verdict(model, told("ODS", {"amount": 2000}))
    assert (said.conforms, said.cost) == (False, 1)
    expected = "D came although “amount > 1000” holds (amount was 2000) (expected R)."
    assert said.findings[0].message == expected


def test_only_the_branch_that_is_left_is_expected() -> None:
    model = flow_of(REVIEW)
    assert verdict(model, told("O", {"amount": 200})).expected == ("S",)
    assert verdict(model, told("O", {"amount": 2000})).expected == ("R",)
    assert verdict(model, told("O")).expected == ("R", "S")


def test_the_choice_may_have_been_made_with_what_was_known_before() -> None:
    model = flow_of(f"""
    {BEGIN} {tasks("O", "R", "S", "T")} <exclusiveGateway id="x"/> <parallelGateway id="p"/>
    <endEvent id="f"/> {flow("x", "R", "${amount > 1000}")}
    {flow("x", "S", "${amount <= 1000}")}
    s -> O -> p -> x
    p -> T -> f
    R -> e
    S -> e
    """)
    values = {"amount": 2000}, {"amount": 5}
    assert verdict(model, told("OTR", *values)).conforms, "it was decided before T told otherwise"
    assert verdict(model, told("OTS", *values)).conforms, "or after"
    assert not verdict(model, told("OSTR", {"amount": 2000})).conforms
    assert not verdict(model, told("OTS", {"amount": 2000})).conforms


def test_values_told_at_the_same_time_decide_nothing_until_both_came() -> None:
    model = flow_of(f"""
    {BEGIN} {tasks("O", "T", "R", "S")} <exclusiveGateway id="x"/> <exclusiveGateway id="y"/>
    {flow("x", "R", "= amount > 1000")} {flow("x", "S", "= amount <= 1000")}
    s -> O -> T -> x
    R -> e
    S -> e
    """)
    values = {"amount": 2000}, {"amount": 5}
    assert verdict(model, told("OTR", *values, minutes=[0, 0, 1])).conforms
    assert verdict(model, told("OTS", *values, minutes=[0, 0, 1])).conforms
    assert not verdict(model, told("OTR", *values)).conforms


def test_conditions_of_an_inclusive_split() -> None:
    model = flow_of(f"""
    {BEGIN} {tasks("O", "A", "B", "C", "Z")} <inclusiveGateway id="x" default="d"/> <inclusiveGateway id="j"/>
    {flow("x", "A", "= a")} {flow("x", "B", "= b")} <sequenceFlow id="d" sourceRef="x" targetRef="C"/>
    s -> O -> x
    A -> j -> Z -> e
    B -> j
    C -> j
    """)
    both, one, none = {"a": True, "b": True}, {"a": True, "b": False}, {"a": False, "b": False}
    for labels, values, fits in [
        ("OABZ", both, True),
        ("OBAZ", both, True),
        ("OAZ", both, False),
        ("OAZ", one, True),
        ("OABZ", one, False),
        ("OCZ", one, False),
        ("OCZ", none, True),
        ("OAZ", none, False),
        ("OAZ", {"b": False}, True),
        ("OCZ", {"b": False}, True),
        ("OBZ", {"b": False}, False),
    ]:
        said = verdict(model, told(labels, values))
        assert said.conforms == fits, (labels, values)
        assert fits or said.cost == 1, (labels, values)
    (left_out,) = verdict(model, told("OAZ", both)).findings
    assert left_out.kind in (FindingKind.CONDITION, FindingKind.MISSING)


def test_conditional_flows_of_an_activity() -> None:
    model = flow_of(f"""
    {BEGIN} {tasks("O", "A", "B")} <endEvent id="f"/>
    {flow("O", "A", "= express")}
    s -> O -> B -> e
    A -> f
    """)
    assert verdict(model, told("OAB", {"express": True})).complete
    assert not verdict(model, told("OB", {"express": True})).complete, "A is still to come"
    assert verdict(model, told("OB", {"express": False})).complete
    assert not verdict(model, told("OAB", {"express": False})).conforms


def test_a_loop_looks_at_the_latest_value() -> None:
    model = flow_of(f"""
    {BEGIN} {tasks("C", "Z")} <exclusiveGateway id="m"/> <exclusiveGateway id="x" default="d"/>
    {flow("x", "m", "= open > 0")} <sequenceFlow id="d" sourceRef="x" targetRef="Z"/>
    s -> m -> C -> x
    Z -> e
    """)
    counted = {"open": 2}, {"open": 1}, {"open": 0}
    assert verdict(model, told("CCCZ", *counted)).conforms
    assert not verdict(model, told("CCZ", *counted)).conforms
    assert not verdict(model, told("CCCCZ", *counted)).conforms


def test_a_new_trace_knows_nothing_of_the_one_before() -> None:
    model = flow_of(REVIEW)
    first, rest = Checker(model).replay(told("OSORS", {"amount": 200}))
    second, rest = Checker(model).replay(rest)
    assert (first.verdict.conforms, second.verdict.conforms, rest) == (True, True, ())


def test_cut_traces_go_on_with_what_they_know() -> None:
    model = flow_of(
        f"""
        {BEGIN} {tasks("C", "A", "B")} <exclusiveGateway id="m"/> <exclusiveGateway id="x"/>
        {flow("x", "A", "= big")} {flow("x", "B", "= not(big)")}
        s -> C -> m -> x
        A -> m
        B -> m
        """
    )
    cutting = Cutting(longest=2, every=1)
    right = told("CAAAA", {"big": True})
    wrong = told("CAABA", {"big": True})
    for observations, fits in ((right, True), (wrong, False)):
        whole, _ = Checker(model).replay(observations)
        cut, _ = Checker(model, cutting).replay(observations)
        assert cut.checkpoints
        assert whole.verdict.conforms == cut.verdict.conforms == fits
        judged, _ = Checker(model, cutting).replay(observations[:3])
        assert judged.stored is not None
        further = Checker(model, cutting).advance(judged.stored, observations[3:])
        assert (further is not None) == fits


def test_a_tolerance_reads_the_last_window_again() -> None:
    model = flow_of(REVIEW, Options(ordering=Ordering(tolerance=timedelta(minutes=1))))
    verdict(model, told("ORS", {"amount": 200}, minutes=[0, 1, 5]))
    verdict(model, told("OS", {"amount": 200}, {"amount": 3000}, minutes=[0, 1]))


def test_conditions_that_need_no_data() -> None:
    model = flow_of(f"""
    {BEGIN} {tasks("A", "B")} <exclusiveGateway id="x"/>
    {flow("x", "A", "= false")} {flow("x", "B", "= 1 = 1")}
    s -> x -> e
    """)
    assert not verdict(model, told("A")).conforms
    assert verdict(model, told("B")).conforms

"""Complex gateways: some of the ways, and a join that does not wait for all."""

from __future__ import annotations

import pytest

from monitor.bpmn.passes.joins import least_of
from tests.support.flows import flow_of, sorts, tasks


def test_a_split_takes_some_of_its_flows() -> None:
    model = f"""
    <startEvent id="s"/> <complexGateway id="x"/> {tasks(*"ABC")}
    s -> x -> A
    x -> B
    x -> C
    """
    sorts(flow_of(model), "A, B, AB, CA, BAC", "", "AA, ABB")


def joined(condition: str) -> str:
    said = f"<activationCondition>{condition}</activationCondition>" if condition else ""
    return f"""
    <startEvent id="s"/> <parallelGateway id="p"/> <complexGateway id="x">{said}</complexGateway>
    {tasks(*"ABCZ")} <endEvent id="e"/>
    s -> p -> A -> x -> Z -> e
    p -> B -> x
    p -> C -> x
    """


def test_two_of_three() -> None:
    model = flow_of(joined("activationCount >= 2"))
    sorts(model, "ABZC, ACBZ, CBZA, ABCZ", ", A, AB, ABZ, ABC", "Z, AZ, ABZZ, ABZCZ, AAZ")


def test_the_first_of_three() -> None:
    model = flow_of(joined(""))
    sorts(model, "AZBC, BZAC, ABZC, CABZ", ", A, AZ, AZB", "Z, AZZ, AZBZ, AZBCZ, AA")


def test_it_begins_anew_in_a_loop() -> None:
    model = flow_of(f"""
    <startEvent id="s"/> <exclusiveGateway id="m"/> <parallelGateway id="p"/> {tasks(*"ABZR")}
    <complexGateway id="x"><activationCondition>activationCount &gt;= 2</activationCondition></complexGateway>
    <exclusiveGateway id="d"/> <endEvent id="e"/>
    s -> m -> p -> A -> x -> Z -> d -> e
    p -> B -> x
    d -> R -> m
    """)
    sorts(model, "ABZ, ABZRBAZ", ", A, AB, ABZR", "AZ, ABZZ, ABZRAZ")


def test_a_token_that_could_come_by_either_way_does_not_hold_it_up() -> None:
    model = flow_of(f"""
    <startEvent id="s"/> <exclusiveGateway id="m"/> <inclusiveGateway id="g"/> <complexGateway id="co"/>
    <exclusiveGateway id="x"/> {tasks(*"ABCD")} <endEvent id="e"/>
    s -> m -> C -> g -> A -> co -> x -> B -> m
    g -> D -> co
    x -> e
    """)
    sorts(model, "CA, CABCD, CABCDBCA", "C, CABCDB", "CB, CAA, CABB")


@pytest.mark.parametrize(
    ("condition", "least"),
    [
        (None, 1),
        ("", 1),
        ("activationCount >= 2", 2),
        ("${activationCount >= 3}", 3),
        ("= activationCount > 1", 2),
        ("activationCount = 2", 2),
        ("activationCount == 2", 2),
        ("activationCount >= 0", 1),
        ("activationCount >= n", 1),
        ("a > 2 and activationCount >= 2 or b", 1),
    ],
)
def test_how_many_are_needed(condition: str | None, least: int) -> None:
    assert least_of(condition) == least

"""Collaborations: each pool keeps its own order, and a message is one event at both its ends."""

from __future__ import annotations

import pytest

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.document import Severity
from monitor.bpmn.flow import Flow
from monitor.bpmn.read import read
from monitor.resources import models
from tests.support.flows import HEAD, judged


def pool(name: str, *elements: str) -> str:
    """A process whose elements (``kind:name``) follow one another. Throws and catches are of messages."""
    made, flows, last = [], [], None
    for element in elements:
        kind, _, label = element.partition(":")
        inner = "<messageEventDefinition/>" if kind.endswith("Event") and label else ""
        id_ = f"{name}_{label or kind}"
        made.append(f'<{kind} id="{id_}" name="{label}">{inner}</{kind}>')
        if last is not None:
            flows.append(f'<sequenceFlow id="{id_}_in" sourceRef="{last}" targetRef="{id_}"/>')
        last = id_
    return f'<process id="{name}">{"".join(made)}{"".join(flows)}</process>'


def collaboration(*messages: tuple[str, str], pools: dict[str, str]) -> bytes:
    members = "".join(f'<participant id="pool_{name}" name="{name}" processRef="{name}"/>' for name in pools)
    flows = "".join(
        f'<messageFlow id="m{number}" sourceRef="{source}" targetRef="{target}"/>'
        for number, (source, target) in enumerate(messages)
    )
    content = "".join(pools.values())
    return f'{HEAD}<collaboration id="both">{members}{flows}</collaboration>{content}</definitions>'.encode()


def compiled(source: bytes, **options: str) -> Flow:
    flow, problems = compile_flow(read(source, "both.bpmn"), Options(**options))  # type: ignore[arg-type]
    assert flow is not None, problems
    return flow


SHOP = collaboration(
    ("customer_Order", "shop_Ordered"),
    ("shop_Deliver", "customer_Delivered"),
    pools={
        "customer": pool(
            "customer",
            "startEvent",
            "intermediateThrowEvent:Order",
            "intermediateCatchEvent:Delivered",
            "task:Eat",
            "endEvent",
        ),
        "shop": pool(
            "shop", "startEvent:Ordered", "task:Cook", "intermediateThrowEvent:Deliver", "task:Clean"
        ),
    },
)


def verdict(flow: Flow, labels: str) -> tuple[bool, bool]:
    said = judged(flow, labels.split()).verdict
    assert not said.undecided
    return said.conforms, said.complete


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("Order Cook Deliver Eat Clean", (True, True)),
        ("Order Cook Deliver Clean Eat", (True, True)),
        ("Order Cook Deliver Eat", (True, False)),
        ("Order Cook Deliver Clean", (True, False)),
        ("Order", (True, False)),
        ("Cook Order Deliver Eat Clean", (False, True)),
        ("Order Cook Eat Deliver Clean", (False, True)),
        ("Order Deliver Cook Eat Clean", (False, True)),
        ("Order Cook Deliver Deliver Eat Clean", (False, True)),
    ],
)
def test_two_pools(labels: str, expected: tuple[bool, bool]) -> None:
    assert verdict(compiled(SHOP), labels) == expected


def test_a_message_has_the_senders_name_and_the_receivers_too() -> None:
    flow = compiled(SHOP)
    assert sorted(flow.labels) == ["Clean", "Cook", "Deliver", "Eat", "Order"]
    assert flow.aliases["Ordered"] == ("Order",)
    assert flow.aliases["Delivered"] == ("Deliver",)


def test_findings_and_pictures_name_the_files_elements() -> None:
    (finding,) = judged(compiled(SHOP), ["Order", "Deliver"]).verdict.findings
    assert (finding.kind, finding.element) == ("missing", "shop_Cook")


def test_one_pool_alone() -> None:
    flow = compiled(SHOP, process="shop")
    assert verdict(flow, "Ordered Cook Deliver Clean") == (True, True)


def test_a_pool_begins_again_with_each_message() -> None:
    source = collaboration(
        ("a_One", "b_Got"),
        ("a_Two", "b_Got"),
        pools={
            "a": pool("a", "startEvent", "intermediateThrowEvent:One", "intermediateThrowEvent:Two"),
            "b": pool("b", "startEvent:Got", "task:Work"),
        },
    )
    flow = compiled(source)
    assert verdict(flow, "One Two Work Work") == (True, True)
    assert verdict(flow, "One Work Two Work") == (True, True)
    assert verdict(flow, "One Work Work Two") != (True, True)
    assert verdict(flow, "One Two") == (True, True)  # a message nobody has taken up may never be


def test_pools_that_all_wait_for_each_other() -> None:
    source = collaboration(
        ("a_Ping", "b_Start"),
        ("b_Pong", "a_Start"),
        pools={
            "a": pool("a", "startEvent:Start", "intermediateThrowEvent:Ping"),
            "b": pool("b", "startEvent:Start", "intermediateThrowEvent:Pong"),
        },
    )
    flow, problems = compile_flow(read(source, "both.bpmn"))
    assert flow is None
    assert [problem.code for problem in problems if problem.severity is Severity.ERROR] == ["no-start"]


def test_the_example() -> None:
    path = models() / "pizza-collaboration.bpmn"
    flow, problems = compile_flow(read(path.read_bytes(), path.name))
    assert flow is not None, problems
    assert len(flow.labels) > 4

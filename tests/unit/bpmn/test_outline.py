"""A flow as a list: every element once, what comes before stands before."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.bpmn.compile import compile_flow
from monitor.bpmn.flow import Flow
from monitor.bpmn.outline import in_words, outline
from monitor.bpmn.read import read

MODELS = sorted((Path(__file__).parents[3] / "models").glob("*.bpmn"))


def compiled(file: Path) -> Flow:
    flow, _ = compile_flow(read(file.read_bytes(), file.name))
    assert flow is not None
    return flow


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.stem)
def test_every_element_that_is_seen_stands_once(file: Path) -> None:
    flow = compiled(file)
    steps = outline(flow)
    ids = [step.id for step in steps]
    assert len(ids) == len(set(ids))
    observable = {element for elements in flow.labels.values() for element in elements}
    assert {step.id for step in steps if step.observable} == observable
    assert all(step.name for step in steps)


def test_what_comes_before_stands_before() -> None:
    flow = compiled(next(file for file in MODELS if file.stem == "order-fulfilment"))
    seen = [step.name for step in outline(flow) if step.observable]
    usual = ["OrderPlaced", "PaymentRequested", "PaymentReceived", "ItemsPicked", "ParcelPacked"]
    assert seen[:7] == [*usual, "GoodsShipped", "InvoiceSent"]
    assert seen.index("OrderCompleted") > seen.index("GoodsShipped")
    assert seen.index("PaymentFailed") > seen.index("PaymentRequested")


def test_a_loop_is_no_obstacle() -> None:
    flow = compiled(next(file for file in MODELS if file.stem == "support-ticket"))
    names = [step.name for step in outline(flow)]
    assert names.index("TicketAssigned") < names.index("AnswerSent") < names.index("TicketClosed")


def test_types_in_words() -> None:
    assert in_words("exclusiveGateway") == "exclusive gateway"

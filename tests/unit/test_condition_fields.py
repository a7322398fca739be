"""From a condition in a model to the field in an event: what the configuration keeps decides the branch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.checking import check_events
from monitor.settings import load

MODEL = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">
<startEvent id="s"/><task id="o" name="Order"/><exclusiveGateway id="g" default="f4"/>
<task id="a" name="Approve"/><task id="b" name="Ship"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="o"/><sequenceFlow id="f2" sourceRef="o" targetRef="g"/>
<sequenceFlow id="f3" sourceRef="g" targetRef="a">
<conditionExpression>=order.amount &gt; 1000</conditionExpression></sequenceFlow>
<sequenceFlow id="f4" sourceRef="g" targetRef="b"/></process></definitions>"""


@pytest.mark.parametrize(
    ("rule", "conforms"),
    [
        ("keep: [data.order]", {500: False, 5000: True}),
        ("attributes: {order.amount: data.order.amount}", {500: False, 5000: True}),
        ("attributes: {total: data.order.amount}", {500: True, 5000: True}),
    ],
)
def test_a_branch_is_held_against_what_is_kept(tmp_path: Path, rule: str, conforms: dict[int, bool]) -> None:
    (tmp_path / "order.bpmn").write_text(MODEL)
    config = tmp_path / "choreoscope.yaml"
    config.write_text(f"events: [{{match: {{type: Order}}, {rule}}}]\nmodels: [{{file: order.bpmn}}]\n")
    events = tmp_path / "events.jsonl"
    events.write_text(
        "\n".join(
            json.dumps(
                {
                    **{"specversion": "1.0", "id": f"{amount}-{minute}", "source": "/shop", "type": type_},
                    **{"subject": f"o-{amount}", "time": f"2026-01-01T00:0{minute}:00Z"},
                    "data": {"order": {"amount": amount}},
                }
            )
            for amount in conforms
            for minute, type_ in enumerate(("Order", "Approve"))
        )
    )
    report = check_events([], load(config, {}), [events], None)
    assert {int(trace.key[2:]): trace.verdict.conforms for trace in report.traces} == conforms

"""Conditions as tools write them: read with their language, and reported where they are not understood."""

from __future__ import annotations

import pytest

from monitor.bpmn.document import Severity
from monitor.bpmn.read import read
from monitor.bpmn.rules.conditions import undecided_conditions, unreadable_conditions
from tests.unit.bpmn.bpmn_text import NS, chain, document, flow, found

FORMAL = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
)
XPATH = "http://www.w3.org/1999/XPath"
DMN_FEEL = "https://www.omg.org/spec/DMN/20191111/FEEL/"


def conditional(condition: str, source: str = "g", target: str = "a") -> str:
    return flow(source, target).replace("/>", f">{condition}</sequenceFlow>")


def model(condition: str, gateway: str = '<exclusiveGateway id="g"/>') -> str:
    inside = '<startEvent id="s"/><task id="a" name="A"/><task id="b" name="B"/>' + gateway
    return f'<process id="p">{inside}{chain("s", "g", "b")}{conditional(condition)}</process>'


@pytest.mark.parametrize(
    ("condition", "text", "language"),
    [
        # Zeebe; Camunda 7 and bpmn.io; Activiti and Flowable; jBPM; Signavio; a script of Camunda's
        (
            '<conditionExpression xsi:type="bpmn:tFormalExpression">=n &gt; 1</conditionExpression>',
            "=n > 1",
            None,
        ),
        (
            '<conditionExpression xsi:type="tFormalExpression">${n &gt; 1}</conditionExpression>',
            "${n > 1}",
            None,
        ),
        (
            "<conditionExpression>\n <![CDATA[ ${n > 1 && m < 2} ]]>\n</conditionExpression>",
            "${n > 1 && m < 2}",
            None,
        ),
        (
            '<conditionExpression language="http://www.java.com/java">return n > 1;</conditionExpression>',
            "return n > 1;",
            "http://www.java.com/java",
        ),
        (
            '<conditionExpression id="sid-1" xsi:type="tFormalExpression">n > 1<extensionElements>'
            "<camunda:x/></extensionElements></conditionExpression>",
            "n > 1",
            None,
        ),
        (
            '<conditionExpression language=" groovy " camunda:resource="check.groovy"/>',
            "check.groovy",
            "groovy",
        ),
        ('<conditionExpression xsi:type="tFormalExpression"/>', None, None),
        ("", None, None),
    ],
)
def test_text_and_language(condition: str, text: str | None, language: str | None) -> None:
    condition = condition.replace("<conditionExpression", f"<conditionExpression {FORMAL}")
    read_flow = document(model(condition)).processes[0].flows[-1]
    assert (read_flow.condition, read_flow.condition_language) == (text, language)


@pytest.mark.parametrize(
    ("general", "own", "language"),
    [(XPATH, None, None), (DMN_FEEL, None, DMN_FEEL), (DMN_FEEL, "juel", "juel"), (XPATH, XPATH, XPATH)],
)
def test_a_files_language_counts_where_it_is_meant(
    general: str, own: str | None, language: str | None
) -> None:
    written = f' language="{own}"' if own else ""
    inside = model(f"<conditionExpression{written}>n > 1</conditionExpression>")
    text = f'<definitions xmlns="{NS}" expressionLanguage="{general}">{inside}</definitions>'
    assert read(text.encode(), "m.bpmn").processes[0].flows[-1].condition_language == language


def test_what_is_not_understood_is_told() -> None:
    inside = model("<conditionExpression>amount is high</conditionExpression>")
    (problem,) = found(inside, "condition-not-understood")
    assert (problem.severity, problem.element) == (Severity.INFO, "g-a")
    assert "“is” is not understood" in problem.message
    assert "Both branches stay possible" in problem.message
    assert list(unreadable_conditions(document(inside))) == [problem]


@pytest.mark.parametrize(
    ("gateway", "condition"),
    [
        ('<exclusiveGateway id="g"/>', "=amount > 1"),
        ('<exclusiveGateway id="g"/>', ""),
        ('<exclusiveGateway id="g" default="g-a"/>', "amount is high"),  # never looked at
        ('<parallelGateway id="g"/>', "amount is high"),
    ],
)
def test_nothing_is_told_of_the_others(gateway: str, condition: str) -> None:
    inside = model(f"<conditionExpression>{condition}</conditionExpression>", gateway)
    assert found(inside, "condition-not-understood") == []


def test_conditions_in_subprocesses_are_seen() -> None:
    inner = '<exclusiveGateway id="g"/><task id="a" name="A"/>'
    inner += conditional("<conditionExpression>high</conditionExpression>")
    (problem,) = found(
        f'<process id="p"><subProcess id="x">{inner}</subProcess></process>', "condition-not-understood"
    )
    assert problem.element == "g-a"


def test_fields_that_nothing_keeps_are_told() -> None:
    read_one = document(model("<conditionExpression>=amount > 1 and order.vip = true</conditionExpression>"))
    (problem,) = undecided_conditions(read_one, lambda field: field == "amount")
    assert (problem.code, problem.element) == ("condition-not-kept", "g-a")
    assert "Nothing keeps order.vip" in problem.message
    assert "`attributes: {order.vip: data.order.vip}`" in problem.message
    assert list(undecided_conditions(read_one, lambda field: True)) == []
    prose = document(model("<conditionExpression>high</conditionExpression>"))
    assert list(undecided_conditions(prose, lambda field: False)) == []

"""What cannot be honoured is refused with an error that names the element, never judged by half."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.document import Problem, Severity
from monitor.bpmn.flow import Sla
from monitor.bpmn.read import read
from monitor.domain.limit import Limit
from tests.support.flows import HEAD, bpmn

FRAME = '<startEvent id="s"/>\n<task id="A" name="A"/>\n{element}\ns -> A -> z\n'

DAY = Limit.of(timedelta(1))


def errors(content: str, **options: Any) -> list[Problem]:
    flow, problems = compile_flow(read(bpmn(content), "dir/test.bpmn"), Options(**options))
    found = [problem for problem in problems if problem.severity is Severity.ERROR]
    assert (flow is None) == bool(found)
    return found


def event(kind: str, *triggers: str, attributes: str = "") -> str:
    inner = "".join(f"<{trigger}EventDefinition/>" for trigger in triggers)
    return f'<{kind} id="z" name="Zed" {attributes}>{inner}</{kind}>'


BOUNDARY = 'attachedToRef="A"'

REFUSED = {
    "error start": event("startEvent", "error"),
    "escalation start": event("startEvent", "escalation"),
    "compensation start": event("startEvent", "compensate"),
    "cancel end without a transaction": event("endEvent", "cancel"),
    "error catch": event("intermediateCatchEvent", "error"),
    "link end": event("endEvent", "link"),
    "cancel catch": event("intermediateCatchEvent", "cancel"),
    "parallel multiple boundary": event(
        "boundaryEvent", "message", "signal", attributes=f'{BOUNDARY} parallelMultiple="true"'
    ),
    "two ways to end": event("endEvent", "terminate", "error"),
}


@pytest.mark.parametrize("element", REFUSED.values(), ids=REFUSED)
def test_refused_with_its_place(element: str) -> None:
    flow = "s -> A" if "boundaryEvent" in element or "startEvent" in element else "s -> A -> z"
    content = FRAME.replace("s -> A -> z", flow).format(element=element)
    source = bpmn(content).replace(element.encode(), b"\n\n" + element.encode())
    compiled, problems = compile_flow(read(source, "dir/test.bpmn"))
    assert compiled is None
    refused = [problem for problem in problems if problem.code == "not-honoured"]
    assert {problem.element for problem in refused} == {"z"}
    assert {problem.name for problem in refused} == {"Zed"}
    assert {problem.place for problem in refused} == {("dir/test.bpmn", 3)}
    assert {problem.severity for problem in refused} == {Severity.ERROR}
    assert "dir/test.bpmn:3: error: z (Zed)" in str(refused[0])


def test_every_problem_is_told_at_once() -> None:
    content = FRAME.format(element=REFUSED["link end"]) + REFUSED["error catch"].replace('"z"', '"y"')
    assert {problem.element for problem in errors(content)} == {"z", "y"}


def test_a_process_that_calls_itself() -> None:
    source = (
        f'{HEAD}<process id="one"><callActivity id="c" name="Call" calledElement="two"/></process>'
        '<process id="two"><callActivity id="d" name="Back" calledElement="two"/></process></definitions>'
    )
    flow, problems = compile_flow(read(source.encode(), "m.bpmn"))
    assert flow is None
    assert [(problem.element, problem.code) for problem in problems] == [("d", "cyclic-call")]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ('<task id="z"/>', "event-gateway-target"),
        (
            '<receiveTask id="z"/>'
            '<boundaryEvent id="b" attachedToRef="z"><timerEventDefinition/></boundaryEvent>',
            "not-honoured",
        ),
    ],
)
def test_targets_of_an_event_based_gateway(target: str, code: str) -> None:
    found = errors(f'<startEvent id="s"/><eventBasedGateway id="g"/>{target}\ns -> g -> z')
    assert [problem.code for problem in found] == [code]


def test_a_bound_start_at_the_target_of_an_event_based_gateway() -> None:
    content = '<startEvent id="s"/><eventBasedGateway id="g"/><receiveTask id="z"/>\ns -> g -> z'
    assert [p.element for p in errors(content, bind={"X": "z:start"})] == ["z"]


def test_a_compensation_event_without_its_handler() -> None:
    boundary = event("boundaryEvent", "compensate", attributes=BOUNDARY)
    found = errors(FRAME.replace("s -> A -> z", "s -> A").format(element=boundary))
    assert [(p.code, p.element) for p in found] == [("no-compensation-handler", "z")]


def test_a_cancelled_transaction_needs_its_way_out() -> None:
    cancel = '<endEvent id="c" name="Out"><cancelEventDefinition/></endEvent>'
    found = errors(FRAME.format(element=f'<transaction id="z"><task id="B"/>{cancel}</transaction>'))
    assert [(p.code, p.element) for p in found] == [("no-cancel-boundary", "c")]


def test_a_link_without_target() -> None:
    link = '<intermediateThrowEvent id="z"><linkEventDefinition name="L"/></intermediateThrowEvent>'
    assert [(p.code, p.element) for p in errors(FRAME.format(element=link))] == [("link-without-target", "z")]


LINE = '<startEvent id="s"/><task id="A" name="A"/><exclusiveGateway id="x"/><task id="B"/>\ns -> A -> x -> B'


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"bind": {"X": "nowhere"}}, "no-such-element", "nowhere"),
        ({"bind": {"X": "A:middle"}}, "bad-binding", ":start and :end"),
        ({"bind": {"X": "x"}}, "bad-binding", "only tasks and events"),
        ({"bind": {"X": "s:start"}}, "bad-binding", "only a task's start"),
        ({"bind": {"X": "A", "Y": "A"}}, "bad-binding", "“X” and “Y” are both bound"),
        ({"bind": {"X": "A", "Y": "A:end"}}, "bad-binding", "are both bound"),
        ({"silent": frozenset({"Aa"})}, "no-such-element", "Aa"),
        (
            {"slas": (Sla("late", Limit.of(timedelta(1)), start="Q"),)},
            "sla-element",
            "“Q”; the flow has: A, B",
        ),
        ({"process": "other"}, "no-such-process", "the file has: test"),
        ({"silent": frozenset({"A", "B"})}, "nothing-observable", "no element can be observed"),
    ],
)
def test_options_that_name_what_is_not_there(options: dict[str, Any], code: str, says: str) -> None:
    (problem,) = errors(LINE, **options)
    assert problem.code == code
    assert says in problem.message


def test_a_start_and_an_end_may_be_bound_to_one_element() -> None:
    assert not errors(LINE, bind={"X": "A:start", "Y": "A"})


def test_which_process() -> None:
    one, two = (f'<process id="{i}" name="N{i}"><task id="t{i}" name="T{i}"/></process>' for i in "12")
    document = read(f"{HEAD}{one}{two}</definitions>".encode(), "m.bpmn")
    flow, problems = compile_flow(document)
    assert flow is None
    assert [(p.code, str(p.place)) for p in problems] == [("several-processes", "m.bpmn")]
    for chosen in ("2", "N2"):
        flow, _ = compile_flow(document, Options(process=chosen))
        assert flow is not None
        assert list(flow.labels) == ["T2"]
    empty = read(f'{HEAD}<process id="p"/></definitions>'.encode(), "m.bpmn")
    assert [p.code for p in compile_flow(empty)[1]] == ["empty-model"]


def test_a_black_box_pool_does_not_make_the_choice_unclear() -> None:
    document = read(
        f'{HEAD}<process id="empty"/><process id="p"><task id="t"/></process></definitions>'.encode(),
        "m.bpmn",
    )
    flow, _ = compile_flow(document)
    assert flow is not None

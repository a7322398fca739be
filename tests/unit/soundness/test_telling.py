"""What lint finds by playing a flow, each with its element, the events that lead there, and a sentence."""

from __future__ import annotations

import pytest

from monitor.bpmn.compile import compile_flow
from monitor.bpmn.document import Problem, Severity
from monitor.bpmn.read import read
from monitor.soundness import soundness
from monitor.soundness.explore import explore
from tests.support.flows import bpmn, flow_of, tasks

ENDS = '<startEvent id="s"/>\n<endEvent id="e"/>'


def gates(kind: str, *ids: str) -> str:
    return "\n".join(f'<{kind}Gateway id="{id_}"/>' for id_ in ids)


def said(*content: str) -> tuple[Problem, ...]:
    document = read(bpmn("\n".join((ENDS, *content))), "test.bpmn")
    flow, problems = compile_flow(document)
    assert flow is not None, problems
    return soundness(flow, [document])


def brief(problems: tuple[Problem, ...]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(problem.code, problem.element, problem.trace) for problem in problems]


def event_subprocess(*, interrupting: bool) -> str:
    return (
        (
            f'<subProcess id="x" triggeredByEvent="true"><startEvent id="xs" isInterrupting="{interrupting}" '
            'name="Ping"><messageEventDefinition/></startEvent><task id="xt" name="Pong"/>'
            '<sequenceFlow id="q" sourceRef="xs" targetRef="xt"/></subProcess>'
        )
        .replace("True", "true")
        .replace("False", "false")
    )


@pytest.mark.parametrize(
    "content",
    [
        (tasks("A", "B"), "s -> A -> B -> e"),
        (gates("exclusive", "g", "h"), tasks("A", "B"), "s -> h -> A -> g -> B -> e\ng -> h"),
        (gates("parallel", "g", "j"), tasks("A", "B"), "s -> g -> A -> j -> e\ng -> B -> j"),
        (gates("inclusive", "g", "j"), tasks("A", "B"), "s -> g -> A -> j -> e\ng -> B -> j"),
        (  # timers that go off once leave one token each, not many
            tasks("A", "B"),
            *(
                f'<boundaryEvent id="b{number}" attachedToRef="A" cancelActivity="false">'
                "<timerEventDefinition/></boundaryEvent>"
                for number in range(4)
            ),
            "s -> A -> e\n" + "\n".join(f"b{number} -> B" for number in range(4)),
        ),
        (  # events behind an event-based gateway that nothing follows
            gates("eventBased", "g"),
            *(
                f'<intermediateCatchEvent id="{name}" name="{name}"><messageEventDefinition/>'
                "</intermediateCatchEvent>"
                for name in "AB"
            ),
            "s -> g -> A\ng -> B -> e",
        ),
        (
            tasks("A", "B"),
            '<task id="U" name="U" isForCompensation="true"/>',
            '<boundaryEvent id="b" attachedToRef="A"><compensateEventDefinition/></boundaryEvent>',
            '<association id="to" sourceRef="b" targetRef="U"/>',
            '<intermediateThrowEvent id="t"><compensateEventDefinition/></intermediateThrowEvent>',
            "s -> A -> B -> t -> e",
        ),
    ],
    ids=["line", "loop", "parallel", "inclusive", "timers", "race", "compensation"],
)
def test_nothing_is_said_of_sound_flows(content: tuple[str, ...]) -> None:
    assert said(*content) == ()


def test_a_join_of_alternatives_is_a_deadlock_and_what_follows_is_dead() -> None:
    problems = said(
        gates("exclusive", "g"),
        gates("parallel", "j"),
        tasks("A", "B", "C", "D"),
        "s -> A -> g -> B -> j -> D -> e\ng -> C -> j\ng -> e",
    )
    deadlock, dead = problems
    assert [(problem.code, problem.element) for problem in problems] == [
        ("deadlock", "j"),
        ("dead-element", "D"),
    ]
    assert deadlock.trace in (("A", "B"), ("A", "C"))
    assert deadlock.severity is Severity.WARNING
    assert f"after {', '.join(deadlock.trace)} it waits for a token from" in deadlock.message
    other = {"B": "C", "C": "B"}[deadlock.trace[-1]]
    assert f"“{other}”" in deadlock.message
    assert "though some come to j before it" in dead.message


def test_what_is_dead_behind_is_told_with_where_it_begins() -> None:
    (problem,) = [
        one
        for one in said(
            gates("exclusive", "g"),
            gates("parallel", "j"),
            tasks("A", "B", "C", "D"),
            "s -> g -> A -> j -> C -> D\ng -> B -> j\ng -> e",
        )
        if one.code == "dead-element"
    ]
    assert (problem.element, problem.place.line > 0) == ("C", True)
    assert "Dead behind it: “D”." in problem.message


def test_the_shortest_way_to_a_deadlock_is_told() -> None:
    problems = said(
        gates("exclusive", "g"),
        gates("parallel", "j"),
        tasks("A", "B", "C", "D"),
        "s -> g -> A -> B -> j\ng -> C -> j -> e\ng -> D -> e",
    )
    assert ("deadlock", "j", ("C",)) in brief(problems)


def test_two_joins_that_wait_for_each_other() -> None:
    problems = said(
        gates("parallel", "g", "i", "k"),
        tasks("A", "B"),
        "s -> g -> A -> i -> k -> e\ng -> B -> k -> i",
    )
    (deadlock,) = [one for one in problems if one.code == "deadlock"]
    assert deadlock.element in ("i", "k")
    assert "Meanwhile" in deadlock.message


def test_a_loop_without_a_way_out() -> None:
    problems = said(
        gates("exclusive", "g", "h"), tasks("A", "B", "C"), "s -> A -> g -> e\ng -> B -> h -> C -> h"
    )
    assert brief(problems) == [("never-completes", "C", ("A", "B"))]
    assert "they go round in “C” for good" in problems[0].message


def test_an_error_where_no_run_completes() -> None:
    problems = said(tasks("A", "B"), "s -> A -> B -> A")
    assert problems[0].code == "no-completion"
    assert problems[0].severity is Severity.ERROR
    assert ("never-completes", "A", ()) in brief(problems)


def test_what_goes_on_beside_a_deadlock_does_not_hide_it() -> None:
    problems = said(
        gates("exclusive", "g"),
        gates("parallel", "j"),
        tasks("A", "B", "C"),
        event_subprocess(interrupting=False),
        "s -> g -> A -> j -> e\ng -> B -> j\ng -> C -> e",
    )
    stuck = [one for one in problems if one.code == "never-completes"]
    assert [one.element for one in stuck] == ["j"]
    assert "all that still goes on is" in stuck[0].message
    assert "unbounded-tokens" not in [one.code for one in problems]
    assert "at most 2 at once" in problems[-1].message


def test_tokens_that_pile_up() -> None:
    problems = said(gates("parallel", "g"), tasks("A", "B"), "s -> A -> g -> A\ng -> B -> e")
    assert brief(problems)[:1] == [("unbounded-tokens", "B", ("A",))]
    assert problems[0].message.startswith("Tokens pile up without bound: from the beginning every further A")
    assert problems[-1].code == "gave-up"
    assert problems[-1].severity is Severity.INFO
    assert "not going on where tokens pile up" in problems[-1].message


def test_where_an_end_could_still_remove_them_they_may_pile_up() -> None:
    problems = said(
        gates("parallel", "g"),
        tasks("A", "B"),
        '<endEvent id="t"><terminateEventDefinition/></endEvent>',
        "s -> A -> g -> A\ng -> B -> t",
    )
    growths = [one for one in problems if one.code == "unbounded-tokens"]
    assert "B" in [one.element for one in growths]
    assert all(one.message.startswith("Tokens may pile up without bound") for one in growths)


def test_tokens_that_go_round_without_any_event() -> None:
    problems = said(
        gates("parallel", "g"), gates("exclusive", "h"), tasks("A"), "s -> A -> h -> g -> h\ng -> e"
    )
    assert problems[0].code == "unbounded-tokens"
    assert problems[0].element in ("g", "h")
    assert "they go round here without any event" in problems[0].message


def test_messages_that_come_any_number_of_times_are_meant_to() -> None:
    boundary = (
        '<boundaryEvent id="b" name="Late" attachedToRef="A" cancelActivity="false"><messageEventDefinition/>'
        "</boundaryEvent>"
    )
    problems = said(tasks("A", "B"), boundary, "s -> A -> e\nb -> B")
    assert [problem.code for problem in problems] == ["gave-up"]


def test_many_branches_are_given_up_and_said_so() -> None:
    branches = "\n".join(f"g -> T{number} -> j" for number in range(20))
    flow = flow_of(
        "\n".join(
            (
                ENDS,
                gates("parallel", "g", "j"),
                tasks(*(f"T{n}" for n in range(20))),
                "s -> g",
                branches,
                "j -> e",
            )
        )
    )
    explored = explore(flow, max_work=60_000)
    assert explored.gave_up
    assert not explored.complete
    assert explored.finals, "some ways are followed to the end"


def test_a_deadlock_far_away_is_found_although_the_rest_is_given_up() -> None:
    names = [f"T{number}" for number in range(16)]
    problems = said(
        gates("parallel", "g", "j", "w"),
        gates("exclusive", "x"),
        tasks(*names, "Y", "Z"),
        "s -> g",
        "\n".join(f"g -> {name} -> j" for name in names),
        "j -> x -> Y -> w -> e\nx -> Z -> w",
    )
    (deadlock,) = [problem for problem in problems if problem.code == "deadlock"]
    assert deadlock.element == "w"
    assert len(deadlock.trace) == 17
    assert "after …, " in deadlock.message
    assert problems[-1].code == "gave-up"
    assert "then gave up" in problems[-1].message
    assert "dead-element" not in [problem.code for problem in problems]


def test_what_was_completed_again_and_again_is_no_token() -> None:
    problems = said(
        gates("exclusive", "g", "h"),
        tasks("A"),
        '<task id="U" name="U" isForCompensation="true"/>',
        '<boundaryEvent id="b" attachedToRef="A"><compensateEventDefinition/></boundaryEvent>',
        '<association id="to" sourceRef="b" targetRef="U"/>',
        '<intermediateThrowEvent id="t"><compensateEventDefinition/></intermediateThrowEvent>',
        "s -> h -> A -> g -> t -> e\ng -> h",
    )
    assert [problem.code for problem in problems] == ["gave-up"]

"""Loops, multi-instances and called processes: which traces they allow."""

from __future__ import annotations

import pytest

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.flow import Flow
from monitor.bpmn.read import read
from monitor.conformance.checker import Checker
from monitor.conformance.path import visited
from tests.support.flows import HEAD, flow_of, judged, sorts, tasks

SEQUENTIAL = '<multiInstanceLoopCharacteristics isSequential="true">{}</multiInstanceLoopCharacteristics>'
PARALLEL = "<multiInstanceLoopCharacteristics>{}</multiInstanceLoopCharacteristics>"
THREE = "<loopCardinality>3</loopCardinality>"
EARLY = "<completionCondition>enough</completionCondition>"

LOOPS = {
    "loop": "<standardLoopCharacteristics/>",
    "loop, tested first": '<standardLoopCharacteristics testBefore="true"/>',
    "one after the other": SEQUENTIAL.format(""),
    "at once": PARALLEL.format(""),
    "three, one after the other": SEQUENTIAL.format(THREE),
    "three at once": PARALLEL.format(THREE),
    "up to three, one after the other": SEQUENTIAL.format(THREE + EARLY),
    "up to three at once": PARALLEL.format(THREE + EARLY),
}


def around(activity: str) -> Flow:
    return flow_of(f"""
    <startEvent id="s"/> {tasks("A", "Z")} {activity} <endEvent id="e"/>
    s -> A -> x -> Z -> e
    """)


def task(loop: str) -> Flow:
    return around(f'<task id="x" name="X">{LOOPS[loop]}</task>')


def verdict(flow: Flow, labels: str) -> tuple[bool, bool]:
    said = judged(flow, list(labels)).verdict
    assert not said.undecided
    return said.conforms, said.complete


@pytest.mark.parametrize(
    ("loop", "allowed"),
    [
        ("loop", {1, 2, 3, 4}),
        ("loop, tested first", {0, 1, 2, 3, 4}),
        ("one after the other", {0, 1, 2, 3, 4}),
        ("at once", {0, 1, 2, 3, 4}),
        ("three, one after the other", {3}),
        ("three at once", {3}),
        ("up to three, one after the other", {1, 2, 3}),
        ("up to three at once", {1, 2, 3}),
    ],
)
def test_how_often(loop: str, allowed: set[int]) -> None:
    flow = task(loop)
    assert {times for times in range(5) if verdict(flow, f"A{'X' * times}Z")[0]} == allowed


def test_while_it_goes_on_the_trace_is_open() -> None:
    assert verdict(task("three at once"), "AXX") == (True, False)
    assert judged(task("three at once"), list("AXX")).verdict.expected == ("X",)


def test_findings_name_the_element_of_the_file() -> None:
    (finding,) = judged(task("three at once"), list("AXXZ")).verdict.findings
    assert (finding.element, finding.name) == ("x", "X")


def test_a_boundary_event_guards_all_instances() -> None:
    flow = around(f"""<task id="x" name="X">{LOOPS["three at once"]}</task>
    <boundaryEvent id="b" name="Stop" attachedToRef="x"><messageEventDefinition/></boundaryEvent>
    b -> Z
    """)
    assert verdict(flow, "AX") == (True, False)
    for before in ("", "X", "XX"):
        labels = ["A", *before, "Stop", "Z"]
        assert judged(flow, labels).verdict.complete
    assert not judged(flow, ["A", "X", "Stop", "X", "Z"]).verdict.conforms


INNER = f"""<startEvent id="i"/>{tasks("B", "C").replace(chr(10), "")}<endEvent id="o"/>\
<sequenceFlow id="i1" sourceRef="i" targetRef="B"/><sequenceFlow id="i2" sourceRef="B" targetRef="C"/>\
<sequenceFlow id="i3" sourceRef="C" targetRef="o"/>"""


@pytest.mark.parametrize(
    ("loop", "allowed", "refused"),
    [
        ("loop", ["ABCZ", "ABCBCZ"], ["AZ", "ABBCCZ", "ABCBZ"]),
        ("three, one after the other", ["ABCBCBCZ"], ["ABCBCZ", "ABBCCBCZ"]),
        ("three at once", ["ABCBCBCZ", "ABBBCCCZ", "ABBCBCCZ"], ["ABCBCZ", "ABBCCCBZ"]),
        ("up to three at once", ["ABCZ", "ABBCZ", "ABCBZ"], ["AZ", "ABZ"]),
    ],
)
def test_subprocesses(loop: str, allowed: list[str], refused: list[str]) -> None:
    flow = around(f'<subProcess id="x" name="X">{LOOPS[loop]}{INNER}</subProcess>')
    for labels in allowed:
        assert verdict(flow, labels) == (True, True), labels
    for labels in refused:
        assert not verdict(flow, labels)[0], labels


def called() -> Flow:
    source = f"""{HEAD}<process id="main"><startEvent id="s"/><task id="A" name="A"/>
    <callActivity id="c" name="Call" calledElement="sub"/><callActivity id="d" calledElement="sub"/>
    <boundaryEvent id="b" name="Stop" attachedToRef="c"><messageEventDefinition/></boundaryEvent>
    <sequenceFlow id="f1" sourceRef="s" targetRef="A"/><sequenceFlow id="f2" sourceRef="A" targetRef="c"/>
    <sequenceFlow id="f3" sourceRef="c" targetRef="d"/></process>
    <process id="sub">{INNER}</process></definitions>"""
    flow, problems = compile_flow(read(source.encode(), "m.bpmn"), Options(silent=frozenset({"C"})))
    assert flow is not None, problems
    return flow


def test_a_called_process_stands_in_the_calls_place() -> None:
    flow = called()
    assert sorted(flow.labels) == ["A", "B", "Stop"]
    assert flow.labels["B"] == ("B",)
    assert verdict(flow, "ABB") == (True, True)
    assert verdict(flow, "AB") == (True, False)
    assert not verdict(flow, "AZB")[0]
    assert judged(flow, ["A", "Stop"]).verdict.complete
    assert not judged(flow, ["A", "B", "B", "Stop"]).verdict.conforms


def test_the_picture_of_a_loop_names_elements_of_the_file() -> None:
    ids = visited(task("loop"), list("AXXZ"))
    assert {"s", "A", "x", "Z", "e"} <= set(ids)


def test_a_process_too_often_repeated_is_any_number() -> None:
    many = PARALLEL.format("<loopCardinality>100000</loopCardinality>")
    flow = around(f'<task id="x" name="X">{many}</task>')
    assert Checker(flow).automaton.labels(Checker(flow).automaton.initial) == ("A",)
    assert verdict(flow, "AXXXXZ") == (True, True)


INSIDE = f'{tasks("B", "C")}<sequenceFlow id="i" sourceRef="B" targetRef="C"/>'


def test_any_number_of_subprocesses_at_once() -> None:
    flow = around(f'<subProcess id="x">{INSIDE}{LOOPS["at once"]}</subProcess>')
    sorts(flow, "AZ, ABCZ, ABBCCZ, ABCBCZ, ABCBBCCZ", ", A, AB, ABB, ABCB", "AC, ABZ, ABBCZ, ABCC, AZB")


def test_some_of_any_number_of_subprocesses_may_do() -> None:
    flow = around(f'<subProcess id="x">{INSIDE}{PARALLEL.format(EARLY)}</subProcess>')
    sorts(flow, "AZ, ABCZ, ABBCZ, ABBCCZ", ", A, AB, ABB", "AC, ABCC, AZB, ABBCZC, ABZ")


def test_any_number_of_tasks_that_take_time() -> None:
    flow = flow_of(
        f"""<startEvent id="s"/> {tasks("A", "Z")} <endEvent id="e"/>
        <task id="x" name="X">{LOOPS["at once"]}</task>
        s -> A -> x -> Z -> e""",
        Options(bind={"x": "x:start", "X": "x"}),
    )
    sorts(flow, "AZ, AxXZ, AxxXXZ, AxXxXZ", "Ax, Axx, AxxX", "AX, AxXX, AxZ")


@pytest.mark.parametrize(("before", "least"), [("false", 1), ("true", 0)])
def test_a_loop_with_a_maximum(before: str, least: int) -> None:
    loop = f'<standardLoopCharacteristics loopMaximum="2" testBefore="{before}"/>'
    flow = around(f'<task id="x" name="X">{loop}</task>')
    assert {n for n in range(5) if verdict(flow, f"A{'X' * n}Z")[0]} == set(range(least, 3))

"""Call activities that name processes of other files: found, judged, stored, refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from monitor.assembly import models_from_files, models_of
from monitor.bpmn.compile import Options
from monitor.bpmn.document import Document, Problem, Severity
from monitor.bpmn.flow import Flow
from monitor.errors import ConfigError, ModelError
from monitor.flows import build, problems_of
from monitor.model import BpmnFile, Model, dump_model, load_model
from monitor.settings import load
from tests.support.flows import HEAD, sorts


def process(id_: str, *steps: str) -> str:
    """One after the other: tasks named as given; ``call:id`` is a call activity. On a line of its own."""
    last = f"{id_}-start"
    inside = f'<startEvent id="{last}"/>'
    for number, step in enumerate(steps):
        kind, _, name = step.rpartition(":")
        own = f"{id_}-{number}"
        what = f'callActivity id="{own}" calledElement="{name}"' if kind else f'task id="{own}" name="{name}"'
        inside += f'<{what}/><sequenceFlow id="{own}-flow" sourceRef="{last}" targetRef="{own}"/>'
        last = own
    return f'\n<process id="{id_}">{inside}</process>'


def xml(*processes: str) -> bytes:
    return f"{HEAD}{''.join(processes)}</definitions>".encode()


def file(name: str, *processes: str) -> BpmnFile:
    return BpmnFile(name, xml(*processes))


def model(*include: BpmnFile, beside: tuple[BpmnFile, ...] = (), main: bytes | None = None) -> Model:
    return Model("main.bpmn", main or xml(process("main", "A", "call:sub", "C")), Options(), include, beside)


def flow(one: Model) -> Flow:
    return build(one)[1]


def told(one: Model, code: str) -> Problem:
    (problem,) = [problem for problem in problems_of(one) if problem.code == code]
    return problem


SUB = file("sub.bpmn", process("sub", "B"))


def test_a_process_of_an_included_file_stands_in_the_calls_place() -> None:
    sorts(flow(model(SUB)), "ABC", ",A,AB", "AC,B,ABB,AABC")


def test_a_process_of_another_model_does_too() -> None:
    assert flow(model(beside=(SUB,))) == flow(model(SUB))


def test_the_own_file_comes_first_then_the_included_then_the_other_models() -> None:
    other = file("other.bpmn", process("sub", "X"))
    own = xml(process("main", "A", "call:sub", "C"), process("sub", "O"))
    sorts(flow(model(other, beside=(SUB,), main=own)), "AOC", "AO", "AXC,ABC")
    sorts(flow(model(other, beside=(SUB,))), "AXC", "AX", "ABC")


def test_a_called_process_calls_what_its_own_file_has() -> None:
    """Every modeler calls its first process the same: ids repeat from file to file."""
    inner = file("sub.bpmn", process("sub", "call:Process_1"), process("Process_1", "B"))
    main = xml(process("Process_1", "A", "call:sub", "C"))
    sorts(flow(model(inner, main=main)), "ABC", "AB", "AAC")


def test_calls_go_on_through_several_files_once_and_twice() -> None:
    first = file("first.bpmn", process("sub", "call:leaf", "call:leaf"))
    leaf = file("leaf.bpmn", process("leaf", "B"))
    sorts(flow(model(first, beside=(leaf,))), "ABBC", "ABB", "ABC,ABBBC")


def test_a_called_process_may_call_one_of_the_calling_file() -> None:
    main = xml(process("main", "A", "call:sub", "C"), process("leaf", "B"))
    one = model(file("sub.bpmn", process("sub", "call:leaf")), main=main)
    sorts(flow(replace(one, options=Options(process="main"))), "ABC", "AB", "AC")


@pytest.mark.parametrize("written", ["sub", "other:sub", " sub "])
def test_a_prefix_says_whose_the_process_is(written: str) -> None:
    main = xml(process("main", "A", f"call:{written}".replace("other:", "#"), "C"))
    sorts(flow(model(SUB, main=main.replace(b"#", b"other:"))), "ABC", "AB", "AC")


def test_camunda_8_names_the_process_in_an_extension() -> None:
    call = (
        b'<callActivity id="main-1" camunda:calledElementBinding="versionTag" camunda:versionTag="7"'
        b' xmlns:camunda="http://camunda.org/schema/1.0/bpmn"><extensionElements><z:calledElement'
        b' xmlns:z="http://camunda.org/schema/zeebe/1.0" processId="sub" bindingType="deployment"/>'
        b"</extensionElements></callActivity>"
    )
    main = xml(process("main", "A", "call:sub", "C"))
    main = main.replace(b'<callActivity id="main-1" calledElement="sub"/>', call)
    assert call in main
    sorts(flow(model(SUB, main=main)), "ABC", "AB", "AC")


def test_a_pool_may_call_too() -> None:
    pools = (
        '<collaboration id="k"><participant id="p" processRef="main"/><participant id="q" processRef="peer"/>'
        "</collaboration>"
    )
    main = xml(pools, process("main", "A", "call:sub", "C"), process("peer", "D"))
    sorts(flow(model(SUB, main=main)), "ABCD,DABC,ADBC", "ABD", "ACD,ABBCD")


def test_what_is_called_is_part_of_the_version() -> None:
    assert flow(model(SUB)).hash != flow(model(file("sub.bpmn", process("sub", "X")))).hash
    assert flow(model(SUB)).hash == flow(model(SUB, file("more.bpmn", process("more", "X")))).hash


# What is not found, or not clear


def test_a_call_of_nothing_stays_a_task_and_is_told() -> None:
    problem = told(model(), "call-not-found")
    assert (problem.severity, problem.element, problem.place) == ("warning", "main-1", ("main.bpmn", 2))
    assert "sub is in none of the models" in problem.message
    named = xml(process("main", "A", "call:sub", "C")).replace(b'id="main-1"', b'id="main-1" name="B"')
    sorts(flow(model(main=named)), "ABC", "AB", "AC")


def test_a_call_inside_a_called_process_that_leads_nowhere_names_that_file() -> None:
    problem = told(model(file("sub.bpmn", process("sub", "B", "call:gone"))), "call-not-found")
    assert problem.place == ("sub.bpmn", 2)


def test_a_call_of_an_empty_process_stays_a_task() -> None:
    problem = told(model(file("sub.bpmn", '<process id="sub"/>')), "call-not-found")
    assert problem.element == "main-1"


@pytest.mark.parametrize("expression", ["=which", "${which}", "#{which}"])
def test_what_is_decided_at_run_time_stays_a_task(expression: str) -> None:
    one = model(SUB, main=xml(process("main", "A", f"call:{expression}")))
    assert told(one, "call-not-constant").severity is Severity.INFO
    assert flow(one).labels.keys() == {"A", "main-1"}


def test_a_global_task_is_a_task() -> None:
    main = xml('<globalUserTask id="sub"/>', process("main", "A", "call:sub"))
    assert [
        problem for problem in problems_of(model(SUB, main=main)) if problem.code.startswith("call")
    ] == []
    assert flow(model(SUB, main=main)).labels.keys() == {"A", "main-1"}


def test_a_process_of_two_files_is_an_error_that_names_both() -> None:
    twice = model(beside=(SUB, file("copy.bpmn", process("sub", "B"))))
    problem = told(twice, "ambiguous-call")
    assert (problem.severity, problem.element) == (Severity.ERROR, "main-1")
    assert "sub.bpmn and in copy.bpmn" in problem.message
    with pytest.raises(ModelError, match=r"copy\.bpmn"):
        build(twice)


def test_calls_in_a_circle_through_files_are_refused() -> None:
    circle = model(
        file("sub.bpmn", process("sub", "call:third")), file("third.bpmn", process("third", "call:main"))
    )
    problem = told(circle, "cyclic-call")
    assert (problem.severity, problem.element, problem.place.file) == ("error", "third-0", "third.bpmn")
    assert "main calls sub.bpmn#sub calls third.bpmn#third calls main" in problem.message
    with pytest.raises(ModelError, match="circle"):
        build(circle)


def test_many_processes_that_all_call_each_other_are_refused_at_once() -> None:
    ids = [f"p{number}" for number in range(60)]
    every = file("every.bpmn", *(process(id_, *(f"call:{other}" for other in ids)) for id_ in ids))
    assert {problem.code for problem in problems_of(model(every, main=xml(process("main", "call:p0"))))} >= {
        "cyclic-call"
    }


def test_a_bomb_of_calls_is_refused_at_once() -> None:
    """Each process calls the next ten times: a billion activities."""
    levels = [process(f"p{level}", *[f"call:p{level + 1}"] * 10) for level in range(9)]
    bomb = model(file("bomb.bpmn", *levels, process("p9", "B")), main=xml(process("main", "call:p0")))
    problem = told(bomb, "too-many-elements")
    assert problem.severity is Severity.ERROR
    with pytest.raises(ModelError, match="more than the 10000"):
        build(bomb)


def test_a_long_chain_of_calls_is_refused() -> None:
    chain = [process(f"p{level}", f"call:p{level + 1}") for level in range(5000)]
    long = model(file("long.bpmn", *chain, process("p5000", "B")), main=xml(process("main", "call:p0")))
    assert told(long, "too-deep").severity is Severity.ERROR


def test_nested_repetitions_are_refused_when_they_are_too_many() -> None:
    loop = '<multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>200</loopCardinality>'
    inside = '<task id="t" name="B"/>'
    for level in range(4):
        inside = f'<subProcess id="s{level}">{loop}</multiInstanceLoopCharacteristics>{inside}</subProcess>'
    one = model(main=xml(f'<process id="main">{inside}</process>'))
    assert told(one, "too-many-elements").severity is Severity.ERROR


# What is wrong in a called file


def test_problems_of_a_called_process_name_its_file_and_line() -> None:
    broken = file("sub.bpmn", process("sub", "B").replace("<task", '<nonsense id="n"/><task'))
    problem = told(model(broken), "unknown-element")
    assert problem.place == ("sub.bpmn", 2)
    with pytest.raises(ModelError, match=r"sub\.bpmn:2"):
        build(model(broken))


def test_files_nothing_is_called_in_are_not_even_read() -> None:
    ruin = BpmnFile("ruin.bpmn", b"no XML at all")
    closed = xml(process("main", "A"))
    assert flow(model(ruin, main=closed)).labels.keys() == {"A"}
    with pytest.raises(ModelError, match=r"ruin\.bpmn:1"):
        build(model(ruin))


# Stored and built again


def test_a_stored_version_keeps_the_files_it_calls_and_no_others() -> None:
    leaf = file("leaf.bpmn", process("leaf", "B"))
    calling = file("sub.bpmn", process("sub", "call:leaf"))
    one = model(calling, file("more.bpmn", process("more", "X")), beside=(leaf, SUB))
    kept = replace(one, include=(calling,), beside=(leaf,))
    text = dump_model(kept)
    assert [entry["file"] for entry in orjson.loads(text)["include"]] == ["sub.bpmn"]
    again = load_model(one.file, one.source, text)
    assert again == kept
    assert build(again) == build(one)


def test_models_that_call_nothing_store_no_files() -> None:
    assert not {"include", "beside"} & orjson.loads(dump_model(model())).keys()


# From the configuration and the command line


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "called").mkdir()
    (tmp_path / "main.bpmn").write_bytes(xml(process("main", "A", "call:sub", "C")))
    (tmp_path / "called" / "sub.bpmn").write_bytes(SUB.source)
    (tmp_path / "called" / "notes.txt").write_text("not a model")
    return tmp_path


def configured(files: Path, models: str) -> list[Model]:
    config = files / "choreoscope.yaml"
    config.write_text(f"models: {models}")
    return models_of(load(config, {}))


@pytest.mark.parametrize(
    "include", ["called/*.bpmn", "[called/sub.bpmn]", '["**/s*.bpmn", "called/sub.bpmn"]']
)
def test_a_model_includes_files_and_patterns(files: Path, include: str) -> None:
    (one,) = configured(files, f"[{{file: main.bpmn, include: {include}}}]")
    assert [Path(included.file).name for included in one.include] == ["sub.bpmn"]
    assert flow(one).labels.keys() == {"A", "B", "C"}


def test_configured_models_call_each_other(files: Path) -> None:
    main, sub = configured(files, "[{file: main.bpmn}, {file: called/sub.bpmn}]")
    assert flow(main).labels.keys() == {"A", "B", "C"}
    assert [Path(one.file).name for one in sub.beside] == ["main.bpmn"]


def test_one_file_may_be_two_models(files: Path) -> None:
    (files / "main.bpmn").write_bytes(xml(process("one", "A"), process("two", "B")))
    models = configured(
        files, "[{file: main.bpmn, key: x, process: one}, {file: main.bpmn, key: y, process: two}]"
    )
    assert [tuple(flow(one).labels) for one in models] == [("A",), ("B",)]


def test_an_include_without_a_file_is_an_error_with_its_line(files: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"choreoscope.yaml:1: models\[0\].include: there is no file .*gone\*"
    ):
        configured(files, "[{file: main.bpmn, include: gone*}]")


def test_the_command_line_includes_too(files: Path) -> None:
    main, sub = files / "main.bpmn", files / "called" / "sub.bpmn"
    (included,) = models_from_files([main], None, [sub])
    assert flow(included).labels.keys() == {"A", "B", "C"}
    assert flow(models_from_files([main, sub], None)[0]).labels.keys() == {"A", "B", "C"}
    assert flow(models_from_files([main], None)[0]).labels.keys() == {"A", "main-1", "C"}


def test_a_document_is_the_models_own(files: Path) -> None:
    document: Document = build(model(SUB))[0]
    assert [one.id for one in document.processes] == ["main"]

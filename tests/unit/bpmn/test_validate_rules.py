"""One small fixture per rule: what breaks it, and what does not."""

from __future__ import annotations

import time

import pytest

from monitor.bpmn.document import Severity
from monitor.bpmn.rules.events import _is_time
from monitor.bpmn.validate import validate
from tests.unit.bpmn.bpmn_text import chain, document, flow, found

START, END = '<startEvent id="s"/>', '<endEvent id="e"/>'
TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
MESSAGE = "<messageEventDefinition/>"


def in_process(inside: str) -> str:
    return f'<process id="p">{inside}</process>'


def elements(inside: str, code: str) -> list[str | None]:
    return [problem.element for problem in found(in_process(inside), code)]


def codes(inside: str) -> set[str]:
    return {problem.code for problem in validate(document(in_process(inside)))}


def task(*ids: str) -> str:
    return "".join(f'<task id="{one}" name="{one}"/>' for one in ids)


def test_a_sound_model_has_no_problems() -> None:
    assert codes(START + task("a", "b") + END + chain("s", "a", "b", "e")) == set()


def test_problems_say_file_line_and_name() -> None:
    (problem,) = found('\n<process id="p">\n<task id="t" name="Ship"/></process>', "implicit-start")
    assert str(problem).startswith("m.bpmn:4: info: t (Ship): ")


# Starts and ends


def test_without_a_start_event_the_process_begins_where_nothing_leads() -> None:
    inside = task("a", "b", "c") + END + chain("a", "c", "e") + flow("b", "c")
    assert elements(inside, "implicit-start") == ["a", "b"]
    (problem,) = found(in_process(inside), "no-start")
    assert (problem.severity, problem.element) == (Severity.WARNING, "p")
    assert "a, b" in problem.message


def test_a_circle_has_no_entry() -> None:
    (problem,) = found(in_process(task("a", "b") + chain("a", "b", "a")), "no-entry")
    assert problem.severity is Severity.ERROR


def test_what_instantiates_by_itself_is_a_start() -> None:
    inside = '<receiveTask id="a" name="A" instantiate="true"/>' + END + chain("a", "e")
    assert codes(inside) == set()


def test_a_subprocess_may_do_without_start_and_end() -> None:
    inside = START + f'<subProcess id="u">{task("a")}</subProcess>' + END + chain("s", "u", "e")
    assert codes(inside) == {"implicit-start", "implicit-end"}


def test_without_an_end_event_the_path_ends_where_nothing_leads_on() -> None:
    inside = START + task("a") + chain("s", "a")
    assert elements(inside, "implicit-end") == ["a"]
    (problem,) = found(in_process(inside), "no-end")
    assert "after a" in problem.message


def test_a_process_that_never_ends() -> None:
    (problem,) = found(in_process(START + task("a", "b") + chain("s", "a", "b", "a")), "no-end")
    assert "no trace can ever be complete" in problem.message


def test_flows_the_wrong_way() -> None:
    inside = START + task("a") + END + chain("s", "a", "e") + flow("a", "s") + flow("e", "a")
    assert elements(inside, "start-has-incoming") == ["s"]
    assert elements(inside, "end-has-outgoing") == ["e"]
    boundary = '<boundaryEvent id="b" attachedToRef="a">' + TIMER + "</boundaryEvent>"
    assert elements(START + task("a") + boundary + flow("s", "b"), "boundary-has-incoming") == ["b"]


# Reachability


def test_unreachable_elements() -> None:
    inside = START + task("a", "lost", "after", "x", "y") + END
    inside += chain("s", "a", "e") + flow("lost", "after") + chain("x", "y", "x")
    assert elements(inside, "unreachable") == ["lost", "after", "x", "y"]


def test_what_is_reached_in_other_ways_is_not_unreachable() -> None:
    inside = START + task("a", "after") + END + chain("s", "a", "e") + chain("b", "after")
    inside += f'<boundaryEvent id="b" attachedToRef="a">{TIMER}</boundaryEvent>'
    inside += '<task id="undo" name="Undo" isForCompensation="true"/>'
    inside += (
        f'<subProcess id="v" triggeredByEvent="true"><startEvent id="vs">{MESSAGE}</startEvent></subProcess>'
    )
    assert elements(inside, "unreachable") == []


def test_boundary_events_of_unreachable_activities_are_unreachable() -> None:
    inside = START + END + chain("s", "e") + task("a")
    inside += f'<boundaryEvent id="b" attachedToRef="a">{TIMER}</boundaryEvent>'
    assert elements(inside, "unreachable") == ["a", "b"]


def test_an_ad_hoc_subprocess_needs_no_flows() -> None:
    inside = (
        START + f'<adHocSubProcess id="u">{task("a", "b")}</adHocSubProcess>' + END + chain("s", "u", "e")
    )
    assert codes(inside) == set()


# Links


def link(tag: str, own: str, name: str) -> str:
    return f'<intermediate{tag}Event id="{own}"><linkEventDefinition name="{name}"/></intermediate{tag}Event>'


def test_links_with_partners_are_sound_and_carry_on() -> None:
    inside = START + link("Throw", "t", "B") + link("Catch", "c", "B") + task("a") + END
    assert codes(inside + chain("s", "t") + chain("c", "a", "e")) == set()


def test_links_without_partners() -> None:
    inside = (
        START + link("Throw", "t", "B") + link("Catch", "c", "C") + END + chain("s", "t") + chain("c", "e")
    )
    (problem,) = found(in_process(inside), "link-without-target")
    assert (problem.element, problem.severity) == ("t", Severity.ERROR)
    assert elements(inside, "link-without-source") == ["c"]
    assert elements(inside, "unreachable") == ["c", "e"]


def test_two_targets_of_one_link() -> None:
    inside = link("Throw", "t", "B") + link("Catch", "c", "B") + link("Catch", "d", "B")
    assert elements(inside, "link-ambiguous") == ["d"]


def test_a_link_may_be_named_on_the_event_only() -> None:
    events = (
        '<intermediateThrowEvent id="t" name="B"><linkEventDefinition/></intermediateThrowEvent>'
        '<intermediateCatchEvent id="c" name="B"><linkEventDefinition/></intermediateCatchEvent>'
    )
    assert elements(events, "link-without-target") == []


# Gateways and flows


def test_idle_gateways() -> None:
    inside = START + '<exclusiveGateway id="g"/>' + END + chain("s", "g", "e")
    assert elements(inside, "gateway-idle") == ["g"]


@pytest.mark.parametrize(
    ("target", "is_wrong"),
    [
        (f'<intermediateCatchEvent id="x" name="X">{MESSAGE}</intermediateCatchEvent>', False),
        (f'<intermediateCatchEvent id="x">{TIMER}</intermediateCatchEvent>', False),
        ('<receiveTask id="x" name="X"/>', False),
        ('<userTask id="x" name="X"/>', True),
        ('<endEvent id="x"/>', True),
        ('<exclusiveGateway id="x"/>', True),
        (f'<intermediateThrowEvent id="x" name="X">{MESSAGE}</intermediateThrowEvent>', True),
    ],
)
def test_an_event_based_gateway_waits_for_events(target: str, is_wrong: bool) -> None:
    other = f'<intermediateCatchEvent id="o">{TIMER}</intermediateCatchEvent>'
    inside = START + '<eventBasedGateway id="g"/>' + target + other + chain("s", "g", "x") + flow("g", "o")
    assert elements(inside, "event-gateway-target") == (["g"] if is_wrong else [])


def test_an_event_based_gateway_needs_a_choice() -> None:
    inside = '<eventBasedGateway id="g"/><receiveTask id="x" name="X"/>' + flow("g", "x")
    assert elements(inside, "event-gateway-single") == ["g"]


def test_default_flows_leave_their_element() -> None:
    gateway = '<exclusiveGateway id="g" default="s-g"/>'
    inside = START + gateway + task("a", "b") + chain("s", "g", "a") + flow("g", "b")
    assert elements(inside, "default-not-outgoing") == ["g"]
    assert elements(inside.replace('default="s-g"', 'default="g-a"'), "default-not-outgoing") == []


def test_conditions_nobody_looks_at() -> None:
    condition = "><conditionExpression>x</conditionExpression></sequenceFlow>"
    conditional = flow("g", "a").replace("/>", condition)
    for gateway, expected in (("parallel", ["g-a"]), ("exclusive", [])):
        inside = START + f'<{gateway}Gateway id="g"/>' + task("a") + flow("s", "g") + conditional
        assert elements(inside, "condition-ignored") == expected


# Events


@pytest.mark.parametrize(
    ("event", "is_wrong"),
    [
        ("<startEvent id='x'/>", False),
        ("<startEvent id='x'><errorEventDefinition/></startEvent>", True),
        ("<intermediateCatchEvent id='x'/>", True),
        ("<intermediateCatchEvent id='x'><errorEventDefinition/></intermediateCatchEvent>", True),
        ("<intermediateThrowEvent id='x'><timerEventDefinition/></intermediateThrowEvent>", True),
        ("<intermediateThrowEvent id='x'/>", False),
        ("<endEvent id='x'><terminateEventDefinition/></endEvent>", False),
        ("<endEvent id='x'><timerEventDefinition/></endEvent>", True),
        ("<boundaryEvent id='x' attachedToRef='a'/>", True),
        ("<subProcess id='u'><startEvent id='x'><messageEventDefinition/></startEvent></subProcess>", True),
        ("<subProcess id='u' triggeredByEvent='true'><startEvent id='x'/></subProcess>", True),
        (
            "<subProcess id='u' triggeredByEvent='true'><startEvent id='x'><errorEventDefinition/>"
            "</startEvent></subProcess>",
            False,
        ),
    ],
)
def test_kinds_of_events(event: str, is_wrong: bool) -> None:
    assert elements(task("a") + event, "event-kind") == (["x"] if is_wrong else [])


def test_boundary_events_sit_on_activities_of_their_scope() -> None:
    assert elements(f'<boundaryEvent id="b">{TIMER}</boundaryEvent>', "boundary-unattached") == ["b"]
    gone = f'<boundaryEvent id="b" attachedToRef="gone">{TIMER}</boundaryEvent>'
    assert elements(gone, "boundary-unattached") == ["b"]
    gateway = f'<exclusiveGateway id="g"/><boundaryEvent id="b" attachedToRef="g">{TIMER}</boundaryEvent>'
    assert elements(gateway, "boundary-host") == ["b"]
    outside = (
        f'<subProcess id="u">{task("a")}</subProcess>'
        f'<boundaryEvent id="b" attachedToRef="a">{TIMER}</boundaryEvent>'
    )
    (problem,) = found(in_process(outside), "boundary-host")
    assert problem.severity is Severity.ERROR


def test_errors_always_interrupt() -> None:
    inside = (
        task("a") + '<boundaryEvent id="b" attachedToRef="a" cancelActivity="false"><errorEventDefinition/>'
    )
    assert elements(inside + "</boundaryEvent>", "must-interrupt") == ["b"]


def test_only_transactions_are_cancelled() -> None:
    cancel = "<cancelEventDefinition/>"
    end, boundary = (
        f'<endEvent id="x">{cancel}</endEvent>',
        f'<boundaryEvent id="b" attachedToRef="u">{cancel}</boundaryEvent>',
    )
    right = f'<transaction id="u">{end}</transaction>' + boundary
    assert elements(right, "cancel-outside-transaction") == []
    wrong = right.replace("transaction", "subProcess")
    assert sorted(map(str, elements(wrong, "cancel-outside-transaction"))) == ["b", "x"]


def test_event_subprocesses_are_triggered_by_their_start() -> None:
    inside = START + '<subProcess id="u" triggeredByEvent="true"/>' + chain("s", "u")
    assert elements(inside, "event-subprocess-flow") == ["u"]
    assert elements(inside, "event-subprocess-start") == ["u"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("duration", "P1D"), ("duration", "PT1H30M"), ("duration", "P2W"), ("duration", "P1Y2M3DT4H5M6.5S"),
        ("duration", "=duration(x)"), ("duration", "${limit}"), ("duration", "#{limit}"),
        ("date", "2026-01-31"), ("date", "2026-01-31T12:00:00Z"),
        ("date", "2026-01-31T12:00+01:00[Europe/Berlin]"),
        ("cycle", "R3/PT10H"), ("cycle", "R/2026-01-31T00:00:00Z/P1D"), ("cycle", "0 0 9 * * MON-FRI"),
    ],
)  # fmt: skip
def test_times_that_can_be_read(kind: str, text: str) -> None:
    assert _is_time(kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("duration", "P"),
        ("duration", "PT"),
        ("duration", "1 day"),
        ("date", "tomorrow"),
        ("date", "31.01.2026"),
        ("cycle", "PT1H"),
        ("duration", "P" + "9" * 100_000),
    ],
)
def test_times_that_cannot_be_read(kind: str, text: str) -> None:
    assert not _is_time(kind, text)


def test_timers_say_when() -> None:
    def event(inside: str) -> str:
        return f'<startEvent id="s"><timerEventDefinition>{inside}</timerEventDefinition></startEvent>'

    assert elements(event(""), "timer-without-time") == ["s"]
    assert elements(event("<timeDuration>soon</timeDuration>"), "timer-not-iso") == ["s"]
    assert elements(event("<timeDuration>P1D</timeDuration>"), "timer-not-iso") == []


# Names


def test_observable_elements_have_names() -> None:
    inside = (
        f'<task id="t"/><startEvent id="s">{MESSAGE}</startEvent><endEvent id="e"/><exclusiveGateway id="g"/>'
    )
    assert elements(inside, "unnamed") == ["t", "s"]


def test_a_message_names_its_event() -> None:
    inside = '<startEvent id="s"><messageEventDefinition messageRef="M"/></startEvent>'
    assert found('<message id="M" name="Paid"/>' + in_process(inside), "unnamed") == []


def test_repeated_names_are_ambiguous() -> None:
    sub = '<subProcess id="u"><task id="c" name="Ship"/></subProcess>'
    inside = f'<task id="a" name="Ship "/><task id="b" name="Pay"/>{sub}<endEvent id="e" name="Ship"/>'
    (problem,) = found(in_process(inside), "ambiguous-name")
    assert (problem.element, problem.severity) == ("a", Severity.WARNING)
    assert "c (line 2)" in problem.message
    assert " e " not in problem.message


def test_the_same_name_in_two_processes_is_not_ambiguous() -> None:
    two = (
        '<process id="p"><task id="a" name="Ship"/></process><process id="q">'
        '<task id="b" name="Ship"/></process>'
    )
    assert found(two, "ambiguous-name") == []


# Pools


def pools(message_flow: str) -> str:
    return (
        '<collaboration id="c"><participant id="us" processRef="p"/><participant id="them" processRef="q"/>'
        f'<participant id="bank"/><messageFlow id="f" {message_flow}/></collaboration>'
        f'<process id="p"><sendTask id="send" name="S"/><startEvent id="none"/>'
        f'<exclusiveGateway id="g"/></process>'
        f'<process id="q"><startEvent id="receive" name="R">{MESSAGE}</startEvent></process>'
    )


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ('sourceRef="send" targetRef="receive"', None),
        ('sourceRef="send" targetRef="bank"', None),
        ('sourceRef="us" targetRef="them"', None),
        ('sourceRef="send" targetRef="none"', "message-flow-inside-pool"),
        ('sourceRef="send" targetRef="us"', "message-flow-inside-pool"),
        ('sourceRef="g" targetRef="receive"', "message-flow-end"),
        ('sourceRef="bank" targetRef="none"', "message-flow-end"),
        ('sourceRef="receive" targetRef="send"', "message-flow-end"),
        ('sourceRef="send" targetRef="q"', "message-flow-end"),
    ],
)
def test_message_flows(ends: str, code: str | None) -> None:
    problems = [problem for problem in validate(document(pools(ends))) if problem.element == "f"]
    assert code in {problem.code for problem in problems} or (code is None and not problems)


def test_processes_without_content_and_without_pool() -> None:
    inside = '<collaboration id="c"><participant id="us" processRef="p"/></collaboration><process id="p"/>'
    inside += f'<process id="q">{task("a")}</process>'
    assert [problem.element for problem in found(inside, "empty-process")] == ["p"]
    assert [problem.element for problem in found(inside, "process-without-pool")] == ["q"]


# Size


def test_big_models_take_time_in_proportion() -> None:
    count = 20_000
    ids = [f"t{n}" for n in range(count)]
    big = START + task(*ids) + END + chain("s", *ids, "e")
    big += "".join(
        link("Throw", f"l{n}", f"L{n}") + link("Catch", f"m{n}", f"L{n}") for n in range(count // 10)
    )
    read = document(in_process(big))
    began = time.monotonic()
    validate(read)
    assert time.monotonic() - began < 10

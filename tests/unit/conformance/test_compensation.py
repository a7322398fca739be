"""Compensation and transactions: what was completed is undone, and nothing else is."""

from __future__ import annotations

from itertools import pairwise

from monitor.bpmn.flow import Flow
from tests.support.flows import flow_of, sorts, tasks


def undoable(name: str, undo: str) -> str:
    return (
        f'<task id="{name}" name="{name}"/><task id="{undo}" name="{undo}" isForCompensation="true"/>'
        f'<boundaryEvent id="c{name}" attachedToRef="{name}"><compensateEventDefinition/></boundaryEvent>'
        f'<association id="a{name}" sourceRef="c{name}" targetRef="{undo}"/>'
    )


def throw(id_: str, reference: str = "", kind: str = "intermediateThrowEvent", wait: bool = True) -> str:
    said = f' activityRef="{reference}"' if reference else ""
    waits = "" if wait else ' waitForCompletion="false"'
    return f'<{kind} id="{id_}"><compensateEventDefinition{said}{waits}/></{kind}>'


def flow(*names: str) -> str:
    return "".join(
        f'<sequenceFlow id="{one}.{two}" sourceRef="{one}" targetRef="{two}"/>'
        for one, two in pairwise(names)
    )


BEGIN = '<startEvent id="s"/> <endEvent id="e"/>'


def line(thrown: str) -> Flow:
    """A and B can be undone by a and b; C cannot."""
    return flow_of(f"""
    {BEGIN} {undoable("A", "a")} {undoable("B", "b")} {tasks("C", "Z")} <exclusiveGateway id="x"/>
    <exclusiveGateway id="y"/> {thrown}
    s -> A -> x -> B -> C -> y -> t -> Z -> e
    x -> y
    """)


def test_what_was_completed_is_undone_in_any_order() -> None:
    sorts(line(throw("t")), "ABCabZ, ABCbaZ, AaZ", ", A, ABCa, ABC", "ABCZ, ABCaZ, ABCaa, AbZ, AZ, AaaZ, a")


def test_one_that_is_named() -> None:
    sorts(line(throw("t", "A")), "ABCaZ, AaZ", "ABC, A, ABCa", "ABCbZ, ABCZ, ABCabZ")
    sorts(line(throw("t", "B")), "ABCbZ, AZ", "ABC, ABCb, A", "Ab, ABCaZ, ABCZ, AaZ")


def test_going_on_without_waiting() -> None:
    model = line(throw("t", wait=False))
    sorts(model, "ABCabZ, ABCZab, ABCaZb, AZa", "ABCZ, ABCaZ, AZ", "AZb, ABCaaZ, AZaa")


def test_what_is_completed_after_the_throw_is_not_undone() -> None:
    model = flow_of(f"""
    {BEGIN} {undoable("A", "a")} {tasks("Z")} {throw("t", wait=False)}
    s -> t -> A -> Z -> e
    """)
    sorts(model, "AZ", ", A", "Aa, a")


def test_an_end_event_that_compensates() -> None:
    model = flow_of(f"""
    <startEvent id="s"/> {undoable("A", "a")} {throw("t", kind="endEvent")}
    s -> A -> t
    """)
    sorts(model, "Aa", ", A", "a, Aaa, AA")


def test_each_time_it_was_completed() -> None:
    model = flow_of(f"""
    {BEGIN} {undoable("A", "a")} {tasks("Z")} {throw("t")}
    <exclusiveGateway id="m"/> <exclusiveGateway id="x"/>
    s -> m -> A -> x -> t -> Z -> e
    x -> m
    """)
    sorts(model, "AaZ, AAaaZ, AAAaaaZ", "A, AA, AAa", "AZ, AAaZ, AaaZ, AaA")


def test_each_repetition_of_a_loop() -> None:
    body = undoable("A", "a").replace(
        'name="A"/>', 'name="A"><standardLoopCharacteristics loopMaximum="3"/></task>'
    )
    model = flow_of(f"{BEGIN} {body} {tasks('Z')} {throw('t')}\ns -> A -> t -> Z -> e")
    sorts(model, "AaZ, AAaaZ, AAAaaaZ", "AAa", "AZ, AAaZ, AAAA, AaaZ")


def test_what_was_undone_once_is_not_undone_again() -> None:
    model = flow_of(f"""
    {BEGIN} {undoable("A", "a")} {tasks("Y", "Z")} {throw("t")} {throw("u")}
    s -> A -> t -> Y -> u -> Z -> e
    """)
    sorts(model, "AaYZ", "AaY, Aa", "AaYaZ, AYaZ, AYZ")


SUB = f'<subProcess id="S">{undoable("A", "a")}{tasks("B")}{flow("A", "B")}{{}}</subProcess>'


def test_a_completed_subprocess_is_undone_by_what_was_done_inside() -> None:
    model = flow_of(f"""
    {BEGIN} {SUB.format("")} {tasks("Z", "T")} {throw("t")} {throw("u")} <endEvent id="f"/>
    <boundaryEvent id="m" name="M" attachedToRef="S"><messageEventDefinition/></boundaryEvent>
    s -> S -> t -> Z -> e
    m -> u -> T -> f
    """)
    sorts(model, "ABaZ, MT, AMT", "AB, ABa, AM", "ABZ, AMa, AMaT, ABaaZ")


def test_a_subprocess_with_a_handler_is_undone_as_a_whole() -> None:
    handled = (
        SUB.format("") + '<task id="h" name="h" isForCompensation="true"/>'
        '<boundaryEvent id="cS" attachedToRef="S"><compensateEventDefinition/></boundaryEvent>'
        '<association id="aS" sourceRef="h" targetRef="cS"/>'
    )
    model = flow_of(f"{BEGIN} {handled} {tasks('Z')} {throw('t')}\ns -> S -> t -> Z -> e")
    sorts(model, "ABhZ", "AB, ABh", "ABZ, ABaZ, ABhaZ, Ah")


def test_a_subprocess_that_compensates_itself() -> None:
    handler = (
        '<subProcess id="es" triggeredByEvent="true">'
        '<startEvent id="i"><compensateEventDefinition/></startEvent>'
        f"{tasks('h')}{throw('v')}{tasks('k')}{flow('i', 'h', 'v', 'k')}</subProcess>"
    )
    model = flow_of(f"{BEGIN} {SUB.format(handler)} {tasks('Z')} {throw('t')}\ns -> S -> t -> Z -> e")
    sorts(model, "ABhakZ", "AB, ABh, ABha", "ABZ, ABaZ, ABhkZ, ABhaZ, ABhaakZ, Ah")


def test_an_event_subprocess_compensates_the_scope_around_it() -> None:
    handler = (
        '<subProcess id="es" triggeredByEvent="true">'
        '<startEvent id="i" name="M"><messageEventDefinition/></startEvent>'
        f"{throw('t')}{tasks('k')}{flow('i', 't', 'k')}</subProcess>"
    )
    model = flow_of(f"""
    {BEGIN} {undoable("A", "a")} {undoable("B", "b")} {handler}
    s -> A -> B -> e
    """)
    sorts(model, "AB, AMak, Mk", ", A, AM, AMa, M", "AMk, AMbk, AMB, MA, ABa")


def test_a_handler_of_several_steps() -> None:
    handler = (
        f'<subProcess id="h" isForCompensation="true">{tasks("x", "y")}{flow("x", "y")}</subProcess>'
        '<boundaryEvent id="cA" attachedToRef="A"><compensateEventDefinition/></boundaryEvent>'
        '<association id="aA" sourceRef="cA" targetRef="h"/>'
    )
    model = flow_of(f"{BEGIN} {tasks('A', 'Z')} {handler} {throw('t')}\ns -> A -> t -> Z -> e")
    sorts(model, "AxyZ", "A, Ax, Axy", "AZ, AyZ, AxZ, AyxZ")


TRANSACTION = f"""
{BEGIN} {tasks("Z", "K")} <endEvent id="f"/>
<transaction id="T">{undoable("A", "a")}{undoable("B", "b")}{tasks("C")}
<startEvent id="i"/><exclusiveGateway id="x"/><endEvent id="o"/>
<endEvent id="c"><cancelEventDefinition/></endEvent><parallelGateway id="p"/>
{flow("i", "p", "A", "x", "o")}{flow("x", "c")}{flow("p", "B", "C")}</transaction>
<boundaryEvent id="k" attachedToRef="T"><cancelEventDefinition/></boundaryEvent>
s -> T -> Z -> e
k -> K -> f
"""


def test_a_transaction_that_is_cancelled_undoes_all() -> None:
    model = flow_of(TRANSACTION)
    sorts(
        model,
        "ABCZ, BCAZ, AaK, BAabK, ABbaK, BCAbaK",
        ", A, B, AB, Aa, BAa",
        "Z, K, AK, ABaK, BCaK, AaBK, BAabZ, AaZ, BaK",
    )


def test_a_handler_that_shows_nothing() -> None:
    silent = (
        f'<task id="A" name="A"/><subProcess id="H" isForCompensation="true"><startEvent id="h1"/>'
        f'<endEvent id="h2"/>{flow("h1", "h2")}</subProcess>'
        '<boundaryEvent id="cA" attachedToRef="A"><compensateEventDefinition/></boundaryEvent>'
        '<association id="aA" sourceRef="cA" targetRef="H"/>'
    )
    model = flow_of(f"""
    {BEGIN} {tasks("Z", "K")} <endEvent id="f"/>
    <transaction id="T">{silent}<startEvent id="i"/><exclusiveGateway id="x"/>{tasks("B")}
    <endEvent id="c"><cancelEventDefinition/></endEvent>
    {flow("i", "A", "x", "B")}{flow("x", "c")}</transaction>
    <boundaryEvent id="k" attachedToRef="T"><cancelEventDefinition/></boundaryEvent>
    s -> T -> Z -> e
    k -> K -> f
    """)
    sorts(model, "ABZ, AK", ", A, AB", "K, AZ, ABK")


def test_nothing_begins_in_a_cancelled_transaction() -> None:
    handler = (
        '<subProcess id="es" triggeredByEvent="true"><startEvent id="m" name="M" isInterrupting="false">'
        f"<messageEventDefinition/></startEvent>{tasks('H')}{flow('m', 'H')}</subProcess>"
    )
    model = flow_of(TRANSACTION.replace('<startEvent id="i"/>', handler + '<startEvent id="i"/>'))
    sorts(model, "AaK, MHABabK, AMaK", "AM, Aa", "AaMK, ABaMbK")


def test_a_subprocess_may_complete_after_a_throw_beside_it() -> None:
    """Its last event has come, but whether it was complete when the throw looked nobody saw."""
    model = flow_of(f"""
    <startEvent id="s"/> <parallelGateway id="p"/> {tasks("A")} {throw("t", kind="endEvent")}
    <subProcess id="X">{tasks("C")}</subProcess> <task id="h" name="h" isForCompensation="true"/>
    <boundaryEvent id="b" attachedToRef="X"><compensateEventDefinition/></boundaryEvent>
    <association id="as" sourceRef="b" targetRef="h"/>
    s -> p -> X
    p -> A -> t
    """)
    sorts(model, "CA, CAh, AC, ACh", ", C, A", "h, Ah, CAhh")

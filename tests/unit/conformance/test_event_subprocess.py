"""Event subprocesses: begun at any time while their scope is open, beside it or instead of it."""

from __future__ import annotations

import pytest

from monitor.bpmn.flow import Flow
from tests.support.flows import flow_of, judged, sorts, tasks


def event(trigger: str, *, interrupting: bool = True, name: str = "") -> str:
    """An event subprocess that, once begun by ``trigger``, does H."""
    flag = str(interrupting).lower()
    return (
        '<subProcess id="es" triggeredByEvent="true">'
        f'<startEvent id="t" name="{name}" isInterrupting="{flag}"><{trigger}EventDefinition/></startEvent>'
        '<task id="H" name="H"/><endEvent id="he"/>'
        '<sequenceFlow id="h1" sourceRef="t" targetRef="H"/>'
        '<sequenceFlow id="h2" sourceRef="H" targetRef="he"/>'
        "</subProcess>"
    )


def in_process(inner: str) -> Flow:
    return flow_of(f"""
    <startEvent id="s"/> {tasks("A", "B")} <endEvent id="e"/> {inner}
    s -> A -> B -> e
    """)


def in_subprocess(inner: str, last: str = '<endEvent id="ie"/>') -> Flow:
    return flow_of(f"""
    <startEvent id="s"/> {tasks("A", "Z")} <endEvent id="e"/>
    <subProcess id="sub"><startEvent id="is"/><task id="B" name="B"/><task id="C" name="C"/>{last}{inner}
    <sequenceFlow id="i1" sourceRef="is" targetRef="B"/><sequenceFlow id="i2" sourceRef="B" targetRef="C"/>
    <sequenceFlow id="i3" sourceRef="C" targetRef="ie"/></subProcess>
    s -> A -> sub -> Z -> e
    """)


def verdict(flow: Flow, labels: str) -> tuple[bool, bool]:
    said = judged(flow, ["Stop" if label == "!" else label for label in labels]).verdict
    return said.conforms, said.complete


FITS, OPEN = (True, True), (True, False)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("AB", FITS),
        ("A!H", FITS),
        ("A!", OPEN),
        ("!H", (False, False)),
        ("A!BH", (False, True)),
        ("A!!H", (False, True)),
        ("AB!H", FITS),  # it came before the end did
    ],
)
def test_interrupting(labels: str, expected: tuple[bool, bool]) -> None:
    flow = in_process(event("message", name="Stop"))
    if labels == "!H":
        expected = FITS  # the process has begun: its start event says nothing
    assert verdict(flow, labels) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("AB", FITS), ("A!BH", FITS), ("A!!BHH", FITS), ("A!B", OPEN), ("A!HB", FITS), ("AHB", (False, True))],
)
def test_beside(labels: str, expected: tuple[bool, bool]) -> None:
    assert verdict(in_process(event("message", interrupting=False, name="Stop")), labels) == expected


@pytest.mark.parametrize(
    ("interrupting", "labels", "expected"),
    [
        (True, "AH", FITS),
        (True, "AHB", (False, True)),
        (False, "AHB", FITS),
        (False, "AHHB", (False, True)),
    ],
)
def test_a_timer_fires_unseen_and_once(interrupting: bool, labels: str, expected: tuple[bool, bool]) -> None:
    assert verdict(in_process(event("timer", interrupting=interrupting)), labels) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("AB!HZ", FITS),
        ("A!HZ", FITS),
        ("AB!CHZ", (False, True)),
        ("ABCZ", FITS),
        ("ABCZ!H", (False, True)),
        ("!ABCZ", (False, True)),
    ],
)
def test_only_its_own_scope_is_ended(labels: str, expected: tuple[bool, bool]) -> None:
    assert verdict(in_subprocess(event("message", name="Stop")), labels) == expected


THROWS = '<endEvent id="ie"><{}EventDefinition/></endEvent>'


def test_an_error_thrown_beside_it_is_caught() -> None:
    flow = in_subprocess(event("error"), THROWS.format("error"))
    assert verdict(flow, "ABCHZ") == FITS
    assert verdict(flow, "ABCZ") == (False, True)
    assert not verdict(flow, "ABHZ")[0]


def test_an_escalation_goes_on_beside_what_handles_it() -> None:
    flow = in_subprocess(event("escalation", interrupting=False), THROWS.format("escalation"))
    assert verdict(flow, "ABCHZ") == FITS
    assert verdict(flow, "ABCZ") == (False, True)


def test_an_error_from_further_inside() -> None:
    flow = flow_of(f"""
    <startEvent id="s"/> {tasks("A", "Z")} <endEvent id="e"/>
    <subProcess id="sub"><task id="B" name="B"/>{THROWS.format("error")}
    <sequenceFlow id="i1" sourceRef="B" targetRef="ie"/></subProcess>
    {event("error")}
    s -> A -> sub -> Z -> e
    """)
    assert verdict(flow, "ABH") == FITS
    assert not verdict(flow, "ABZ")[0]
    assert not verdict(flow, "AHZ")[0]


def test_a_boundary_event_inside_an_event_subprocess_catches_nothing_of_its_scope() -> None:
    flow = flow_of(
        """
        <startEvent id="s"/> <task id="K" name="K"/> <task id="Z" name="Z"/>
        <subProcess id="S"><task id="D" name="D"/>
        <endEvent id="n"><errorEventDefinition errorRef="e2"/></endEvent>
        <sequenceFlow id="f1" sourceRef="D" targetRef="n"/>
        <subProcess id="es" triggeredByEvent="true">
        <startEvent id="m" name="M"><messageEventDefinition/></startEvent>
        <subProcess id="u"><task id="H" name="H"/>
        <endEvent id="o"><errorEventDefinition errorRef="e2"/></endEvent>
        <sequenceFlow id="f2" sourceRef="H" targetRef="o"/></subProcess>
        <boundaryEvent id="b2" attachedToRef="u"><errorEventDefinition errorRef="e2"/></boundaryEvent>
        <task id="C" name="C"/><sequenceFlow id="f3" sourceRef="m" targetRef="u"/>
        <sequenceFlow id="f4" sourceRef="b2" targetRef="C"/></subProcess></subProcess>
        <boundaryEvent id="b9" attachedToRef="S"><errorEventDefinition errorRef="e2"/></boundaryEvent>
        s -> S -> Z
        b9 -> K
        """,
        definitions='<error id="e2" errorCode="e2"/>',
    )
    sorts(flow, "MHCZ, DK, DMHCZ", ", M, MH, D", "K, Z, MK, DZ, MHZ")


def test_nothing_begins_in_a_process_that_an_error_ended() -> None:
    ended = flow_of(
        """
        <startEvent id="s"/> <subProcess id="S"><task id="D" name="D"/>
        <endEvent id="n"><errorEventDefinition errorRef="e1"/></endEvent>
        <sequenceFlow id="f1" sourceRef="D" targetRef="n"/></subProcess>
        """
        + event("timer", interrupting=False)
        + "\ns -> S",
        definitions='<error id="e1" errorCode="e1"/>',
    )
    sorts(ended, "D, HD, DH", ", H", "HDH, DHH, HH")


def test_what_an_event_subprocess_throws_does_not_begin_it() -> None:
    flow = flow_of(
        """
        <startEvent id="s"/> <task id="A" name="A"/>
        <subProcess id="es" triggeredByEvent="true"><startEvent id="t" isInterrupting="false">
        <escalationEventDefinition escalationRef="x"/></startEvent><task id="H" name="H"/>
        <endEvent id="n"><escalationEventDefinition escalationRef="x"/></endEvent>
        <sequenceFlow id="h1" sourceRef="t" targetRef="H"/><sequenceFlow id="h2" sourceRef="H" targetRef="n"/>
        </subProcess>
        s -> A
        """,
        definitions='<escalation id="x" escalationCode="x"/>',
    )
    sorts(flow, "A, AH, HA", ", H", "HH, AHH")

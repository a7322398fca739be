"""Small models on which the checker and the reference once disagreed, and what both must say of them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pytest

from monitor.bpmn.read import read
from tests.support.flows import bpmn, flow_of, sorts
from tests.support.naive import Reference
from tests.support.sketch import DEFINITIONS, message, thrown


class Case(NamedTuple):
    """A model, and words it allows as whole runs, allows as beginnings, and does not allow."""

    model: str
    fits: str
    open: str
    deviating: str


def task(*labels: str, **said: str) -> str:
    more = "".join(f' {name}="{value}"' for name, value in said.items())
    return "".join(f'<task id="t{label}" name="{label}"{more}/>' for label in labels)


def line(*ids: str) -> str:
    """Sequence flows inside a subprocess."""
    return "".join(f'<sequenceFlow id="{a}.{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairwise(ids))


def undone(activity: str, handler: str) -> str:
    """``activity`` is compensated by ``handler``."""
    return (
        f'<boundaryEvent id="c{activity}" attachedToRef="{activity}"><compensateEventDefinition/>'
        f'</boundaryEvent><association id="a{activity}" sourceRef="c{activity}" targetRef="{handler}"/>'
    )


def boundary(id_: str, activity: str, trigger: str) -> str:
    return f'<boundaryEvent id="{id_}" attachedToRef="{activity}">{trigger}</boundaryEvent>'


def handling(trigger: str, content: str, interrupting: str = "true") -> str:
    """An event subprocess; its start event is ``h``."""
    start = f'<startEvent id="h" isInterrupting="{interrupting}">{trigger}</startEvent>'
    return f'<subProcess id="handling" triggeredByEvent="true">{start}{content}</subProcess>'


START, CANCEL = '<startEvent id="s"/>', "<cancelEventDefinition/>"
UNDO = "<compensateEventDefinition{}/>"
UNDOABLE = task("A") + task("a", isForCompensation="true") + undone("tA", "ta")

CASES = {
    "a throw that does not wait undoes nothing that comes later": Case(
        f"""{START} {UNDOABLE}
        <intermediateThrowEvent id="t">{UNDO.format(' waitForCompletion="false"')}</intermediateThrowEvent>
        s -> t -> tA""",
        "A",
        "",
        "AA, Aa",
    ),
    "a transaction whose handlers show nothing": Case(
        f"""{START} <transaction id="T">{task("A")}
        <subProcess id="H" isForCompensation="true"><startEvent id="i"/></subProcess>{undone("tA", "H")}
        <endEvent id="k">{CANCEL}</endEvent>{line("tA", "k")}</transaction>
        {boundary("b", "T", CANCEL)} {task("C")}
        s -> T
        b -> tC""",
        "AC",
        "A",
        "C, AA",
    ),
    "a parallel gateway that begins the process, with an event of several definitions": Case(
        f"""<eventBasedGateway id="g" instantiate="true" eventGatewayType="Parallel"/> {task("D", "E")}
        <intermediateCatchEvent id="x">{message("A")}{message("C")}</intermediateCatchEvent>
        <intermediateCatchEvent id="y">{message("C")}</intermediateCatchEvent>
        g -> x -> tD
        g -> y -> tE""",
        "ACDE, CCDE, CADE, ADCE",
        "A, C, AC, CC",
        "ACC, CCC, E, AA",
    ),
    "a cancelled transaction begins nothing": Case(
        f"""{START} <transaction id="T">{UNDOABLE}<endEvent id="k">{CANCEL}</endEvent>{line("tA", "k")}
        {handling(message("B"), task("H") + line("h", "tH"))}</transaction>
        {boundary("b", "T", CANCEL)} {task("K", "Z")}
        s -> T -> tZ
        b -> tK""",
        "AaK, ABHZ, BHZ",
        "A, Aa, AB",
        "AaB, AaZ, ABHK",
    ),
    "errors of one code on two levels, the inner one in an event subprocess": Case(
        f"""{START} <subProcess id="S"><startEvent id="i"/>{task("D")}<endEvent id="o">{thrown("error", "2")}
        </endEvent>{line("i", "tD", "o")}
        {
            handling(
                message("A"),
                f'''<subProcess id="u">{task("H")}<endEvent id="p">{thrown("error", "2")}
        </endEvent>{line("tH", "p")}</subProcess>{boundary("q", "u", thrown("error", "2"))}{task("C")}
        {line("h", "u")}{line("q", "tC")}''',
            )
        }</subProcess>
        {boundary("r", "S", thrown("error", "2"))} {task("K", "Z")}
        s -> S -> tZ
        r -> tK""",
        "AHCZ, DK, DAHCZ",
        "A, AH, D",
        "K, AHZ, DZ",
    ),
    "a subprocess that has not ended yet is not undone": Case(
        f"""{START} <parallelGateway id="p"/> {task("B")} <endEvent id="t">{UNDO.format("")}</endEvent>
        <subProcess id="X">{task("C")}<endEvent id="o"/>{line("tC", "o")}</subProcess>
        {task("h", isForCompensation="true")} {undone("X", "th")}
        s -> p -> X
        p -> tB -> t""",
        "CB, CBh, BC, BCh",
        "B, C",
        "Bh, Ch, CBhh",
    ),
    "what was completed in an event subprocess is undone": Case(
        f"""{START} {task("Z")} <endEvent id="t">{UNDO.format("")}</endEvent>
        {handling(message("B"), UNDOABLE + line("h", "tA"), "false")}
        s -> tZ -> t""",
        "Z, BAZ, BAZa, BZA",
        "B, BA, BZ",
        "A, BAa, BAZaa",
    ),
    "a process that an error ended begins nothing": Case(
        f"""{START} <subProcess id="S"><startEvent id="i"/>{task("D")}<endEvent id="o">{thrown("error", "1")}
        </endEvent>{line("i", "tD", "o")}</subProcess>
        {handling(thrown("escalation", "2"), task("H") + line("h", "tH"), "false")}
        s -> S""",
        "D, HD, DH",
        "H",
        "HDH, HH",
    ),
    "a subprocess that is due in a sequential ad-hoc one has not begun": Case(
        f"""{START} <adHocSubProcess id="x" ordering="Sequential" cancelRemainingInstances="false">{task("B")}
        <subProcess id="U">{task("C", "D")}{line("tC", "tD")}</subProcess>{line("tB", "U")}</adHocSubProcess>
        s -> x""",
        "BCD, BBCDCD, BCDBCD",
        "B, BB, BC, BBC, BBCDC",
        "BCB, BBCC, BBCB, C",
    ),
    "a complex join in a loop begins anew": Case(
        f"""{START} <exclusiveGateway id="m"/> <inclusiveGateway id="g"/> <complexGateway id="j"/>
        <exclusiveGateway id="x"/> <endEvent id="e"/> {task(*"ABCD")}
        s -> m -> tC -> g -> tA -> j -> x -> tB -> m
        g -> tD -> j
        x -> e""",
        "CA, CD, CABCD, CAD, CABDCA",
        "CABCDB, CAB, CABCDBC",
        "A, CABA, CADD",
    ),
    "all of several events in an event subprocess": Case(
        f"""{START} {task("Z")}
        {
            handling(
                message("A"),
                f'''<intermediateCatchEvent id="x" parallelMultiple="true">{message("B")}
        {message("C")}</intermediateCatchEvent>{line("h", "x")}''',
                "false",
            )
        }
        s -> tZ""",
        "Z, ABCZ, ACZB",
        "A, AB, ABZ",
        "B, ABB",
    ),
    "a token that goes away lets an inclusive join fire": Case(
        f"""{START} <parallelGateway id="p"/> {task(*"ABCD")}
        <inclusiveGateway id="g"/> <inclusiveGateway id="j"/>
        s -> p -> g -> j -> tC
        p -> tD
        g -> tA -> j
        g -> tB -> j""",
        "CD, DC, ACD, DABC, ADBC",
        "C, A, D, AB, AD",
        "CC, CA, ACB",
    ),
    "two choices before an inclusive join": Case(
        f"""<exclusiveGateway id="x"/> <exclusiveGateway id="y"/> <inclusiveGateway id="j"/> {task(*"ABC")}
        x -> tA
        x -> j -> tC
        y -> tB
        y -> j""",
        "CB, BC, CA, AC, C, AB",
        "A, B",
        "CC, ABC",
    ),
    "an event subprocess is not begun by what it throws itself": Case(
        f"""{START} {task("A")}
        {
            handling(
                thrown("escalation", "1"),
                task("H") + f'<endEvent id="o">{thrown("escalation", "1")}</endEvent>' + line("h", "tH", "o"),
                "false",
            )
        }
        s -> tA""",
        "A, AH, HA",
        "H",
        "HH, AHH",
    ),
    "of any number at once, enough are done when one has ended": Case(
        f"""{START} <subProcess id="X">{task("B", "C")}{line("tB", "tC")}<multiInstanceLoopCharacteristics>
        <completionCondition>enough</completionCondition></multiInstanceLoopCharacteristics></subProcess>
        {task("Z")}
        s -> X -> tZ""",
        "Z, BCZ, BBCZ, BBCCZ",
        "B, BB, BC, BBC",
        "BZ, BBZ, BCZC, C",
    ),
    "events of several definitions do not join what comes to them": Case(
        f"""{START} <exclusiveGateway id="x"/> <intermediateThrowEvent id="t">{message("A")}{message("B")}
        </intermediateThrowEvent> {task("C")}
        s -> x -> t
        x -> tC -> t""",
        "AB, CAB, BA, CBA",
        "C, A, CA",
        "AC, ABC, CC",
    ),
    "all of several events, for each token": Case(
        f"""{START} <intermediateCatchEvent id="x" parallelMultiple="true">{message("A")}{message("B")}
        </intermediateCatchEvent> {task("Y", "Z")}
        s -> x -> tZ
        s -> tY -> x""",
        "YABZABZ, ABZYABZ, YAABBZZ",
        "A, AB, ABY, YAB",
        "AA, ABB, YAAA",
    ),
    "a subprocess in a sequential ad-hoc one ends although it could be interrupted": Case(
        f"""{START} <adHocSubProcess id="x" ordering="Sequential" cancelRemainingInstances="false">
        {task("A")}<subProcess id="U">{task("B")}
        {handling(message("C"), task("D") + line("h", "tD"))}</subProcess></adHocSubProcess>
        s -> x""",
        "ABA, BA, BB, CD, CDA",
        "C, AC",
        "CA, D, CC",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_once_told_differently(case: Case) -> None:
    sorts(flow_of(case.model, definitions=DEFINITIONS), case.fits, case.open, case.deviating)
    longest = max(len(labels.strip()) for words in (case.fits, case.deviating) for labels in words.split(","))
    reference = Reference(read(bpmn(case.model, DEFINITIONS), "found.bpmn"), longest)
    for words, told in ((case.fits, True), (case.open, False)):
        for labels in words.split(","):
            assert reference.verdict(labels.strip()) == (None, told), labels
    for labels in case.deviating.split(","):
        assert reference.verdict(labels.strip())[0] is not None, labels

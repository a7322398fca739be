"""What lint says of SLAs that cannot do what they say, and does not say of those that can."""

from __future__ import annotations

import pytest

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.flow import Sla
from monitor.bpmn.read import read
from monitor.domain.duration import Span
from monitor.domain.limit import Limit
from monitor.soundness import promises
from tests.support.flows import bpmn, tasks

ENDS = '<startEvent id="s"/>\n<endEvent id="e"/>\n'
LINE = ENDS + tasks("A", "B", "C") + "\ns -> A -> B -> C -> e"
CHOICE = (
    ENDS
    + tasks("A", "B", "C")
    + '\n<exclusiveGateway id="x"/><exclusiveGateway id="m"/>\ns -> A -> x -> B -> m -> e\nx -> C -> m'
)
LOOP = (
    ENDS
    + tasks("A", "B")
    + '\n<exclusiveGateway id="m"/><exclusiveGateway id="x"/>\ns -> m -> A -> B -> x -> e\nx -> m'
)
TRAP = ENDS + tasks("A", "B") + '\n<exclusiveGateway id="m"/>\ns -> A -> m -> B -> m'
FOREVER = (
    ENDS + '<subProcess id="sub"><startEvent id="i"/><exclusiveGateway id="m"/><task id="B" name="B"/>'
    '<sequenceFlow id="q1" sourceRef="i" targetRef="m"/><sequenceFlow id="q2" sourceRef="m" targetRef="B"/>'
    '<sequenceFlow id="q3" sourceRef="B" targetRef="m"/></subProcess>\n' + tasks("A") + "\ns -> A -> sub -> e"
)
WAITING = (
    ENDS
    + tasks("A", "B")
    + '\n<intermediateCatchEvent id="t" name="A day"><timerEventDefinition><timeDuration>P1D</timeDuration>'
    "</timerEventDefinition></intermediateCatchEvent>\ns -> A -> t -> B -> e"
)


def within(text: str) -> Limit:
    return Limit(span=Span.parse(text))


def said(model: str, *slas: Sla) -> list[str]:
    document = read(bpmn(model), "test.bpmn")
    flow, problems = compile_flow(document, Options(slas=slas))
    assert flow is not None, problems
    return [
        problem.code
        for problem in (*problems, *promises(flow, [document]))
        if problem.code.startswith("sla-")
    ]


def between(
    start: str | None, end: str | None, limit: str = "PT1H", name: str = "one", **rest: object
) -> Sla:
    return Sla(name, within(limit), start=start, end=end, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "sla", "codes"),
    [
        (LINE, between("A", "C"), []),
        (LINE, between("C", "A"), ["sla-never-starts"]),
        (LOOP, between("B", "A"), []),
        (CHOICE, between("B", "C"), ["sla-never-starts"]),
        (LINE, between(None, None), []),
        (LINE, between(None, "B"), []),
        (LINE, Sla("on", within("PT1H"), on=("B",)), []),
        (CHOICE, Sla("on", within("PT1H"), on=("B",)), ["sla-unsure"]),
        (LOOP, Sla("on", within("PT1H"), on=("A",)), []),
        (TRAP, Sla("on", within("PT1H"), on=("B",)), []),
        (FOREVER, Sla("on", within("PT1H"), on=("sub",)), ["sla-never-ends"]),
        (LINE, Sla("idle", within("PT1H"), idle=True), []),
        (LINE, between("A", "C", pause=frozenset("B"), resume=frozenset("A")), ["sla-never-resumes"]),
        (LOOP, between(None, None, pause=frozenset("B"), resume=frozenset("A")), []),
        (WAITING, between("A", "B"), ["sla-contradiction"]),
        (WAITING, between("A", "B", "P2D"), []),
        (WAITING, between(None, None), []),
    ],
)
def test_one_sla(model: str, sla: Sla, codes: list[str]) -> None:
    assert said(model, sla) == codes


@pytest.mark.parametrize(
    ("first", "second", "codes"),
    [
        (between("A", "B"), between("A", "B", "PT2H", "two"), ["sla-outdone"]),
        (between("A", "B"), between("A", "B", "PT2H", "two", severity="critical"), []),
        (between("A", "B", severity="critical"), between("A", "B", "PT2H", "two"), ["sla-outdone"]),
        (between("A", "B"), between("A", "C", "PT2H", "two"), []),
        (
            between("A", "B"),
            between("A", "B", "PT2H", "two", pause=frozenset("C"), resume=frozenset("B")),
            [],
        ),
    ],
)
def test_two_slas(first: Sla, second: Sla, codes: list[str]) -> None:
    assert [code for code in said(LINE, first, second) if code == "sla-outdone"] == codes

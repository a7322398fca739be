"""Events with several definitions, gateways that begin a process, signals of the flow's own."""

from __future__ import annotations

import pytest

from monitor.bpmn.compile import Options
from tests.support.flows import flow_of, sorts, tasks

DEFINITIONS = '<message id="m1" name="M"/><message id="m2" name="N"/><signal id="g1" name="G"/>'
MESSAGE = '<messageEventDefinition messageRef="m1"/>'
OTHER = '<messageEventDefinition messageRef="m2"/>'
SIGNAL = '<signalEventDefinition signalRef="g1"/>'
TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
BEGIN = '<startEvent id="s"/> <endEvent id="e"/>'


def catch(*definitions: str, id: str = "x", attributes: str = "") -> str:
    return f'<intermediateCatchEvent id="{id}" {attributes}>{"".join(definitions)}</intermediateCatchEvent>'


def test_any_of_several() -> None:
    flow = flow_of(
        f"{BEGIN} {catch(MESSAGE, SIGNAL)} {tasks('A')}\ns -> x -> A -> e", definitions=DEFINITIONS
    )
    sorts(flow, "MA, GA", ", M, G", "A, MG, MGA")


def test_a_message_or_a_timer() -> None:
    flow = flow_of(f"{BEGIN} {catch(MESSAGE, TIMER)} {tasks('A')}\ns -> x -> A -> e", definitions=DEFINITIONS)
    sorts(flow, "MA, A", ", M", "MM, AM")


def test_several_at_the_target_of_an_event_based_gateway() -> None:
    flow = flow_of(
        f"""{BEGIN} <eventBasedGateway id="g"/> {catch(MESSAGE, SIGNAL)} {catch(OTHER, id="y")} {tasks("A")}
        s -> g -> x -> A -> e
        g -> y -> e""",
        definitions=DEFINITIONS,
    )
    sorts(flow, "MA, GA, N", ", M, G", "A, MN, NA, NM")


def test_several_bound_to_one_event() -> None:
    flow = flow_of(
        f"{BEGIN} {catch(MESSAGE, SIGNAL)} {tasks('A')}\ns -> x -> A -> e",
        Options(bind={"X": "x"}),
        definitions=DEFINITIONS,
    )
    sorts(flow, "XA", ", X", "A, M, XX")


def test_all_of_several() -> None:
    both = catch(MESSAGE, SIGNAL, attributes='parallelMultiple="true"')
    flow = flow_of(f"{BEGIN} {both} {tasks('A')}\ns -> x -> A -> e", definitions=DEFINITIONS)
    sorts(flow, "MGA, GMA", ", M, G, MG", "A, MA, GA, MM")


def test_begun_by_any_or_by_all() -> None:
    start = '<startEvent id="s" {}>' + MESSAGE + SIGNAL + "</startEvent>"
    model = f'{{}} {tasks("A")} <endEvent id="e"/>\ns -> A -> e'
    sorts(flow_of(model.format(start.format("")), definitions=DEFINITIONS), "MA, GA", ", M, G", "A, MG")
    both = start.format('parallelMultiple="true"')
    sorts(flow_of(model.format(both), definitions=DEFINITIONS), "MGA, GMA", ", M, G, MG", "A, MA")


@pytest.mark.parametrize("interrupting", [True, False])
def test_any_of_several_at_a_boundary(interrupting: bool) -> None:
    flag = str(interrupting).lower()
    boundary = (
        f'<boundaryEvent id="b" attachedToRef="A" cancelActivity="{flag}">{MESSAGE}{OTHER}</boundaryEvent>'
    )
    flow = flow_of(
        f"""{BEGIN} {tasks(*"AB")} <endEvent id="f"/> {boundary}
        s -> A -> e
        b -> B -> f""",
        definitions=DEFINITIONS,
    )
    if interrupting:
        sorts(flow, "A, MB, NB", "M, N", "B, MA, MNB, AM")
    else:
        sorts(flow, "A, MBA, NAB, MNBBA", "M, MN, MA", "B, AM")


def test_throwing_several() -> None:
    throw = f'<intermediateThrowEvent id="x">{MESSAGE}{OTHER}</intermediateThrowEvent>'
    flow = flow_of(f"{BEGIN} {throw} {tasks('A')}\ns -> x -> A -> e", definitions=DEFINITIONS)
    sorts(flow, "MNA, NMA", ", M, MN", "A, MA, MM")


def test_ending_with_several() -> None:
    end = f'<endEvent id="x">{MESSAGE}<terminateEventDefinition/></endEvent>'
    flow = flow_of(
        f"""<startEvent id="s"/> {end} {tasks(*"AB")} <parallelGateway id="p"/>
        s -> p -> A -> x
        p -> B""",
        definitions=DEFINITIONS,
    )
    sorts(flow, "AM, ABM, BAM, AMB", ", A, B, AB", "M, AMM")


def test_a_gateway_that_begins_the_process() -> None:
    gateway = '<eventBasedGateway id="g" instantiate="true" {}/>' + catch(MESSAGE) + catch(OTHER, id="y")
    model = f"""{{}} {tasks("A")} <endEvent id="e"/> <exclusiveGateway id="m"/>
    g -> x -> m -> A -> e
    g -> y -> m"""
    sorts(flow_of(model.format(gateway.format("")), definitions=DEFINITIONS), "MA, NA", ", M, N", "A, MN")
    model = model.replace("exclusiveGateway", "parallelGateway")
    parallel = gateway.format('eventGatewayType="Parallel"')
    sorts(flow_of(model.format(parallel), definitions=DEFINITIONS), "MNA, NMA", ", M, MN", "A, MA, MM")


def test_what_begins_a_process_are_alternatives() -> None:
    flow = flow_of(
        f"""<startEvent id="s" name="S">{SIGNAL}</startEvent>
        <eventBasedGateway id="g" instantiate="true"/>{catch(MESSAGE)}{catch(OTHER, id="y")}
        <receiveTask id="r" name="R" instantiate="true"/> {tasks(*"ABC")}
        s -> A
        g -> x -> B
        g -> y -> B
        r -> C""",
        definitions=DEFINITIONS,
    )
    sorts(flow, "GA, MB, NB, RC", ", G, M, N, R", "A, GB, GMB, RA, GR")


SIGNALLING = f"""
{BEGIN} {tasks(*"AB")} <parallelGateway id="p"/> <parallelGateway id="j"/>
<intermediateThrowEvent id="t">{SIGNAL}</intermediateThrowEvent> {catch(SIGNAL)}
s -> p -> t -> A -> j -> e
p -> x -> B -> j
"""


def test_a_signal_of_the_flow_may_be_caught_without_an_event_of_its_own() -> None:
    flow = flow_of(SIGNALLING, definitions=DEFINITIONS)
    sorts(flow, "GAB, GBA, GGAB, GAGB", ", G, GB, GG", "A, B, AGB, GGG")


def test_a_signal_begins_an_event_subprocess_of_the_flow() -> None:
    handler = (
        f'<subProcess id="es" triggeredByEvent="true"><startEvent id="hs" isInterrupting="false">{SIGNAL}'
        '</startEvent><task id="H" name="H"/><sequenceFlow id="h1" sourceRef="hs" targetRef="H"/>'
        "</subProcess>"
    )
    flow = flow_of(
        f"""{BEGIN} {tasks(*"AB")} {handler}
        <intermediateThrowEvent id="t">{SIGNAL}</intermediateThrowEvent>
        s -> A -> t -> B -> e""",
        definitions=DEFINITIONS,
    )
    sorts(flow, "AGB, AGHB, AGBH, AGGHB, GHAGB", "A, AG, AGH", "H, AH, AGHHB")


def test_a_parallel_gateway_before_an_event_of_several() -> None:
    flow = flow_of(
        f"""<eventBasedGateway id="g" instantiate="true" eventGatewayType="Parallel"/>
        {catch(MESSAGE, SIGNAL)} {catch(OTHER, id="y")} {tasks(*"AB")}
        g -> x -> A
        g -> y -> B""",
        definitions=DEFINITIONS,
    )
    sorts(flow, "MNAB, NGBA, GANB", ", M, MA, MN, NB", "MGA, A, NN")


def test_all_of_several_inside_an_event_subprocess() -> None:
    both = catch(OTHER, SIGNAL, attributes='parallelMultiple="true"')
    flow = flow_of(
        f"""{BEGIN} {tasks("A")} <subProcess id="es" triggeredByEvent="true">
        <startEvent id="hs" isInterrupting="false">{MESSAGE}</startEvent>{both}
        <sequenceFlow id="h1" sourceRef="hs" targetRef="x"/></subProcess>
        s -> A -> e""",
        definitions=DEFINITIONS,
    )
    sorts(flow, "A, MNGA, MAGN", ", M, MN, MNA", "N, MNN, MGGA")


def test_each_token_that_comes_to_a_parallel_multiple_event_counts() -> None:
    throw = f'<intermediateThrowEvent id="x">{MESSAGE}{OTHER}</intermediateThrowEvent>'
    for element in (throw, catch(MESSAGE, OTHER, attributes='parallelMultiple="true"')):
        flow = flow_of(
            f"""{BEGIN} {element} {tasks("A", "B")} <exclusiveGateway id="g"/>
            s -> g -> x -> A -> e
            g -> B -> x""",
            definitions=DEFINITIONS,
        )
        sorts(flow, "MNA, BNMA", ", B, M, BM", "A, BA, MB, MMA")

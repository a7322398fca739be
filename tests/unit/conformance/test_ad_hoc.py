"""Ad-hoc subprocesses: what stands in them may be done in any order, any number of times, or not at all."""

from __future__ import annotations

import pytest

from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Flow
from monitor.conformance.alignment import align
from monitor.conformance.automaton import Automaton
from monitor.conformance.moves import shape_of
from tests.support.flows import flow_of, sorts, tasks


def ad_hoc(inner: str, attributes: str = "", **options: object) -> Flow:
    return flow_of(
        f"""
        <startEvent id="s"/> {tasks("S", "Z")} <endEvent id="e"/>
        <adHocSubProcess id="x" name="Whatever" {attributes}>{inner}</adHocSubProcess>
        s -> S -> x -> Z -> e""",
        Options(**options),  # type: ignore[arg-type]
    )


def flow(source: str, target: str) -> str:
    return f'<sequenceFlow id="{source}{target}" sourceRef="{source}" targetRef="{target}"/>'


@pytest.mark.parametrize("ordering", ["Parallel", "Sequential"])
def test_any_order_any_number(ordering: str) -> None:
    model = ad_hoc(tasks("A", "B"), f'ordering="{ordering}"')
    sorts(model, "SZ, SAZ, SBAZ, SAABABZ", ", S, SA, SBA", "A, SZA, SAZB")


def test_what_follows_inside() -> None:
    model = ad_hoc(tasks("A", "B", "C") + flow("A", "B"), 'cancelRemainingInstances="false"')
    sorts(model, "SZ, SABZ, SCABZ, SACBZ, SAABBZ", "S, SA, SAC, SCA", "SB, SAZ, SABBZ")


def test_ending_cancels_what_is_left() -> None:
    model = ad_hoc(tasks("A", "B") + flow("A", "B"))
    sorts(model, "SAZ, SABZ, SZ", "SA", "SB, SAZB")


INNER = f'<subProcess id="sub">{tasks("A", "B")}{flow("A", "B")}</subProcess>{tasks("C")}'


def test_subprocesses_at_once_or_one_after_the_other() -> None:
    parallel = ad_hoc(INNER, 'ordering="Parallel" cancelRemainingInstances="false"')
    sorts(parallel, "SABZ, SAABBZ, SACBZ, SZ", "SA, SAC, SAA", "SB, SAZ, SABB")
    sequential = ad_hoc(INNER, 'ordering="Sequential" cancelRemainingInstances="false"')
    sorts(sequential, "SABZ, SABABZ, SCABCZ, SZ", "SA, SAB", "SB, SAC, SAA, SAZ")


def test_a_subprocess_that_is_due_has_not_begun() -> None:
    inner = f'{tasks("B")}<subProcess id="sub">{tasks("C")}</subProcess>{flow("B", "sub")}'
    model = ad_hoc(inner, 'ordering="Sequential" cancelRemainingInstances="false"')
    sorts(model, "SBBCCZ, SBCBCZ, SZ", "SB, SBB, SBBC", "SC, SBZ, SBBCZ, SBCC")


def test_an_interruptible_subprocess_may_be_over_before_the_next_begins() -> None:
    handler = (
        '<subProcess id="es" triggeredByEvent="true"><startEvent id="m" name="M"><messageEventDefinition/>'
        f"</startEvent>{tasks('D')}{flow('m', 'D')}</subProcess>"
    )
    inner = f'{tasks("A")}<subProcess id="sub">{tasks("B")}{handler}</subProcess>'
    model = ad_hoc(inner, 'ordering="Sequential"')
    sorts(model, "SBAZ, SABAZ, SAMDAZ", "SB, SBA, SAM", "SAMA, SMA")


def test_activities_that_take_time() -> None:
    begun = {"a": "A:start", "b": "B:start"}
    parallel = ad_hoc(tasks("A", "B"), 'cancelRemainingInstances="false"', bind=begun)
    sorts(parallel, "SaAZ, SabABZ, SaaAAZ", "Sa, Sab, SabA", "SA, SaZ, SaAA")
    sequential = ad_hoc(tasks("A", "B"), 'ordering="Sequential" cancelRemainingInstances="false"', bind=begun)
    sorts(sequential, "SaAZ, SaAbBZ, SaAaAZ", "Sa, SaAb", "Sab, SaB, Saa, SaZ")


def test_events_inside() -> None:
    inner = '<intermediateCatchEvent id="m" name="M"><messageEventDefinition/></intermediateCatchEvent>'
    sorts(ad_hoc(tasks("A") + inner), "SZ, SMZ, SMAMZ", "S, SM", "M, SZM")


def test_a_boundary_event_ends_all_of_it() -> None:
    model = flow_of(f"""
    <startEvent id="s"/> {tasks("Z", "T")} <endEvent id="e"/> <endEvent id="f"/>
    <adHocSubProcess id="x">{tasks("A", "B")}</adHocSubProcess>
    <boundaryEvent id="b" name="M" attachedToRef="x"><messageEventDefinition/></boundaryEvent>
    s -> x -> Z -> e
    b -> T -> f
    """)
    sorts(model, "Z, ABZ, MT, ABMT", ", A, M, AM", "MA, MZ, ZM, T")


def test_sixty_activities_are_one_state() -> None:
    """And so an alignment of a long trace with strangers in it is found at once."""
    names = [f"T{number}" for number in range(60)]
    automaton = Automaton(ad_hoc(tasks(*names)))
    state = automaton.step(automaton.initial, "S")
    assert state is not None
    seen = {state}
    for name in names * 3:
        state = automaton.step(state, name)
        assert state is not None
        seen.add(state)
    assert len(seen) <= 2
    trace = ["S", *names[::-1], "?", *names, "S", "Z", "T7"]
    found = align(automaton, shape_of(trace))
    assert (found.cost, found.exact, found.complete) == (3, True, True)

"""Verdict and clocks together: going on from stored text says what a replay of everything says."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Ordering, Sla
from monitor.domain.event import Observation
from monitor.domain.limit import Limit
from monitor.domain.verdict import Verdict
from monitor.judging import Judge, as_of
from tests.support.effort import examples
from tests.support.flows import flow_of, tasks, word

MODEL = f"""
<startEvent id="s"/> {tasks("A", "B", "C", "D")}
<exclusiveGateway id="m"/> <exclusiveGateway id="x"/> <parallelGateway id="p"/> <parallelGateway id="q"/>
s -> m -> A -> p -> B -> q -> x -> D
p -> C -> q
x -> m
"""
HOUR = timedelta(hours=1)
SLAS = (
    Sla("a to d", Limit.of(HOUR), start="A", end="D", at_risk=0.5),
    Sla("b due", Limit.of(HOUR / 4), on=("B",)),
    Sla("idle", Limit.of(HOUR / 6), idle=True),
    Sla("whole", Limit.of(2 * HOUR)),
)


def everything(judge: Judge, observations: list[Observation]) -> list[tuple[Verdict, str | None]]:
    told = []
    rest: tuple[Observation, ...] = tuple(observations)
    while rest:
        judged, rest = judge.replay(rest)
        told.append((judged.verdict, judged.stored))
    return told


@given(
    st.lists(st.sampled_from("ABCBACDX"), min_size=1, max_size=9),
    st.sampled_from([0, 60]),
    st.booleans(),
    st.data(),
)
@examples(60)
def test_batches_restarts_repeats_and_arrival_never_show(
    labels: list[str], tolerance: int, timed: bool, data: st.DataObject
) -> None:
    """As the pipeline does it: repeats drop out by identity, then advance, else replay the whole chain."""
    options = Options(slas=SLAS if timed else (), ordering=Ordering(timedelta(seconds=tolerance)))
    flow = flow_of(MODEL, options)
    minutes = sorted(data.draw(st.lists(st.integers(0, 20), min_size=len(labels), max_size=len(labels))))
    observations = word(labels, minutes)
    expected = everything(Judge(flow), observations)

    arriving = data.draw(st.permutations(observations * 2)) if data.draw(st.booleans()) else observations
    judge, told = Judge(flow), list[tuple[Verdict, str | None]]()
    chain: dict[bytes, Observation] = {}
    while arriving:
        size = data.draw(st.integers(1, len(arriving)))
        batch, arriving = arriving[:size], arriving[size:]
        new = list({one.identity: one for one in batch if one.identity not in chain}.values())
        chain.update((one.identity, one) for one in new)
        if data.draw(st.booleans()):
            judge = Judge(flow)
        if not new:
            continue
        stored = told[-1][1] if told else None
        advanced = judge.advance(stored, new) if stored is not None else None
        if advanced is None:
            told = everything(judge, list(chain.values()))
        else:
            told[-1] = (advanced.verdict, advanced.stored)
    assert told == expected


def test_without_a_watermark_nothing_is_overdue() -> None:
    judged, _ = Judge(flow_of(MODEL, Options(slas=SLAS))).replay(word(["A"]))
    assert as_of(judged.verdict, None) is judged.verdict
    late = as_of(judged.verdict, judged.observations[0].time + 9 * HOUR)
    assert {clock.state.value for clock in late.clocks} == {"breached"}


def test_a_state_of_a_flow_with_other_slas_is_refused() -> None:
    plain, timed = Judge(flow_of(MODEL)), Judge(flow_of(MODEL, Options(slas=SLAS)))
    stored = plain.replay(word(["A"]))[0].stored
    assert stored is not None
    assert plain.advance(stored, word(["A", "B"])[1:]) is not None
    assert timed.advance(stored, word(["A", "B"])[1:]) is None


def test_a_late_event_is_left_to_a_replay() -> None:
    judge = Judge(flow_of(MODEL))
    observations = word(["A", "B", "C"])
    stored = judge.replay([observations[0], observations[2]])[0].stored
    assert stored is not None
    assert judge.advance(stored, [observations[1]]) is None


def test_events_of_one_instant_meet_the_clocks_they_are_for() -> None:
    """B and C at once: neither takes the other for missing. Nor does it show which of them came first."""
    within = Limit.of(HOUR)
    slas = (
        Sla("c due", within, on=("C",)),
        Sla("b due", within, on=("B",)),
        Sla("a to c", within, start="A", end="C"),
    )
    flow = flow_of(MODEL, Options(slas=slas))
    a, b, c = word("ABC", [0, 5, 5])
    judge = Judge(flow)
    whole = judge.replay([a, b, c])[0]
    assert [(clock.sla, clock.state.value) for clock in whole.verdict.clocks] == [
        ("c due", "met"),
        ("b due", "met"),
        ("a to c", "met"),
    ]
    for first, second in ((b, c), (c, b)):
        stored = judge.replay([a, first])[0].stored
        assert stored is not None
        assert judge.advance(stored, [second]) is None
        together = judge.advance(judge.replay([a])[0].stored or "", [first, second])
        assert together is not None
        assert together.verdict == whole.verdict

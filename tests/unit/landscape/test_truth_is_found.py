"""The checker finds in every simulated order exactly what its generator broke."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.flow import Sla
from monitor.bpmn.read import read
from monitor.domain.event import Observation
from monitor.domain.limit import Limit
from monitor.domain.verdict import Verdict
from monitor.judging import Judge, as_of
from monitor.landscape.story import DEFAULT_FAULTS, DONE, FAULTS, PAY, SHIP, Limits, Story, tell

MODEL = Path(__file__).parents[3] / "models" / "order-fulfilment.bpmn"
STEP = timedelta(seconds=2)
START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def judge() -> Judge:
    limits = Limits.of(STEP)
    slas = (
        Sla(PAY, Limit.of(limits.pay), on=("PaymentReceived",), at_risk=limits.at_risk),
        Sla(
            SHIP,
            Limit.of(limits.ship),
            start="PaymentReceived",
            end="GoodsShipped",
            at_risk=limits.at_risk,
        ),
        Sla(DONE, Limit.of(limits.done), at_risk=limits.at_risk),
    )
    flow, problems = compile_flow(
        read(MODEL.read_bytes(), MODEL.name), Options(key="order", slas=slas, timers=False)
    )
    assert flow is not None, problems
    return Judge(flow)


def observations(story: Story) -> list[Observation]:
    return [
        Observation("order", step.label, step.time, hashlib.blake2b(f"{n}".encode(), digest_size=16).digest())
        for n, step in enumerate(story.steps)
    ]


def clocks(verdict: Verdict) -> list[tuple[str, datetime, str]]:
    """Those of the SLAs declared here; the model's own timers bring their own."""
    return sorted(
        (clock.sla, clock.started, clock.state.value)
        for clock in verdict.clocks
        if clock.sla in (PAY, SHIP, DONE)
    )


def hold(judge: Judge, story: Story, now: datetime) -> None:
    truth = story.truth
    trace, rest = judge.replay(observations(story))
    assert not rest
    verdict = as_of(trace.verdict, now)
    assert sorted((f.kind.value, f.name) for f in verdict.findings) == sorted(truth.deviations), truth
    assert verdict.complete == truth.complete, truth
    assert len(trace.observations) == truth.events
    assert clocks(verdict) == sorted((one.sla, one.started, one.state(now)) for one in truth.clocks), truth


@pytest.mark.parametrize("fault", ["", *FAULTS])
def test_each_fault_is_found_for_what_it_is(judge: Judge, fault: str) -> None:
    faults = {fault: 1.0} if fault else {}
    for number in range(60):
        story = tell("A-1", START, STEP, Limits.of(STEP), faults, Random(number))
        hold(judge, story, START + timedelta(hours=1))


def test_states_agree_at_any_time(judge: Judge) -> None:
    """At any instant, with what has happened by then."""
    for number in range(300):
        random = Random(number)
        story = tell("A-1", START, STEP, Limits.of(STEP), DEFAULT_FAULTS, random)
        now = START + random.uniform(0, 25) * STEP
        told = [one for one in observations(story) if one.time <= now]
        if not told:
            continue
        trace, _ = judge.replay(told)
        if story.truth.deviations:
            continue
        begun = [clock for clock in story.truth.clocks if clock.started <= now]
        expected = sorted((clock.sla, clock.started, clock.state(now)) for clock in begun)
        assert clocks(as_of(trace.verdict, now)) == expected, story.truth

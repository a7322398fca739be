"""The pure stages, end to end, against the landscape's own word on what it did wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor import correlate
from monitor.assembly import decoder_of, mapping_of, models_of
from monitor.domain.event import Delivery, Event, Misfit, Observation, Position
from monitor.flows import build
from monitor.judging import Judge, JudgedTrace, as_of
from monitor.landscape import demo
from monitor.landscape.plan import Pace, plan
from monitor.landscape.wire import Emission
from monitor.resources import models

START = datetime(2026, 1, 1, tzinfo=UTC)


def delivery(number: int, emission: Emission) -> Delivery:
    rabbit = emission.channel == "rabbit"
    return Delivery(
        demo.RABBIT if rabbit else demo.KAFKA,
        emission.body,
        Position(emission.destination, receipt=str(number)),
        emission.at,
        emission.headers,
        {"message_id": emission.id} if rabbit else {},
        emission.key,
        emission.content_type,
    )


@pytest.mark.parametrize("seed", range(4))
def test_exactly_what_the_landscape_did_is_found(tmp_path: Path, seed: int) -> None:
    told = plan(seed, 400, START, Pace())
    settings = demo.settings(tmp_path, models() / "order-fulfilment.bpmn", 0, told.limits)
    (model,) = models_of(settings)
    flow = build(model)[1]
    decoder, mapping, judge = decoder_of(settings), mapping_of(settings, [flow]), Judge(flow)

    observations: list[Observation] = []
    misfits: list[str] = []
    seen: set[bytes] = set()
    repeats = 0
    for number, emission in enumerate(told.emissions):
        for one in decoder.decode(delivery(number, emission)):
            observed = mapping.observe(one) if isinstance(one, Event) else one
            if isinstance(observed, Misfit):
                misfits.append(observed.reason.value)
            elif isinstance(one, Event) and one.identity in seen:
                repeats += 1
            elif isinstance(one, Event):
                seen.add(one.identity)
                observations += observed

    found: defaultdict[str, list[JudgedTrace]] = defaultdict(list)
    for group in correlate.group(observations):
        (order,) = (key.value for key in group.keys if key.name == "order")
        rest: Sequence[Observation] = group.observations
        while rest:
            trace, rest = judge.replay(rest)
            found[order].append(trace)

    assert sorted(misfits) == sorted(reason for truth in told.truths for reason in truth.inbox)
    assert repeats == sum(truth.repeats for truth in told.truths)
    for truth in told.truths:
        (trace,) = found.pop(truth.order)
        verdict = as_of(trace.verdict, told.end)
        assert sorted((f.kind.value, f.name) for f in verdict.findings) == sorted(truth.deviations), truth
        assert verdict.complete == truth.complete, truth
        assert len(trace.observations) == truth.events
        assert sorted((c.sla, c.started, c.state.value) for c in verdict.clocks) == sorted(
            (c.sla, c.started, c.state(told.end)) for c in truth.clocks
        ), truth
    assert not found

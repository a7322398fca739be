"""One more event of a trace of 100,000, in order and late, for one that fits and for one that deviates.

Said of each: how long judging it takes, and how many stored observations and cuts are read for it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import cast

from monitor import long_traces
from monitor.bpmn.compile import compile_flow
from monitor.bpmn.read import read
from monitor.domain.checkpoint import Checkpoint
from monitor.domain.event import Observation
from monitor.judging import Judge
from monitor.storage.base import Ingest, Trace

EVENTS = 100_000
ROUNDS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)
LOOP = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<process id="p" name="Loop"><startEvent id="s"/><exclusiveGateway id="m"/><task id="A" name="A"/>
<task id="B" name="B"/><task id="C" name="C"/><task id="D" name="D"/>
<exclusiveGateway id="x"/><endEvent id="e"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="m"/><sequenceFlow id="f2" sourceRef="m" targetRef="A"/>
<sequenceFlow id="f3" sourceRef="A" targetRef="B"/><sequenceFlow id="f4" sourceRef="B" targetRef="C"/>
<sequenceFlow id="f5" sourceRef="C" targetRef="x"/><sequenceFlow id="f6" sourceRef="x" targetRef="m"/>
<sequenceFlow id="f7" sourceRef="x" targetRef="D"/>
<sequenceFlow id="f8" sourceRef="D" targetRef="e"/></process></definitions>"""


def observation(label: str, second: float) -> Observation:
    identity = hashlib.blake2b(f"{label} {second}".encode(), digest_size=16).digest()
    return Observation("p", label, START + timedelta(seconds=second), identity)


class Kept:
    """A trace in memory, read as the database is: what is read is counted."""

    def __init__(self, observations: Sequence[Observation], cuts: Sequence[Checkpoint]) -> None:
        self.observations = observations
        self.cuts = list(cuts)
        self.read = 0

    async def checkpoints(self, trace: Trace) -> list[Checkpoint]:
        del trace
        return self.cuts

    async def part(self, trace: Trace, since: datetime | None, until: datetime | None) -> list[Observation]:
        del trace
        found = [
            one
            for one in self.observations
            if (since is None or one.time >= since) and (until is None or one.time < until)
        ]
        self.read += len(found)
        return found


def late(judge: Judge, kept: Kept, new: Observation) -> float:
    """Seconds without the reading itself."""
    kept.read = 0
    trace = Trace(1, 1, 0, "p", 1, "k", cut=True)
    begin = perf_counter()
    judged = asyncio.run(long_traces.resume(cast(Ingest, kept), trace, judge, [new], is_first=True))
    took = perf_counter() - begin
    assert judged is not None, "it had to be replayed whole"
    return took


def measure(name: str, judge: Judge, observations: Sequence[Observation]) -> None:
    begin = perf_counter()
    whole, rest = judge.replay(observations)
    took = perf_counter() - begin
    assert not rest
    cuts = whole.spans[0].checkpoints
    print(
        f"{name}: replayed whole in {took:.1f} s; cost {whole.verdict.cost}, {whole.deviations} findings,"
        f" {len(cuts)} cuts, exact: {whole.verdict.exact}"
    )
    if whole.stored is not None:
        following = observation("ABC"[EVENTS % 3], EVENTS)
        begin = perf_counter()
        assert judge.advance(whole.stored, [following]) is not None
        print(f"  {'in order':24} {(perf_counter() - begin) * 1e3:8.2f} ms       0 observations read")
    kept = Kept(observations, cuts)
    for where, second in [
        ("at the end", EVENTS),
        ("late, near the end", EVENTS - 20.5),
        ("late, in the middle", EVENTS / 2 + 0.5),
        ("late, at the start", 10.5),
    ]:
        took = min(late(judge, kept, observation("B", second + at / 100)) for at in range(ROUNDS))
        print(f"  {where:24} {took * 1e3:8.2f} ms {kept.read:7} observations and {len(cuts)} cuts read")


def main() -> None:
    flow, _ = compile_flow(read(LOOP, "loop.bpmn"))
    assert flow is not None
    fitting = [observation("ABC"[at % 3], at) for at in range(EVENTS)]
    measure("fitting", Judge(flow), fitting)
    one_wrong = [*fitting[:-50], observation("A", EVENTS - 50), *fitting[-49:]]
    measure("deviating near its end", Judge(flow), one_wrong)
    wrong = [observation("ABC"[at % 3 if at % 10 else (at + 1) % 3], at) for at in range(EVENTS)]
    measure("every tenth event wrong", Judge(flow), wrong)


if __name__ == "__main__":
    main()

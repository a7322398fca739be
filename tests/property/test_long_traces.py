"""Traces that are cut: going on from cuts says what one replay of everything says, whatever arrives when."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from hypothesis import assume, given
from hypothesis import strategies as st

from monitor import long_traces
from monitor.bpmn.compile import Options, compile_flow
from monitor.bpmn.flow import Flow, Ordering, Sla
from monitor.conformance.segments import Cutting
from monitor.domain.checkpoint import Checkpoint
from monitor.domain.event import Observation
from monitor.domain.limit import Limit
from monitor.domain.verdict import Clock, Finding, Verdict
from monitor.judging import Judge, JudgedTrace
from monitor.storage.base import Ingest, Trace
from tests.support.effort import examples
from tests.support.trees import (
    ALPHABET,
    Act,
    Language,
    Loop,
    Seq,
    Skip,
    Tree,
    document,
    labels_of,
    nullable,
    trees,
)

START = datetime(2026, 1, 1, tzinfo=UTC)

MAX_READINGS = 100
"""Of the reference's expressions; what a longer word leaves of a tree may be very many."""


class Kept:
    """One trace as a database keeps it, by the rules of ``TraceUpdate``; it answers as ``Ingest`` does."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self.cuts: list[Checkpoint] = []
        self.findings: dict[bytes, Finding] = {}
        self.clocks: dict[tuple[str, int], Clock] = {}
        self.verdict: Verdict | None = None
        self.stored: str | None = None
        self.deviations = 0

    async def checkpoints(self, trace: Trace) -> list[Checkpoint]:
        del trace
        return self.cuts

    async def part(self, trace: Trace, since: datetime | None, until: datetime | None) -> list[Observation]:
        del trace
        return [
            one
            for one in self.observations
            if (since is None or one.time >= since) and (until is None or one.time < until)
        ]

    def save(self, judged: JudgedTrace, *, findings: bool = True) -> None:
        for since, until, checkpoints in judged.spans:
            before = [cut for cut in self.cuts if since is not None and cut.time <= since]
            after = [cut for cut in self.cuts if until is not None and cut.time > until]
            self.cuts = [*before, *checkpoints, *after]
            if findings:
                self.findings = {
                    key: one
                    for key, one in self.findings.items()
                    if (since is not None and one.time < since) or (until is not None and one.time >= until)
                }
        for finding in judged.verdict.findings:
            assert finding.key() not in self.findings
            self.findings[finding.key()] = finding
        self.clocks = {at: one for at, one in self.clocks.items() if at[1] < judged.settled.get(at[0], 0)}
        self.clocks |= {(one.sla, one.occurrence): one for one in judged.verdict.clocks}
        self.verdict = judged.verdict._replace(findings=(), clocks=())
        self.stored, self.deviations = judged.stored, judged.deviations
        assert self.deviations == len(self.findings)

    def told(self) -> object:
        return (self.verdict, self.findings, self.clocks, self.cuts, self.stored)


def first_of(judge: Judge, observations: Sequence[Observation]) -> tuple[Kept, bool]:
    kept = Kept()
    judged, rest = judge.replay(observations)
    kept.observations = list(observations)
    kept.save(judged)
    return kept, not rest


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tree, list[str]]:
    """A loop, and a long word it allows, then changed in a few places."""
    body = draw(trees())
    tree = Loop(Seq((Act("A"), body)) if nullable(body) else body, Skip())
    language = Language(tree)
    states, word = language.start, []
    for _ in range(draw(st.integers(5, 30))):
        if len(states) > MAX_READINGS:
            break
        possible = [label for label in ALPHABET if language.step(states, label)]
        if not possible:
            break
        word.append(draw(st.sampled_from(possible)))
        states = language.step(states, word[-1])
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(word)))
        if draw(st.booleans()):
            word[at : at + 1] = []
        else:
            word.insert(at, draw(st.sampled_from(ALPHABET)))
    return tree, word


def identity(at: int) -> bytes:
    return hashlib.blake2b(bytes([at]), digest_size=16).digest()


def observed(word: Sequence[str], every: timedelta) -> list[Observation]:
    return [
        Observation("f", label, START + every * at, identity(at), event_id=f"e{at}")
        for at, label in enumerate(word)
    ]


def compiled(tree: Tree, tolerance: timedelta, *, timed: bool) -> Flow:
    labels = labels_of(tree)
    slas = [
        Sla("between", Limit.of(timedelta(minutes=3)), start=labels[0], end=labels[-1]),
        Sla("quiet", Limit.of(timedelta(minutes=2)), idle=True),
        Sla("due", Limit.of(timedelta(minutes=2)), on=(labels[-1],)),
    ]
    options = Options(ordering=Ordering(tolerance=tolerance), slas=tuple(slas) if timed else ())
    flow, problems = compile_flow(document(tree), options)
    assert flow is not None, problems
    return flow


@given(cases(), st.data())
@examples(30)
def test_cuts_never_show(case: tuple[Tree, list[str]], data: st.DataObject) -> None:
    tree, word = case
    assume(word)
    tolerance, every = data.draw(
        st.sampled_from([(0, 1), (1, 2), (1, 1)] if len(word) < 7 else [(0, 1), (1, 2)])
    )
    flow = compiled(tree, timedelta(minutes=tolerance), timed=data.draw(st.booleans()))
    cutting = Cutting(data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4)))
    observations = observed(word, timedelta(minutes=every))
    late = data.draw(st.lists(st.sampled_from(observations), max_size=4, unique=True))
    arrival = [*(one for one in observations if one not in late), *late]

    judge = Judge(flow, cutting)
    kept, is_one = Kept(), True
    arrived: list[Observation] = []
    while arrival:
        size = data.draw(st.integers(1, min(5, len(arrival))))
        batch, arrival = arrival[:size], arrival[size:]
        arrived += batch
        if data.draw(st.booleans()):
            judge = Judge(flow, cutting)  # a restart
        judged = None
        if is_one and kept.stored is not None:
            judged = judge.advance(kept.stored, batch)
        is_late = judged is None
        if is_one and is_late and kept.cuts:
            trace = Trace(1, 1, 0, "f", 1, "k", cut=True)
            ingest = cast(Ingest, kept)
            judged = asyncio.run(long_traces.resume(ingest, trace, judge, batch, is_first=True))
        if judged is None:
            kept, is_one = first_of(judge, arrived)
        else:
            kept.observations += batch
            kept.save(judged, findings=is_late)
            whole, is_one = first_of(Judge(flow, cutting), arrived)
            assert is_one
            assert kept.told() == whole.told()


@given(cases(), st.integers(1, 6), st.integers(1, 4))
@examples(30)
def test_cuts_blame_no_trace_that_fits(case: tuple[Tree, list[str]], longest: int, every: int) -> None:
    """Whether a trace fits is exact, however it is cut; an approximate answer says that it is."""
    tree, word = case
    assume(word)
    flow = compiled(tree, timedelta(0), timed=False)
    observations = observed(word, timedelta(minutes=1))
    whole, rest = Judge(flow).replay(observations)
    cut, cut_rest = Judge(flow, Cutting(longest, every)).replay(observations)
    assert cut.verdict.conforms == whole.verdict.conforms
    if whole.verdict.conforms:
        assert (cut.verdict, cut_rest) == (whole.verdict, rest)

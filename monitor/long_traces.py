"""What a late event, or one more of a deviating trace, costs in a long trace: the segments it touches.

A trace that has been cut (docs/adr/0006-long-traces.md) is judged again from the last cut before the first
new event. Where it stands at the next cut as it did before, all in between is left as it is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from monitor.domain.checkpoint import Checkpoint, Span, total
from monitor.domain.event import Observation
from monitor.judging import Judge, JudgedTrace
from monitor.storage.base import Ingest, Trace

TRIED = 2
"""Cuts after the last new event at which the trace may stand as before: the next segment still remembers what
was not counted in this one."""


async def resume(
    ingest: Ingest, trace: Trace, judge: Judge, new: Sequence[Observation], *, is_first: bool
) -> JudgedTrace | None:
    """The trace with ``new`` observations, which :class:`JudgedTrace` then holds, judged from a cut on; None
    where it must be replayed. ``is_first``: no other trace of its chain comes before it."""
    cuts = await ingest.checkpoints(trace)
    times = [cut.time for cut in cuts]
    begin = bisect_left(times, min(one.time for one in new)) - 1
    if begin < 0 and not is_first:
        return None
    tolerance = judge.flow.ordering.tolerance
    end = bisect_right(times, max(one.time for one in new) + tolerance)
    for upto in range(end, min(end + TRIED, len(cuts))):
        rejoined = await _rejoin(ingest, trace, judge, new, cuts, begin, upto)
        if rejoined is not None:
            return rejoined
    if begin < 0:
        return None
    judged = await _to_the_end(ingest, trace, judge, cuts[: begin + 1], new)
    return None if judged is None else judged._replace(observations=tuple(new))


async def _rejoin(
    ingest: Ingest,
    trace: Trace,
    judge: Judge,
    new: Sequence[Observation],
    cuts: Sequence[Checkpoint],
    begin: int,
    end: int,
) -> JudgedTrace | None:
    """The segments between two cuts again, and the last one, which says where the trace stands."""
    if judge.flow.slas:
        return None  # clocks run on
    first, before = (None, ()) if begin < 0 else (cuts[begin], cuts[: begin + 1])
    since = None if first is None else first.time
    stored = await ingest.part(trace, since, cuts[end].time)
    again = judge.rejoin(first, total(cut.segment for cut in before), (*stored, *new), cuts[end])
    if again is None:
        return None
    judged = await _to_the_end(ingest, trace, judge, (*before, *again.checkpoints, *cuts[end + 1 :]), ())
    if judged is None:
        return None
    return judged._replace(
        verdict=judged.verdict._replace(findings=(*again.findings, *judged.verdict.findings)),
        observations=tuple(new),
        spans=(Span(since, cuts[end].time, again.checkpoints), *judged.spans),
    )


async def _to_the_end(
    ingest: Ingest, trace: Trace, judge: Judge, cuts: Sequence[Checkpoint], new: Sequence[Observation]
) -> JudgedTrace | None:
    """From the last of ``cuts`` on; None where the trace ends before its observations do."""
    stored = await ingest.part(trace, cuts[-1].time, None)
    resumed = judge.resume(cuts[-1], total(cut.segment for cut in cuts), (*stored, *new))
    if resumed is None or resumed[1]:
        return None
    return resumed[0]

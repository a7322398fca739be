"""One transaction of a replay: messages leave the inbox and go the way every delivery goes.

What still cannot be placed is back in its place when it commits; what was stored meanwhile, because it came
again, just leaves. A crash leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.domain.audit import Entry
from monitor.domain.event import Misfit
from monitor.mending.base import Fate, Told
from monitor.mending.outlook import meant
from monitor.pipeline import Observed, Outcome, Pipeline


async def replay(
    pipeline: Pipeline, ids: Sequence[int], entry: Callable[[Sequence[Told]], Entry]
) -> list[Told]:
    """Try these messages again, all in one transaction, with the ``entry`` of the audit that tells of it.
    Raises StorageUnavailable when it should be tried again, and whatever processing raises; nothing is
    changed then.
    """
    async with pipeline.store.ingest() as ingest:
        taken = await ingest.take(ids)
        if not taken:
            return [Told(id_, Fate.GONE) for id_ in ids]
        outcome = Outcome()
        decoded = [one for kept in taken for one in meant(pipeline.decoder, kept)]
        observed = pipeline.observe(decoded, outcome)
        await pipeline.place(ingest, observed, outcome)
        told = _told(ids, {kept.id for kept in taken}, observed, outcome)
        await ingest.audit(entry(told))
    repeats = {id(event) for event in outcome.repeats}
    for event, _ in observed:
        if id(event) not in repeats:
            pipeline.metrics.events_stored.labels(event.delivery.source).inc()
    return told


def _told(
    ids: Sequence[int],
    taken: set[int],
    observed: Sequence[Observed],
    outcome: Outcome,
) -> list[Told]:
    stays: dict[int | None, Misfit] = {}
    for misfit in outcome.misfits:
        stays.setdefault(misfit.delivery.kept, misfit)
    repeats = {id(event) for event in outcome.repeats}
    seen: dict[int | None, list[Observed]] = {}
    for event, observations in observed:
        seen.setdefault(event.delivery.kept, []).append((event, observations))

    def one(id_: int) -> Told:
        if id_ not in taken:
            return Told(id_, Fate.GONE)
        placed = [
            part for event, several in seen.get(id_, ()) if id(event) not in repeats for part in several
        ]
        if id_ in stays:
            return Told(id_, Fate.STAYS, stays[id_].detail)
        if placed:
            return Told(id_, Fate.PLACED, observations=tuple(placed))
        return Told(id_, Fate.REPEAT if id_ in seen else Fate.IGNORED)

    return [one(id_) for id_ in dict.fromkeys(ids)]

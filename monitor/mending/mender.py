"""What the dashboard and the command line mend the inbox with: look, try, replay, discard.

Long work is done in bounded batches, each a transaction of its own with its entry in the audit: it can be
stopped, or killed, between any two, and be begun again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from time import monotonic

from monitor.domain.audit import INBOX_DISCARD, INBOX_REPLAY, Entry
from monitor.domain.event import InboxReason, Json, Misfit
from monitor.errors import StorageConflict, StorageError
from monitor.mapping import FlowLabels, Mapping, Rule
from monitor.mapping.naming import nearest
from monitor.mending.advice import Advice, advise
from monitor.mending.again import replay
from monitor.mending.base import MOST_COUNTED, Fate, Progress, Told, Trial, part_in_words
from monitor.mending.groups import SubGroup, by_detail
from monitor.mending.outlook import Outlook, outlook
from monitor.mending.paths import spots
from monitor.mending.rules import tried
from monitor.pipeline import Pipeline
from monitor.settings import Settings
from monitor.storage.base import Kept
from monitor.storage.mending import InboxPart, InboxViews, Link

log = logging.getLogger("choreoscope.mending")

BATCH = 200
"""Messages replayed or discarded in one transaction, at most."""

BATCH_BYTES = 8_000_000
MOST_TRIED = 100
"""Further messages of its group that a rule is tried on."""

SAMPLED = 1000
"""The newest messages of a group, by whose details it is divided."""

_EXAMPLES = 20
_ATTEMPTS = 5


class Mender:
    """See :class:`~monitor.mending.base.Mends`. ``flows`` are what mapping knows of the active flows,
    ``rules`` the configured ones. ``clock`` is in seconds."""

    def __init__(
        self,
        pipeline: Pipeline,
        views: InboxViews,
        settings: Settings,
        flows: Sequence[FlowLabels],
        rules: Sequence[Rule],
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.pipeline = pipeline
        self.views = views
        self._settings = settings
        self._flows = tuple(flows)
        self._rules = tuple(rules)
        self._clock = clock
        labels = sorted({label for flow in flows for label in flow.labels})
        self._nearest = lru_cache(maxsize=1024)(partial(nearest, labels=labels))

    # look ---------------------------------------------------------------------------------------------

    async def advice(self, id_: int) -> Advice | None:
        kept = await self._one(id_)
        if kept is None:
            return None
        seen = await asyncio.to_thread(outlook, self.pipeline.decoder, self.pipeline.mapping, kept)
        event = seen.misfit.event if seen.misfit is not None else None
        known: Sequence[Link] = ()
        examples: dict[tuple[str, str], Sequence[str]] = {}
        if event is not None:
            known = await self.views.valued({spot.value for spot in spots(event)}, 1000)
            for flow in self._flows:
                name = flow.key or "case"
                examples[flow.flow, name] = await self.views.examples(flow.flow, name, _EXAMPLES)
        return advise(kept, seen, self._flows, self._rules, known, examples)

    async def count(self, part: InboxPart) -> int:
        return await self.views.count(part)

    async def newest(self, part: InboxPart) -> int:
        return await self.views.last(part)

    async def remaining(self, part: InboxPart, progress: Progress) -> int:
        return await self.views.remaining(part, progress.after, progress.until, MOST_COUNTED)

    def nearest(self, type_: str) -> Sequence[str]:
        return self._nearest(type_)

    async def parts(self, part: InboxPart) -> tuple[list[SubGroup], int]:
        details = await self.views.details(part, SAMPLED)
        return by_detail(details), len(details)

    # try ----------------------------------------------------------------------------------------------

    async def attempt(self, id_: int, text: str) -> Trial | None:
        rules = tried(text, self._settings)
        kept = await self._one(id_)
        if kept is None:
            return None
        part = InboxPart(kept.reason, kept.type, kept.delivery.source)
        others, more = await self._others(part, id_)
        mapping = Mapping([*rules, *self._rules], self._flows)

        def look() -> list[Outlook]:
            return [outlook(self.pipeline.decoder, mapping, one) for one in (kept, *others)]

        return await self._trial(await asyncio.to_thread(look), more)

    async def _others(self, part: InboxPart, id_: int) -> tuple[list[Kept], int]:
        until = await self.views.last(part)
        numbers = await self.views.numbers(part, 0, until, MOST_TRIED + 1)
        chosen: list[int] = []
        size = 0
        for number, length in numbers:
            size += length
            if number != id_ and len(chosen) < MOST_TRIED and size <= BATCH_BYTES:
                chosen.append(number)
        more = max(0, await self.views.count(part) - len(chosen) - 1)
        return list(await self.views.kept(chosen)), more

    async def _trial(self, seen: Sequence[Outlook], more: int) -> Trial:
        links = {
            Link(one.flow, key.name, key.value)
            for each in seen
            for one in each.observations
            for key in one.keys
        }
        identities = {event.identity for each in seen for event in each.events}
        linked = dict(await self.views.linked(links))
        return Trial(tuple(seen), linked, await self.views.stored(identities), more)

    async def _one(self, id_: int) -> Kept | None:
        return next(iter(await self.views.kept([id_])), None)

    # change -------------------------------------------------------------------------------------------

    async def replay(self, id_: int, who: str) -> Told:
        (told,) = await self._replay([id_], who, f"message {id_}")
        return told

    async def discard(self, id_: int, who: str) -> bool:
        return bool(await self._discard([id_], who, f"message {id_}"))

    async def replay_group(self, part: InboxPart, who: str, progress: Progress, seconds: float) -> Progress:
        subject = part_in_words(part)

        async def batch(ids: Sequence[int]) -> list[Told]:
            return await self._replay(ids, who, subject)

        return await self._go_on(part, progress, seconds, batch)

    async def discard_group(self, part: InboxPart, who: str, progress: Progress, seconds: float) -> Progress:
        subject = part_in_words(part)

        async def batch(ids: Sequence[int]) -> list[Told]:
            gone = {kept.id for kept in await self._discard(ids, who, subject)}
            return [Told(id_, Fate.DISCARDED if id_ in gone else Fate.GONE) for id_ in ids]

        return await self._go_on(part, progress, seconds, batch)

    async def begin(self, part: InboxPart) -> Progress:
        return Progress(0, await self.views.last(part))

    async def _go_on(
        self,
        part: InboxPart,
        progress: Progress,
        seconds: float,
        batch: Callable[[Sequence[int]], Awaitable[list[Told]]],
    ) -> Progress:
        begun = self._clock()
        while True:
            ids = await self._next(part, progress)
            if not ids:
                progress.is_done = True
                return progress
            for told in await batch(ids):
                progress.counts[told.fate] += 1
                if len(progress.told) < 10 and told.fate in (Fate.STAYS, Fate.FAILED):
                    progress.told.append(told)
            progress.after = ids[-1]
            if self._clock() - begun >= seconds:
                progress.is_done = not await self._next(part, progress)
                return progress

    async def _next(self, part: InboxPart, progress: Progress) -> list[int]:
        ids: list[int] = []
        size = 0
        for number, length in await self.views.numbers(part, progress.after, progress.until, BATCH):
            size += length
            if ids and size > BATCH_BYTES:
                break
            ids.append(number)
        return ids

    async def _replay(self, ids: Sequence[int], who: str, subject: str) -> list[Told]:
        def entry(told: Sequence[Told]) -> Entry:
            return Entry(who, INBOX_REPLAY, subject, _detail(told))

        for attempt in range(_ATTEMPTS):
            try:
                return await replay(self.pipeline, ids, entry)
            except StorageConflict as conflict:
                if attempt == _ATTEMPTS - 1:
                    raise
                log.debug("replay: %s; tried again", conflict.message)
                await asyncio.sleep(0.05 * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            except StorageError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a message does to us, the others go on
                return await self._isolated(ids, who, subject, error)
        raise AssertionError

    async def _isolated(self, ids: Sequence[int], who: str, subject: str, error: Exception) -> list[Told]:
        if len(ids) > 1:
            middle = len(ids) // 2
            first = await self._replay(ids[:middle], who, subject)
            return first + await self._replay(ids[middle:], who, subject)
        log.error("message %d of the inbox cannot be processed and stays there", ids[0], exc_info=error)
        detail = f"Processing failed: {type(error).__name__}: {error}"
        mend = "Please report this; the message can be replayed once it is mended."
        async with self.pipeline.store.ingest() as ingest:
            taken = await ingest.take(ids)
            await ingest.misfits(
                [Misfit(one.delivery, InboxReason.FAILED, detail, mend, one.type) for one in taken]
            )
            told = [Told(ids[0], Fate.FAILED if taken else Fate.GONE, detail)]
            if taken:
                await ingest.audit(Entry(who, INBOX_REPLAY, subject, _detail(told)))
        return told

    async def _discard(self, ids: Sequence[int], who: str, subject: str) -> list[Kept]:
        async with self.pipeline.store.ingest() as ingest:
            gone = await ingest.discard(ids)
            if gone:
                messages = [_reference(kept) for kept in gone]
                await ingest.audit(Entry(who, INBOX_DISCARD, subject, {"messages": messages}))
        return gone


def _detail(told: Sequence[Told]) -> dict[str, Json]:
    by_fate: dict[str, Json] = {}
    for one in told:
        by_fate.setdefault(one.fate.value, []).append(one.id)
    return by_fate


def _reference(kept: Kept) -> dict[str, Json]:
    position = kept.delivery.position
    return {
        "id": kept.id,
        "detail": kept.detail[:200],
        "channel": position.channel,
        "partition": position.partition,
        "offset": position.offset,
        "received": kept.delivery.received.isoformat(),
    }

"""What the configuration makes of a message of the inbox: nothing is stored. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.decode import Decoder
from monitor.domain.event import Event, InboxReason, Misfit, Observation
from monitor.mapping import Mapping
from monitor.storage.base import Kept


@dataclass(frozen=True, slots=True)
class Outlook:
    """``observations`` are what it would be; ``misfit`` why it, or a part of it, would stay in the inbox.
    Neither: it is to be ignored. ``events`` are those that would be placed."""

    id: int
    events: tuple[Event, ...]
    observations: tuple[Observation, ...]
    misfit: Misfit | None

    @property
    def reason(self) -> InboxReason | None:
        return None if self.misfit is None else self.misfit.reason

    @property
    def is_ignored(self) -> bool:
        return not self.observations and self.misfit is None


def meant(decoder: Decoder, kept: Kept) -> Sequence[Event | Misfit]:
    """What is read of a kept message. Of a batch only the event it was kept for, where that is known: each of
    the others was stored, or kept by itself."""
    decoded = decoder.decode(kept.delivery)
    if kept.member is None:
        return decoded
    own = [one for one in decoded if isinstance(one, Event) and one.index == kept.member]
    return own or [one for one in decoded if isinstance(one, Misfit)]


def outlook(decoder: Decoder, mapping: Mapping, kept: Kept) -> Outlook:
    events: list[Event] = []
    observations: list[Observation] = []
    misfit: Misfit | None = None
    for one in meant(decoder, kept):
        seen = one if isinstance(one, Misfit) else mapping.observe(one)
        if isinstance(seen, Misfit):
            misfit = misfit or seen
        elif isinstance(one, Event) and seen:
            events.append(one)
            observations += seen
    return Outlook(kept.id, tuple(events), tuple(observations), misfit)

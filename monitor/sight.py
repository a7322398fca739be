"""How far the monitor sees (DESIGN 3.6): up to when each flow can be judged, which sources are blind. Pure.

Absence in a flow is judged up to the least watermark of the sources that feed it. A source whose watermark
stays behind is blind; one spell of that is one notice. Past the longest blindness that is put up with,
absence is judged all the same, unverified.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.domain.notice import Notice, NoticeKind
from monitor.sla.findings import duration_text, instant_text
from monitor.sources.base import SourceState


class Sighted(NamedTuple):
    """How a source stands: its watermark, None before it was ever read to its end; ``why`` it is not read
    further, where that is known; ``ended``: it is read to its end, for good."""

    watermark: datetime | None
    why: str | None = None
    ended: bool = False


class Horizon(NamedTuple):
    """Up to when a flow is judged; ``verified``: up to when its sources are really read, None: not at all."""

    until: datetime
    verified: datetime | None


@dataclass(frozen=True, slots=True)
class Blindness:
    """When a source counts as blind, and for how long that keeps absence from being judged (None: for as long
    as it lasts)."""

    after: timedelta = timedelta(minutes=1)
    at_most: timedelta | None = None


def horizons(
    feeds: Mapping[str, Collection[str]],
    sources: Mapping[str, Sighted],
    blind_since: Mapping[str, datetime],
    blindness: Blindness,
    now: datetime,
) -> dict[str, Horizon]:
    """Per flow how far it can be judged; left out where nothing can be said yet. ``blind_since``: since when
    each blind source has been watched in vain: that the monitor itself was away must not count."""
    found: dict[str, Horizon] = {}
    for flow, names in feeds.items():
        read = [_read(sources.get(name), now) for name in names]
        known = [mark for mark in read if mark is not None]
        verified = min(known) if known and len(known) == len(read) else None
        endured = [
            mark
            if (given_up := _given_up(blind_since.get(name), blindness, now)) is None
            else max(given_up, mark or given_up)
            for name, mark in zip(names, read, strict=True)
        ]
        told = [mark for mark in endured if mark is not None]
        if told and len(told) == len(endured):
            found[flow] = Horizon(min(told), verified)
    return found


def _read(source: Sighted | None, now: datetime) -> datetime | None:
    """What has ended holds nothing back."""
    if source is None:
        return None
    return now if source.ended else source.watermark


def _given_up(since: datetime | None, blindness: Blindness, now: datetime) -> datetime | None:
    """Up to when absence is judged whatever a blind source may still bring; None: it is waited for."""
    if since is None or blindness.at_most is None or now - since < blindness.at_most:
        return None
    return now - blindness.at_most


class Spells:
    """Which sources have been blind since when, as this process saw it. ``began``: when it began to look."""

    def __init__(self, blindness: Blindness, began: datetime) -> None:
        self._blindness = blindness
        self._began = began
        self.since: dict[str, datetime] = {}

    def look(self, sources: Mapping[str, Sighted], lasting: Collection[str], now: datetime) -> None:
        """Take note of who is blind now. A spell ends only once the source is well read again, so that one at
        the brink does not begin a spell every second. ``lasting``: the sources whose spell is stored: every
        process has to agree on what is one, also one that has just begun, or one would end what another
        holds to go on."""
        for name, source in sources.items():
            if source.ended or not self._is_blind(source.watermark, name in lasting, now):
                self.since.pop(name, None)
            elif name in lasting:
                self.since.setdefault(name, now)
            else:  # what we knew of was ended by another
                self.since[name] = now

    def _is_blind(self, watermark: datetime | None, lasts: bool, now: datetime) -> bool:
        if watermark is None:  # that we have just begun to look says nothing of a source that was never read
            return lasts or now - self._began > self._blindness.after
        return now - watermark > (self._blindness.after / 2 if lasts else self._blindness.after)

    def notices(self, sources: Mapping[str, Sighted], now: datetime) -> Iterator[Notice]:
        """One for each source that is blind, as if it were noticed now: that of a spell which lasts stays."""
        for name in self.since:
            source = sources[name]
            yield Notice(
                kind=NoticeKind.BLIND,
                subject=name,
                message=_message(name, source, self._blindness),
                since=source.watermark or self._began,
                noticed=now,
                severity="critical",
            )


def _message(name: str, source: Sighted, blindness: Blindness) -> str:
    read = (
        "has not been read to its end since the monitor began"
        if source.watermark is None
        else f"is read up to {instant_text(source.watermark)} only"
    )
    why = f" ({source.why})" if source.why else ""
    rest = (
        "is not judged until it is read again."
        if blindness.at_most is None
        else f"is judged only {duration_text(blindness.at_most)} later, and unverified."
    )
    return f"Source “{name}” {read}{why}. What is missing or late since then {rest}"


def why_of(states: Collection[tuple[str, str | None]]) -> str | None:
    """Why a source is not read, from the state and error of each of its shards."""
    for wanted in (SourceState.FAILED, SourceState.CONNECTING, SourceState.PAUSED):
        for state, error in states:
            if state == wanted:
                return error or _WORDS[wanted]
    return _WORDS[SourceState.READING] if any(state == SourceState.READING for state, _ in states) else None


_WORDS = {
    SourceState.FAILED: "it failed",
    SourceState.CONNECTING: "it is not connected",
    SourceState.PAUSED: "it is paused",
    SourceState.READING: "it is catching up",
}

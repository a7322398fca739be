"""The sources: how far each is read, how much comes, and which are blind; the page of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import charts, words
from monitor.dashboard.attention import blinded
from monitor.dashboard.charts import Column
from monitor.dashboard.health import SourceHealth
from monitor.dashboard.parameters import NotFound
from monitor.dashboard.site import Site
from monitor.dashboard.sparks import sparkline
from monitor.domain.notice import Notice, NoticeKind

SPELLS = 50
"""Spells of blindness on a source's page; the notices have all."""

HOUR = timedelta(hours=1)

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A source with all there is to say of it. ``minutes``: events in each of the last 60, oldest first.
    ``spell``: the notice of its blindness now. ``flows``: key and name of those it feeds."""

    health: SourceHealth
    minutes: Sequence[int]
    spell: Notice | None
    flows: Sequence[tuple[str, str]]

    @property
    def hour(self) -> int:
        return sum(self.minutes)


async def shown_sources(site: Site) -> list[Shown]:
    now = site.now()
    rates = await site.summaries.rates(HOUR)
    spells = {notice.subject: notice for notice in await _lasting(site)}
    names = {flow.key: flow.name or flow.key for flow in await site.views.flows()}
    return [
        Shown(
            source,
            minutes(rates.get(source.row.name, ()), now),
            spells.get(source.row.name),
            [(flow, names[flow]) for flow in blinded(source.row.name, names, site.feeds)],
        )
        for source in await site.sources()
    ]


async def _lasting(site: Site) -> Sequence[Notice]:
    return (await site.views.notices(NoticeKind.BLIND, ended=False, limit=200)).rows


async def source_list(site: Site, request: Request) -> Response:
    found = await shown_sources(site)
    return await site.page(
        request,
        "sources.html",
        title="Sources",
        section="sources",
        sources=[(one, spark(one.health.row.name, one.minutes, number)) for number, one in enumerate(found)],
    )


async def find_source(site: Site, name: str) -> Shown:
    for one in await shown_sources(site):
        if one.health.row.name == name:
            return one
    raise NotFound(
        f"There is no source {name[:100]}.",
        mend="Sources come from the configuration, once they have reported.",
    )


async def spells_of(site: Site, name: str) -> Sequence[Notice]:
    return (await site.views.notices(NoticeKind.BLIND, limit=SPELLS, subject=name)).rows


async def source(site: Site, request: Request) -> Response:
    one = await find_source(site, request.path_params["name"])
    return await site.page(
        request,
        "source.html",
        title=one.health.row.name,
        section="sources",
        one=one,
        rate=_rate_chart(one, site.now()),
        spells=await spells_of(site, one.health.row.name),
    )


def minutes(ticks: Sequence[tuple[datetime, int]], now: datetime) -> list[int]:
    """Events in each of the last 60 minutes, oldest first."""
    values = [0] * 60
    for tick, events in ticks:
        at = 59 - (now - tick) // MINUTE
        if 0 <= at < 60:
            values[at] += events
    return values


def spark(name: str, values: Sequence[int], number: int) -> Markup:
    """Events in each minute; ``number`` tells the charts of a page apart."""
    return sparkline(
        values,
        name=f"rate-{number}",
        title=f"Events from {name} in each minute of the last hour",
        told=f"{words.thousands(sum(values))} in the hour, {words.thousands(max(values))} a minute at most.",
    )


def _rate_chart(one: Shown, now: datetime) -> Markup:
    begin = now - timedelta(hours=1)
    shown = []
    for at, events in enumerate(one.minutes):
        first = begin + at * MINUTE
        tick = f"{first:%H:%M}" if at % 15 == 0 else ""
        shown.append(Column(f"{first:%H:%M}", events, words.count(events, "event"), tick=tick))
    return charts.columns(
        shown if one.hour else (),
        name="rate",
        title=f"Events from {one.health.row.name} in each minute of the last hour",
        desc=f"{words.count(one.hour, 'event')}, {words.thousands(max(one.minutes))} a minute at most."
        if one.hour
        else "No event in the last hour.",
        heads=("From (UTC)", "Events"),
    )

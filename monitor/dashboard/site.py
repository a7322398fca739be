"""What every page and API answer is made with, and how a page is put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from monitor.commands.base import Commands
from monitor.configuration import Configuration
from monitor.dashboard.alert_desk import AlertDesk
from monitor.dashboard.auth.principal import may, principal_of
from monitor.dashboard.auth.service import Auth
from monitor.dashboard.forms import Forms
from monitor.dashboard.health import BLIND_AFTER, SourceHealth, seen_until, shown_clock, source_health
from monitor.dashboard.live import Live
from monitor.dashboard.pictures import Pictures
from monitor.dashboard.promises import Promises
from monitor.dashboard.summaries import Summaries
from monitor.domain.access import Role
from monitor.domain.objective import Evaluation, Objective
from monitor.domain.verdict import Clock
from monitor.mending.base import Mends
from monitor.settings import SavedView
from monitor.storage.base import Acknowledges
from monitor.storage.views import SourceRow, Totals, TraceDetail, Views


@dataclass(frozen=True, slots=True)
class Site:
    """``views``: of these the counts, flows and sources may be a moment old (see
    :class:`~monitor.dashboard.shared.Shared`); ``forget`` ends that. ``summaries``: what of ``views`` sums
    many rows, remembered for moments. ``feeds``: the sources of each flow, where they are known (see
    :func:`health.seen_until`). ``objectives`` and ``promises``: by flow and SLA. ``blind_after``: see
    :func:`health.source_health`. ``forms``: what every form needs that changes something. ``mender``: None
    where the inbox can only be looked at. ``alerts``: None where none are kept. ``auth``: None where there is
    no login. ``commands``: None where corrective commands are not enabled. ``tracing``: the address of a
    distributed trace, with ``{trace_id}``. ``saved_views``: of the trace list, as they are configured."""

    views: Views
    summaries: Summaries
    pictures: Pictures
    templates: jinja2.Environment
    now: Callable[[], datetime]
    live: Live
    feeds: Mapping[str, Collection[str]] = field(default_factory=dict)
    objectives: Mapping[str, Mapping[str, Objective]] = field(default_factory=dict)
    promises: Promises = field(default_factory=dict)
    blind_after: timedelta = BLIND_AFTER
    configuration: Configuration | None = None
    forms: Forms = field(default_factory=Forms)
    mender: Mends | None = None
    acknowledges: Acknowledges | None = None
    alerts: AlertDesk | None = None
    auth: Auth | None = None
    commands: Commands | None = None
    tracing: str | None = None
    forget: Callable[[], None] = lambda: None
    saved_views: Sequence[SavedView] = ()

    async def page(
        self,
        request: Request,
        template: str,
        *,
        title: str,
        section: str = "",
        status: int = 200,
        **shown: Any,
    ) -> Response:
        """A page within the frame that shows the trouble counts on every page."""
        glance = await self.glance()
        return self.render(request, template, status, title=title, section=section, glance=glance, **shown)

    def render(
        self,
        request: Request,
        template: str,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        **shown: Any,
    ) -> Response:
        text = self.templates.get_template(f"dashboard/{template}").render(
            root=request.scope.get("root_path", ""),
            here=request.url.path,
            pulse=getattr(request.state, "pulse", ""),
            now=self.now(),
            configuration=self.configuration,
            form_token=self.forms.token(request),
            login=self.auth is not None,
            user=principal_of(request),
            can=lambda role: may(request, Role(role)),
            **shown,
        )
        return HTMLResponse(text, status_code=status, headers=headers)

    async def glance(self) -> Glance:
        return Glance(await self.views.totals(), await self.sources())

    async def sources(self) -> Sequence[SourceHealth]:
        now = self.now()
        return [source_health(row, now, self.blind_after) for row in await self.views.sources(now)]

    async def judged_to(self, flow: str) -> datetime | None:
        """Up to when absence in a flow can be judged; None: not at all yet."""
        now = self.now()
        return seen_until(flow, await self.views.sources(now), self.feeds, now)

    async def evaluations(self) -> list[Evaluated]:
        """How every objective stands, each as far as its flow is judged."""
        found = []
        for flow, of in sorted(self.objectives.items()):
            until = await self.judged_to(flow) if of else None
            for sla, objective in sorted(of.items()):
                told = None
                if until is not None:
                    told = await self.summaries.evaluation(flow, sla, objective, until)
                found.append(Evaluated(flow, sla, objective, told))
        return found

    async def clocks(self, detail: TraceDetail) -> tuple[Clock, ...]:
        """The trace's clocks as shown: those past due that nobody can judge yet are blind."""
        now = self.now()
        rows: Sequence[SourceRow] = await self.views.sources(now)
        seen = seen_until(detail.row.flow, rows, self.feeds, now)
        return tuple(shown_clock(clock, seen, now, self.blind_after) for clock in detail.clocks)


class Evaluated(NamedTuple):
    """``told`` is None while nothing of the flow can be judged."""

    flow: str
    sla: str
    objective: Objective
    told: Evaluation | None


@dataclass(frozen=True, slots=True)
class Glance:
    """What the frame shows: totals, and the sources with their health."""

    totals: Totals
    sources: Sequence[SourceHealth]

    @property
    def blind(self) -> Sequence[SourceHealth]:
        return [source for source in self.sources if source.blind]

    @property
    def trouble(self) -> int:
        """What wants somebody now: breached and at-risk traces, and blind sources."""
        return self.totals.breached + self.totals.at_risk + len(self.blind)


Handler = Callable[[Site, Request], Awaitable[Response]]


def page_route(site: Site, path: str, handler: Handler) -> Route:
    """A page's route. The pulse is read before anything the page shows: at worst it is refreshed once
    too often, never once too seldom."""
    return Route(path, partial(_with_pulse, site, handler), methods=["GET"])


async def _with_pulse(site: Site, handler: Handler, request: Request) -> Response:
    request.state.pulse = await site.views.pulse()
    return await handler(site, request)


def route(site: Site, path: str, handler: Handler, method: str = "GET") -> Route:
    """Who changes something sees it done on the next page."""
    if method != "GET":
        return Route(path, partial(_then_forget, site, handler), methods=[method])
    return Route(path, partial(handler, site), methods=[method])


FormHandler = Callable[[Site, Request, Mapping[str, str]], Awaitable[Response]]


def form_route(site: Site, path: str, handler: FormHandler) -> Route:
    """Where a form is sent that changes something: ``handler`` gets its fields, once it is known to be
    ours. Who sent it sees it done on the next page."""
    return Route(path, partial(_with_form, site, handler), methods=["POST"])


async def _with_form(site: Site, handler: FormHandler, request: Request) -> Response:
    try:
        return await handler(site, request, await site.forms.read(request))
    finally:
        site.forget()


async def _then_forget(site: Site, handler: Handler, request: Request) -> Response:
    try:
        return await handler(site, request)
    finally:
        site.forget()

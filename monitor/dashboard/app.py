"""The dashboard's Starlette application, put together from what it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from monitor.commands.base import Commands
from monitor.configuration import Configuration
from monitor.dashboard.alert_desk import AlertDesk
from monitor.dashboard.api import api_routes
from monitor.dashboard.auth import Auth, gated
from monitor.dashboard.badges import badge_routes
from monitor.dashboard.export import export_routes
from monitor.dashboard.forms import Forms
from monitor.dashboard.guard import Guard, allowed_hosts, is_secure, own_origins
from monitor.dashboard.health import BLIND_AFTER
from monitor.dashboard.live import Live
from monitor.dashboard.pages import page_routes
from monitor.dashboard.pictures import FlowPictures, Pictures
from monitor.dashboard.probes import probe_routes
from monitor.dashboard.problems import handlers
from monitor.dashboard.promises import Promises
from monitor.dashboard.receive import MOST_BYTES, Receiver, receive_routes
from monitor.dashboard.shared import KEEP_SECONDS, Shared
from monitor.dashboard.site import Site
from monitor.dashboard.summaries import Summaries
from monitor.dashboard.templating import STATIC, environment
from monitor.dashboard.traced import Traced
from monitor.domain.objective import Objective
from monitor.mending.base import Mends
from monitor.settings import DashboardSettings
from monitor.storage.base import Acknowledges
from monitor.storage.views import Views
from monitor.tracing import UNTRACED, Tracer


def create_app(
    views: Views,
    *,
    flows: FlowPictures,
    settings: DashboardSettings,
    now: Callable[[], datetime],
    receivers: Sequence[Receiver] = (),
    feeds: Mapping[str, Collection[str]] | None = None,
    blind_after: timedelta = BLIND_AFTER,
    configuration: Configuration | None = None,
    objectives: Mapping[str, Mapping[str, Objective]] | None = None,
    promises: Promises | None = None,
    registry: CollectorRegistry | None = None,
    mender: Mends | None = None,
    acknowledges: Acknowledges | None = None,
    alerts: AlertDesk | None = None,
    auth: Auth | None = None,
    form_secret: bytes | None = None,
    commands: Commands | None = None,
    tracer: Tracer = UNTRACED,
    hindrances: Callable[[], Sequence[str]] = tuple,
    pulse_seconds: float = 1.0,
    keep_seconds: float = KEEP_SECONDS,
    most_listeners: int = 200,
    most_bytes: int = MOST_BYTES,
) -> Starlette:
    """The ASGI application. Whether it may listen where it is told to is decided before, by the settings.

    ``receivers`` are the http sources (none: the ingestion addresses say so). ``feeds`` names the sources of
    each flow, for telling blindness; a flow that is not named is fed by all. ``objectives`` and
    ``promises``: by flow and SLA.
    ``blind_after``: a watermark older than that is blindness. ``configuration``: which one is in use.
    ``mender``: what mends the inbox, ``acknowledges``: what keeps who takes care of findings (None: they can
    only be looked at). ``alerts``: what keeps alerts (None: there are none to be seen).
    ``auth``: who may log in (None: there is no login, and everybody who gets here may do everything).
    ``form_secret``: shared by all dashboards of the database (None: of this app alone).
    ``tracer``: what requests are told to. ``hindrances``: why other roles of this process do not do their
    work.
    ``registry`` is what ``/metrics`` shows (None: no such address). ``pulse_seconds``: how often the database
    is asked whether anything changed while pages are open; ``keep_seconds``: how old may be what is on all
    pages (see :class:`~monitor.dashboard.shared.Shared`). ``app.state.live.close()`` ends open streams, for
    a server that wants to stop before its lifespan ends.
    """
    shared = Shared(views, now, keep=keep_seconds)
    live = Live(views.pulse, every=pulse_seconds, most=most_listeners, told=shared.forget)
    site = Site(
        views=cast("Views", shared),
        forget=shared.forget,
        summaries=Summaries(views, now),
        pictures=Pictures(flows),
        templates=environment(now),
        now=now,
        live=live,
        feeds=feeds or {},
        objectives=objectives or {},
        promises=promises or {},
        blind_after=blind_after,
        configuration=configuration,
        saved_views=settings.views,
        mender=mender,
        acknowledges=acknowledges,
        alerts=alerts,
        auth=auth,
        forms=Forms(form_secret),
        commands=commands,
        tracing=settings.tracing,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with live.running():
            yield
        if auth is not None:
            await auth.close()

    routes = [
        *export_routes(site),  # before the API: /traces/export is no trace's number
        *page_routes(site),
        *api_routes(site),
        *receive_routes(receivers, most_bytes),
        *badge_routes(site),
        *probe_routes(site, registry, hindrances),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    error_handlers: Mapping[Any, Any] = handlers(site)
    guard = Middleware(
        Guard,
        hosts=allowed_hosts(settings),
        own=own_origins(settings),
        secure=is_secure(settings),
        login=auth is not None,
    )
    app = Starlette(
        routes=gated(routes, auth),
        middleware=[guard] if tracer is UNTRACED else [Middleware(Traced, tracer=tracer), guard],
        exception_handlers=error_handlers,
        lifespan=lifespan,
    )
    app.state.live = live
    return app

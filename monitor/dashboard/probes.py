"""What machines ask: is it alive, is it ready, what are its figures, did anything change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from functools import partial

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.dashboard.answers import answer
from monitor.dashboard.auth.principal import may
from monitor.dashboard.site import Site, route
from monitor.domain.access import Role
from monitor.errors import StorageError

READY_WITHIN = 5.0
PING_SECONDS = 20


def probe_routes(
    site: Site, registry: CollectorRegistry | None, hindrances: Callable[[], Sequence[str]]
) -> list[Route]:
    routes = [
        Route("/livez", _live, methods=["GET"]),
        route(site, "/readyz", partial(_ready, hindrances)),
        route(site, "/events/stream", _stream),
    ]
    if registry is not None:
        routes.append(Route("/metrics", partial(_metrics, registry), methods=["GET"]))
    return routes


async def _live(_: Request) -> Response:
    return answer({"status": "alive"})


async def _ready(hindrances: Callable[[], Sequence[str]], site: Site, request: Request) -> Response:
    """Reasons are told to those who may see the pages: they name hosts. A source that is away or a sweep that
    stands hinders nobody who looks at pages or hands over events: a proxy should go on sending them here."""
    try:
        async with asyncio.timeout(READY_WITHIN):
            await site.views.pulse()
    except StorageError as error:
        why = {"reason": error.message} if may(request, Role.VIEWER) else {}
        return answer({"status": "not ready", **why}, 503)
    except TimeoutError:
        reason = f"The database did not answer within {READY_WITHIN:g} s."
        return answer({"status": "not ready", "reason": reason}, 503)
    told: dict[str, object] = {"status": "ready"}
    if site.configuration and site.configuration.refused:
        told["configuration"] = "refused"
    if reasons := list(hindrances()):
        told["degraded"] = True
        if may(request, Role.VIEWER):
            told["reasons"] = reasons
    return answer(told)


async def _metrics(registry: CollectorRegistry, request: Request) -> Response:
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": content_type})


async def _stream(site: Site, request: Request) -> Response:
    if site.live.closed:
        return Response(status_code=204)  # which tells a browser not to connect again
    site.live.admit()
    told = _events(site, request)
    return EventSourceResponse(told, ping=PING_SECONDS, headers={"Cache-Control": "no-store"})


async def _events(site: Site, request: Request) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(site.live.listen()) as told:
        async for news in told:
            if not await _is_still_in(site, request):
                return  # the browser connects again, is told 401, and gives up
            yield ServerSentEvent(news.text, event=news.kind)


async def _is_still_in(site: Site, request: Request) -> bool:
    """Whether the login by which a stream began still holds."""
    try:
        return site.auth is None or await site.auth.principal(request) is not None
    except StorageError:  # that the database is away is no reason to end what it allowed
        return True

"""Health and figures of a process that serves no dashboard: ``/livez``, ``/readyz`` and ``/metrics`` alone.

Live is a process whose event loop turns. Ready is one that can do its work now: its database answers, its
sources are read, its sweep gets through. Only what is not live is mended by starting it anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from monitor.errors import StorageError
from monitor.listening import Server, address_of, listen

log = logging.getLogger("choreoscope")

READY_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Probed:
    """``troubles``: why the process does not do its work, empty when it does; may raise StorageError."""

    troubles: Callable[[], Awaitable[Sequence[str]]]
    registry: CollectorRegistry


def probe_app(probed: Probed) -> Starlette:
    async def live(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> Response:
        reasons = await _reasons(probed)
        if not reasons:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": "; ".join(reasons), "reasons": reasons}, 503)

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(probed.registry), headers={"Content-Type": content_type})

    return Starlette(
        routes=[Route("/livez", live), Route("/readyz", ready), Route("/metrics", metrics)],
    )


async def _reasons(probed: Probed) -> list[str]:
    try:
        async with asyncio.timeout(READY_WITHIN):
            return list(await probed.troubles())
    except StorageError as error:
        return [error.message]
    except TimeoutError:
        return [f"The database did not answer within {READY_WITHIN:g} s."]


@contextlib.asynccontextmanager
async def probing(address: tuple[str, int], probed: Probed) -> AsyncIterator[None]:
    """Served as long as this lasts. Raises ConfigError where the address cannot be listened on."""
    host, port = address
    with listen("--probes", host, port, "Give another; port 0 picks a free one.") as listener:
        config = uvicorn.Config(probe_app(probed), log_config=None, access_log=False, lifespan="off")
        server = Server(config, lambda: log.info("probes and metrics are at %s", address_of(host, listener)))
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="probes")
        try:
            yield
        finally:
            server.should_exit = True
            await serving

"""Requests as spans: by the route, never the address, which holds what people look for."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.tracing import Tracer

_UNTOLD = ("/livez", "/readyz", "/metrics", "/events/stream", "/static")
"""Asked all the time by machines, or open for hours."""


class Traced:
    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_UNTOLD):
            await self._app(scope, receive, send)
            return
        with self._tracer.span("request", method=scope["method"]) as span:

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.tell(status=message["status"])
                    if message["status"] >= 500:
                        span.failed(str(message["status"]))
                await send(message)

            try:
                await self._app(scope, receive, answer)
            finally:
                if (route := scope.get("route")) is not None:
                    span.tell(route=str(route.path))

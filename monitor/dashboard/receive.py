"""Events posted over HTTP, handed to the http sources: CloudEvents structured, binary and batched."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.dashboard.answers import answer, problem
from monitor.dashboard.auth.principal import may
from monitor.domain.access import Role

EVENTS = "/api/v1/events"
OPTIMIZE = "/api/ingestion/event/batch"
"""Where Camunda Optimize took external events; answered as it did, with 204."""

MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Receiver:
    """An http source: ``accept(body, headers)`` returns once the events are stored, and raises
    :class:`~monitor.sources.base.Busy` or SourceUnavailable when they must be sent again. ``token``: the
    bearer token callers show, None for none."""

    name: str
    accept: Callable[[bytes, Mapping[str, str]], Awaitable[None]]
    token: SecretStr | None = None


def receive_routes(receivers: Sequence[Receiver], most_bytes: int = MOST_BYTES) -> list[Route]:
    return [
        Route(path, partial(_receive, receivers, most_bytes, status), methods=["POST"])
        for path, status in ((EVENTS, 202), (OPTIMIZE, 204))
    ]


async def _receive(receivers: Sequence[Receiver], most_bytes: int, status: int, request: Request) -> Response:
    if not receivers:
        return problem(
            404,
            "No http source is configured.",
            "Add {name: web, kind: http} to sources in the configuration.",
        )
    receiver = _chosen(receivers, request.headers.get("authorization", ""))
    if receiver is None or (receiver.token is None and not may(request, Role.OPERATOR)):
        return problem(
            401,
            "The bearer token is missing or wrong.",
            "Send the token of the http source as: Authorization: Bearer <token>. Where the source has none"
            " and the dashboard a login, an API token of an operator does.",
            {"WWW-Authenticate": "Bearer"},
        )
    body = await _bounded_body(request, most_bytes)
    if body is None:
        return problem(
            413, f"A request may hold at most {most_bytes} bytes.", "Send several smaller batches."
        )
    if not body and not any(name.startswith("ce-") for name in request.headers):
        return problem(
            400, "The request holds no event.", "Send a CloudEvent as application/cloudevents+json."
        )
    await receiver.accept(body, dict(request.headers))
    return Response(status_code=204) if status == 204 else answer({"stored": True}, status)


def _chosen(receivers: Sequence[Receiver], authorization: str) -> Receiver | None:
    """The source whose token is shown, else one that asks for none. Optimize also took the bare token."""
    scheme, _, rest = authorization.partition(" ")
    shown = (rest.strip() if scheme.lower() == "bearer" else authorization).encode()
    matching = [
        receiver
        for receiver in receivers
        if receiver.token is not None
        and hmac.compare_digest(receiver.token.get_secret_value().encode(), shown)
    ]
    return next(iter(matching or [receiver for receiver in receivers if receiver.token is None]), None)


async def _bounded_body(request: Request, most: int) -> bytes | None:
    """The body, or None as soon as it is known to be longer than ``most``."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)

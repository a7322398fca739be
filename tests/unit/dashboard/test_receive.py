"""Events posted over HTTP: who may, how much, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from monitor.dashboard.receive import EVENTS, OPTIMIZE, Receiver
from monitor.errors import SourceUnavailable
from monitor.sources.base import Busy

EVENT = b'{"specversion":"1.0","id":"e-1","source":"/shop","type":"OrderPlaced"}'
STRUCTURED = {"content-type": "application/cloudevents+json"}


class Accepted:
    def __init__(self, error: Exception | None = None) -> None:
        self.requests: list[tuple[bytes, Mapping[str, str]]] = []
        self.error = error

    async def __call__(self, body: bytes, headers: Mapping[str, str]) -> None:
        if self.error:
            raise self.error
        self.requests.append((body, headers))


@pytest.mark.parametrize(("path", "status"), [(EVENTS, 202), (OPTIMIZE, 204)])
async def test_an_event_is_handed_over_whole(
    path: str, status: int, rows: Any, client_for: Callable[..., Any]
) -> None:
    accepted = Accepted()
    async with client_for(rows, receivers=[Receiver("web", accepted)]) as client:
        response = await client.post(path, content=EVENT, headers={**STRUCTURED, "ce-x": "y"})
    assert response.status_code == status
    [(body, headers)] = accepted.requests
    assert body == EVENT
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["ce-x"] == "y"


async def test_without_an_http_source_it_says_so(rows: Any, client_for: Callable[..., Any]) -> None:
    async with client_for(rows) as client:
        response = await client.post(EVENTS, content=EVENT, headers=STRUCTURED)
    assert response.status_code == 404
    assert response.json()["detail"] == "No http source is configured."


async def test_a_busy_source_says_when_to_come_back(rows: Any, client_for: Callable[..., Any]) -> None:
    receiver = Receiver("web", Accepted(Busy("10 wait", retry_after=7.0)))
    async with client_for(rows, receivers=[receiver]) as client:
        response = await client.post(EVENTS, content=EVENT, headers=STRUCTURED)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "7"


async def test_a_source_that_stops_is_to_be_tried_again(rows: Any, client_for: Callable[..., Any]) -> None:
    receiver = Receiver("web", Accepted(SourceUnavailable("stopped")))
    async with client_for(rows, receivers=[receiver]) as client:
        response = await client.post(EVENTS, content=EVENT, headers=STRUCTURED)
    assert response.status_code == 503
    assert "retry-after" in response.headers


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer sesame", 202),
        ("bearer sesame", 202),
        ("sesame", 202),
        ("Bearer wrong", 401),
        ("Bearer ", 401),
        ("Basic sesame", 401),
        (None, 401),
    ],
)
async def test_a_token_is_asked_for(
    authorization: str | None, status: int, rows: Any, client_for: Callable[..., Any]
) -> None:
    accepted = Accepted()
    headers = {**STRUCTURED, **({"authorization": authorization} if authorization else {})}
    receiver = Receiver("web", accepted, SecretStr("sesame"))
    async with client_for(rows, receivers=[receiver]) as client:
        response = await client.post(EVENTS, content=EVENT, headers=headers)
    assert response.status_code == status
    assert len(accepted.requests) == (status == 202)


async def test_the_token_picks_among_several_sources(rows: Any, client_for: Callable[..., Any]) -> None:
    open_one, guarded = Accepted(), Accepted()
    receivers = [Receiver("open", open_one), Receiver("guarded", guarded, SecretStr("sesame"))]
    async with client_for(rows, receivers=receivers) as client:
        await client.post(EVENTS, content=EVENT, headers={**STRUCTURED, "authorization": "Bearer sesame"})
        await client.post(EVENTS, content=EVENT, headers=STRUCTURED)
    assert (len(open_one.requests), len(guarded.requests)) == (1, 1)


async def test_a_request_that_is_too_long_is_refused_announced_or_not(
    rows: Any, client_for: Callable[..., Any]
) -> None:
    accepted = Accepted()

    async def unannounced() -> Any:
        yield b"x" * 60
        yield b"x" * 60

    async with client_for(rows, receivers=[Receiver("web", accepted)], most_bytes=100) as client:
        announced = await client.post(EVENTS, content=b"x" * 101, headers=STRUCTURED)
        streamed = await client.post(EVENTS, content=unannounced(), headers=STRUCTURED)
        fits = await client.post(EVENTS, content=b"x" * 100, headers=STRUCTURED)
    assert (announced.status_code, streamed.status_code, fits.status_code) == (413, 413, 202)
    assert len(accepted.requests) == 1


async def test_an_empty_request_is_no_event_but_binary_mode_may_have_no_data(
    rows: Any, client_for: Callable[..., Any]
) -> None:
    accepted = Accepted()
    async with client_for(rows, receivers=[Receiver("web", accepted)]) as client:
        empty = await client.post(EVENTS)
        binary = await client.post(EVENTS, headers={"ce-type": "OrderPlaced", "ce-id": "1"})
    assert (empty.status_code, binary.status_code) == (400, 202)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_page_of_another_site_cannot_post(
    headers: dict[str, str], rows: Any, client_for: Callable[..., Any]
) -> None:
    accepted = Accepted()
    async with client_for(rows, receivers=[Receiver("web", accepted)]) as client:
        response = await client.post(EVENTS, content=EVENT, headers=headers)
    assert response.status_code == 403
    assert accepted.requests == []


async def test_reading_the_address_is_not_answered(rows: Any, client_for: Callable[..., Any]) -> None:
    async with client_for(rows) as client:
        response = await client.get(EVENTS)
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"

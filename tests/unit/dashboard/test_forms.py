"""What may change something: nothing a page of another site sends, no form that none of our pages held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request

from monitor.dashboard.forms import MOST_BYTES, Forms, json_of
from monitor.dashboard.guard import may_not_change, own_origins
from monitor.dashboard.parameters import BadParameter, NotTaken, Refused, TooLong
from monitor.settings import DashboardSettings

FORM = "application/x-www-form-urlencoded"


def request(body: bytes, content_type: str) -> Request:
    chunks: Iterator[bytes] = iter([body[:10], body[10:]])

    async def receive() -> dict[str, Any]:
        chunk = next(chunks, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    headers = [(b"content-type", content_type.encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin", "origin": "http://localhost:8321"}, False),
        ({"origin": "http://LOCALHOST:8321"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "https://flows.example"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "http://localhost:9999"}, True),
        ({"origin": "http://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://["}, True),
        ({"origin": ""}, True),
        ({"sec-fetch-site": "same-origin", "origin": "http://evil.example"}, True),
    ],
)
def test_who_may_change(headers: dict[str, str], refused: bool) -> None:
    own = own_origins(DashboardSettings(external_url="https://flows.example/x"))
    refusal = may_not_change(Headers({"host": "localhost:8321", **headers}), own)
    assert (refusal is not None) == refused


async def test_a_form_of_ours_is_read() -> None:
    forms = Forms()
    body = urlencode({"token": forms.token(request(b"", FORM)), "rule": "ü\r\n- a", "type": ""})
    assert await forms.read(request(body.encode(), f"{FORM}; charset=utf-8")) == {
        "rule": "ü\r\n- a",
        "type": "",
    }


@pytest.mark.parametrize("token", [None, "", "0" * 64, "ü", Forms(b"another").token(request(b"", FORM))])
async def test_a_form_of_nobody_is_refused(token: str | None) -> None:
    body = urlencode({"rule": "x"} | ({} if token is None else {"token": token}))
    with pytest.raises(Refused):
        await Forms(b"ours").read(request(body.encode(), FORM))


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/json", ""]
)
async def test_other_media_are_no_form(content_type: str) -> None:
    with pytest.raises(NotTaken):
        await Forms().read(request(b"token=x", content_type))


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff", b"&".join(b"a%d=1" % number for number in range(200))])
async def test_a_broken_form_is_told(body: bytes) -> None:
    with pytest.raises(BadParameter):
        await Forms().read(request(body, FORM))


async def test_a_form_has_bounds() -> None:
    with pytest.raises(TooLong):
        await Forms().read(request(b"a" * (MOST_BYTES + 1), FORM))


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (b"{}", "text/plain", NotTaken),
        (b"{}", FORM, NotTaken),
        (b"{", "application/json", BadParameter),
        (b"[]", "application/json", BadParameter),
        (b"[" * 100_000, "application/json", BadParameter),
    ],
)
async def test_programs_send_json_objects(body: bytes, content_type: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await json_of(request(body, content_type))


async def test_a_json_object_is_read() -> None:
    assert await json_of(request(b'{"id": 5}', "Application/JSON; charset=utf-8")) == {"id": 5}

"""HTTP to receivers that mean no good, or are in no good state: real ones, on the loopback."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.alerts.addresses import Policy
from monitor.alerts.base import Undeliverable
from monitor.alerts.outbound import ANSWER_BYTES, LONGEST_WAIT, Answer, Outbound, Resolve, retry_after
from monitor.settings.sources import Tls
from tests.support.certificates import server_context
from tests.support.http_receiver import (
    HttpReceiver,
    Received,
    answer,
    drip,
    endless,
    silence,
    slow_body,
    torn,
)
from tests.unit.alerts.samples import NOW

PRIVATE = Policy(allow_private=True)
SHORT = timedelta(seconds=0.4)


def names(**hosts: str | Sequence[str]) -> Resolve:
    """``names(hooks="127.0.0.1")`` knows the host ``hooks.example``."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        found = hosts[host.removesuffix(".example")]
        return [found] if isinstance(found, str) else found

    return resolve


async def sent(outbound: Outbound, body: bytes = b"{}") -> str:
    try:
        return outbound.check(await outbound.post(body, {"Content-Type": "application/json"}), NOW)
    finally:
        await outbound.close()


async def refused(outbound: Outbound) -> Undeliverable:
    with pytest.raises(Undeliverable) as caught:
        await sent(outbound)
    return caught.value


async def test_a_message_arrives_whole() -> None:
    async with HttpReceiver() as receiver:
        said = await sent(Outbound(f"{receiver.url}/in?a=b", policy=PRIVATE), b'{"a": 1}')
    (received,) = receiver.received
    assert said == "200 OK: ok"
    assert (received.path, received.body) == ("/in?a=b", b'{"a": 1}')
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["user-agent"].startswith("choreoscope/")


async def test_the_loopback_is_refused_unless_it_is_allowed() -> None:
    async with HttpReceiver() as receiver:
        failure = await refused(Outbound(receiver.url))
        assert failure.permanent
        assert "a loopback address (127.0.0.1)" in failure.message
        assert receiver.received == []
        await sent(Outbound(receiver.url, policy=PRIVATE))
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "address",
    ["10.0.0.7", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1", "224.0.0.1", "64:ff9b::a00:1"],
)
async def test_a_name_that_means_an_inner_address_is_refused(address: str) -> None:
    failure = await refused(Outbound("https://hooks.example/x", resolve=names(hooks=address)))
    assert failure.permanent
    assert "where nothing is sent" in failure.message


async def test_one_inner_address_among_others_is_enough_to_refuse() -> None:
    both = names(hooks=["93.184.216.34", "10.0.0.7"])
    failure = await refused(Outbound("https://hooks.example/x", resolve=both))
    assert "10.0.0.7" in failure.message


@pytest.mark.parametrize(
    "url", ["http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://[::1]/", "http://localhost/"]
)
async def test_other_ways_to_write_the_loopback_are_refused(url: str) -> None:
    failure = await refused(Outbound(url))
    assert failure.permanent or "cannot be found" in failure.message
    assert "loopback" in failure.message or "cannot be found" in failure.message


async def test_a_name_is_resolved_once_and_the_connection_goes_where_was_checked() -> None:
    """A name that means something harmless when it is checked and the loopback a moment later."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.255.255.1"]

    async with HttpReceiver() as receiver:
        url = f"http://hooks.example:{receiver.port}/x"
        await sent(Outbound(url, policy=PRIVATE, resolve=rebinding))
    assert asked == ["hooks.example"]
    assert receiver.received[0].headers["host"] == f"hooks.example:{receiver.port}"


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async with HttpReceiver() as receiver:
        url = f"http://hooks.example:{receiver.port}/"
        await sent(Outbound(url, policy=PRIVATE, resolve=names(hooks=["::1", "127.0.0.1"])))
    assert len(receiver.received) == 1


async def test_tls_is_for_the_name_although_the_connection_goes_to_an_address(tmp_path: Path) -> None:
    context = server_context(tmp_path, "hooks.example")
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    tls = Tls(ca_file=tmp_path / "ca.pem")
    async with HttpReceiver(tls=context) as receiver:
        url = f"https://hooks.example:{receiver.port}/"
        await sent(Outbound(url, policy=PRIVATE, tls=tls, resolve=names(hooks="127.0.0.1")))
        assert asked == ["hooks.example"]
        wrong = Outbound(
            f"https://other.example:{receiver.port}/",
            policy=PRIVATE,
            tls=tls,
            resolve=names(other="127.0.0.1"),
        )
        failure = await refused(wrong)
        assert "certificate" in failure.message
        unknown = Outbound(url, policy=PRIVATE, resolve=names(hooks="127.0.0.1"))
        assert "certificate" in (await refused(unknown)).message
        unverified = Outbound(url, policy=PRIVATE, tls=Tls(verify=False), resolve=names(hooks="127.0.0.1"))
        await sent(unverified)
    assert len(receiver.received) == 2


async def test_redirects_are_not_followed() -> None:
    async with HttpReceiver() as target, HttpReceiver([answer(307, location=f"{target.url}/x")]) as receiver:
        failure = await refused(Outbound(receiver.url, policy=PRIVATE))
    assert "redirects are not followed" in failure.message
    assert target.received == []


async def test_an_allowed_redirect_is_followed_with_the_message_and_without_the_headers() -> None:
    async with HttpReceiver() as target, HttpReceiver([answer(308, location=f"{target.url}/x")]) as receiver:
        secret = {"Authorization": "Bearer swordfish"}
        await sent(Outbound(receiver.url, policy=PRIVATE, redirects=1, headers=secret), b"[1]")
    assert receiver.received[0].headers["authorization"] == "Bearer swordfish"
    assert target.received[0].body == b"[1]"
    assert target.received[0].path == "/x"
    assert "authorization" not in target.received[0].headers


async def test_a_redirect_to_an_inner_address_is_refused() -> None:
    known = names(hooks="127.0.0.1", inner="169.254.169.254")
    async with HttpReceiver([answer(307, location="http://inner.example/latest/meta-data")]) as receiver:
        url = f"http://hooks.example:{receiver.port}/"
        failure = await refused(Outbound(url, policy=PRIVATE, redirects=3, resolve=known))
    assert failure.permanent
    assert "cloud" in failure.message


async def test_redirects_are_followed_so_often_and_no_more() -> None:
    async with HttpReceiver([answer(307, location="/again")]) as receiver:
        failure = await refused(Outbound(receiver.url, policy=PRIVATE, redirects=2))
    assert "307" in failure.message
    assert len(receiver.received) == 3


@pytest.mark.parametrize("location", ["", "ftp://x/", "http://", "file:///etc/passwd"])
async def test_a_redirect_to_nowhere_is_no_success(location: str) -> None:
    async with HttpReceiver([answer(307, location=location)]) as receiver:
        failure = await refused(Outbound(receiver.url, policy=PRIVATE, redirects=1))
    assert "307" in failure.message


async def test_a_redirect_does_not_lead_away_from_https(tmp_path: Path) -> None:
    context = server_context(tmp_path, "hooks.example")
    async with (
        HttpReceiver() as plain,
        HttpReceiver([answer(307, location=plain.url)], tls=context) as receiver,
    ):
        url = f"https://hooks.example:{receiver.port}/"
        tls = Tls(ca_file=tmp_path / "ca.pem")
        outbound = Outbound(url, policy=PRIVATE, tls=tls, redirects=1, resolve=names(hooks="127.0.0.1"))
        failure = await refused(outbound)
    assert "away from https" in failure.message


@pytest.mark.parametrize("behaviour", [silence, drip])
async def test_a_receiver_that_hangs_is_given_up(behaviour: object) -> None:
    async with HttpReceiver([behaviour]) as receiver:  # type: ignore[list-item]
        began = time.monotonic()
        failure = await refused(Outbound(receiver.url, policy=PRIVATE, timeout=SHORT))
    assert time.monotonic() - began < 3
    assert "did not answer within 0.4 seconds" in failure.message
    assert not failure.permanent


@pytest.mark.parametrize("behaviour", [endless, slow_body])
async def test_an_answer_without_an_end_is_read_so_far_and_counts(behaviour: object) -> None:
    async with HttpReceiver([behaviour]) as receiver:  # type: ignore[list-item]
        began = time.monotonic()
        outbound = Outbound(receiver.url, policy=PRIVATE, timeout=SHORT)
        found = await outbound.post(b"{}", {})
        await outbound.close()
    assert time.monotonic() - began < 3
    assert found.status == 200
    assert len(found.body) <= ANSWER_BYTES


async def test_endless_headers_are_refused() -> None:
    async def headers(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

    async with HttpReceiver([headers]) as receiver:
        failure = await refused(Outbound(receiver.url, policy=PRIVATE, timeout=timedelta(seconds=20)))
    assert "cannot be reached" in failure.message


@pytest.mark.parametrize("reply", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 999999 No\r\n\r\n"])
async def test_what_is_no_answer_is_no_success(reply: bytes) -> None:
    async with HttpReceiver([reply]) as receiver:
        failure = await refused(Outbound(receiver.url, policy=PRIVATE, timeout=SHORT))
    assert not failure.permanent


async def test_a_torn_connection_is_tried_again_later() -> None:
    async with HttpReceiver([torn]) as receiver:
        failure = await refused(Outbound(receiver.url, policy=PRIVATE))
    assert "cannot be reached" in failure.message
    assert not failure.permanent


async def test_nobody_there_and_no_such_name() -> None:
    async with HttpReceiver() as receiver:
        port = receiver.port
    failure = await refused(Outbound(f"http://127.0.0.1:{port}/", policy=PRIVATE))
    assert "cannot be reached" in failure.message

    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    failure = await refused(Outbound("http://hooks.example/", resolve=unknown))
    assert failure.message == "http://hooks.example cannot be found: Name or service not known"
    assert not failure.permanent


async def test_410_is_for_good_and_others_are_not() -> None:
    for status, permanent in ((410, True), (400, False), (404, False), (500, False), (503, False)):
        async with HttpReceiver([answer(status, "Oh")]) as receiver:
            failure = await refused(Outbound(receiver.url, policy=PRIVATE))
        assert failure.permanent is permanent
        assert failure.message == f"answered {status} Oh"


async def test_retry_after_is_told() -> None:
    async with HttpReceiver([answer(503, "Busy", retry_after="120")]) as receiver:
        failure = await refused(Outbound(receiver.url, policy=PRIVATE))
    assert failure.retry_after == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0", timedelta(0)),
        ("3600", timedelta(hours=1)),
        ("Mon, 02 Mar 2026 09:40:00 GMT", timedelta(minutes=10)),
        ("Mon, 02 Mar 2026 08:00:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("999999999999999999999999", LONGEST_WAIT),
        ("999999999", LONGEST_WAIT),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(text: str, wait: timedelta | None) -> None:
    assert retry_after(Answer(429, "", {"retry-after": text}, b""), NOW) == wait


async def test_credentials_of_the_address_become_a_header() -> None:
    async with HttpReceiver() as receiver:
        url = receiver.url.replace("://", "://me:s%40fe@")
        await sent(Outbound(url, policy=PRIVATE))
    assert receiver.received[0].headers["authorization"] == "Basic bWU6c0BmZQ=="


async def test_secrets_are_told_by_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The receiver repeats everything it got; neither errors nor the log do."""
    caplog.set_level(logging.DEBUG)

    async def parrot(received: Received, writer: asyncio.StreamWriter) -> None:
        said = f"{received.path} {received.headers}".encode()
        writer.write(answer(500, "Sorry", said))

    async with HttpReceiver([parrot]) as receiver:
        url = receiver.url.replace("://", "://user:pa55word@") + "/hook/T0PSECRETPATH?token=querytoken1"
        outbound = Outbound(url, policy=PRIVATE, headers={"X-Key": "headersecret"}, secrets=["whsec_signing"])
        failure = await refused(outbound)
        nobody = Outbound("http://user:pa55word@127.0.0.1:1/T0PSECRETPATH?token=querytoken1", policy=PRIVATE)
        other = await refused(nobody)
    assert "500 Sorry" in failure.message
    told = failure.message + other.message + caplog.text
    for secret in (
        "pa55word",
        "T0PSECRETPATH",
        "querytoken1",
        "headersecret",
        "whsec_signing",
        "dXNlcjpwYTU1d29yZA",
    ):
        assert secret not in told


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with HttpReceiver() as proxy, HttpReceiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        await sent(Outbound(receiver.url, policy=PRIVATE))
    assert proxy.received == []
    assert len(receiver.received) == 1

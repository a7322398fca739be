"""HTTP to the outside, of which nothing is believed: where it leads, how long it takes, how much it answers.

A host's name is resolved once; every address it has is checked, and the connection goes to one of those that
were checked (not to what the name means a moment later), while TLS and ``Host`` keep the name. Redirects are
not followed unless allowed, each hop being checked alike. Time and answer are bounded. Proxies and netrc of
the environment are not used. What is said of failures names the receiver's host, never the rest of the
address, which may hold a token.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote

import httpx

import monitor
from monitor.alerts.addresses import Address, Policy, refusal
from monitor.alerts.base import Undeliverable
from monitor.plaintext import one_line
from monitor.settings.sources import Tls

ANSWER_BYTES = 64 * 1024
"""Of an answer's body that are read; the connection is closed after them."""
BODY_TIME = timedelta(seconds=5)
"""How long an answer's body may take, once its status is known."""
LONGEST_WAIT = timedelta(days=1)
"""A receiver that wants to be left alone for longer (``Retry-After``) is asked again after that."""
ADDRESSES = 4
"""Of a host that are tried, one after the other."""

SHORTEST = 4
"""Characters of a text that is blotted out in what is told: less says nothing, and blots the rest."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port -> addresses as text. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is what was read of it, at most ``ANSWER_BYTES``."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


async def resolve(host: str, port: int) -> Sequence[str]:
    """By the system's resolver, in its order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def tls_context(tls: Tls | None) -> ssl.SSLContext:
    """Certificates are verified against the system's authorities and those Python knows, or ``ca_file``."""
    if tls is not None and tls.ca_file is not None:
        context = ssl.create_default_context(cafile=tls.ca_file)
    else:
        context = httpx.create_ssl_context(trust_env=False)
        context.load_default_certs()
    if tls is not None and tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    if tls is not None and not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Outbound:
    """POSTs to one receiver's address. ``secrets``: further texts that must not be told."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        policy: Policy | None = None,
        redirects: int = 0,
        timeout: timedelta = timedelta(seconds=15),
        tls: Tls | None = None,
        secrets: Iterable[str] = (),
        resolve: Resolve = resolve,
    ) -> None:
        self._url = httpx.URL(url)
        self._headers = dict(headers or {})
        self._policy = policy or Policy()
        self._redirects = redirects
        self.timeout = timeout
        self._timeout = timeout.total_seconds()
        self._resolve = resolve
        own = _secrets_of(self._url) | {*self._headers.values(), *secrets}
        self._secrets = {secret for secret in own if len(secret) >= SHORTEST}
        self._passing: set[str] = set()  # of redirects' targets, while one message is sent
        # The transport itself, without httpx' client, which writes every address into the log. Connections
        # are not kept: messages are rare, and one to an address must not serve another name.
        self._context = tls_context(tls) if self._may_use_tls else None
        self._transport = httpx.AsyncHTTPTransport(
            verify=self._context or False,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    @property
    def _may_use_tls(self) -> bool:
        return self._url.scheme == "https" or self._redirects > 0

    async def post(self, body: bytes, headers: Mapping[str, str], path: str = "") -> Answer:
        """The answer, whatever its status. ``path`` is put behind the address's own. Raises Undeliverable
        where there is none, or where the address is refused."""
        url = self._url.copy_with(path=self._url.path.rstrip("/") + path) if path else self._url
        deadline = asyncio.get_running_loop().time() + self._timeout
        own = dict(self._headers)
        self._passing = set()
        for hop in range(self._redirects + 1):
            answer = await self._answer(url, {**own, **headers}, body, deadline)
            if answer.status not in (307, 308) or hop == self._redirects:
                break
            target = self._target(url, answer)
            if (target.host, target.port, target.scheme) != (url.host, url.port, url.scheme):
                own = {}
            url = target
        return answer

    async def reach(self) -> str:
        """Which address answers, without sending anything. Raises Undeliverable."""
        url = self._url
        where = _place(url)
        try:
            async with asyncio.timeout(self._timeout):
                addresses = await self._addresses(url, where)
                _, writer = await asyncio.open_connection(
                    str(addresses[0]),
                    _port(url),
                    ssl=self._context if url.scheme == "https" else None,
                    server_hostname=url.host if url.scheme == "https" else None,
                )
        except TimeoutError:
            raise Undeliverable(f"{where} did not answer within {self._timeout:g} seconds") from None
        except OSError as error:
            raise Undeliverable(f"{where} cannot be reached: {self.told(_cause(error))}") from None
        writer.transport.abort()
        return f"{where} answers at {addresses[0]}"

    def check(self, answer: Answer, now: datetime) -> str:
        """What the receiver said, if it has the message. Raises Undeliverable for any status but 2xx; 410
        (gone) is permanent."""
        said = self.said(answer)
        if 200 <= answer.status < 300:
            return said
        if 300 <= answer.status < 400:
            followed = "only 307 and 308 are followed" if self._redirects else "redirects are not followed"
            raise Undeliverable(f"answered {said}, a redirect: {followed}")
        raise Undeliverable(
            f"answered {said}", permanent=answer.status == 410, retry_after=retry_after(answer, now)
        )

    def said(self, answer: Answer) -> str:
        """``200 OK``, and the beginning of the body where it is text."""
        told = f"{answer.status} {answer.reason}".strip()
        text = one_line(self.told(answer.body.decode("utf-8", "replace")), 160)
        return f"{told}: {text}" if text and "\ufffd" not in text else told

    def told(self, text: str) -> str:
        """The text without secrets, should it repeat any."""
        for secret in sorted(self._secrets | self._passing, key=len, reverse=True):
            text = text.replace(secret, "•••")
        return text

    async def close(self) -> None:
        await self._transport.aclose()

    async def _answer(
        self, url: httpx.URL, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> Answer:
        where = _place(url)
        try:
            async with asyncio.timeout_at(deadline):
                addresses = await self._addresses(url, where)
                response = await self._send(url, headers, body, addresses)
        except TimeoutError:
            raise Undeliverable(f"{where} did not answer within {self._timeout:g} seconds") from None
        except (httpx.TransportError, OSError) as error:
            raise Undeliverable(f"{where} cannot be reached: {self.told(_cause(error))}") from None
        return await _read(response, deadline)

    async def _addresses(self, url: httpx.URL, where: str) -> list[Address]:
        """Those the host has. Raises Undeliverable if it has one that is refused."""
        try:
            found = [ip_address(text) for text in await self._resolve(url.host, _port(url))]
        except (OSError, UnicodeError) as error:
            raise Undeliverable(f"{where} cannot be found: {_cause(error)}") from None
        if not found:
            raise Undeliverable(f"{where} cannot be found: it has no address")
        for address in found:
            if what := refusal(address, self._policy):
                raise Undeliverable(
                    f"{where} is {what} ({address}), where nothing is sent; if that is meant, allow it by"
                    " allow_private or allowed_networks",
                    permanent=True,
                )
        return found[:ADDRESSES]

    async def _send(
        self, url: httpx.URL, headers: Mapping[str, str], body: bytes, addresses: Sequence[Address]
    ) -> httpx.Response:
        times = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        all_headers = {
            "Host": url.netloc.decode("ascii"),
            "User-Agent": f"choreoscope/{monitor.__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
            **_credentials(url),
            **headers,
        }
        failure: httpx.TransportError | None = None
        for address in addresses:
            request = httpx.Request(
                "POST",
                url.copy_with(host=str(address), username=None, password=None),
                headers=httpx.Headers(all_headers, encoding="latin-1"),
                content=body,
                extensions={"timeout": times, "sni_hostname": url.host},
            )
            try:
                return await self._transport.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = failure or error
        assert failure is not None
        raise failure

    def _target(self, url: httpx.URL, answer: Answer) -> httpx.URL:
        """Where a redirect leads. Raises Undeliverable for where it must not lead."""
        try:
            target = url.join(answer.headers.get("location", ""))
        except (httpx.InvalidURL, ValueError):
            raise Undeliverable(f"answered {answer.status}, a redirect to no address") from None
        if target.scheme not in ("http", "https") or not target.host:
            raise Undeliverable(f"answered {answer.status}, a redirect to no address")
        if url.scheme == "https" and target.scheme == "http":
            raise Undeliverable(f"answered {answer.status}, a redirect away from https", permanent=True)
        self._passing |= _secrets_of(target)
        return target


async def _read(response: httpx.Response, deadline: float) -> Answer:
    """The status counts; of the body comes what comes in time."""
    loop = asyncio.get_running_loop()
    body = bytearray()
    with contextlib.suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout_at(min(deadline, loop.time() + BODY_TIME.total_seconds())):
            async for chunk in response.aiter_raw():
                body += chunk[: ANSWER_BYTES - len(body)]
                if len(body) >= ANSWER_BYTES:
                    break
    with contextlib.suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(1):
            await response.aclose()
    reason = one_line(response.reason_phrase, 60)
    return Answer(response.status_code, reason, response.headers, bytes(body))


def retry_after(answer: Answer, now: datetime) -> timedelta | None:
    """How long the receiver asks to be left alone: seconds, or a date. At most ``LONGEST_WAIT``."""
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+", text, re.ASCII):
        return min(timedelta(seconds=int(text[:9])), LONGEST_WAIT) if len(text) < 10 else LONGEST_WAIT
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), LONGEST_WAIT)


def _place(url: httpx.URL) -> str:
    """What of an address may be told."""
    return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port else "")


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _credentials(url: httpx.URL) -> dict[str, str]:
    """Of an address with a user: basic authentication."""
    if not url.userinfo:
        return {}
    request = httpx.Request("POST", "http://unused.invalid")
    flow = httpx.BasicAuth(url.username, url.password).auth_flow(request)
    return {"Authorization": next(flow).headers["Authorization"]}


def _secrets_of(url: httpx.URL) -> set[str]:
    """What of an address may be a token: passwords, and anything long in its path and query."""
    parts = {url.password, url.userinfo.decode("ascii")}
    told = [*url.path.split("/"), *(value for _, value in parse_qsl(url.query.decode("ascii")))]
    parts |= {part for part in (*told, *map(unquote, told)) if len(part) >= 8}
    return parts - {""}


def _cause(error: BaseException) -> str:
    """The innermost reason, in its own words."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return one_line(str(said), 160)

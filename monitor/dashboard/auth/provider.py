"""Logging in at an OpenID Connect provider: authorization code flow with PKCE, state and nonce.

What the provider says is believed only where its signature, issuer, audience, times and nonce are right.
"""

from __future__ import annotations

import hmac
import secrets
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import orjson
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from monitor.dashboard.auth.began import Began
from monitor.dashboard.auth.errors import ProviderFailed, WrongLogin
from monitor.domain.access import Role
from monitor.settings.auth import OidcSettings
from monitor.storage.access import Identity

TIMEOUT_SECONDS = 10.0
MOST_BYTES = 1024 * 1024
KEEP = timedelta(hours=1)
"""How long what the provider says of itself is good for."""
KEYS_AGAIN = timedelta(minutes=1)
"""A token signed by a key we do not know makes us ask for the keys again, so often at most."""
LEEWAY_SECONDS = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by keys that only the provider has."""


class Provider:
    """``client`` is for tests; use it within one loop."""

    def __init__(
        self, settings: OidcSettings, now: Callable[[], datetime], client: httpx.AsyncClient | None = None
    ) -> None:
        self._settings = settings
        self._now = now
        self._http = client or _client(settings)
        self._about: tuple[datetime, Mapping[str, Any]] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    async def close(self) -> None:
        await self._http.aclose()

    async def begin(self, redirect: str) -> Began:
        """Raises ProviderFailed."""
        about = await self._metadata()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        url = prepare_grant_uri(
            self._endpoint(about, "authorization_endpoint"),
            client_id=self._settings.client_id,
            response_type="code",
            redirect_uri=redirect,
            scope=" ".join(self._settings.scopes),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Began(str(url), state, nonce, verifier)

    async def finish(self, redirect: str, came: Mapping[str, str], began: Began) -> Identity:
        """Who it is. ``came``: what the browser came back with. Raises ProviderFailed, WrongLogin."""
        # what was begun comes back with the browser: whoever leaves a part out must not leave out its check
        whole = began.state and began.nonce and began.verifier
        if not whole or not hmac.compare_digest(came.get("state", "").encode(), began.state.encode()):
            raise ProviderFailed("This login was begun elsewhere, or too long ago.", mend="Begin it again.")
        if came.get("iss", self._settings.issuer) != self._settings.issuer:
            raise ProviderFailed("The answer is of another provider.", mend="Begin the login again.")
        if "error" in came:
            raise WrongLogin(f"{self._settings.name} says no: {_told(came)}.")
        code = came.get("code", "")
        if not code:
            raise ProviderFailed("The provider sent no code.", mend="Begin the login again.")
        about = await self._metadata()
        tokens = await self._exchange(about, redirect, code, began.verifier)
        claims = await self._claims(about, tokens, began.nonce)
        return self._identity(claims)

    # what the provider says ------------------------------------------------------------------------------

    async def _metadata(self) -> Mapping[str, Any]:
        now = self._now()
        if self._about is None or now - self._about[0] >= KEEP:
            issuer = self._settings.issuer
            about = await self._json("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if about.get("issuer") != issuer:
                raise ProviderFailed(
                    f"The provider calls itself {str(about.get('issuer'))[:200]!r}, not {issuer!r}.",
                    mend="auth.oidc.issuer has to be written as the provider writes it.",
                )
            self._about = (now, about)
        return self._about[1]

    def _endpoint(self, about: Mapping[str, Any], name: str) -> str:
        url = about.get(name)
        secure = urlsplit(self._settings.issuer).scheme == "https"
        if not isinstance(url, str) or urlsplit(url).scheme not in (
            ("https",) if secure else ("http", "https")
        ):
            raise ProviderFailed(f"The provider names no {name} that can be used.")
        return url

    async def _exchange(
        self, about: Mapping[str, Any], redirect: str, code: str, verifier: str
    ) -> Mapping[str, Any]:
        secret = self._settings.client_secret
        supported = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"
        auth = ClientAuth(
            self._settings.client_id,
            "" if secret is None else secret.get_secret_value(),
            "none" if secret is None else method,
        )
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url, headers, body = auth.prepare(
            "POST", self._endpoint(about, "token_endpoint"), headers, urlencode(fields)
        )
        return await self._json("POST", url, headers, body)

    async def _claims(
        self, about: Mapping[str, Any], tokens: Mapping[str, Any], nonce: str
    ) -> Mapping[str, Any]:
        """The id token's, and what only userinfo says."""
        access_token = tokens.get("access_token")
        token = await self._verified(about, str(tokens.get("id_token", "")))
        options = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        params = {"nonce": nonce, "client_id": self._settings.client_id, "access_token": access_token}
        claims = CodeIDToken(token.claims, token.header, options, params)
        try:
            claims.validate(now=int(self._now().timestamp()), leeway=LEEWAY_SECONDS)
        except JoseError as error:
            raise ProviderFailed(
                f"The id token is not right: {error}.", mend="Begin the login again."
            ) from error
        found = dict(claims)
        wanted = (self._settings.user_claim, self._settings.role_claim)
        if any(_claim(found, name) is None for name in wanted) and "userinfo_endpoint" in about:
            more = await self._json(
                "GET",
                self._endpoint(about, "userinfo_endpoint"),
                {"Authorization": f"Bearer {access_token}"},
            )
            if more.get("sub") != found["sub"]:
                raise ProviderFailed("The provider tells of somebody else.")
            found = {**more, **found}
        return found

    async def _verified(self, about: Mapping[str, Any], id_token: str) -> jwt.Token:
        if not id_token:
            raise ProviderFailed("The provider sent no id token.")
        try:
            return jwt.decode(id_token, await self._key_set(about), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            if self._keys is not None and self._now() - self._keys[0] < KEYS_AGAIN:
                raise ProviderFailed("The id token is not signed as it should be.") from None
            self._keys = None  # it may be signed by a new key
        try:
            return jwt.decode(id_token, await self._key_set(about), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError) as error:
            raise ProviderFailed("The id token is not signed as it should be.") from error

    async def _key_set(self, about: Mapping[str, Any]) -> KeySet:
        now = self._now()
        if self._keys is None or now - self._keys[0] >= KEEP:
            told: Any = await self._json("GET", self._endpoint(about, "jwks_uri"))
            try:
                self._keys = (now, KeySet.import_key_set(told))
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise ProviderFailed("The provider's keys cannot be read.") from error
        return self._keys[1]

    async def _json(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Mapping[str, Any]:
        """What the provider answers, as an object; neither its own words nor a secret of ours get into the
        error."""
        host = urlsplit(url).netloc.rpartition("@")[2]
        read = bytearray()
        try:
            sent = {"Accept": "application/json", **(headers or {})}
            async with self._http.stream(method, url, headers=sent, content=body) as response:
                async for chunk in response.aiter_bytes():
                    read += chunk
                    if len(read) > MOST_BYTES:
                        raise ProviderFailed(f"{host} answers too much.")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind = type(error).__name__
            raise ProviderFailed(
                f"{host} cannot be asked ({kind}).", mend="Try again; the log of the provider may say more."
            ) from None
        if response.status_code != 200:
            raise ProviderFailed(f"{host} answers {response.status_code}.", mend="Begin the login again.")
        try:
            told = orjson.loads(read)
        except orjson.JSONDecodeError:
            told = None
        if not isinstance(told, dict):
            raise ProviderFailed(f"{host} answers something that is no JSON object.")
        return told

    # who it is -------------------------------------------------------------------------------------------

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        settings = self._settings
        subject = str(claims["sub"])
        name = _claim(claims, settings.user_claim)
        first = Role(settings.default_role) if settings.default_role else None
        role = None
        if settings.roles:
            role = settings.roles.role(_values(_claim(claims, settings.role_claim))) or first
            if role is None:
                raise WrongLogin(
                    f"{settings.name} knows you, but gives you no role here.",
                    mend="Somebody there can put you into a group that has one.",
                )
        return Identity(
            settings.issuer,
            subject,
            name if isinstance(name, str) and name else subject,
            role,
            role or first or Role.VIEWER,
        )


def _client(settings: OidcSettings) -> httpx.AsyncClient:
    """Follows no redirect, and takes no proxy or certificate from the environment."""
    trusted = ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False, verify=trusted)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by the way that leads to it through objects."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def _values(claim: Any) -> frozenset[str]:
    if isinstance(claim, str):
        return frozenset({claim})
    return frozenset(one for one in claim if isinstance(one, str)) if isinstance(claim, list) else frozenset()


def _told(came: Mapping[str, str]) -> str:
    said = came.get("error_description") or came["error"]
    return said[:200].rstrip(".")

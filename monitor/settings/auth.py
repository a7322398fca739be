"""Who may log in, and how."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor.domain.access import Role
from monitor.settings.values import ExistingFile, Model, PositiveDuration

Public = Literal["metrics", "badges"]


class SessionSettings(Model):
    """Who has done nothing for ``idle`` is logged out, and everybody ``absolute`` after logging in. A page
    that only updates itself does nothing."""

    idle: PositiveDuration = timedelta(hours=12)
    absolute: PositiveDuration = timedelta(days=7)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.idle > self.absolute:
            raise ValueError("idle must not be longer than absolute")
        return self


class RoleClaims(Model):
    """For each role the values of the provider's claim that give it; the highest counts."""

    viewer: tuple[str, ...] = ()
    operator: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()

    def role(self, values: frozenset[str]) -> Role | None:
        for role in reversed(Role):
            if values & set(getattr(self, role.value)):
                return role
        return None

    def __bool__(self) -> bool:
        return bool(self.viewer or self.operator or self.admin)


class OidcSettings(Model):
    """An OpenID Connect provider. ``name`` is on the button. ``user_claim`` is what users are called, looked
    for in the id token and then at the provider's userinfo; so is ``role_claim`` (dots lead into objects:
    ``realm_access.roles``), of whose values ``roles`` says what they give. Where ``roles`` is left out, users
    begin with ``default_role`` and admins change it here; where it is not, ``default_role`` is for those it
    says nothing of (without a value they get in nowhere). ``ca_file``: certificates to trust instead of the
    usual ones."""

    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    name: str = Field(default="Single sign-on", min_length=1, max_length=60)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    user_claim: str = Field(default="preferred_username", min_length=1)
    role_claim: str = Field(default="groups", min_length=1)
    roles: RoleClaims = RoleClaims()
    default_role: Literal["viewer", "operator", "admin"] | None = None
    ca_file: ExistingFile | None = None

    @field_validator("issuer")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise ValueError("must begin with https:// (http:// only on this machine)")
        if parts.query or parts.fragment or parts.username:
            raise ValueError("must be the bare address of the provider, as it calls itself")
        return value

    @field_validator("scopes")
    @classmethod
    def _openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("must hold openid")
        return value

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.roles and self.default_role is None:
            raise ValueError(
                "nobody would get in: say by roles which values of role_claim give which role, or give"
                " everybody of this provider a default_role"
            )
        return self


class AuthSettings(Model):
    """Who may see and change things. ``local``: users with passwords kept here (made by ``choreoscope
    users add``). ``public``: what needs no login all the same. ``proxies``: addresses or networks of reverse
    proxies whose word (``X-Forwarded-For``) is taken for where a request comes from; that of one on this
    machine always is."""

    local: bool = True
    oidc: OidcSettings | None = None
    session: SessionSettings = SessionSettings()
    public: tuple[Public, ...] = Field(default=())
    proxies: tuple[str, ...] = ()

    @field_validator("proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ipaddress.ip_network(one)
            except ValueError:
                raise ValueError(f"{one!r} is neither an address nor a network such as 10.0.0.0/8") from None
        return value

    @model_validator(mode="after")
    def _some_way_in(self) -> Self:
        if not self.local and self.oidc is None:
            raise ValueError("nobody could log in: say local: true, or name a provider under oidc")
        return self

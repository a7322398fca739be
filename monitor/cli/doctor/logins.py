"""Logins: is there somebody who can log in, and does the provider answer as it has to?"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from monitor.cli.doctor.result import Result, Results, fail, ok, warn
from monitor.dashboard.auth.errors import ProviderFailed
from monitor.dashboard.auth.provider import Provider
from monitor.errors import ChoreoscopeError
from monitor.settings import Settings
from monitor.settings.auth import AuthSettings, OidcSettings
from monitor.storage.sql import open_store

WHAT = "auth"


async def examine(settings: Settings, auth: AuthSettings) -> Results:
    if auth.local:
        yield await _users(settings.database.get_secret_value())
    if auth.oidc is not None:
        yield await _provider(auth.oidc)


async def _users(url: str) -> Result:
    if url.startswith("sqlite") and not os.path.exists(url.removeprefix("sqlite:///")):  # noqa: ASYNC240
        return warn(WHAT, "nobody can log in yet: there is no database", _ADD)
    try:
        store = await open_store(url)
    except ChoreoscopeError:
        return warn(WHAT, "who can log in is not known: see database", "Mend the database first.")
    try:
        if await store.access.has_users():
            return ok(WHAT, "there are users who can log in")
    finally:
        await store.close()
    return warn(WHAT, "nobody can log in yet: there are no users", _ADD)


_ADD = "Run: choreoscope db upgrade, then choreoscope users add NAME --role admin"


async def _provider(settings: OidcSettings) -> Result:
    """Asks for what the provider says of itself, as a login does first; nobody is sent there."""
    provider = Provider(settings, lambda: datetime.now(UTC))
    try:
        await provider.begin("https://choreoscope.invalid/login/sso/callback")
    except ProviderFailed as error:
        return fail(WHAT, error.message, error.mend or "Check auth.oidc.issuer and ca_file.")
    finally:
        await provider.close()
    return ok(WHAT, f"the provider {settings.issuer} answers")

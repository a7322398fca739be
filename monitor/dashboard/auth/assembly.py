"""The login from the settings, for the composition root."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from monitor.dashboard.auth.service import Auth
from monitor.dashboard.guard import is_secure
from monitor.settings import Settings
from monitor.settings.auth import AuthSettings
from monitor.storage.access import Access

if TYPE_CHECKING:
    from monitor.dashboard.auth.provider import Provider


class Login(TypedDict):
    """Arguments of :func:`monitor.dashboard.app.create_app`."""

    auth: Auth | None
    form_secret: bytes


async def login_of(settings: Settings, access: Access, now: Callable[[], datetime]) -> Login:
    """Raises StorageError."""
    auth = None
    if settings.auth is not None:
        auth = Auth(
            settings.auth,
            access,
            now,
            secure=is_secure(settings.dashboard),
            external_url=settings.dashboard.external_url,
            provider=_provider(settings.auth, now),
        )
    return {"auth": auth, "form_secret": await access.secret("forms", secrets.token_bytes(32), now())}


def _provider(settings: AuthSettings, now: Callable[[], datetime]) -> Provider | None:
    if settings.oidc is None:
        return None
    from monitor.dashboard.auth.provider import Provider  # slow to import: who has no provider need not pay

    return Provider(settings.oidc, now)


def proxies_of(settings: Settings) -> list[str]:
    """Whose word is taken for where a request comes from."""
    trusted = settings.auth.proxies if settings.auth is not None else ()
    return ["127.0.0.1", "::1", *trusted]

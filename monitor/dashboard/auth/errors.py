"""What keeps somebody out."""

from __future__ import annotations

from datetime import timedelta

from monitor.errors import ChoreoscopeError


class NotLoggedIn(ChoreoscopeError):
    """You are not logged in."""


class NotAllowed(ChoreoscopeError):
    """Your role does not allow this."""


class WrongLogin(ChoreoscopeError):
    """Name or password is wrong."""


class TooManyAttempts(ChoreoscopeError):
    """Too many attempts to log in."""

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait
        seconds = max(1, round(wait.total_seconds()))
        told = f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} minutes"
        super().__init__("There were too many attempts to log in.", mend=f"Try again in {told}.")


class ProviderFailed(ChoreoscopeError):
    """The login at the provider did not work."""

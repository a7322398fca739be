"""A login at a provider between its two halves."""

from __future__ import annotations

from typing import NamedTuple


class Began(NamedTuple):
    """A login that was begun: where the browser goes, and what it has to come back with."""

    url: str
    state: str
    nonce: str
    verifier: str

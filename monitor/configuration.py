"""With which configuration the service runs, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Refused(NamedTuple):
    """A configuration that was read ``at`` some time and cannot be used; ``why`` has the places."""

    at: datetime
    why: str


@dataclass(slots=True)
class Configuration:
    """In use ``since``. ``refused``: the file has changed since then to what cannot be used."""

    since: datetime
    refused: Refused | None = None

"""Everything one run has under its hands: servers, links, our processes, producers, receivers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.landscape import Publisher
from tests.chaos.proxy import Link
from tests.chaos.receivers import Hook
from tests.chaos.supervisor import Ours
from tests.services import Service
from tests.support.smtp_server import MailServer


@dataclass(frozen=True)
class World:
    """``links``: by service, between it and our processes, and by publisher. ``processes``: ours by name."""

    folder: Path
    config: Path
    services: Mapping[str, Service]
    links: Mapping[str, Link]
    processes: Mapping[str, Ours]
    publishers: Mapping[str, Publisher]
    hook: Hook
    mail: MailServer
    turns: Mapping[str, asyncio.Lock]
    """Of each target: what is done to one thing is done one after the other."""

    @property
    def database(self) -> str:
        """The store, past every link."""
        return self.services["postgres"].address

    async def session(self) -> psycopg.AsyncConnection[Any]:
        """A session of somebody else, told by its name from ours."""
        return await psycopg.AsyncConnection.connect(
            self.database, autocommit=True, connect_timeout=5, application_name="chaos"
        )

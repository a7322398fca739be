"""A store on each dialect."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.storage.migrate import upgrade
from monitor.storage.sql import SqlStore, open_store
from tests.contract.store_harness import TickingClock


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        found: str = request.getfixturevalue("migrated_postgres_url")
        return found
    file = f"sqlite:///{tmp_path}/store.db"
    upgrade(file)
    return file


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    """Its clock goes on by one second with each batch, from 13:00."""
    opened = await open_store(store_url, now=TickingClock())
    yield opened
    await opened.close()

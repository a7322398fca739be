"""A store on each dialect."""

from collections.abc import AsyncIterator

import pytest

from monitor.storage.sql import SqlStore, open_store
from tests.contract.store_harness import TickingClock


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"migrated_{request.param}_url")
    return found


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    """Its clock goes on by one second with each batch, from 13:00."""
    opened = await open_store(store_url, now=TickingClock())
    yield opened
    await opened.close()

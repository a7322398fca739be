"""The database of a configuration, opened: alone, or with what mends its inbox."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from monitor.assembly import decoder_of, known_labels, mapping_of, models_of, rules_of
from monitor.errors import StorageUnavailable
from monitor.flows import Flows, build
from monitor.mending.mender import Mender
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.settings import Settings
from monitor.storage.migrate import upgrade
from monitor.storage.sql import SqlStore, open_store

log = logging.getLogger("choreoscope")

PATIENCE_SECONDS = 10.0
"""How long a start waits for a database that is away before it gives up with a message."""


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[SqlStore]:
    """The database alone. Raises StorageError."""
    store = await store_of(settings)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def looked_at(settings: Settings) -> AsyncIterator[tuple[Mender, SqlStore]]:
    """The database and what mends its inbox, without deploying the models: to look, to try, to discard.
    Raises as :func:`opened`, and as the models are read does."""
    flows = [build(model)[1] for model in models_of(settings)]
    mapping = mapping_of(settings, flows)
    store = await store_of(settings)
    try:
        pipeline = Pipeline(decoder_of(settings), mapping, Flows(store), store, Metrics())
        yield Mender(pipeline, store.inbox, settings, known_labels(flows), rules_of(settings)), store
    finally:
        await store.close()


async def store_of(settings: Settings) -> SqlStore:
    """The database, its schema made where it is embedded. A server that is away is waited for a little."""
    url = settings.database.get_secret_value()
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    waiting = False
    while True:
        try:
            if url.startswith("sqlite"):
                await asyncio.to_thread(upgrade, url)
            return await open_store(url)
        except StorageUnavailable as error:
            if asyncio.get_running_loop().time() > deadline:
                raise StorageUnavailable(
                    f"The database cannot be reached. {error.message}",
                    mend="See that it runs, and that database: in the configuration names the right host,"
                    " port, user, password and database.",
                ) from error
            if not waiting:
                log.warning("A database is waited for, up to %.0f s. %s", PATIENCE_SECONDS, error.message)
            waiting = True
            await asyncio.sleep(1.0)

"""The database behind the protocols: :class:`~monitor.storage.base.Store` and, as ``views``,
:class:`~monitor.storage.views.Views` (and, as ``inbox``, ``InboxViews``), on PostgreSQL and SQLite alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from monitor.commands.base import CommandStore
from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.objective import Count
from monitor.domain.verdict import FindingKind
from monitor.errors import StorageConflict, StorageUnavailable
from monitor.sight import Sighted
from monitor.sources.base import Progress
from monitor.storage import acknowledging, deployment, history, migrate, notices, outcomes, retention, sweep
from monitor.storage import progress as shards
from monitor.storage import watched as watched_sources
from monitor.storage.access import Access
from monitor.storage.alerting import Alerting
from monitor.storage.base import DueClock, StoredFlow, StoredTrace
from monitor.storage.commands import SqlCommands
from monitor.storage.counting import SqlCounting
from monitor.storage.engine import normalised, read_engine, wrapped, write_engine
from monitor.storage.inbox_views import SqlInboxViews
from monitor.storage.ingest import SqlIngest
from monitor.storage.mending import InboxViews
from monitor.storage.postgres import PostgresTransaction
from monitor.storage.queries import SqlViews
from monitor.storage.sql_alerts import SqlAlerts
from monitor.storage.sqlite import SqliteTransaction
from monitor.storage.tally import INBOX, Tally, amount
from monitor.storage.transaction import Transaction
from monitor.storage.users import SqlAccess
from monitor.storage.views import Views

_DEPLOY_ATTEMPTS = 5
_COUNTING = "statistics"
"""What one transaction at a time does."""


def utc_now() -> datetime:
    return datetime.now(UTC)


async def open_store(url: str, *, now: Callable[[], datetime] = utc_now) -> SqlStore:
    """The database at ``url`` (``sqlite:///file.db``, ``postgresql://...``), reached and of the schema this
    version needs. ``now`` is the clock by which rows say when they were written. Raises ``ConfigError`` for
    a URL nothing can be done with, ``StorageUnavailable``, ``SchemaOutdated``."""
    store = SqlStore(normalised(url), now)
    try:
        await store.check()
    except BaseException:  # cancelled, too: no pool stays open
        await store.close()
        raise
    return store


class SqlStore:
    """One per process. All of its methods raise :mod:`monitor.errors` only."""

    def __init__(self, url: URL, now: Callable[[], datetime]) -> None:
        self._now = now
        self._writes = write_engine(url)
        self._reads = read_engine(url)
        self._spare_ids: dict[str, list[int]] = {}
        self.views: Views = SqlViews(self._read)
        self.inbox: InboxViews = SqlInboxViews(self._read)
        self.alerts: Alerting = SqlAlerts(self._counted, self._read)
        self.access: Access = SqlAccess(self._read, self._write)
        self.commands: CommandStore = SqlCommands(self._counted, self._read)

    async def check(self) -> None:
        """Raises :class:`~monitor.errors.SchemaOutdated` unless the schema is the one this version needs."""
        with wrapped():
            async with self._reads.connect() as connection:
                found = await connection.run_sync(migrate.stands_at)
        migrate.compare(found, migrate.head())

    @asynccontextmanager
    async def ingest(self) -> AsyncIterator[SqlIngest]:
        async with self._write() as transaction:
            batch = SqlIngest(transaction, self._now())
            yield batch
            await batch.finish()

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[SqlCounting | None]:
        async with self._counted() as (transaction, tally):
            alone = await transaction.is_alone(_COUNTING)
            yield SqlCounting(transaction, tally) if alone else None

    async def deploy(
        self, key: str, name: str, file: str, source: bytes, options: str, hash: str, now: datetime
    ) -> StoredFlow:
        flow = StoredFlow(0, key, 0, hash, name, file, source, options, now, active=True)
        for _ in range(_DEPLOY_ATTEMPTS):
            try:
                async with self._counted() as (transaction, tally):
                    return await deployment.deploy(transaction, flow, tally)
            except StorageConflict:
                continue
        raise StorageConflict

    async def flow(self, flow_id: int) -> StoredFlow | None:
        async with self._read() as transaction:
            return await deployment.flow_by_id(transaction, flow_id)

    async def history(
        self, flow: str, after: int, limit: int, key: str | None = None
    ) -> Sequence[StoredTrace]:
        async with self._read() as transaction:
            return await history.load(transaction, flow, after, limit, key)

    async def versions_in_use(self) -> list[int]:
        async with self._read() as transaction:
            return await deployment.versions_in_use(transaction)

    async def sweep_clocks(
        self,
        watermarks: Mapping[str, datetime],
        now: datetime,
        limit: int,
        verified: Mapping[str, datetime | None] | None = None,
        watched: Mapping[str, datetime] | None = None,
    ) -> list[DueClock]:
        async with self._counted() as (transaction, tally):
            return await sweep.sweep_clocks(
                transaction, watermarks, now, limit, tally, verified or {}, watched or {}
            )

    async def verify_clocks(self, until: Mapping[str, datetime], now: datetime, limit: int) -> int:
        async with self._counted() as (transaction, tally):
            return await sweep.verify_clocks(transaction, until, now, limit, tally)

    async def confirm_findings(
        self, confirmed_until: Mapping[str, datetime], now: datetime, limit: int
    ) -> int:
        async with self._counted() as (transaction, tally):
            return await sweep.confirm_findings(transaction, confirmed_until, now, limit, tally)

    async def inbox_count(self, source: str) -> int:
        async with self._read() as transaction:
            return await amount(transaction, INBOX, source)

    async def purge_traces(self, keep: timedelta, now: datetime, limit: int) -> int:
        async with self._counted() as (transaction, tally):
            return await retention.purge_traces(transaction, keep, now, limit, tally)

    async def purge_open(
        self, keep: timedelta, read: Mapping[str, datetime], now: datetime, limit: int
    ) -> int:
        async with self._counted() as (transaction, tally):
            await transaction.be_alone(_COUNTING)
            return await retention.purge_open(transaction, keep, read, now, limit, tally)

    async def purge_inbox(self, keep: timedelta, now: datetime, limit: int) -> int:
        async with self._counted() as (transaction, tally):
            return await retention.purge_inbox(transaction, now - keep, limit, tally)

    async def forget_seen(self, now: datetime, limit: int) -> int:
        async with self._write() as transaction:
            return await retention.forget_seen(transaction, now, limit)

    async def record_progress(
        self, source: str, kind: str, worker: str, progress: Sequence[Progress], now: datetime
    ) -> None:
        async with self._counted() as (transaction, tally):
            await shards.record(transaction, source, kind, worker, progress, now, tally)

    async def sighted(self, now: datetime) -> dict[str, Sighted]:
        async with self._read() as transaction:
            found = await shards.shards(transaction)
        return {source: shards.sighted(rows, now) for source, rows in found.items()}

    async def watch(self, sources: Collection[str], now: datetime) -> dict[str, datetime]:
        async with self._write() as transaction:
            return await watched_sources.watch(transaction, sources, now)

    async def historic(self) -> dict[str, Counter[FindingKind]]:
        async with self._read() as transaction:
            return await watched_sources.historic(transaction)

    async def outcomes(self, flow: str, sla: str, begins: Sequence[datetime], until: datetime) -> list[Count]:
        async with self._read() as transaction:
            return await outcomes.counts(transaction, flow, sla, begins, until)

    async def acknowledge(self, trace: int, finding: str, who: str, note: str, now: datetime) -> bool:
        async with self._counted() as (transaction, tally):
            key = bytes.fromhex(finding)
            return await acknowledging.acknowledge(transaction, trace, key, who, note, now, tally)

    async def resume(self, trace: int, finding: str, who: str, now: datetime) -> bool:
        async with self._counted() as (transaction, tally):
            return await acknowledging.resume(transaction, trace, bytes.fromhex(finding), who, now, tally)

    async def begin_notice(self, notice: Notice) -> bool:
        async with self._counted() as (transaction, tally):
            return await notices.begin(transaction, notice, tally)

    async def end_notice(self, kind: NoticeKind, subject: str, now: datetime) -> bool:
        async with self._counted() as (transaction, tally):
            return await notices.end(transaction, kind, subject, now, tally)

    async def notices(self, kind: NoticeKind | None = None) -> list[Notice]:
        async with self._read() as transaction:
            return await notices.lasting(transaction, kind)

    async def close(self) -> None:
        await self._writes.dispose()
        await self._reads.dispose()

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[tuple[Transaction, Tally]]:
        async with self._write() as transaction:
            tally = Tally()
            yield transaction, tally
            await tally.write(transaction)

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[Transaction]:
        async with _connected(self._writes) as connection:
            await connection.begin()
            yield self._transaction(connection)
            await connection.commit()

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[Transaction]:
        async with _connected(self._reads) as connection:
            yield self._transaction(connection)

    def _transaction(self, connection: AsyncConnection) -> Transaction:
        if connection.dialect.name == "postgresql":
            return PostgresTransaction(connection, self._spare_ids)
        return SqliteTransaction(connection)


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool; what is not committed is rolled back. One that broke, or was told to stop in
    the middle of a statement, is not used again."""
    with wrapped():
        async with engine.connect() as connection:
            try:
                yield connection
            except StorageConflict:
                raise
            except (asyncio.CancelledError, StorageUnavailable):
                await connection.invalidate()
                raise

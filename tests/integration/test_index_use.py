"""No table that grows with history is ever read whole by what runs all the time.

With sequential scans switched off the planner takes one only where no index will do; the server counts them.
"""

from __future__ import annotations

from datetime import timedelta

import psycopg

from monitor.counting import Statistician
from monitor.flows import Flows
from monitor.settings import Settings
from monitor.storage.sql import open_store
from tests.contract.test_pipeline import whole
from tests.support.shop import BOTH_KEYS, NOON, shop, start, told

GROWING = ("traces", "observations", "events", "seen", "trace_keys", "trace_attributes", "clocks", "findings")


def _scans(url: str) -> dict[str, int]:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("SELECT pg_stat_clear_snapshot()")
        asked = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY(%s)"
        return {str(name): int(count) for name, count in database.execute(asked, [list(GROWING)])}


async def test_batches_and_sweeps_read_by_index_only(migrated_postgres_url: str) -> None:
    url = migrated_postgres_url
    joined = "&" if "?" in url else "?"
    settings = Settings.model_validate({**shop().model_dump(by_alias=True), "events": BOTH_KEYS})
    store = await open_store(f"{url}{joined}options=-c%20enable_seqscan%3Doff")
    try:
        pipeline = await start(store, settings)
        before = _scans(url)
        orders = [whole(f"o-{number}", number) for number in range(20)]
        for order in orders:  # payments come before anybody knows whose they are: their traces are merged
            await pipeline.process([one for one in order if b"PaymentReceived" in one.body])
        for order in orders:
            await pipeline.process(order[:5])
        await pipeline.process([one for order in orders for one in order])  # all once more, and the rest
        await pipeline.process(
            [told("ItemsPicked", 5, "o-1"), told("OrderPlaced", 999, "o-2")]
        )  # late; again
        end = NOON + timedelta(days=9)
        await store.sweep_clocks({"order": end}, end, 1000)
        await store.verify_clocks({"order": end}, end, 1000)
        assert await store.confirm_findings({"order": end}, end, 1000)
        assert await Statistician(store, Flows(store)).count(1000)
        day, later = timedelta(days=1), end + timedelta(days=9)
        assert await store.purge_traces(day, later, 100)
        assert await store.purge_open(day, {"order": later}, later, 100)
    finally:
        await store.close()  # an ending connection tells its counts
    assert {table: count - before[table] for table, count in _scans(url).items()} == dict.fromkeys(GROWING, 0)
